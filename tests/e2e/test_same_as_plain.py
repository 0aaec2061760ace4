"""A single session through hearth prints, writes and returns what plain pytest does; with workers the results agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.e2e.conftest import IS_PYTEST_7
from tests.e2e.hearth import Finished, Hearth

_MIXED = """
import sys, warnings
import pytest

@pytest.mark.parametrize("number", range(12))
def test_passes(number):
    print("hello")

def test_fails():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    left, right = [1, 2, 3], [1, 2, 4]
    assert left == right

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

def test_skips_itself():
    pytest.skip("inside")

@pytest.mark.xfail(reason="known")
def test_known():
    assert 0

@pytest.mark.xfail(reason="was known")
def test_mended():
    pass

@pytest.mark.xfail(strict=True)
def test_mended_strictly():
    pass

def test_warns():
    warnings.warn("careful")
    warnings.warn("old", DeprecationWarning)

@pytest.fixture
def broken():
    raise ValueError("no fixture today")

@pytest.fixture
def breaking():
    yield
    raise ValueError("no teardown today")

def test_error(broken):
    pass

def test_error_after(breaking):
    pass

class TestClass:
    def test_method(self, record_property):
        record_property("colour", "blue")
"""
_CASES = 22  # of JUnit: what that file has
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def _same(hearth: Hearth, *arguments: str) -> Finished:
    """Plain once, hearth cold and warm: output and exit code are the same. The cache is cleared before each."""
    before = ("-p", "no:cacheprovider")
    plain = hearth.plain(*before, *arguments)
    for _ in range(2):
        done = hearth.pytest(*before, *arguments)
        assert _text(done.normal_stdout) == _text(plain.normal_stdout)
        assert _text(done.stderr) == _text(plain.stderr)
        assert done.exit_code == plain.exit_code
    return plain


def _text(text: str) -> str:
    return _ADDRESS.sub("0x…", text)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-q",),
        ("-qq",),
        ("-v",),
        ("-vv",),
        ("-rA",),
        ("-ra", "--tb=short"),
        ("--tb=line",),
        ("--tb=no", "-q"),
        ("-s",),
        ("--capture=sys",),
        ("--capture=tee-sys",),
        ("-k", "passes and not 3"),
        ("--collect-only", "-q"),
        ("--collect-only",),
        ("--showlocals", "-k", "fails"),
        ("--color=yes",),
        ("-W", "error", "-k", "warns"),
        ("-p", "no:terminal"),
        ("--durations=0", "-vv", "-k", "nothing"),
        ("test_mixed.py::TestClass::test_method",),
        ("--deselect", "test_mixed.py::test_fails", "--strict-markers"),
        ("--no-header", "--no-summary"),
        ("-x",),
        ("--setup-show", "-k", "method"),
        ("--fixtures", "-q"),
        ("--markers",),
        ("-o", "console_output_style=count"),
    ],
    ids=" ".join,
)
def test_output_is_plain_pytests(hearth: Hearth, arguments: tuple[str, ...]) -> None:
    hearth.write("test_mixed.py", _MIXED)
    _same(hearth, *arguments)


@pytest.mark.parametrize(
    ("text", "arguments", "exit_code"),
    [
        ("def test_a(): pass", (), 0),
        ("def test_a(): assert 0", (), 1),
        ("import no_such_module", (), 2),
        ("def test_a(): raise KeyboardInterrupt", (), 2),
        ("def pytest_runtest_protocol(item): assert 0", (), 5),
        ("def test_a(): pass", ("--no-such-option",), 4),
        ("def test_a(): pass", ("no_such_file.py",), 4),
        ("", (), 5),
    ],
)
def test_exit_codes_are_plain_pytests(
    hearth: Hearth, text: str, arguments: tuple[str, ...], exit_code: int
) -> None:
    hearth.write("test_a.py", text)
    assert _same(hearth, *arguments).exit_code == exit_code


def test_a_plugin_that_is_missing_is_told_as_plain_pytest_does(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a(): pass")
    done = _same(hearth, "-p", "no_such_plugin")
    assert done.exit_code == (1 if IS_PYTEST_7 else 4), str(done)


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--version", "--version"), ("--help",), ("-h",)], ids=" ".join
)
def test_what_ends_before_a_session_is_plain_pytests(
    hearth: Hearth, arguments: tuple[str, ...]
) -> None:
    _same(hearth, *arguments)


def test_an_error_in_a_conftest_is_plain_pytests(hearth: Hearth) -> None:
    hearth.write("conftest.py", "import no_such_module\n")
    assert _same(hearth).exit_code == 4


@pytest.mark.parametrize(
    "hook",
    ["pytest_sessionstart", "pytest_collection", "pytest_runtestloop", "pytest_sessionfinish"],
)
def test_an_internal_error_is_plain_pytests(hearth: Hearth, hook: str) -> None:
    hearth.write("conftest.py", f"def {hook}(session):\n    raise ValueError('broken')\n")
    hearth.write("test_a.py", "def test_a(): pass\n")
    done = _same(hearth)
    assert "ValueError: broken" in done.stdout + done.stderr


def test_output_written_past_pytest_comes_in_its_place(hearth: Hearth) -> None:
    hearth.write(
        "conftest.py",
        """
        import atexit, os, sys
        print("at import")
        os.write(2, b"raw at import\\n")
        atexit.register(print, "at exit")
        def pytest_configure(config):
            print("at configure")
        def pytest_unconfigure(config):
            print("at unconfigure")
            sys.stderr.write("stderr at unconfigure\\n")
        """,
    )
    hearth.write("test_a.py", "import os\ndef test_a():\n    os.system('echo from a child')\n")
    _same(hearth, "-s")
    _same(hearth)


def test_results_with_workers_are_plain_pytests(hearth: Hearth) -> None:
    hearth.write("test_mixed.py", _MIXED)
    plain = hearth.plain("-ra")
    assert plain.counts["passed"] == 15
    for _ in range(2):
        done = hearth.pytest("-n", "2", "-ra")
        assert done.exit_code == plain.exit_code == 1
        assert done.counts == plain.counts, str(done)
        assert _sorted_summary(done) == _sorted_summary(plain)


def _sorted_summary(done: Finished) -> list[str]:
    _, _, section = done.normal_stdout.partition("short test summary info")
    return sorted(section.splitlines()[1:])


def test_the_junit_file_is_plain_pytests(hearth: Hearth, mode: tuple[str, ...]) -> None:
    hearth.write("test_mixed.py", _MIXED)
    arguments = ("--junitxml=junit.xml", "-o", "junit_family=xunit1")
    hearth.plain(*arguments)
    wanted = _junit(hearth.project / "junit.xml", ordered=not mode)
    assert len(wanted) == _CASES
    for _ in range(2):
        hearth.pytest(*mode, *arguments)
        assert _junit(hearth.project / "junit.xml", ordered=not mode) == wanted


def _junit(path: Path, ordered: bool) -> list[list[str]]:
    suite = ElementTree.parse(path).getroot()[0]
    cases = []
    for case in suite.iter("testcase"):
        attributes = [f"{key}={value}" for key, value in sorted(case.items()) if key != "time"]
        children = [_text(f"{child.tag} {sorted(child.items())}") for child in case]
        cases.append(
            attributes + children + [str(entry.items()) for entry in case.iter("property")]
        )
    path.unlink()
    return cases if ordered else sorted(cases)


def test_the_environment_of_a_test_is_that_of_a_plain_run(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import os, sys, json, signal, resource, threading
        def test_a():
            main = sys.modules["__main__"]
            seen = {
                "argv": sys.argv, "path": sys.path, "flags": str(sys.flags), "executable": sys.executable,
                "main": [main.__name__, main.__file__, str(main.__spec__), str(main.__loader__)[:40]],
                "cwd": os.getcwd(), "threads": threading.active_count(), "environ": sorted(os.environ.items()),
                "modules": sorted(name for name in sys.modules if "hearth" in name and not name.startswith("_hearth_runtime")),
                "signals": [str(signal.getsignal(number)) for number in range(1, 32) if number not in (9, 19)],
                "mask": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
                "limits": [resource.getrlimit(number) for number in range(10)],
                "orig_argv": getattr(sys, "orig_argv", [])[1:], "recursion": sys.getrecursionlimit(),
                "descriptors": sorted(set(os.listdir("/proc/self/fd")) & {"0", "1", "2"}),
                "umask": os.popen("umask").read(),
            }
            with open("seen.json", "w") as file:
                json.dump(seen, file, indent=1)
        """,
    )
    seen = hearth.project / "seen.json"
    hearth.plain()
    plain = _text(seen.read_text())
    for _ in range(2):
        seen.unlink()
        done = hearth.pytest()
        assert done.exit_code == 0, str(done)
        assert _text(seen.read_text()) == plain


def test_child_processes_of_tests_work_as_in_a_plain_run(
    hearth: Hearth, mode: tuple[str, ...]
) -> None:
    hearth.write(
        "test_a.py",
        """
        import multiprocessing, subprocess, sys, os
        def double(number):
            return 2 * number
        def test_spawn():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                assert pool.map(double, [1, 2]) == [2, 4]
        def test_fork():
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert pool.map(double, [1, 2]) == [2, 4]
        def test_subprocess():
            assert subprocess.check_output([sys.executable, "-c", "print(7)"]) == b"7\\n"
        def test_wait():
            pid = os.fork()
            if not pid:
                os._exit(5)
            assert os.waitpid(pid, 0) == (pid, 5 << 8)
        def test_nested():
            done = subprocess.run([sys.executable, "-m", "pytest", "--version"], capture_output=True, text=True)
            assert done.returncode == 0 and "pytest" in done.stdout + done.stderr
        """,
    )
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert (done.exit_code, done.counts) == (0, {"passed": 5}), str(done)


@pytest.mark.parametrize("name", ["without-xdist", "pytest-7.4"])
def test_output_is_plain_pytests_with_other_packages(
    hearth: Hearth, interpreter: Callable[[str], Path], name: str
) -> None:
    hearth.use_python(interpreter(name))
    hearth.write("test_mixed.py", _MIXED)
    _same(hearth, "-rA")
