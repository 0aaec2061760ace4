"""Reports that pytest's terminal keeps without a word: two thirds of all of them, a passed setup and a passed teardown.

A hook call to say nothing costs as much as one that says something. Where only pytest's own plugins look at reports, and none
of them does more than to keep such a report, it is kept directly.
"""

from __future__ import annotations

from typing import Any

import pytest

from . import skip_reasons
from .reports import only_core_implements

# What these do with a passed setup or teardown: nothing, or (the terminal) add it to its statistics.
_INDIFFERENT = {
    "_pytest.main",
    "_pytest.cacheprovider",
    "_pytest.logging",
    skip_reasons.__name__,
}
_TERMINAL = "TerminalReporter.pytest_runtest_logreport"


class SilentReports:
    """For one session. Plugins may come and go in it: `refresh` before each item."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._implementations: list[Any] = []
        self._kept: Any = None

    def refresh(self) -> None:
        """Look at who is there now."""
        implementations = self._config.hook.pytest_runtest_logreport.get_hookimpls()
        if self._kept is None or len(implementations) != len(self._implementations):
            self._implementations = implementations
            self._kept = self._statistics() if self._is_nobody_elses() else None

    def keep(self, report: Any) -> bool:
        """Whether the report was one of those, and is dealt with."""
        if (
            self._kept is not None
            and report.when != "call"
            and report.outcome == "passed"
            and type(report) is pytest.TestReport
            and not hasattr(report, "wasxfail")
        ):
            self._kept.append(report)
            return True
        return False

    def _is_nobody_elses(self) -> bool:
        for implementation in self._implementations:
            function = implementation.function
            if function.__module__ in _INDIFFERENT:
                continue
            if function.__module__ == "_pytest.terminal" and function.__qualname__ == _TERMINAL:
                continue
            return False
        return only_core_implements(self._config.pluginmanager, "pytest_report_teststatus")

    def _statistics(self) -> Any:
        """The terminal's list of such reports, once it has made it; a session without a terminal has none."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        return None if terminal is None else terminal.stats.get("")
