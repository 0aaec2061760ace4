"""A test that takes too long is ended, and has failed with what it was doing; the run goes on."""

from __future__ import annotations

import re

from tests.e2e.hearth import Hearth

_HANGING = """
import signal
import threading
import pytest

def test_before(): pass

@pytest.fixture
def prepared():
    print("prepared")

@pytest.mark.{mark}
def test_hangs(prepared):
    print("what it printed")
    threading.Thread(target=in_the_background, daemon=True).start()
    {stubborn}
    threading.Event().wait()

def in_the_background():
    threading.Event().wait()

@pytest.mark.hearth_timeout(seconds=300)
def test_after(): pass

def test_without_mark(): pass
"""


_STUBBORN = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])"


def _section(text: str, title: str) -> str:
    """Of the failures."""
    return re.split(r"\n[=-]+ [^\n]* [=-]+\n", text.split(f" {title} ", 1)[1], maxsplit=1)[0]


def test_a_test_that_hangs_costs_itself_only(hearth: Hearth) -> None:
    hearth.write("pytest.ini", "[pytest]\nmarkers = hearth_timeout(seconds)\n")
    for stubborn, options in (
        (_STUBBORN, ("-n", "1", "--max-worker-restart=0")),
        ("", ("-n", "2", "--dist=loadfile")),
    ):
        hearth.write("test_a.py", _HANGING.format(mark="hearth_timeout(0.5)", stubborn=stubborn))
        done = hearth.pytest("--strict-markers", "--junitxml=report.xml", *options)
        assert (done.exit_code, done.counts) == (1, {"failed": 1, "passed": 3}), str(done)
        assert "Timeout: test took longer than 0.5 s" in done.stdout
        failure = _section(done.stdout, "test_hangs")
        assert "in test_hangs" in failure and "in in_the_background" in failure, str(done)
        assert "what it printed" in _section(done.stdout, "Captured stdout")
        report = (hearth.project / "report.xml").read_text()
        assert re.search(r'name="test_hangs".*?<failure[^>]*>[^<]*in test_hangs', report, re.DOTALL)


def test_whatever_a_test_does_about_signals_it_has_failed_once(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import ctypes, signal, threading
        from contextlib import suppress

        def test_a_call_comes_back_when_a_signal_comes():
            ctypes.CDLL(None).sleep(60)

        def test_signals_do_what_they_do_at_first():
            for number in signal.valid_signals():
                with suppress(OSError):
                    signal.signal(number, signal.SIG_DFL)
            threading.Event().wait()

        def test_it_passes_when_it_is_to_end():
            ends = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: ends.set())
            ends.wait()

        def test_after(): pass
        """,
    )
    done = hearth.pytest("-n", "1", "--hearth-timeout=0.3")
    assert done.counts == {"failed": 3, "passed": 1}, str(done)
    assert done.stdout.count("Timeout: test took longer than 0.3 s") == 3, str(done)
    assert hearth.pytest("--hearth-timeout=0.3", "-k", "comes_back").exit_code == 1
    assert hearth.pytest("--hearth-timeout=0.3", "-k", "at_first").exit_code == 1


def test_who_has_lost_tests_executed_again_is_asked(hearth: Hearth) -> None:
    hearth.write(
        "conftest.py",
        """
        def pytest_handlecrashitem(crashitem, report, sched):
            assert "Timeout" in str(report.longrepr)
            sched.mark_test_pending(crashitem)
        """,
    )
    hearth.write(
        "test_a.py",
        """
        import os, threading
        def test_hangs_once():
            if not os.path.exists("been_here"):
                open("been_here", "w").close()
                threading.Event().wait()
        """,
    )
    done = hearth.pytest("-n", "1", "--hearth-timeout=0.3")
    assert done.counts == {"failed": 1, "passed": 1}, str(done)


def test_the_limit_is_given_by_option_ini_or_pytest_timeouts_mark(hearth: Hearth) -> None:
    hearth.write("test_a.py", _HANGING.format(mark="timeout(0.5)", stubborn=""))
    done = hearth.pytest("-n", "1")
    assert (done.exit_code, done.counts.get("failed")) == (1, 1), str(done)

    hearth.write("test_a.py", _HANGING.format(mark="usefixtures()", stubborn=""))
    done = hearth.pytest("--hearth-timeout=0.5")
    assert (done.exit_code, done.counts.get("failed"), done.counts.get("passed")) == (1, 1, 3)

    done = hearth.pytest("-n", "1", "-o", "hearth_timeout=0.5")
    assert (done.exit_code, done.counts.get("failed")) == (1, 1), str(done)

    hearth.write("pytest.ini", "[pytest]\ntimeout = 0.5\n")
    done = hearth.pytest("-n", "1")
    assert (done.exit_code, done.counts.get("failed")) == (1, 1), str(done)

    # Without a worker there is no other process for the rest: the run ends there, and says why.
    for _ in range(2):
        done = hearth.pytest()
        assert done.exit_code == 1, str(done)
        assert "test_a.py::test_hangs took longer than 0.5 s" in done.stderr
        assert "in test_hangs" in done.stderr and "what it printed" in done.stderr
