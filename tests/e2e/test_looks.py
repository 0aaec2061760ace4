"""However a stage looked at a file, another answer makes it stale; and nothing else does."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth

pytestmark = pytest.mark.usefixtures("only_what_runs_build")

# The stage evaluates it while it collects; the run evaluates it again, and finds out when the stage is stale.
_LOOK = """
    import os, sqlite3, ctypes
    from pathlib import Path
    def look():
        return {expression}
    SEEN = look()
    def test_the_stage_saw_what_is_there():
        assert SEEN == look()
    """


def _zygotes(hearth: Hearth, stage: str = "selected") -> dict[int, int]:
    return {pid: served for pid, name, _, served in hearth.zygotes() if name == stage}


def _expect_warm(hearth: Hearth, *arguments: str) -> None:
    """A run that is served by the zygotes that are there."""
    before = _zygotes(hearth)
    assert before
    done = hearth.pytest(*arguments)
    after = _zygotes(hearth)
    assert after.keys() == before.keys(), str(done)
    assert sum(after.values()) > sum(before.values()), str(done)


def _create(project: Path) -> None:
    (project / "thing").write_text("new")


def _remove(project: Path) -> None:
    (project / "file").unlink()


def _make_executable(project: Path) -> None:
    (project / "file").chmod(0o755)


def _put_a_link_there(project: Path) -> None:
    (project / "file").rename(project / "elsewhere")
    (project / "file").symlink_to("elsewhere")


def _grow(project: Path) -> None:
    with (project / "file").open("a") as file:
        file.write("more")


def _touch(project: Path) -> None:
    os.utime(project / "file", ns=(1, 1_500_000_000_000_000_000))


def _edit_and_restore_size_and_time(project: Path) -> None:
    path = project / "file"
    before = path.stat()
    path.write_text(path.read_text()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _lead_elsewhere(project: Path) -> None:
    (project / "new").symlink_to("second")
    (project / "new").replace(project / "current")


def _insert(project: Path) -> None:
    with sqlite3.connect(project / "data.db") as connection:
        connection.execute("insert into t values (2)")
    connection.close()


def _put_a_file_there(project: Path) -> None:
    (project / "first" / "data").unlink()
    (project / "first").rmdir()
    (project / "first").write_text("a file now")


_NATIVE_READ = (
    "(lambda c, b: (c.read(c.open(b'file', 0), b, 8), b.raw))"
    "(ctypes.CDLL(None), ctypes.create_string_buffer(8))"
)
_QUERY = (
    "sqlite3.connect('file:data.db?mode=ro', uri=True).execute('select count(*) from t').fetchall()"
)

_CASES: list[tuple[str, Callable[[Path], None]]] = [
    ("os.path.exists('thing')", _create),
    ("os.path.lexists('thing')", _create),
    ("os.path.exists('file')", _remove),
    ("Path('file').is_file()", _remove),
    ("os.path.isdir('first')", _put_a_file_there),
    ("os.access('file', os.X_OK)", _make_executable),
    ("os.path.islink('file')", _put_a_link_there),
    ("os.lstat('file').st_size", _grow),
    ("os.stat('file').st_mtime_ns", _touch),
    ("os.path.getsize('file')", _grow),
    ("os.readlink('current')", _lead_elsewhere),
    ("os.path.realpath('current')", _lead_elsewhere),
    ("open('current/data').read()", _lead_elsewhere),
    ("os.path.getsize('current/data')", _lead_elsewhere),
    ("os.path.exists('dangling')", _create),
    ("open('file').read()", _edit_and_restore_size_and_time),
    (_NATIVE_READ, _edit_and_restore_size_and_time),
    (_QUERY, _insert),
    ("sorted(entry.name for entry in os.scandir('first'))", lambda p: _create(p / "first")),
]


@pytest.mark.parametrize(
    ("expression", "change"),
    _CASES,
    ids=[f"{number}-{change.__name__}" for number, (_, change) in enumerate(_CASES)],
)
def test_another_answer_is_seen(
    hearth: Hearth, expression: str, change: Callable[[Path], None]
) -> None:
    hearth.write("file", "some text")
    hearth.write("first/data", "one")
    hearth.write("second/data", "the other")
    (hearth.project / "current").symlink_to("first")
    (hearth.project / "dangling").symlink_to("thing")
    with sqlite3.connect(hearth.project / "data.db") as connection:
        connection.execute("create table t (number)")
    connection.close()
    hearth.write("test_a.py", _LOOK.replace("{expression}", expression))
    assert hearth.pytest().counts == {"passed": 1}
    _expect_warm(hearth)
    before = _zygotes(hearth)
    change(hearth.project)
    done = hearth.pytest()
    assert done.counts == hearth.plain().counts == {"passed": 1}, str(done)
    assert _zygotes(hearth).keys() != before.keys()


def test_another_library_is_seen(hearth: Hearth) -> None:
    compiler = shutil.which("cc")
    assert compiler, "no C compiler"

    def build(answer: int) -> None:
        hearth.write("library.c", f"int answer(void) {{ return {answer}; }}")
        target = ["-shared", "-fPIC", "-o", "new.so", "library.c"]
        subprocess.run([compiler, *target], cwd=hearth.project, check=True)
        (hearth.project / "new.so").replace(hearth.project / "library.so")
        hearth.write("expected", str(answer))

    build(1)
    hearth.write(
        "test_a.py",
        """
        import ctypes
        SEEN = ctypes.CDLL("./library.so").answer()
        def test_a():
            assert SEEN == int(open("expected").read())
        """,
    )
    assert hearth.pytest().counts == {"passed": 1}
    _expect_warm(hearth)
    build(2)
    assert hearth.pytest().counts == {"passed": 1}


def test_what_the_stage_wrote_must_be_there(hearth: Hearth, mode: tuple[str, ...]) -> None:
    hearth.write("conftest.py", "open('made', 'w').write('text')\n")
    hearth.write("test_a.py", "def test_a():\n    assert open('made').read() == 'text'\n")
    assert hearth.pytest(*mode).counts == {"passed": 1}
    hearth.pytest(*mode)  # the first one's listing of the directory had no such file
    _expect_warm(hearth, *mode)
    for change in (Path.unlink, lambda path: path.write_text("other")):
        change(hearth.project / "made")
        assert hearth.pytest(*mode).counts == {"passed": 1}


def test_a_temporary_directory_that_a_run_removed_is_made_again(hearth: Hearth) -> None:
    (
        hearth.daemon.directory / "temporary"
    ).mkdir()  # not TMPDIR: a stage that was killed leaves its own
    hearth.write(
        "test_a.py",
        """
        import atexit, os, shutil, tempfile
        PLACE = tempfile.mkdtemp(dir="../temporary")
        atexit.register(shutil.rmtree, PLACE)
        def test_a():
            assert os.path.isdir(PLACE)
        """,
    )
    for _ in range(3):
        assert hearth.pytest().counts == {"passed": 1}


def test_a_file_in_a_directory_that_was_only_looked_at_changes_nothing(hearth: Hearth) -> None:
    hearth.write(".hidden/data", "one")  # a name that pytest does not list
    hearth.write("test_a.py", _LOOK.replace("{expression}", "os.path.isdir('.hidden')"))
    hearth.pytest()
    hearth.write(".hidden/other", "two")
    _expect_warm(hearth)


def test_a_source_that_is_touched_or_put_back_stays_warm(
    hearth: Hearth, mode: tuple[str, ...]
) -> None:
    hearth.write("conftest.py", "import helper\n")
    path = hearth.write("helper.py", "ANSWER = 42\n")
    hearth.write("test_a.py", "import helper\ndef test_a():\n    assert helper.ANSWER == 42\n")
    hearth.pytest(*mode)
    _expect_warm(hearth, *mode)
    path.touch()
    _expect_warm(hearth, *mode)
    hearth.write("helper.py", "ANSWER = 41\n")
    hearth.write("new", "ANSWER = 42\n").replace(path)
    _expect_warm(hearth, *mode)


def test_an_edit_of_a_named_test_file_keeps_the_conftests(hearth: Hearth) -> None:
    hearth.write("conftest.py", "")
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.pytest("test_a.py")
    before = _zygotes(hearth, "configured")
    hearth.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    pass\n")
    assert hearth.pytest("test_a.py").counts == {"passed": 2}
    assert _zygotes(hearth, "configured").keys() == before.keys()


def test_a_fresh_clone_is_warm_at_the_second_run(hearth: Hearth, mode: tuple[str, ...]) -> None:
    hearth.write("conftest.py", "import package.helper\n")
    hearth.write("package/__init__.py", "")
    hearth.write("package/helper.py", "")
    hearth.write("sub/test_a.py", "def test_a():\n    pass\n")
    hearth.pytest(*mode)
    _expect_warm(hearth, *mode)


def test_a_suite_with_failures_stays_warm(hearth: Hearth, mode: tuple[str, ...]) -> None:
    hearth.write("test_a.py", "def test_a():\n    assert 0\ndef test_b():\n    pass\n")
    hearth.pytest(*mode)
    for _ in range(3):
        _expect_warm(hearth, *mode)


def test_a_log_beside_the_tests_that_each_run_writes_leaves_them_warm(
    hearth: Hearth, mode: tuple[str, ...]
) -> None:
    hearth.write("run.log", "")
    hearth.write(
        "test_a.py",
        """
        import os
        def test_a():
            with open(os.path.join(os.path.dirname(__file__), "run.log"), "a") as log:
                print("was here", file=log)
        """,
    )
    hearth.pytest(*mode)
    for _ in range(2):
        _expect_warm(hearth, *mode)
    # It need not be there, and need not be a file.
    (hearth.project / "run.log").unlink()
    hearth.write("run.log/test_b.py", "def test_b():\n    pass\n")
    assert hearth.pytest(*mode).counts == {"passed": 1, "failed": 1}


def test_what_a_conftest_makes_of_a_files_time_is_no_less_an_input(hearth: Hearth) -> None:
    hearth.write(
        "conftest.py",
        """
        def pytest_ignore_collect(collection_path, config):
            if collection_path.name == "test_b.py":
                return collection_path.with_name("data").stat().st_size > 3 or None
        """,
    )
    hearth.write("data", "one")
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.write("test_b.py", "def test_b():\n    pass\n")
    assert hearth.pytest().counts == {"passed": 2}
    hearth.write("data", "more")
    assert hearth.pytest().counts == {"passed": 1}


def test_a_users_own_preloaded_library_stays(hearth: Hearth) -> None:
    hearth.environment["LD_PRELOAD"] = "libm.so.6"
    hearth.write(
        "test_a.py",
        """
        import ctypes, os
        def test_a():
            environ = ctypes.CDLL(None).getenv
            environ.restype = ctypes.c_char_p
            assert os.environ["LD_PRELOAD"] == "libm.so.6"
            assert environ(b"LD_PRELOAD") == b"libm.so.6"
        """,
    )
    for _ in range(2):
        assert hearth.pytest().counts == {"passed": 1}


def test_nobody_finds_the_recorder_in_the_environment(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import ctypes, os, subprocess
        def test_a():
            assert "LD_PRELOAD" not in os.environ
            assert not ctypes.CDLL(None).getenv(b"LD_PRELOAD")
            assert b"LD_PRELOAD" not in subprocess.check_output(["env"])
        """,
    )
    for _ in range(2):
        assert hearth.pytest().counts == {"passed": 1}
