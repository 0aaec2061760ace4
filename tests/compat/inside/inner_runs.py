"""A pytest plugin for the outer process of xdist's own tests: the pytest runs that they start are carried out by hearth.

Writes to $COMPAT_RECORD, as JSON lines, each test's node id, outcome, what went wrong, and how many runs the daemon finished
meanwhile: what passes without hearth proves nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Generator
from types import FrameType

import pytest

_TIMEOUT = 120  # seconds for one test; a run that hangs must not take all others with it


def pytest_sessionstart() -> None:
    """Now, and not before: the outer process itself is to remain plain pytest."""
    os.environ["HEARTH"] = "1"
    os.environ["PYTEST_PLUGINS"] = "pytest_hearth.plugin"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call" and report.outcome == "passed":
        return
    reason = ""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        reason = crash.message if crash else str(report.longrepr)
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected to fail"
    entry = {
        "nodeid": report.nodeid,
        "outcome": report.outcome,
        "reason": reason,
        "runs": dict(report.user_properties).get("runs", 0),
    }
    with open(os.environ["COMPAT_RECORD"], "a") as file:
        file.write(json.dumps(entry) + "\n")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    before = _runs_finished()
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(_TIMEOUT)
    yield
    signal.alarm(0)
    item.user_properties.append(("runs", _runs_finished() - before))


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"not finished after {_TIMEOUT} s")


def _runs_finished() -> int:
    status = subprocess.run(
        [os.environ["COMPAT_HEARTH"], "status", "--json"], check=False, stdout=subprocess.PIPE
    )
    return int(json.loads(status.stdout)["runs_finished"]) if status.returncode == 0 else 0
