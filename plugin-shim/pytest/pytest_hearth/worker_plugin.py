"""The pytest plugin of a worker: sees what the session does, and executes the items that it is told to."""

from __future__ import annotations

import os
import posix
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Optional

import pytest
from _pytest.nodes import FSCollector

from . import _native, recorded_warnings, worker_terminal
from .borrowed_terminal import BorrowedTerminal
from .channel import ChannelClosed
from .data_channel import DataChannel
from .groups import group_of
from .last_words import LastWords
from .live_output import LiveOutput
from .messages import (
    ItemFinished,
    ItemsRevoked,
    NoMoreItems,
    Pause,
    Paused,
    Resume,
    RevokeItems,
    RunItems,
    StopWorker,
    TerminalLent,
    TerminalReturned,
    TerminalWanted,
    WorkerEvent,
    WorkerFinished,
)
from .order import Order
from .reports import Plain, ReportPacker, serialise
from .time_limits import TimeLimits, has_marks
from .worker_debugger import WorkerDebugger

_PATIENCE = 5.0  # seconds


class WorkerPlugin:
    """Until `connect`, it only keeps what happened for the collection's report."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._data: Optional[DataChannel] = None
        self._order: Optional[Order] = None
        self._packer: Optional[ReportPacker] = None
        self._last_words: Optional[LastWords] = None
        self._limits: Optional[TimeLimits] = None
        self._has_limit_marks = False
        self._collected: dict[str, Any] = {
            "kind": "collection",
            "reports": [],
            "warnings": [],
            "deselected": [],
            "error": None,
            "count": 0,
        }
        self._reports: list[Any] = []
        self._session: Any = None
        self._pid = 0
        self._executing = False
        self._terminal = BorrowedTerminal(config, self._borrow_terminal, self._return_terminal)
        self.debugger = WorkerDebugger(config, self._terminal)
        self.at_failed_collection: Callable[[Any], None] = lambda session: None
        # With the node id of what is about to be collected; empty: all is.
        self.on_collecting: Optional[Callable[[str], None]] = None
        # The daemon's instructions.
        self._queue: deque[int] = deque()
        self._promised: Optional[int] = None
        self._has_slot = False
        self._is_asked_to_pause = False
        self._awaits_word = False  # after a failure
        self._is_last = False
        self._is_stopped = False

    def connect(self, order: Order) -> None:
        """This process executes items now."""
        self._order = order
        self._data = DataChannel(order.data, order.control)
        self._packer = ReportPacker(self._config)
        self._last_words = LastWords(self._config, order.control, self._packer)
        self._pid = os.getpid()
        if LiveOutput.install(self._config) is None:
            worker_terminal.mute(self._config)

    # ---- collection ------------------------------------------------------------------------------------------------------

    def collection(self, session: Any) -> tuple[list[str], list[str], bytes]:
        """The node ids in order, their groups, and what the controller replays."""
        items = session.items if self._collected["error"] is None else []
        collected = self._collected
        collected["count"] = session.testscollected
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            items = []  # pytest runs nothing after an error
        directories: dict[str, int] = {}
        locations = []
        for item in items:
            file, line, domain = item.location
            locations.append([directories.setdefault(file, len(directories)), line, domain])
        collected["files"] = list(directories)
        collected["locations"] = locations
        ids = [_text(item.nodeid) for item in items]
        groups = [_text(group_of(item)) for item in items]
        collected["groups"] = {node_id: group for node_id, group in zip(ids, groups) if group}
        self._has_limit_marks = has_marks(session)
        return ids, groups if any(groups) else [], _native.dumps(collected, Plain())

    def pytest_collectstart(self, collector: Any) -> None:
        if self.on_collecting is not None and isinstance(collector, FSCollector):
            self.on_collecting(_text(collector.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self) -> None:
        if self.on_collecting is not None:
            self.on_collecting("")

    def pytest_collectreport(self, report: Any) -> None:
        if not report.passed:
            data = serialise(self._config, report)
            self._tell(
                "reports", {"kind": "collect_report", "data": data}, failures=int(report.failed)
            )

    def pytest_deselected(self, items: Any) -> None:
        self._collected["deselected"] += [item.nodeid for item in items]

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        # The controller has those of the configuration itself.
        if when != "config":
            data = recorded_warnings.to_wire(warning_message, when, nodeid, location)
            self._tell("warnings", {"kind": "warning", "data": data})

    def pytest_internalerror(self, excrepr: Any) -> None:
        self._tell("error", {"kind": "internal_error", "text": str(excrepr)}, fatal=True)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session: Any) -> Generator[None, Any, None]:
        """A collection that ends with an exception is a result too: the controller ends in the same way."""
        outcome = yield
        self._session = session
        if outcome.excinfo is not None and self._data is None:
            self._collected["error"] = _ending(outcome.excinfo[1], session)
            self.at_failed_collection(session)

    def _tell(
        self, kind: str, event: dict[str, Any], *, failures: int = 0, fatal: bool = False
    ) -> None:
        """To the controller: with the collection's report, or at once."""
        if self._data is not None:
            self._data.queue(WorkerEvent(_native.dumps(event, Plain()), failures, fatal))
            self._flush(ring=bool(failures or fatal))
        elif kind == "error":
            self._collected["error"] = event
        else:
            self._collected[kind].append(event["data"])

    # ---- execution -------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        self._session = session
        worker_terminal.save_effort(self._config)
        try:
            while True:
                index = self._next_item()
                if index is None:
                    return True
                self._execute(session, index)
                ending = self._requested_end(session)
                if ending is not None:
                    self._tell("error", ending, fatal=True)
                    return True
        except ChannelClosed:
            os._exit(1)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._reports.append(report)
        if report.when == "teardown" or (report.when == "setup" and _says_nothing(report)):
            return
        if self._last_words is not None and os.getpid() == self._pid:
            self._last_words.note(self._reports)

    def _execute(self, session: Any, index: int) -> None:
        items = session.items
        item = items[index]
        self._promised = self._queue[0] if self._queue else None
        nextitem = None if self._promised is None else items[self._promised]
        data = self._data
        assert data is not None and self._last_words is not None
        self._last_words.begin_item()
        self._limit_time(item)
        data.queue_frame(_native.pack_frame([43, {"item": index}]))
        # With the last item's report, in one go. The daemon should look while there is still something to do.
        data.flush(ring=len(self._queue) <= 1 and not self._is_last)
        self._reports.clear()
        self._executing = True
        start = time.perf_counter_ns()
        try:
            self._config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        except (
            KeyboardInterrupt,
            pytest.exit.Exception,
            pytest.UsageError,
            session.Failed,
        ) as error:  # pytest calls no hook for these
            self._finish(index, time.perf_counter_ns() - start)
            self._tell("error", _ending(error, session, item.nodeid), fatal=True)
            raise
        self._finish(index, time.perf_counter_ns() - start)

    def _limit_time(self, item: Any) -> None:
        assert self._data is not None
        try:
            if self._limits is None:
                self._limits = TimeLimits(self._config)
            is_needed = self._limits.is_general or self._has_limit_marks
            limit = self._limits.message(item) if is_needed else None
        except (pytest.UsageError, pytest.exit.Exception) as error:
            self._tell("error", _ending(error, self._session), fatal=True)
            raise
        if limit is not None:
            self._data.queue(limit)

    def _finish(self, index: int, duration_ns: int) -> None:
        assert self._data is not None and self._packer is not None
        if os.getpid() != self._pid:
            os._exit(0)  # a child that the test forked and that came back: it is no worker
        self._end_of_test()
        reports, failures = b"", 0
        lost: list[str] = []
        if self._reports:
            reports, failures, lost = self._packer.pack(self._reports)
            self._packer.forget()
            self._reports.clear()
        if lost:
            self._warn_of_losses(self._session.items[index].nodeid, lost)
        self._data.queue(ItemFinished(index, duration_ns, failures, reports))
        if failures:
            # Whether it was the last that --maxfail allows is the daemon's to say, which counts those of all workers.
            self._awaits_word = bool(self._config.getvalue("maxfail"))
            self._data.flush(ring=not self._awaits_word)

    def _warn_of_losses(self, node_id: str, lost: list[str]) -> None:
        text = f"only the repr of what cannot be sent from a worker is in the report of {node_id}: {', '.join(lost)}"
        data = recorded_warnings.of_hearths_own(text, node_id)
        self._tell("warnings", {"kind": "warning", "data": data})

    def _end_of_test(self) -> None:
        """What it printed comes before its report."""
        self._terminal.give_back()
        self._executing = False
        try:
            sys.stdout.flush()
        except Exception:
            pass  # a test's own object

    def _requested_end(self, session: Any) -> Optional[dict[str, Any]]:
        """Whether a plugin or a test asked for the end of the session."""
        if session.shouldfail:
            maxfail = self._config.getvalue("maxfail")
            if not (maxfail and session.testsfailed >= maxfail):
                return {"kind": "failed", "text": str(session.shouldfail)}
            # The daemon counts failures, and it knows of this one: it says when to stop.
            self._queue.clear()
            self._promised = None
        if session.shouldstop:
            return {"kind": "interrupted", "text": str(session.shouldstop)}
        return None

    def _next_item(self) -> Optional[int]:
        """Wait until an item may be started. None: the session is to end."""
        assert self._data is not None
        self._receive(wait=False)
        waits_in_vain = False
        while True:
            if self._is_stopped or (self._is_last and not self._queue):
                self._flush(ring=True)
                return None
            if self._is_asked_to_pause or (self._awaits_word and self._has_slot):
                self._is_asked_to_pause = False
                self._has_slot = False
                self._data.queue(Paused())
                self._flush(ring=True)
            enough = len(self._queue) > 1 or (self._queue and (self._is_last or waits_in_vain))
            if (
                enough
                and self._has_slot
                and not (self._session.shouldfail or self._session.shouldstop)
            ):
                return self._queue.popleft()
            self._flush(ring=True)
            waits_in_vain = self._waits_in_vain()

    def _waits_in_vain(self) -> bool:
        """Whether nobody says what comes after the only item for so long that it may be because of us: another worker's test,
        which those that come are to be taken from, may wait for what a fixture of the item before holds, a lock say."""
        is_held_up = self._has_slot and len(self._queue) == 1
        start = time.monotonic()
        self._receive(wait=True, seconds=_PATIENCE if is_held_up else None)
        return is_held_up and time.monotonic() - start >= _PATIENCE

    def _receive(self, *, wait: bool, seconds: Optional[float] = None) -> None:
        assert self._order is not None
        control = self._order.control
        message = control.receive(seconds) if wait else control.receive_now()
        while message is not None:
            self._obey(message)
            message = control.receive_now()

    def _obey(self, message: object) -> None:
        if isinstance(message, RunItems):
            self._queue.extend(message.items)
        elif isinstance(message, NoMoreItems):
            self._is_last = True
        elif isinstance(message, StopWorker):
            self._is_stopped = True
        elif isinstance(message, Resume):
            self._has_slot = True
            self._awaits_word = False
        elif isinstance(message, Pause):
            self._is_asked_to_pause = not self._awaits_word  # else it has crossed our `paused`
        elif isinstance(message, RevokeItems):
            self._revoke(message.items)
        elif isinstance(message, TerminalLent):
            for fd in self._lent_streams():
                posix.close(fd)  # it has crossed our saying that we do not want it any more
        else:
            raise ChannelClosed(f"unexpected message {type(message).__name__}")

    def _revoke(self, items: list[int]) -> None:
        assert self._data is not None
        wanted = set(items) - {self._promised}
        given = [index for index in self._queue if index in wanted]
        self._queue = deque(index for index in self._queue if index not in wanted)
        self._data.queue(ItemsRevoked(given))
        self._flush(ring=True)

    # ---- the user's terminal ---------------------------------------------------------------------------------------------

    def _borrow_terminal(self) -> Optional[list[int]]:
        """Wait for it. None: the run ends, or this is no place for a debugger."""
        if self._data is None or self._order is None:
            _warn_of_no_debugger("while tests are collected")
            return None
        if os.getpid() != self._pid or threading.current_thread() is not threading.main_thread():
            _warn_of_no_debugger("in a thread or child process")  # the channels are not theirs
            return None
        try:
            self._data.queue(TerminalWanted())
            self._flush(ring=True)
            while not self._is_stopped:
                message = self._order.control.receive()
                if isinstance(message, TerminalLent):
                    return self._lent_streams()
                if message is not None:
                    self._obey(message)
        except ChannelClosed:
            os._exit(1)
        except BaseException:
            self._return_terminal()
            raise
        self._return_terminal()
        return None

    def _return_terminal(self) -> None:
        assert self._data is not None
        try:
            self._data.queue(TerminalReturned(self._executing))
            self._flush(ring=True)
        except ChannelClosed:
            os._exit(1)

    def _lent_streams(self) -> list[int]:
        assert self._order is not None
        return self._order.control.take_descriptors(3)

    def _is_to_stop(self) -> bool:
        self._receive(wait=False)
        return self._is_stopped

    def _flush(self, *, ring: bool) -> None:
        if self._data is not None:
            self._data.flush(ring=ring)

    # ---- the end ---------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: Any) -> Generator[None, Any, None]:
        output = self._config.workeroutput
        output["exitstatus"] = int(exitstatus)
        output["shouldfail"] = session.shouldfail
        output["shouldstop"] = session.shouldstop
        outcome = yield
        if self._data is None:
            return
        self._end_of_test()
        try:
            if outcome.excinfo is not None:
                error = outcome.excinfo[1]
                if isinstance(error, KeyboardInterrupt) and self._is_to_stop():
                    outcome.force_result([])  # the run's interrupt, which the controller tells of
                else:
                    self._tell("error", _ending(error, session), fatal=True)
            packed = _native.dumps(output, Plain())
            self._data.queue(WorkerFinished(int(exitstatus), packed))
            self._flush(ring=True)
        except ChannelClosed:
            os._exit(1)


def _says_nothing(report: Any) -> bool:
    return report.outcome == "passed" and not report.sections and not report.user_properties


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _warn_of_no_debugger(where: str) -> None:
    warnings.warn(f"hearth: with -n there is no debugger {where}; try -n 0", stacklevel=6)


def _ending(error: BaseException, session: Any, where: str = "its session") -> dict[str, Any]:
    """How the controller is to end, so that it ends as plain pytest would."""
    if isinstance(error, pytest.exit.Exception):
        return {"kind": "exit", "text": str(error.msg), "returncode": error.returncode}
    if isinstance(error, pytest.UsageError):
        return {"kind": "usage_error", "args": [str(argument) for argument in error.args]}
    if isinstance(error, session.Interrupted):
        return {"kind": "interrupted", "text": str(error)}
    if isinstance(error, KeyboardInterrupt):
        return {"kind": "keyboard_interrupt", "text": where}
    if isinstance(error, session.Failed):
        return {"kind": "failed", "text": str(error)}
    traceback: Any = error.__traceback__
    shown = pytest.ExceptionInfo.from_exc_info((type(error), error, traceback)).getrepr(
        style="native"
    )
    return {"kind": "internal_error", "text": str(shown)}
