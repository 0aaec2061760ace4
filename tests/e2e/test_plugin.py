"""The other road: `pytest --hearth`, handed over, or with the user's own process as the controller of `-n N`."""

from __future__ import annotations

import pytest

from tests.e2e.hearth import Finished, Hearth

_TWENTY = """
import pytest

@pytest.mark.parametrize("number", range(20))
def test_a(number, worker_id):
    assert worker_id in ("gw0", "gw1")

"""
_PLUGIN = ("-p", "pytest_hearth.plugin")


@pytest.fixture
def own(hearth: Hearth) -> Hearth:
    """The package is importable, as after installation."""
    package = hearth.daemon.binary.parent.parent / "lib" / "hearth"
    assert (package / "pytest_hearth" / "plugin.py").exists(), package
    hearth.environment["PYTHONPATH"] = str(package)
    return hearth


def _run(hearth: Hearth, *arguments: str) -> Finished:
    """From within a program that calls pytest.main(): its process is the controller."""
    program = hearth.write(
        "program.py", "import sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))\n"
    )
    return hearth.run(str(hearth.daemon.python), str(program), *_PLUGIN, *arguments)


def test_a_command_line_is_handed_over_and_comes_out_as_ever(own: Hearth) -> None:
    own.write("conftest.py", "import os\ndef pytest_report_header():\n    return os.environ['A']\n")
    environment = {"A": "from the environment"}
    for edit in ("", "\ndef test_c():\n    pass\n"):
        with own.write("test_a.py", "def test_a():\n    assert 1\n").open("a") as file:
            file.write(edit)
        plain = own.plain(*_PLUGIN, "-v", environment=environment)
        for _ in range(2):
            done = own.plain(*_PLUGIN, "-v", "--hearth", environment=environment)
            assert (done.exit_code, done.normal_stdout) == (plain.exit_code, plain.normal_stdout)
    zygotes = own.daemon.status()["zygotes"]
    assert [z["served"] for z in zygotes if z["stage"] == "selected"] == [2], zygotes
    done = own.plain(*_PLUGIN, "--hearth", "-n", "2", environment=environment)
    assert (done.exit_code, done.counts) == (0, {"passed": 2}), str(done)
    assert {z["flavour"] for z in own.daemon.status()["zygotes"]} == {"session", "worker"}


def test_tests_are_executed_by_the_daemons_workers(own: Hearth) -> None:
    own.write("test_a.py", _TWENTY)
    for _ in range(2):
        done = _run(own, "--hearth", "-n", "2")
        assert (done.exit_code, done.counts) == (0, {"passed": 20}), str(done)
    status = own.daemon.status()
    assert [z["flavour"] for z in status["zygotes"] if z["stage"] == "selected"] == ["worker"]
    assert status["interpreters_started"] == 1


def test_the_variable_does_what_the_option_does(own: Hearth) -> None:
    own.write("test_a.py", _TWENTY)
    own.environment["HEARTH"] = "1"
    done = _run(own, "-n", "2")
    assert (done.exit_code, done.counts) == (0, {"passed": 20}), str(done)
    assert own.daemon.status()["zygotes"]


def test_without_the_option_the_plugin_does_nothing(own: Hearth) -> None:
    own.write("test_a.py", "def test_a():\n    pass\n")
    done = _run(own)
    assert done.exit_code == 0
    assert own.plain().normal_stdout == done.normal_stdout
    assert own.command("status").exit_code == 3


@pytest.mark.parametrize("dist", ["load", "loadfile"])
def test_failures_and_crashes_are_reported(own: Hearth, dist: str) -> None:
    own.write("test_a.py", _TWENTY + "def test_b():\n    assert 0\n")
    own.write("test_c.py", "import os\ndef test_c():\n    os.abort()\ndef test_d():\n    pass\n")
    for _ in range(2):
        done = _run(own, "--hearth", "-n", "2", f"--dist={dist}")
        assert (done.exit_code, done.counts) == (1, {"failed": 2, "passed": 21}), str(done)
        assert "SIGABRT" in done.stdout


def test_an_edit_is_seen(own: Hearth) -> None:
    own.write("test_a.py", "def test_a():\n    pass\n")
    assert _run(own, "--hearth", "-n", "2").exit_code == 0
    own.write("test_a.py", "def test_a():\n    assert 0\n")
    assert _run(own, "--hearth", "-n", "2").exit_code == 1


def test_exitfirst_has_plain_pytests_exit_code(own: Hearth) -> None:
    own.write("test_a.py", "".join(f"def test_{number}():\n    assert 0\n" for number in range(40)))
    done = _run(own, "--hearth", "-n", "2", "-x")
    assert done.exit_code == 1, str(done)
    assert f"stopping after {done.counts['failed']} failures" in done.stdout
