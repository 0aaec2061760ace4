"""A pytest plugin that writes down what a session reported, for comparison with another run of the same tests.

Loaded with `-p outcome_recorder --record-outcomes=FILE`. It listens where reports are shown to the user: in the session
itself, or in the controller when workers execute the tests. The file is one JSON object, written at the session's end.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-outcomes", metavar="FILE", help="write what was reported to FILE")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--record-outcomes")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(os.path.abspath(path)), "outcome_recorder_session")


class _Recorder:
    def __init__(self, path: str) -> None:
        self._path = path
        self._reports: list[dict[str, Any]] = []
        self._collect_reports: list[dict[str, Any]] = []
        self._warnings: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        entry = _common(report)
        entry["when"] = report.when
        entry["location"] = list(report.location)
        entry["properties"] = [[name, repr(value)] for name, value in report.user_properties]
        if hasattr(report, "wasxfail"):
            entry["wasxfail"] = report.wasxfail
        if hasattr(report, "context"):  # a subtest's report
            # Not the values: pytest takes their repr again whenever such a report travels, with xdist too.
            entry["subtest"] = [report.context.msg, sorted(report.context.kwargs)]
        self._reports.append(entry)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            self._collect_reports.append(_common(report))

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str) -> None:
        message = warning_message.message
        kind = type(message)
        self._warnings.append(
            {
                "category": f"{kind.__module__}.{kind.__qualname__}",
                "message": str(message),
                "file": warning_message.filename,
                "line": warning_message.lineno,
                "when": when,
                "nodeid": nodeid,
            }
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        record = {
            "reports": self._reports,
            "collect_reports": self._collect_reports,
            "warnings": self._warnings,
            "collected": session.testscollected,
            "failed": session.testsfailed,
            "exit_status": int(exitstatus),
        }
        with open(self._path, "w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(record, file)


def _common(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    entry: dict[str, Any] = {"nodeid": report.nodeid, "outcome": report.outcome}
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        entry["skip"] = [str(report.longrepr[0]), report.longrepr[1], report.longrepr[2]]
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        entry["crash"] = [crash.path, crash.lineno, crash.message]
    return entry
