"""Never stale: whatever a run would have read is looked at again, warm or not, with workers and without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth

Mode = tuple[str, ...]
_PASSES = "def test_a():\n    assert True\n"
_FAILS = "def test_a():\n    assert False\n"


def _expect(hearth: Hearth, mode: Mode, exit_code: int, **counts: int) -> None:
    done = hearth.pytest(*mode)
    assert (done.exit_code, done.counts) == (exit_code, counts), str(done)


def test_an_edited_test_fails_and_passes_again_when_reverted(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _PASSES)
    _expect(hearth, mode, 0, passed=1)
    _expect(hearth, mode, 0, passed=1)
    hearth.write("test_a.py", _FAILS)
    _expect(hearth, mode, 1, failed=1)
    hearth.write("test_a.py", _PASSES)
    _expect(hearth, mode, 0, passed=1)


def test_an_edit_of_the_same_size_with_its_old_time_is_seen(hearth: Hearth, mode: Mode) -> None:
    path = hearth.write("test_a.py", "def test_a():\n    assert 1 == 1\n")
    # Python itself trusts size and whole seconds of the time for its bytecode files.
    hearth.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    before = path.stat()
    _expect(hearth, mode, 0, passed=1)
    path.write_text("def test_a():\n    assert 1 == 2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    _expect(hearth, mode, 1, failed=1)


def test_a_file_put_in_place_of_another_is_seen(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _PASSES)
    _expect(hearth, mode, 0, passed=1)
    hearth.write("new", _FAILS).rename(hearth.project / "test_a.py")
    _expect(hearth, mode, 1, failed=1)


def test_added_and_deleted_test_files_are_seen(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _PASSES)
    _expect(hearth, mode, 0, passed=1)
    added = hearth.write("sub/test_b.py", "def test_b():\n    pass\n")
    _expect(hearth, mode, 0, passed=2)
    hearth.write("sub/test_c.py", "def test_c():\n    pass\n")
    _expect(hearth, mode, 0, passed=3)
    added.unlink()
    _expect(hearth, mode, 0, passed=2)


@pytest.mark.parametrize("name", ["conftest.py", "sub/conftest.py"])
def test_an_added_edited_and_deleted_conftest_is_seen(
    hearth: Hearth, mode: Mode, name: str
) -> None:
    hearth.write("sub/test_a.py", _PASSES)
    _expect(hearth, mode, 0, passed=1)
    skip = """
        import pytest
        def pytest_runtest_setup(item):
            pytest.skip("not now")
        """
    conftest = hearth.write(name, skip)
    _expect(hearth, mode, 0, skipped=1)
    hearth.write(name, "def pytest_runtest_setup(item):\n    assert 0\n")
    _expect(hearth, mode, 1, error=1)
    conftest.unlink()
    _expect(hearth, mode, 0, passed=1)


def test_a_changed_helper_module_is_seen(hearth: Hearth, mode: Mode) -> None:
    hearth.write("package/__init__.py", "")
    hearth.write("package/helper.py", "ANSWER = 42\n")
    hearth.write(
        "test_a.py",
        """
        from package import helper
        def test_a():
            assert helper.ANSWER == 42
        """,
    )
    hearth.write("conftest.py", "")  # puts the directory on sys.path
    _expect(hearth, mode, 0, passed=1)
    hearth.write("package/helper.py", "ANSWER = 4100\n")
    _expect(hearth, mode, 1, failed=1)


def test_a_changed_module_outside_the_project_is_seen(hearth: Hearth, mode: Mode) -> None:
    library = hearth.daemon.directory / "library"
    library.mkdir()
    (library / "somewhere.py").write_text("ANSWER = 42\n")
    hearth.environment["PYTHONPATH"] = str(library)
    hearth.write("conftest.py", "import somewhere\n")
    hearth.write(
        "test_a.py", "import somewhere\ndef test_a():\n    assert somewhere.ANSWER == 42\n"
    )
    _expect(hearth, mode, 0, passed=1)
    (library / "somewhere.py").write_text("ANSWER = 4100\n")
    _expect(hearth, mode, 1, failed=1)


def test_a_module_that_now_comes_earlier_on_the_path_is_seen(hearth: Hearth, mode: Mode) -> None:
    first, second = hearth.daemon.directory / "first", hearth.daemon.directory / "second"
    first.mkdir()
    second.mkdir()
    (second / "somewhere.py").write_text("ANSWER = 42\n")
    hearth.environment["PYTHONPATH"] = f"{first}:{second}"
    hearth.write(
        "test_a.py", "import somewhere\ndef test_a():\n    assert somewhere.ANSWER == 42\n"
    )
    _expect(hearth, mode, 0, passed=1)
    (first / "somewhere.py").write_text("ANSWER = 4100\n")
    _expect(hearth, mode, 1, failed=1)


@pytest.mark.parametrize("reader", ["test_a.py", "conftest.py"])
def test_a_data_file_read_at_import_is_seen(hearth: Hearth, mode: Mode, reader: str) -> None:
    hearth.write("data.txt", "42\n")
    hearth.write("conftest.py", "")
    hearth.write(reader, "ANSWER = int(open('data.txt').read())\n")
    source = (
        "from conftest import ANSWER\n"
        if reader == "conftest.py"
        else (hearth.project / reader).read_text()
    )
    hearth.write("test_a.py", source + "def test_a():\n    assert ANSWER == 42\n")
    _expect(hearth, mode, 0, passed=1)
    hearth.write("data.txt", "41\n")
    _expect(hearth, mode, 1, failed=1)


def test_a_link_that_now_leads_elsewhere_is_seen(hearth: Hearth, mode: Mode) -> None:
    hearth.write("good.txt", "42")
    hearth.write("bad.txt", "41")
    link = hearth.project / "data.txt"
    link.symlink_to("good.txt")
    hearth.write(
        "test_a.py", "ANSWER = open('data.txt').read()\ndef test_a():\n    assert ANSWER == '42'\n"
    )
    _expect(hearth, mode, 0, passed=1)
    link.unlink()
    link.symlink_to("bad.txt")
    _expect(hearth, mode, 1, failed=1)


def test_data_parametrized_from_a_directory_is_seen(hearth: Hearth, mode: Mode) -> None:
    hearth.write("cases/one", "")
    hearth.write(
        "test_a.py",
        """
        import os, pytest
        @pytest.mark.parametrize("case", sorted(os.listdir("cases")))
        def test_a(case):
            pass
        """,
    )
    _expect(hearth, mode, 0, passed=1)
    hearth.write("cases/two", "")
    _expect(hearth, mode, 0, passed=2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -k nothing\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-k nothing'\n"),
        ("tox.ini", "[pytest]\naddopts = -k nothing\n"),
    ],
)
def test_an_added_and_deleted_ini_file_is_seen(
    hearth: Hearth, mode: Mode, name: str, text: str
) -> None:
    hearth.write("test_a.py", _PASSES)
    _expect(hearth, mode, 0, passed=1)
    ini = hearth.write(name, text)
    _expect(hearth, mode, 5, deselected=1)
    ini.unlink()
    _expect(hearth, mode, 0, passed=1)


def test_another_value_of_a_variable_is_seen(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        """
        import os
        ANSWER = os.environ.get("ANSWER")
        def test_at_import():
            assert ANSWER == "42"
        def test_now():
            assert os.environ.get("ANSWER") == "42"
        """,
    )
    _expect(hearth, mode, 1, failed=2)
    hearth.environment["ANSWER"] = "42"
    _expect(hearth, mode, 0, passed=2)
    _expect(hearth, mode, 0, passed=2)
    hearth.environment["ANSWER"] = "41"
    _expect(hearth, mode, 1, failed=2)
    del hearth.environment["ANSWER"]
    _expect(hearth, mode, 1, failed=2)


def test_another_directory_is_another_project(hearth: Hearth, mode: Mode) -> None:
    here = hearth.write("here/test_a.py", _PASSES).parent
    there = hearth.write("there/test_a.py", _FAILS).parent
    for _ in range(2):
        assert hearth.pytest(*mode, directory=here).exit_code == 0
        assert hearth.pytest(*mode, directory=there).exit_code == 1


def test_other_arguments_are_another_run(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_first():\n    pass\ndef test_second():\n    assert 0\n")
    for _ in range(2):
        assert hearth.pytest(*mode, "-k", "first").counts == {"passed": 1, "deselected": 1}
        assert hearth.pytest(*mode, "-k", "second").counts == {"failed": 1, "deselected": 1}
        assert hearth.pytest(*mode, "test_a.py::test_first").counts == {"passed": 1}


def test_another_umask_is_the_runs_own(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "import os\ndef test_a():\n    open('made', 'w').close()\n")
    made = hearth.project / "made"
    for mask, wanted in ((0o022, 0o644), (0o077, 0o600)):
        made.unlink(missing_ok=True)
        done = hearth.pytest(*mode, umask=mask)
        assert done.exit_code == 0, str(done)
        assert made.stat().st_mode & 0o777 == wanted


def test_last_failed_is_what_failed_last(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _FAILS + "def test_b():\n    pass\n")
    _expect(hearth, mode, 1, failed=1, passed=1)
    assert hearth.pytest(*mode, "--lf").counts == {"failed": 1}
    hearth.write("test_a.py", _PASSES + "def test_b():\n    assert 0\n")
    assert hearth.pytest(*mode, "--lf").counts == {"passed": 1}
    assert hearth.pytest(*mode, "--lf").counts == {"failed": 1, "passed": 1}
    assert hearth.pytest(*mode, "--lf").counts == {"failed": 1}


def test_a_test_file_written_by_a_test_is_seen_by_the_next_run(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py", "def test_a():\n    open('test_b.py', 'w').write('def test_b(): assert 0')\n"
    )
    _expect(hearth, mode, 0, passed=1)
    assert Path(hearth.project / "test_b.py").exists()
    _expect(hearth, mode, 1, failed=1, passed=1)
