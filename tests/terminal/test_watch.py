"""`hearth watch pytest`: what makes it run again, what it runs then, keys, and the terminal that it leaves."""

from __future__ import annotations

import os
import signal
import termios

import pytest

from tests.e2e.hearth import Hearth
from tests.terminal.terminal import Terminal, Terminals

Mode = tuple[str, ...]

_WAITS = "waiting for a change"


def watch(hearth: Hearth, terminals: Terminals, *arguments: str) -> Terminal:
    return terminals.run(str(hearth.daemon.binary), "watch", "pytest", "--color=no", *arguments)


def gives_single_keys(terminal: Terminal) -> bool:
    local_flags = termios.tcgetattr(terminal.process.child_fd)[3]
    return not local_flags & (termios.ICANON | termios.ECHO)


def test_it_runs_what_failed_until_it_passes_and_then_the_whole(
    hearth: Hearth, terminals: Terminals, mode: Mode
) -> None:
    hearth.write("value.py", "VALUE = 1\n")
    hearth.write(
        "test_a.py",
        """
        from value import VALUE
        def test_value():
            assert VALUE == 2
        def test_other():
            pass
        """,
    )
    terminal = watch(hearth, terminals, *mode)
    terminal.wait_for("1 failed, 1 passed")
    terminal.wait_for(_WAITS)
    assert gives_single_keys(terminal)

    hearth.write("value.py", "VALUE = 333\n")  # Python tells changes within a second by the size
    terminal.wait_for("value.py changed: running the tests that failed")
    assert "1 passed" not in terminal.wait_for("1 failed")
    terminal.wait_for(_WAITS)

    for _ in range(3):  # as some editors do
        hearth.write("value.py", "VALUE = 1 + 1\n")
    terminal.wait_for("value.py changed: running the tests that failed")
    assert "failed" not in terminal.wait_for("1 passed")
    terminal.wait_for("no failure is left: running all tests")
    terminal.wait_for("2 passed")
    terminal.wait_for(_WAITS)

    hearth.write("test_b.py", "def test_new(): assert 0\n")
    terminal.wait_for("test_b.py changed: running all tests")
    terminal.wait_for("1 failed, 2 passed")
    terminal.wait_for(_WAITS)

    hearth.write("conftest.py", "import pytest\n@pytest.fixture(autouse=True)\ndef all(): 1 / 0\n")
    terminal.wait_for("conftest.py changed: running the tests that failed")
    terminal.wait_for("1 error")
    terminal.wait_for(_WAITS)

    terminal.press("q")
    assert terminal.wait() == 0
    assert terminal.text.count("test session starts") == 6


def test_it_runs_again_when_what_a_test_read_changes_but_not_for_what_the_run_wrote(
    hearth: Hearth, terminals: Terminals, mode: Mode
) -> None:
    hearth.write("answer.txt", "42")
    hearth.write(
        "test_a.py",
        """
        from pathlib import Path
        def test_answer(tmp_path):
            with open("log.txt", "a") as log:
                log.write("once more\\n")
            (tmp_path / "scratch.py").write_text("1")
            assert Path("answer.txt").read_text() == "42"
        """,
    )
    terminal = watch(hearth, terminals, "--junitxml=report.xml", *mode)
    for answer, summary in (("41", "1 passed"), ("42", "1 failed")):
        terminal.wait_for(summary)
        assert "changed" not in terminal.wait_for(_WAITS)
        hearth.write("notes.md", "nobody reads them")
        (hearth.project / "answer.txt").touch()
        hearth.write("answer.txt", answer)
        assert "notes" not in terminal.wait_for("answer.txt changed")
    terminal.wait_for("no failure is left")
    terminal.wait_for(_WAITS)
    terminal.press("q")
    assert terminal.wait() == 0
    assert (hearth.project / "log.txt").read_text().count("once more") == 4


def test_keys_run_all_or_what_failed_and_ctrl_c_interrupts_or_quits(
    hearth: Hearth, terminals: Terminals
) -> None:
    hearth.write_gate()
    hearth.write(
        "test_a.py",
        """
        import gate, os
        def test_fails():
            assert 0
        def test_waits():
            if os.path.exists("slow"):
                gate.reach("test_waits")
                gate.hold()
        """,
    )
    terminal = watch(hearth, terminals)
    terminal.wait_for(_WAITS)
    terminal.press("f")
    terminal.wait_for("rerun previous 1 failure")
    terminal.wait_for("1 failed in")
    terminal.wait_for(_WAITS)
    terminal.press("a")
    terminal.wait_for("1 failed, 1 passed")
    terminal.wait_for(_WAITS)
    hearth.write("slow", "")
    terminal.wait_for("slow changed")  # it was looked for
    terminal.wait_for(_WAITS)
    terminal.press("a")
    hearth.gate.wait()
    assert not gives_single_keys(terminal)
    terminal.press_interrupt()
    terminal.wait_for("KeyboardInterrupt")
    terminal.wait_for(_WAITS)
    terminal.press_interrupt()
    assert terminal.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_wait_ends_it_and_leaves_the_terminal_as_it_was(
    hearth: Hearth, terminals: Terminals, number: signal.Signals
) -> None:
    hearth.write("test_a.py", "def test_a(): pass\n")
    terminal = watch(hearth, terminals)
    terminal.wait_for(_WAITS)
    assert gives_single_keys(terminal)
    os.kill(terminal.process.pid, number)
    assert terminal.wait_for_end_of_process() == -number
    assert not gives_single_keys(terminal)


def test_on_a_pipe_there_are_no_keys(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a(): pass\n")
    process = hearth.spawn(str(hearth.daemon.binary), "watch", "pytest")
    assert process.stderr
    assert process.stderr.readline() == "hearth: waiting for a change\n"
    process.send_signal(signal.SIGINT)
    done = hearth.finish(process)
    assert (done.exit_code, done.counts) == (0, {"passed": 1})
    assert done.stderr == ""
