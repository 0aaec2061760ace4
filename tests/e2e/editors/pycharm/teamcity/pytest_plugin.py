"""As PyCharm's: service messages on the standard output that the process was started with."""

from __future__ import annotations

import os
import sys
from typing import Any

_out = None


def _message(message: str, /, **attributes: object) -> None:
    global _out
    if _out is None:
        assert sys.__stdout__
        _out = os.fdopen(os.dup(sys.__stdout__.fileno()), "w", buffering=1, encoding="utf-8")
    values = "".join(
        f" {key}='{str(value).replace(chr(10), '|n')}'" for key, value in attributes.items()
    )
    _out.write(f"\n##teamcity[{message}{values}]\n")


def pytest_configure(config: Any) -> None:
    _message("enteredTheMatrix")


def pytest_collection_finish(session: Any) -> None:
    _message("testCount", count=len(session.items))


def pytest_runtest_logstart(nodeid: str, location: tuple[str, int, str]) -> None:
    _message("testStarted", name=nodeid, locationHint=f"python<{location[0]}>://{location[2]}")


def pytest_runtest_logreport(report: Any) -> None:
    if report.skipped:
        _message("testIgnored", name=report.nodeid, message=report.longrepr[2])
    elif report.failed:
        _message("testFailed", name=report.nodeid, message=report.longreprtext)
    if report.when == "teardown":
        _message("testFinished", name=report.nodeid)
