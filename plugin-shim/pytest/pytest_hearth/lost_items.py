"""A test that its worker died of, or was ended for: its report, and whether it is to be executed again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, Optional

import pytest

from .last_words import packs_of
from .messages import WorkerEnded
from .node import Node
from .nodes import is_implemented
from .reports import ReportUnpacker

_HOOK = "pytest_handlecrashitem"
_Location = tuple[str, Optional[int], str]


class _Scheduler:
    """What the hook gets as pytest-xdist's scheduler."""

    def __init__(self, config: Any, item: str) -> None:
        self.config = config
        self.is_marked = False
        self._item = item

    def mark_test_pending(self, item: str) -> None:
        """Have the lost test executed again."""
        if item != self._item:
            raise NotImplementedError(f"hearth executes only the lost test again, not {item}")
        self.is_marked = True


class LostItems:
    """One run's."""

    def __init__(self, config: Any, policy: str, unpacker: ReportUnpacker) -> None:
        self._config = config
        self._unpacker = unpacker
        # With `each` there is no worker that could execute it again, neither here nor with pytest-xdist.
        self.are_judged = policy != "each" and is_implemented(config, _HOOK)

    def replay(
        self,
        node: Node,
        node_id: str,
        location: _Location,
        ended: WorkerEnded,
        sign: Callable[[Any], None],
    ) -> bool:
        """Log its reports, each signed. Returns whether it is to be executed again."""
        hook = self._config.hook
        for report in self._finished_phases(ended.reports):
            sign(report)
            hook.pytest_runtest_logreport(report=report)
        crash = _crash_report(node, node_id, location, ended)
        sign(crash)
        scheduler = _Scheduler(self._config, node_id)
        if self.are_judged:
            getattr(hook, _HOOK)(crashitem=node_id, report=crash, sched=scheduler)
        hook.pytest_runtest_logreport(report=crash)
        return scheduler.is_marked

    def _finished_phases(self, noted: bytes) -> list[Any]:
        return [report for pack in packs_of(noted) for report in self._unpacker.unpack(pack)]


def _crash_report(node: Node, node_id: str, location: _Location, ended: WorkerEnded) -> Any:
    if ended.overdue_ms:
        text = f"Timeout: {how_overdue(ended)}"
    else:
        text = f"worker {node.gateway.id!r} crashed while running {node_id!r}: {ended_how(ended.wait_status)}"
    stack = ended.stack.decode(errors="replace").strip()
    return pytest.TestReport(
        nodeid=node_id,
        location=location,
        keywords={},
        outcome="failed",
        longrepr=f"{text}\n\n{stack}" if stack else text,
        when="call" if ended.overdue_ms else "???",  # type: ignore[arg-type]
        sections=[
            (f"Captured {name}", captured.decode(errors="replace"))
            for name, captured in (
                ("stdout", ended.captured_stdout),
                ("stderr", ended.captured_stderr),
            )
            if captured
        ],
        duration=ended.overdue_ms / 1000,
    )


def how_overdue(ended: WorkerEnded) -> str:
    """Why its worker was ended."""
    return f"test took longer than {ended.overdue_ms / 1000:g} s"


def ended_how(wait_status: int) -> str:
    """The end of a process, for people."""
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    return f"exited with code {os.WEXITSTATUS(wait_status)}"
