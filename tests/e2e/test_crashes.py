"""A worker that dies takes one test with it, and says which; never is the exit code 0."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.hearth import Finished, Hearth

_FAULTHANDLER_OFF = ("-p", "no:faulthandler")
_MANY = "".join(f"def test_{number}():\n    pass\n" for number in range(20))


def _crashing(how: str) -> str:
    return f"import ctypes, os, signal\n{_MANY}def test_dies():\n    {how}\n" + _MANY.replace(
        "test_", "test_after_"
    )


def _assert_one_crashed(done: Finished, reason: str) -> None:
    assert done.exit_code == 1, str(done)
    assert done.counts == {"failed": 1, "passed": 40}, str(done)
    assert "crashed while running 'test_a.py::test_dies'" in done.stdout
    assert reason in done.stdout


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os._exit(3)", "exited with code 3"),
        ("os._exit(0)", "exited with code 0"),
    ],
)
def test_the_test_that_killed_its_worker_is_reported_and_all_others_have_results(
    hearth: Hearth, how: str, reason: str
) -> None:
    hearth.write("test_a.py", _crashing(how))
    for _ in range(2):
        _assert_one_crashed(hearth.pytest("-n", "2"), reason)


def test_a_crash_is_in_the_junit_file(hearth: Hearth) -> None:
    hearth.write("test_a.py", _crashing("os.abort()"))
    hearth.pytest("-n", "2", "--junitxml=junit.xml")
    text = (hearth.project / "junit.xml").read_text()
    assert 'tests="41"' in text
    assert text.count("crashed while running") >= 1


def test_without_restarts_the_run_goes_on_with_the_other_worker(hearth: Hearth) -> None:
    hearth.write("test_a.py", _crashing("os.abort()"))
    done = hearth.pytest("-n", "2", "--max-worker-restart=0")
    assert done.exit_code == 1, str(done)
    assert done.counts == {"failed": 1, "passed": 40}, str(done)
    assert "crashed and worker restarting disabled" in done.stdout


def test_when_no_worker_is_left_the_run_fails_and_names_what_was_not_run(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py", "import os\n" + "".join(f"def test_{n}():\n    os.abort()\n" for n in range(6))
    )
    done = hearth.pytest("-n", "2", "--max-worker-restart=0")
    assert done.exit_code not in (0, 5), str(done)
    assert done.counts.get("failed", 0) >= 2
    assert "passed" not in done.counts


def test_every_test_may_crash(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py", "import os\n" + "".join(f"def test_{n}():\n    os.abort()\n" for n in range(6))
    )
    done = hearth.pytest("-n", "2", "--max-worker-restart=20")
    assert (done.exit_code, done.counts) == (1, {"failed": 6}), str(done)


def test_a_crash_in_setup_or_teardown_is_that_tests(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import os, pytest
        @pytest.fixture
        def early():
            os.abort()
        @pytest.fixture
        def late():
            yield
            os.abort()
        def test_early(early):
            pass
        def test_late(late):
            pass
        def test_fine():
            pass
        """,
    )
    done = hearth.pytest("-n", "2")
    assert done.exit_code == 1, str(done)
    assert done.counts["failed"] == 2, str(done)
    for name in ("test_early", "test_late"):
        assert f"crashed while running 'test_a.py::{name}'" in done.stdout


@pytest.mark.parametrize("how", ["os._exit(0)", "os.abort()"])
def test_a_crash_at_import_is_an_error_of_that_file(hearth: Hearth, how: str) -> None:
    hearth.write("sub/test_a.py", "def test_a():\n    pass\n")
    hearth.write("sub/test_b.py", f"import os\nopen('log', 'a').write('x')\n{how}\n")
    done = hearth.pytest("-n", "2")
    assert (done.exit_code, done.counts) == (2, {"error": 1}), str(done)
    assert "crashed while collecting sub/test_b.py" in done.stdout
    assert ('test_b.py", line 3' in done.stdout) == (how == "os.abort()")
    assert (hearth.project / "log").read_text() == "x", "it is not tried again"
    hearth.write("sub/test_b.py", "def test_b():\n    pass\n")
    assert hearth.pytest("-n", "2").counts == {"passed": 2}


def test_a_crash_report_has_what_is_known_of_the_test(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import ctypes, sys, pytest
        @pytest.fixture
        def before():
            print("printed before")
        def test_a(before):
            print("printed just now")
            print("and as an error", file=sys.stderr)
            ctypes.string_at(0)
        """,
    )
    for _ in range(2):
        done = hearth.pytest("-n", "1", "-rA", "--junitxml=junit.xml")
        assert (done.exit_code, done.counts) == (1, {"failed": 1}), str(done)
        for text in ("killed by SIGSEGV", "Segmentation fault", 'test_a.py", line 9 in test_a'):
            assert text in done.stdout
        assert "Captured stdout" in done.stdout
        assert "printed just now\n" in done.stdout and "and as an error\n" in done.stdout
        junit = (hearth.project / "junit.xml").read_text()
        assert "Segmentation fault" in junit
        assert 'classname="test_a"' in junit


def test_all_that_a_lost_test_has_reported_is_told_once(hearth: Hearth) -> None:
    hearth.write(
        "conftest.py",
        """
        import pytest
        def pytest_runtest_logreport(report):
            if hasattr(report, "node"):
                with open("told.txt", "a") as file:
                    file.writelines(f"{value}\\n" for _, value in report.user_properties)
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_call(item):
            for number in range(300):  # as by subtests
                report = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "call",
                                           user_properties=[("number", number)])
                item.ihook.pytest_runtest_logreport(report=report)
        """,
    )
    hearth.write("test_a.py", "import os\ndef test_dies(): os.abort()\n")
    assert hearth.pytest("-n", "1").exit_code == 1
    told = (hearth.project / "told.txt").read_text().split()
    assert told == [str(number) for number in range(300)]


def test_a_test_that_passed_and_dies_in_its_teardown_is_both(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import os, pytest
        @pytest.fixture
        def late():
            yield
            os.abort()
        def test_late(late):
            pass
        """,
    )
    assert hearth.pytest("-n", "1").counts == {"failed": 1, "passed": 1}


def test_a_crash_counts_for_exitfirst(hearth: Hearth) -> None:
    hearth.write("test_a.py", "import os\ndef test_first():\n    os.abort()\n" + _MANY)
    done = hearth.pytest("-n", "1", "-x")
    assert (done.exit_code, done.counts) == (1, {"failed": 1}), str(done)


_HANDLER = """
def pytest_handlecrashitem(crashitem, report, sched):
    assert report.node.gateway.id == report.worker_id and sched.config
    if not AGAIN:
        return
    AGAIN.pop()
    sched.mark_test_pending(crashitem)
    report.outcome = "rerun"

def pytest_report_teststatus(report):
    if report.outcome == "rerun":
        return "rerun", "R", "RERUN"
"""


@pytest.mark.parametrize("name", ["current", "without-xdist"])
def test_a_plugin_may_have_a_lost_test_executed_again(
    hearth: Hearth, interpreter: Callable[[str], Path], name: str
) -> None:
    hearth.use_python(interpreter(name))
    hearth.write("conftest.py", "AGAIN = [1, 2]\n" + _HANDLER)
    hearth.write(
        "test_a.py",
        """
        import os, pathlib
        def test_dies():
            with open("log", "a") as file:
                file.write("x")
            if pathlib.Path("log").read_text() != "xxx":
                os.abort()
        def test_fine():
            pass
        """,
    )
    done = hearth.pytest("-n", "1", "-x")
    assert (done.exit_code, done.counts) == (0, {"passed": 2, "rerun": 2}), str(done)
    (hearth.project / "log").unlink()
    hearth.write("conftest.py", "AGAIN = [1]\n" + _HANDLER)
    done = hearth.pytest("-n", "1")
    assert (done.exit_code, done.counts) == (1, {"failed": 1, "passed": 1, "rerun": 1}), str(done)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_a_session_that_dies_of_a_signal_takes_its_client_along(
    hearth: Hearth, number: signal.Signals
) -> None:
    hearth.write(
        "test_a.py", f"import os\ndef test_a():\n    os.kill(os.getpid(), {int(number)})\n"
    )
    for _ in range(2):
        done = hearth.pytest(*_FAULTHANDLER_OFF)
        assert done.exit_code == hearth.plain(*_FAULTHANDLER_OFF).exit_code == -number, str(done)


def test_a_session_that_leaves_early_gives_its_exit_code(hearth: Hearth) -> None:
    hearth.write("test_a.py", "import os\ndef test_a():\n    os._exit(7)\n")
    for _ in range(2):
        assert hearth.pytest().exit_code == 7
