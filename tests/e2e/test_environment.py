"""The environment is an input like a file: what was read decides, and the rest is the run's own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.e2e.hearth import Finished, Hearth

pytestmark = pytest.mark.usefixtures("only_what_runs_build")

Mode = tuple[str, ...]


@pytest.fixture(params=[(), ("-n", "2")], ids=["single", "distributed"])
def mode(request: pytest.FixtureRequest) -> Mode:
    return tuple(request.param)


def _stages(hearth: Hearth, stage: str) -> set[int]:
    return {
        zygote["pid"]
        for zygote in hearth.daemon.status()["zygotes"]
        if zygote["stage"] == stage and zygote["state"] == "ready"
    }


def _same_as_plain(hearth: Hearth, mode: Mode, environment: Mapping[str, str]) -> Finished:
    plain = hearth.plain(*mode, environment=environment)
    done = hearth.pytest(*mode, environment=environment)
    assert (done.exit_code, done.counts) == (plain.exit_code, plain.counts), str(done)
    return done


def test_another_terminal_finds_the_same_zygotes(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        "import os\ndef test_a():\n    assert os.environ['WINDOWID'] == os.environ['EXPECTED']\n",
    )
    first = {"WINDOWID": "1", "EXPECTED": "1", "SHLVL": "1"}
    second = {"WINDOWID": "2", "EXPECTED": "2", "SHLVL": "3", "SSH_TTY": "/dev/pts/9"}
    assert hearth.pytest(*mode, environment=first).counts == {"passed": 1}
    before = _stages(hearth, "selected")
    assert hearth.pytest(*mode, environment=second).counts == {"passed": 1}
    assert hearth.pytest(*mode, environment=first).counts == {"passed": 1}
    assert _stages(hearth, "selected") == before
    assert hearth.daemon.status()["interpreters_started"] == 1


def test_a_variable_that_a_conftest_reads_is_another_stage_and_both_stay(
    hearth: Hearth, mode: Mode
) -> None:
    hearth.write("conftest.py", "import os\nVALUE = os.environ.get('ANSWER', 'none')\n")
    hearth.write(
        "test_a.py",
        "import os, conftest\ndef test_a():\n    assert conftest.VALUE == os.environ.get('ANSWER', 'none') == '42'\n",
    )
    environments: list[dict[str, str]] = [{}, {"ANSWER": "42"}, {"ANSWER": "41"}, {"ANSWER": ""}]
    for environment in environments:
        _same_as_plain(hearth, mode, environment)
    before = _stages(hearth, "configured")
    for environment in environments:
        _same_as_plain(hearth, mode, environment)
    assert _stages(hearth, "configured") == before
    assert hearth.daemon.status()["interpreters_started"] == 1


def test_what_a_conftest_sets_before_an_import_that_reads_it(hearth: Hearth, mode: Mode) -> None:
    hearth.write("settings.py", "import os\nMODE = os.environ['APP_MODE']\n")
    hearth.write("conftest.py", "import os\nos.environ['APP_MODE'] = 'testing'\nimport settings\n")
    hearth.write(
        "test_a.py",
        """
        import os, settings
        def test_a():
            assert settings.MODE == os.environ["APP_MODE"] == "testing"
            assert os.environ["OWN"] == os.environ["EXPECTED"]
        """,
    )
    for number, environment in enumerate(
        (
            {"APP_MODE": "production", "OWN": "1", "EXPECTED": "1"},
            {"APP_MODE": "other", "OWN": "2", "EXPECTED": "2"},
            {"OWN": "3", "EXPECTED": "3"},
        )
    ):
        done = hearth.pytest(*mode, environment=environment)
        assert done.counts == {"passed": 1}, str(done)
        if number == 0:
            before = _stages(hearth, "selected")
    assert _stages(hearth, "selected") == before


def test_what_a_conftest_appends_is_appended_to_the_runs_own(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "conftest.py",
        "import os\nos.environ['SEARCH'] = os.environ.get('SEARCH', '') + ':more'\nos.environ.pop('GONE', None)\n",
    )
    hearth.write(
        "test_a.py",
        """
        import os, subprocess
        def test_a():
            assert os.environ["SEARCH"] == os.environ["EXPECTED"]
            assert "GONE" not in os.environ
            printed = subprocess.check_output("echo $SEARCH,$GONE,$NEW", shell=True, text=True)
            assert printed == f"{os.environ['EXPECTED']},,{os.environ['NEW']}\\n"
        """,
    )
    for environment in (
        {"SEARCH": "/a", "EXPECTED": "/a:more", "NEW": "1", "GONE": "1"},
        {"SEARCH": "/a", "EXPECTED": "/a:more", "NEW": "2"},
        {"SEARCH": "/b", "EXPECTED": "/b:more", "NEW": "3", "GONE": "2"},
    ):
        done = hearth.pytest(*mode, environment=environment)
        assert done.counts == {"passed": 1}, str(done)


def test_going_through_the_environment_reads_all_of_it(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "conftest.py",
        "import os\nPREFIXED = {k: v for k, v in os.environ.items() if k.startswith('MY_')}\n",
    )
    hearth.write(
        "test_a.py",
        """
        import os, conftest
        def test_a():
            assert conftest.PREFIXED == {k: v for k, v in os.environ.items() if k.startswith("MY_")}
        """,
    )
    for environment in ({}, {"MY_A": "1"}, {"MY_A": "2"}, {"MY_A": "2", "MY_B": "1"}, {}):
        done = hearth.pytest(*mode, environment=environment)
        assert done.counts == {"passed": 1}, str(done)


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("TZ", "import time; VALUE = time.tzname[0]"),
        ("OMP_NUM_THREADS", "import ctypes; VALUE = native('OMP_NUM_THREADS')"),
        ("LANG", "import ctypes; VALUE = native('LANG')"),
    ],
)
def test_what_native_code_reads_is_compared(
    hearth: Hearth, mode: Mode, name: str, reading: str
) -> None:
    hearth.write(
        "conftest.py",
        f"""
        import ctypes
        def native(name):
            library = ctypes.CDLL(None)
            library.getenv.restype = ctypes.c_char_p
            return (library.getenv(name.encode()) or b"").decode()
        {reading}
        """,
    )
    hearth.write(
        "test_a.py",
        "import os, conftest\ndef test_a():\n    assert conftest.VALUE == os.environ['EXPECTED']\n",
    )
    for value in ("UTC", "XYZ", "UTC"):
        done = hearth.pytest(*mode, environment={name: value, "EXPECTED": value})
        assert done.counts == {"passed": 1}, str(done)


def test_what_native_code_sets_is_there_in_the_tests(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "conftest.py", "import os\nos.putenv('SET_NATIVELY', 'yes')\nos.unsetenv('GONE')\n"
    )
    hearth.write(
        "test_a.py",
        """
        import os, subprocess
        def test_a():
            assert os.environ.get("SET_NATIVELY") in (None, "no")
            assert subprocess.check_output("echo $SET_NATIVELY,$GONE,$NEW", shell=True, text=True) == "yes,,1\\n"
        """,
    )
    for environment in (
        {"NEW": "1"},
        {"NEW": "1", "SET_NATIVELY": "no"},
        {"NEW": "1", "GONE": "1"},
    ):
        done = hearth.pytest(*mode, environment=environment)
        assert done.counts == {"passed": 1}, str(done)


def test_what_is_read_while_python_starts_makes_another_interpreter(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        "import os, sys\ndef test_a():\n    assert getattr(sys, 'told', None) == os.environ.get('TELL')\n",
    )
    modules = hearth.project / "modules"
    modules.mkdir()
    (modules / "sitecustomize.py").write_text("import os, sys\nsys.told = os.environ.get('TELL')\n")
    for tell in ("1", "2", "1", None):
        environment = {"PYTHONPATH": str(modules)}
        if tell is not None:
            environment["TELL"] = tell
        done = hearth.pytest(environment=environment)
        assert done.counts == {"passed": 1}, str(done)
    assert hearth.daemon.status()["interpreters_started"] == 3


def test_options_from_the_environment_are_the_runs_own(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_one(): pass\ndef test_two(): assert 0\n")
    for options, counts in (
        ("-k one", {"passed": 1, "deselected": 1}),
        ("", {"passed": 1, "failed": 1}),
        ("-k two", {"failed": 1, "deselected": 1}),
        ("-k one", {"passed": 1, "deselected": 1}),
    ):
        assert hearth.pytest(*mode, environment={"PYTEST_ADDOPTS": options}).counts == counts


def test_the_order_of_the_variables_is_the_clients(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import os
        def test_a():
            names = [name for name in os.environ if name in ("ZEBRA", "APPLE")]
            assert ",".join(names) == os.environ["EXPECTED"]
        """,
    )
    first = {"ZEBRA": "1", "APPLE": "1", "EXPECTED": "ZEBRA,APPLE"}
    second = {"APPLE": "1", "ZEBRA": "1", "EXPECTED": "APPLE,ZEBRA"}
    for environment in (first, second, first):
        assert hearth.pytest(environment=environment).counts == {"passed": 1}
