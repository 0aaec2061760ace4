"""Signals and the shell's job control: a run goes, stops and ends as the process would that the user thinks it is."""

from __future__ import annotations

import os
import random
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import SINGLE, TWO_WORKERS
from tests.e2e.hearth import Hearth
from tests.support.events import TIMEOUT
from tests.support.processes import Process, find, wait_gone
from tests.terminal.interrupts import Campaign
from tests.terminal.terminal import Terminals

Mode = tuple[str, ...]
_GONE = 2.0  # seconds in which what belonged to a run must be gone
_HOLDING = """
import gate, pytest
@pytest.mark.parametrize("number", range(4))
def test_holds(number):
    gate.reach("holds")
    gate.hold()
"""


def _hold(hearth: Hearth, mode: Mode) -> tuple[subprocess.Popen[str], list[Process]]:
    """A run whose first tests have begun and wait; the client, and the processes that execute tests."""
    hearth.write_gate()
    hearth.write("test_a.py", _HOLDING)
    client = hearth.start_pytest(*mode)
    return client, _executing(hearth, mode)


def _executing(hearth: Hearth, mode: Mode) -> list[Process]:
    found = [find(hearth.gate.wait()[1]) for _ in range(2 if mode else 1)]
    return [process for process in found if process is not None]


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _wait_until(claim: Callable[[], bool], what: str) -> None:
    """Of what nobody tells: whether another process is stopped."""
    deadline = time.monotonic() + TIMEOUT
    while not claim():
        assert time.monotonic() < deadline, f"not within {TIMEOUT:.0f} s: {what}"
        select.select([], [], [], 0.01)


def _wait_stopped(processes: list[Process], *, stopped: bool = True) -> None:
    _wait_until(
        lambda: all((_state(process.pid) == "T") is stopped for process in processes),
        f"all stopped: {stopped}",
    )


def test_a_shell_stops_a_run_and_lets_it_go_on(
    hearth: Hearth, terminals: Terminals, mode: Mode
) -> None:
    hearth.write_gate()
    hearth.write("test_a.py", _HOLDING)
    shell = terminals.run("/bin/bash", "--norc", "--noprofile", "-i")
    shell.type("PS1='ready> '")
    shell.wait_for(r"[^']ready> ")
    for resume in ("fg", "bg; wait"):
        shell.type(f"{hearth.daemon.binary} pytest {' '.join(mode)}")
        executing = _executing(hearth, mode)
        shell.process.sendcontrol("z")
        shell.wait_for(r"Stopped .*\n.*ready> ")
        _wait_stopped(executing)
        shell.type(resume)
        _wait_stopped(executing, stopped=False)
        hearth.gate.release(4)
        shell.wait_for("4 passed")
        shell.wait_for("ready> ")
        for _ in range(4 - len(executing)):
            hearth.gate.wait()
    shell.type("exit")
    shell.wait_for_end()


def test_a_stopped_client_stops_its_run(hearth: Hearth, mode: Mode) -> None:
    client, executing = _hold(hearth, mode)
    client.send_signal(signal.SIGSTOP)
    _wait_stopped(executing)
    client.send_signal(signal.SIGCONT)
    _wait_stopped(executing, stopped=False)
    hearth.gate.release(4)
    assert hearth.finish(client).counts == {"passed": 4}


def test_a_stopped_run_leaves_its_slot_to_others(hearth: Hearth) -> None:
    hearth.write("test_b.py", "def test_b():\n    pass\n")
    client, executing = _hold(hearth, ())
    client.send_signal(signal.SIGSTOP)
    _wait_stopped(executing)
    _wait_until(lambda: hearth.daemon.status()["slots_busy"] == 0, "no slot is taken")
    client.send_signal(signal.SIGCONT)
    _wait_until(lambda: hearth.daemon.status()["slots_busy"] == 1, "the slot is taken again")
    hearth.gate.release(4)
    assert hearth.finish(client).exit_code == 0


def test_a_test_that_stops_itself_stops_the_client(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py", "import os, signal\ndef test_a():\n    os.kill(os.getpid(), signal.SIGTSTP)\n"
    )
    for _ in range(2):
        # Of an orphaned process group nobody would notice that it was stopped.
        client = hearth.start_pytest(preexec_fn=lambda: os.setpgid(0, 0))
        _, status = os.waitpid(client.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        client.send_signal(signal.SIGCONT)
        assert hearth.finish(client).counts == {"passed": 1}


def test_a_second_interrupt_ends_a_run_that_does_not_care_for_the_first(
    hearth: Hearth, mode: Mode
) -> None:
    hearth.write_gate()
    hearth.write(
        "test_a.py",
        """
        import gate, signal, pytest
        @pytest.mark.parametrize("number", range(4))
        def test_holds(number):
            signal.signal(signal.SIGINT, lambda *_: gate.reach("interrupted"))
            gate.reach("holds")
            while True:
                gate.hold()
        """,
    )
    client = hearth.start_pytest(*mode)
    executing = _executing(hearth, mode)
    client.send_signal(signal.SIGINT)
    for _ in executing:
        assert hearth.gate.wait()[0] == "interrupted"
    _wait_until(_after(0.1), "what counts as another keypress")
    client.send_signal(signal.SIGINT)
    # A controller is done at once, and says what it knows.
    assert hearth.finish(client).exit_code == (2 if mode else -signal.SIGINT)
    assert wait_gone(executing, _GONE) == set()
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    assert hearth.pytest(*mode).counts == {"passed": 1}


def _after(seconds: float) -> Callable[[], bool]:
    moment = time.monotonic() + seconds
    return lambda: time.monotonic() > moment


def test_quit_tells_where_every_worker_is(hearth: Hearth, mode: Mode) -> None:
    client, executing = _hold(hearth, mode)
    client.send_signal(signal.SIGQUIT)
    done = hearth.finish(client)
    assert done.exit_code == -signal.SIGQUIT
    assert len(re.findall(r'"[^"]*test_a.py", line \d+ in test_holds', done.stderr)) == len(
        executing
    ), str(done)
    assert wait_gone(executing, _GONE) == set()


def test_a_signal_is_the_sessions_own(hearth: Hearth) -> None:
    hearth.write_gate()
    hearth.write(
        "test_a.py",
        """
        import gate, signal
        def test_a():
            for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGRTMIN, signal.SIGCONT):
                signal.signal(number, lambda number, _: gate.reach(f"got {int(number)}"))
                gate.reach("handles")
                gate.hold()
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            gate.reach("dies")
            gate.hold()
        """,
    )
    for _ in range(2):
        client = hearth.start_pytest()
        for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGRTMIN, signal.SIGCONT):
            assert hearth.gate.wait()[0] == "handles"
            client.send_signal(number)
            assert hearth.gate.wait()[0] == f"got {int(number)}"
            hearth.gate.release()
        assert hearth.gate.wait()[0] == "dies"
        client.send_signal(signal.SIGUSR1)
        assert hearth.finish(client).exit_code == -signal.SIGUSR1


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def test_a_signal_that_the_client_was_told_to_ignore_reaches_whoever_handles_it(
    hearth: Hearth,
) -> None:
    hearth.write_gate()
    hearth.write(
        "test_a.py",
        """
        import gate, signal
        def test_a():
            signal.signal(signal.SIGINT, lambda *_: gate.reach("interrupted"))
            gate.reach("handles")
            gate.hold()
        """,
    )
    client = hearth.start_pytest(preexec_fn=_ignore_interrupts)
    assert hearth.gate.wait()[0] == "handles"
    client.send_signal(signal.SIGINT)
    assert hearth.gate.wait()[0] == "interrupted"
    hearth.gate.release()
    assert hearth.finish(client).counts == {"passed": 1}


def test_an_interrupt_before_there_is_a_session_is_said_in_pytests_words(
    hearth: Hearth, mode: Mode
) -> None:
    hearth.write_gate()
    hearth.write("conftest.py", "import gate\ngate.reach('imported')\ngate.hold()\n")
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    client = hearth.start_pytest(*mode)
    assert hearth.gate.wait()[0] == "imported"
    client.send_signal(signal.SIGINT)
    done = hearth.finish(client)
    assert done.exit_code == 2
    assert re.search("^!+ KeyboardInterrupt !+$", done.stdout, re.MULTILINE), str(done)
    assert re.search("^=+ no tests ran in .* =+$", done.stdout, re.MULTILINE)


def test_the_size_of_the_terminal_changes_within_a_test(
    hearth: Hearth, terminals: Terminals
) -> None:
    hearth.write_gate()
    hearth.write(
        "test_a.py",
        """
        import gate, os, signal
        def test_a():
            signal.signal(signal.SIGWINCH, lambda *_: gate.reach(f"{os.get_terminal_size().columns}"))
            gate.reach("ready")
            gate.hold()
        """,
    )
    for _ in range(2):
        terminal = terminals.hearth("-s")
        assert hearth.gate.wait()[0] == "ready"
        terminal.process.setwinsize(24, 97)
        assert hearth.gate.wait()[0] == "97"
        hearth.gate.release()
        assert terminal.wait() == 0


@pytest.mark.parametrize(
    ("number", "options"), [("TERM", SINGLE), ("KILL", SINGLE), ("INT", TWO_WORKERS)]
)
def test_under_timeout_it_ends_as_plain_pytest(hearth: Hearth, number: str, options: Mode) -> None:
    """The time is over within a test, which holds for ever."""
    hearth.write_gate()
    hearth.write("test_a.py", _HOLDING)
    command = ["timeout", "-s", number, "1"]
    plain = hearth.run(*command, str(hearth.daemon.python.parent / "pytest"))
    done = hearth.run(*command, str(hearth.daemon.binary), "pytest", *options)
    assert done.exit_code == plain.exit_code
    if number == "INT":
        assert "KeyboardInterrupt" in done.stdout


def test_ctrl_c_at_any_moment_ends_a_run_in_order(hearth: Hearth) -> None:
    seed = random.randrange(1_000_000)
    campaign = Campaign(hearth, seed)
    for _ in range(10):
        assert campaign.interrupt_once() == "", f"seed {seed}"
