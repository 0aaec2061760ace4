"""Debuggers in a worker: pytest's own ways to start one (--pdb, --trace, breakpoint()) wait for the user's terminal.

It is taken just before pytest says that it enters a debugger, and given back when the debugger lets the test go on, when the
interaction after a failure is over, or at the test's end. A debugger that was let go on may stop again, at a breakpoint that was
set in it: it takes the terminal again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from _pytest.debugging import pytestPDB

from .borrowed_terminal import BorrowedTerminal


class WorkerDebugger:
    """A pytest plugin of one worker."""

    def __init__(self, config: Any, terminal: BorrowedTerminal) -> None:
        self._config = config
        self._terminal = terminal
        made_by: Any = pytestPDB
        self._start_as_pytest = made_by._init_pdb
        made_by._init_pdb = self._start

    def _start(self, method: str, *arguments: Any, **options: Any) -> Any:
        """In the place of pytest's function that makes every debugger."""
        if not self._terminal.take():
            return _NoDebugger()
        debugger = self._start_as_pytest(method, *arguments, **options)
        debugger.interaction = self._with_terminal(debugger.interaction)
        debugger.nosigint = (
            True  # Ctrl-C while the test goes on ends the run, and does not stop in here
        )
        return debugger

    def _with_terminal(self, interact: Callable[..., Any]) -> Callable[..., Any]:
        def interaction(*arguments: Any, **options: Any) -> Any:
            return interact(*arguments, **options) if self._terminal.take() else None

        return interaction

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_exception_interact(self, report: Any) -> Generator[None, None, None]:
        # What pytest writes before a post-mortem prompt is for the terminal, too.
        is_seen = self._config.pluginmanager.has_plugin("pdbinvoke") and self._terminal.take()
        yield
        if not is_seen and hasattr(report, "_pdbshown"):
            del report._pdbshown  # so that the failure is shown at the end
        self._terminal.give_back()

    @pytest.hookimpl(trylast=True)
    def pytest_leave_pdb(self) -> None:
        self._terminal.give_back()


class _NoDebugger:
    """Where a run has ended before the debugger could start: the test goes on to its end."""

    quitting = False

    def set_trace(self, *arguments: Any) -> None:
        """Nothing stops."""

    def reset(self) -> None:
        """Nothing was begun."""

    def interaction(self, *arguments: Any) -> None:
        """Nobody is asked."""

    def runcall(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Only that."""
        return function(*arguments, **options)
