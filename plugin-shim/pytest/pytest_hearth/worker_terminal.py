"""The terminal reporter of a worker: it keeps its statistics for the plugins that ask, but nobody reads what it writes."""

from __future__ import annotations

import io
from typing import Any

import pytest

from .reports import only_core_implements


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def mute(config: Any) -> None:
    """The worker's standard output is for what tests print: let nothing of the reporter's come there."""
    writer: Any = getattr(config.pluginmanager.get_plugin("terminalreporter"), "_tw", None)
    if hasattr(writer, "_file"):
        writer._file = _Nowhere()


def save_effort(config: Any) -> None:
    """Leave out what would only be written, as long as that is pytest's own reporter and nobody else names outcomes."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if type(terminal).__module__ != "_pytest.terminal":
        return
    if not only_core_implements(config.pluginmanager, "pytest_report_teststatus"):
        return

    def logreport(report: Any) -> None:
        if report.when == "call":
            # Asked also where nothing is written: a test whose subtests failed becomes a failure by it.
            config.hook.pytest_report_teststatus(report=report, config=config)
        if (
            report.outcome == "passed"
            and type(report) is pytest.TestReport
            and not hasattr(report, "wasxfail")
        ):
            terminal._tests_ran = True
            terminal._add_stats("passed" if report.when == "call" else "", [report])
        else:
            terminal.pytest_runtest_logreport(report)

    def nothing(*arguments: object) -> None:
        """Would write the file's name, or the progress."""

    for hook, function in (
        ("pytest_runtest_logreport", logreport),
        ("pytest_runtest_logstart", nothing),
        ("pytest_runtest_logfinish", nothing),
    ):
        for implementation in getattr(config.hook, hook).get_hookimpls():
            if implementation.plugin is terminal:
                implementation.function = function
