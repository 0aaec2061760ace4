"""A fork ends as a cold process ends."""

from __future__ import annotations

import os
import signal

import pytest
from conftest import Builder, Project


@pytest.mark.parametrize(
    ("handler", "code"),
    [("pass", 0), ("import sys; sys.exit(5)", 0), ("import os; os._exit(9)", 9)],
)
def test_exit_handlers_run_and_cannot_change_the_status_by_an_exception(
    project: Project, build: Builder, handler: str, code: int
) -> None:
    project.write(
        conftest=f"""
            import atexit
            def at_end():
                open("ran", "w").close()
                {handler}
            atexit.register(at_end)
        """,
        test_it="def test_it(): pass",
    )
    spec = project.spec("-q")
    zygote, _ = build(spec)
    assert zygote.start(spec).exit_code() == code
    assert (project.directory / "ran").exists()


def test_a_file_that_was_never_flushed_is_written(project: Project, build: Builder) -> None:
    project.write(
        conftest="""
            BEFORE = open("before.txt", "w")
            BEFORE.write("configured ")
        """,
        test_it="""
            import conftest
            FILES = []
            def test_it():
                conftest.BEFORE.write("run")
                FILES.append(open("after.txt", "w"))
                FILES[0].write("run")
        """,
    )
    spec = project.spec("-q")
    zygote, _ = build(spec)
    assert zygote.start(spec).exit_code() == 0
    assert (project.directory / "after.txt").read_text() == "run"
    assert (project.directory / "before.txt").read_text() == "configured run"


def test_threads_are_waited_for(project: Project, build: Builder) -> None:
    project.write(
        test_it="""
            import threading, time
            def late():
                time.sleep(0.3)
                open("late", "w").close()
            def test_it():
                threading.Thread(target=late).start()
        """
    )
    spec = project.spec("-q")
    zygote, _ = build(spec)
    assert zygote.start(spec).exit_code() == 0
    assert (project.directory / "late").exists()


def test_an_interrupt_gives_the_usual_summary_and_status(project: Project, build: Builder) -> None:
    project.write(
        test_it="""
            import os, signal
            def test_it(): os.kill(os.getpid(), signal.SIGINT)
        """
    )
    spec = project.spec()
    zygote, _ = build(spec)
    process = zygote.start(spec)
    assert process.exit_code() == 2
    assert "KeyboardInterrupt" in process.out()


def test_a_signal_that_kills_is_the_status(project: Project, build: Builder) -> None:
    project.write(
        test_it="""
            import os, signal
            def test_it(): os.kill(os.getpid(), signal.SIGSEGV)
        """
    )
    spec = project.spec("-p", "no:faulthandler")
    zygote, _ = build(spec)
    status = zygote.start(spec).wait()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV
