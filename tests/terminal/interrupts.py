"""`python -m tests.terminal.interrupts [--moments N] [--seed S]`: Ctrl-C at random moments of a run.

Whatever the run is at (the daemon's start, a stage that is built, fixtures, tests, workers), it ends with exit code 2 and says
that it was interrupted; nothing of it is left, and the next run works. Moments follow from the seed.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.hearth import Finished, Hearth, hearth_world
from tests.support.environments import BUILD, make_environment
from tests.support.events import TIMEOUT
from tests.support.processes import Process, descendants, wait_gone

_REQUIREMENTS = Path(__file__).parents[1] / "e2e" / "requirements" / "current.txt"
_GONE = 2.0  # seconds in which what belonged to a run must be gone
_LONGEST = 1.5  # seconds from the start of the command to the signal
_CONFTEST = """
import pytest
NUMBER = {number}
@pytest.fixture(scope="session", autouse=True)
def connection():
    yield
"""
# The last ones hold until they are interrupted: the run does not end before.
_TESTS = """
import threading, pytest
@pytest.mark.parametrize("number", range(60))
def test_quick(number):
    pass
@pytest.mark.parametrize("number", range(4))
def test_holds(number):
    threading.Event().wait()
"""


class Campaign:
    """One daemon, one project, one sequence of moments."""

    def __init__(self, hearth: Hearth, seed: int) -> None:
        self._hearth = hearth
        self._random = random.Random(seed)
        hearth.write("test_a.py", _TESTS)
        self._edit()

    def interrupt_once(self) -> str:
        """What was wrong, or nothing."""
        options = self._random.choice(((), ("-n", "2"), ("-v",)))
        change = self._random.choice(("none", "none", "edit", "stop"))
        if change == "edit":
            self._edit()
        elif change == "stop":
            self._hearth.daemon.stop()
        seconds = self._random.uniform(0, _LONGEST)
        client = self._hearth.start_pytest(*options)
        _wait_until_it_takes_interrupts(client)
        select.select([], [], [], seconds)
        client.send_signal(signal.SIGINT)
        done = self._hearth.finish(client)
        wrong = self._judge(done)
        return f"{options} {change} after {seconds:.3f} s: {wrong}\n{done}" if wrong else ""

    def _judge(self, done: Finished) -> str:
        if done.exit_code != 2:
            return f"exit code {done.exit_code}"
        if "KeyboardInterrupt" not in done.stdout:
            return "it does not say that it was interrupted"
        # What was built for later in between is by now among the zygotes.
        left = wait_gone(self._of_runs(), _GONE) & self._of_runs()
        if left:
            return f"left: {', '.join(process.describe() for process in left)}"
        after = self._hearth.pytest("-k", "quick")
        return "" if (after.exit_code, after.counts) == (0, _PASSED) else f"the next run: {after}"

    def _of_runs(self) -> set[Process]:
        """What lives below the daemon and is none of its zygotes."""
        if not (self._hearth.runtime / "lock").exists():
            return set()
        status = self._hearth.daemon.status()
        zygotes = {zygote["pid"] for zygote in status["zygotes"]}
        return {each for each in descendants(status["pid"]) if each.pid not in zygotes}

    def _edit(self) -> None:
        self._hearth.write("conftest.py", _CONFTEST.format(number=self._random.random()))


_PASSED = {"passed": 60, "deselected": 4}


def _wait_until_it_takes_interrupts(client: subprocess.Popen[str]) -> None:
    """Before, it is a process that is being started, and dies as any would."""
    deadline = time.monotonic() + TIMEOUT
    bit = 1 << (signal.SIGINT - 1)
    status = Path(f"/proc/{client.pid}/status")
    while time.monotonic() < deadline and client.poll() is None:
        fields = dict(
            line.split(":\t") for line in status.read_text().splitlines() if ":\t" in line
        )
        is_hearth = os.path.basename(os.readlink(f"/proc/{client.pid}/exe")) == "hearth"
        if is_hearth and (int(fields["SigCgt"], 16) | int(fields["SigBlk"], 16)) & bit:
            return
    raise AssertionError("the command never takes interrupts")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.terminal.interrupts", description=__doc__
    )
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    wrong = 0
    python = make_environment(BUILD / "e2e" / "current", _REQUIREMENTS, sys.executable)
    with hearth_world(python) as hearth:
        campaign = Campaign(hearth, options.seed)
        for number in range(options.moments):
            text = campaign.interrupt_once()
            if text:
                wrong += 1
                print(f"moment {number}: {text}", flush=True)
    print(f"{options.moments} moments, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
