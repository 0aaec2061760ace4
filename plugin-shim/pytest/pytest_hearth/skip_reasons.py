"""Why a test was skipped or failed as expected, behind its verbose result: pytest leaves that out where workers report."""

from __future__ import annotations

from typing import Any

import pytest

_DOTS = "..."
_PERCENT = len(" [100%]") + 1


class SkipReasons:
    """A plugin of the controller: after the terminal reporter's own line of a report."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")

    @classmethod
    def install(cls, config: Any) -> None:
        """Where results are shown by lines of their own, and by pytest's own reporter."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if type(reporter).__module__ == "_pytest.terminal" and config.option.verbose > 0:
            config.pluginmanager.register(cls(config), "hearth_skip_reasons")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        reason = _reason(report)
        if not reason:
            return
        writer = self._reporter._tw
        text = f"({reason})"
        if self._config.option.verbose < 2:
            room = writer.fullwidth - writer.width_of_current_line - _PERCENT
            if len(text) > room:
                if room < len(_DOTS) + 3:
                    return
                text = f"({reason[: room - len(_DOTS) - 2]}{_DOTS})"
        writer.write(text)


def _reason(report: Any) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail).removeprefix("reason: ")
    if not report.skipped or type(report.longrepr) is not tuple:
        return ""
    reason = str(report.longrepr[2])
    return "" if reason == "Skipped" else reason.removeprefix("Skipped: ")
