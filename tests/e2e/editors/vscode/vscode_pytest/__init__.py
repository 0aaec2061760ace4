"""As the VS Code extension's plugin: tells what was found, and each result, through the pipe that $TEST_RUN_PIPE names."""

from __future__ import annotations

import atexit
import json
import os
import pathlib
from typing import Any

import pytest

_PIPE = os.getenv("TEST_RUN_PIPE")
_errors: list[str] = []
_told: set[str] = set()
_is_discovery = False
_writer: Any = None


@atexit.register
def _close() -> None:
    if _writer:
        _writer.close()


def _send(**payload: Any) -> None:
    global _writer
    if _writer is None:
        _writer = open(str(_PIPE), "wb")  # noqa: SIM115
    data = json.dumps({"jsonrpc": "2.0", "params": payload})
    head = f"content-length: {len(data)}\r\ncontent-type: application/json\r\n\r\n"
    _writer.write((head + data).encode())
    _writer.flush()


def _tell(test: str, outcome: str, message: str | None = None) -> None:
    if test in _told:
        return
    _told.add(test)
    result = {test: {"test": test, "outcome": outcome, "message": message}}
    _send(cwd=os.getcwd(), status="success", result=result, error=_errors or None)


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    global _is_discovery
    _is_discovery = "--collect-only" in args
    for arg in args:
        if "--rootdir=" in arg and not pathlib.Path(arg.split("=", 1)[1]).exists():
            raise RuntimeError(f"{arg} does not exist")


def pytest_exception_interact(node: Any, call: Any, report: Any) -> None:
    if _is_discovery:
        _errors.append(call.excinfo.exconly())
    else:
        _tell(node.nodeid, "error" if call.excinfo.typename != "AssertionError" else "failure")


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_report_teststatus(report: Any) -> Any:
    if report.when == "call" or (report.when == "setup" and report.skipped):
        outcome = {"passed": "success", "failed": "failure"}.get(report.outcome, "skipped")
        _tell(report.nodeid, outcome, report.longreprtext if report.failed else None)
    yield


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    if _is_discovery:
        tests = [(str(item.path), item.nodeid, item.location[1]) for item in session.items]
        _send(cwd=os.getcwd(), status="error" if _errors else "success", tests=tests, error=_errors)
    elif exitstatus not in (0, 1):
        _send(cwd=os.getcwd(), status="error", result=None, error=[f"exit status {exitstatus}"])


class _Defer:
    @pytest.hookimpl(hookwrapper=True)
    def pytest_xdist_auto_num_workers(self, config: Any) -> Any:
        """As many workers as tests were chosen, at most; one is none."""
        outcome = yield
        workers = min(outcome.get_result(), len(config.option.file_or_dir))
        outcome.force_result(0 if workers == 1 else workers)


def pytest_plugin_registered(plugin: object, manager: Any) -> None:
    if (
        manager.hasplugin("xdist")
        and not isinstance(plugin, _Defer)
        and not manager.hasplugin("defer")
    ):
        manager.register(_Defer(), name="defer")
