"""The controller: the session of a distributed run. It collects nothing; it replays what the workers report.

A pytest plugin, registered as `dsession` as xdist's is. All that it needs of the daemon comes through a transport, so that it
serves a session that hearthd forked and a user's own pytest process alike, and several sessions in one process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator
from functools import partial
from typing import Any, Optional

import pytest

from . import _native, recorded_warnings
from .controller_terminal import ControllerTerminal
from .left_to_xdist import leave_where_needed
from .lost_items import LostItems, ended_how, how_overdue
from .messages import (
    CollectionCrashed,
    Distribution,
    DistributionFinished,
    DistributionOpened,
    EventReported,
    ItemBegan,
    ItemReported,
    Outcome,
    RunWaits,
    TerminalBack,
    TerminalRequested,
    WorkerEnded,
    WorkerPrinted,
    WorkerStarted,
    WorkersWanted,
)
from .node import Node
from .nodes import Nodes
from .options import distribution_of
from .printed_output import PrintedOutput, is_shown
from .reports import ReportUnpacker, ShownText, deserialise
from .silent_reports import SilentReports
from .skip_reasons import SkipReasons
from .terminal_loan import TerminalLoan
from .transport import Transport, TransportError
from .xdists_plugin import xdists_plugin

_PLUGIN_NAME = "dsession"
_NAMED_ITEMS = 20  # more would bury the summary
_LENT_SECONDS = 0.1  # Ctrl-C for a debugger is passed on after this time at the latest


class WorkerInternalError(Exception):
    """pytest broke in a worker: shown as an internal error here, exit code 3."""


def _trouble(text: object) -> BaseException:
    """The run could not be carried out to its end: one line that says why, exit code 3."""
    return pytest.exit.Exception(f"hearth: {text}", returncode=pytest.ExitCode.INTERNAL_ERROR)


class Controller:
    """One run's. Made before pytest_cmdline_main."""

    def __init__(self, config: Any, transport: Transport, distribution: Distribution) -> None:
        self._config = config
        self._transport = transport
        self._distribution = distribution
        self._nodes = Nodes(config, distribution)
        self._workers = distribution.workers
        self._items: list[str] = []
        self._locations: list[tuple[str, Optional[int], str]] = []
        self._reported: set[int] = set()
        self._ending: Optional[BaseException] = None
        self._summary = ""
        self._is_open = False
        self._is_stopping = False
        self._is_finished = False
        self._terminal: Any = None
        self._unpacker: Any = None
        self._lost: Any = None
        self._silent: Any = None
        self._printed: Any = None
        self.uses_debugger = False
        self._loan = TerminalLoan(
            transport,
            self._announce_debugger,
            config.pluginmanager.get_plugin("capturemanager"),
        )
        self._held_back: deque[object] = deque()
        self._executing: dict[str, int] = {}
        self._session: Any = None

    @classmethod
    def install(cls, config: Any, transport: Transport) -> Optional[Controller]:
        """Make this run a distributed one if its options come to that. Called just before pytest_cmdline_main."""
        distribution = distribution_of(config, b"")
        if distribution is None:
            return None
        controller = cls(config, transport, distribution)
        if getattr(config.option, "usepdb", False):
            # The workers debug, not the controller; and pytest-xdist refuses the option.
            controller.uses_debugger, config.option.usepdb = True, False
        config.pluginmanager.register(controller, _PLUGIN_NAME)
        if xdists_plugin(config.pluginmanager) is not None:
            leave_where_needed(config, controller)
        return controller

    # ---- the session's hooks ---------------------------------------------------------------------------------------------

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionstart(self, session: Any) -> Generator[None, Any, None]:
        """After everybody's, so that the header stands before our lines."""
        outcome = yield
        outcome.get_result()
        self._open(session)

    def _open(self, session: Any) -> None:
        self._session = session
        self._terminal = ControllerTerminal(self._config)
        self._unpacker = ReportUnpacker(self._config)
        self._lost = LostItems(self._config, self._distribution.policy, self._unpacker)
        self._distribution.judges_lost_items = self._lost.are_judged
        SkipReasons.install(self._config)
        self._silent = SilentReports(self._config)
        self._printed = PrintedOutput(self._config)
        factory = getattr(self._config, "_tmp_path_factory", None)
        if factory is not None:
            self._distribution.basetemp = os.fsencode(factory.getbasetemp())
        if self._workers:
            self._terminal.created(self._workers)
        if self._distribution.ramp_ms:
            self._terminal.line(f"workers begin within {self._distribution.ramp_ms / 1000:g} s")
        self._distribution.configures_workers = self._nodes.begin()
        try:
            self._transport.open(self._distribution, shows_output=is_shown(self._config))
        except TransportError as error:
            raise _trouble(error) from None
        self._is_open = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> bool:
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        try:
            while not self._is_finished:
                message = self._transport.receive(_LENT_SECONDS if self._loan.is_lent else None)
                self._loan.pass_on_interrupt()
                if message is not None:
                    self._take(message)
                while self._held_back and not self._loan.is_lent:
                    self._replay(self._held_back.popleft())
                    self._obey_session(session)
        except TransportError as error:
            raise _trouble(error) from None
        except BaseException:
            self._terminal.waits_no_more()
            self._cancel_and_wait()
            raise
        finally:
            self._loan.close()
        if self._ending is not None:
            raise self._ending
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True

    @pytest.hookimpl
    def pytest_terminal_summary(self) -> None:
        if self._summary:
            self._terminal.summary(self._summary)

    @pytest.hookimpl
    def pytest_sessionfinish(self) -> None:
        self._cancel_and_wait()

    def _obey_session(self, session: Any) -> None:
        """A plugin of the controller may ask for the end. The daemon knows by itself when --maxfail is reached."""
        maxfail = self._config.getvalue("maxfail")
        if session.shouldstop or (
            session.shouldfail and not (maxfail and session.testsfailed >= maxfail)
        ):
            self._stop()

    def _stop(self) -> None:
        """The tests in progress are the last ones."""
        if self._is_open and not self._is_stopping and not self._is_finished:
            self._is_stopping = True
            self._transport.cancel(completes_items=True)

    def _cancel(self) -> None:
        """Tests in progress are interrupted."""
        if self._is_open and not self._is_finished:
            self._is_open = False
            self._transport.cancel(completes_items=False)

    def _cancel_and_wait(self) -> None:
        """Nothing may run on when the session is over. A second interrupt leaves at once."""
        if self._is_finished or self._terminal is None:
            return
        try:
            self._cancel()
            self._loan.close()
            message = None
            while not isinstance(message, DistributionFinished):
                message = self._transport.receive(None)
                if isinstance(message, WorkerPrinted):
                    self._printed.show(message)
        except TransportError:
            pass
        finally:
            self._is_finished = True

    # ---- debuggers -------------------------------------------------------------------------------------------------------

    def _take(self, message: object) -> None:
        """While a debugger has the terminal, all that would be seen there waits."""
        if isinstance(message, TerminalRequested):
            self._loan.requested(message.worker)
        elif isinstance(message, TerminalBack):
            self._loan.returned(message.worker, in_item=message.in_item)
        else:
            if isinstance(message, WorkerEnded):
                self._loan.worker_ended(message.worker)
            elif isinstance(message, DistributionFinished):
                self._loan.close()
            self._held_back.append(message)

    def _announce_debugger(self, worker: str) -> None:
        index = self._executing.get(worker)
        what = "" if index is None else f" {self._items[index]}"
        self._terminal.line(f"\n[{worker}]{what}: debugger")

    # ---- what the daemon tells -------------------------------------------------------------------------------------------

    def _replay(self, message: object) -> None:
        kind = type(message)
        if kind is RunWaits:
            self._terminal.waits(message)
            return
        self._terminal.waits_no_more()
        if kind is ItemReported:
            self._item_reported(message)  # type: ignore[arg-type]
        elif kind is ItemBegan:
            self._item_began(message)  # type: ignore[arg-type]
        elif kind is WorkersWanted:
            self._workers_wanted(message)  # type: ignore[arg-type]
        elif kind is DistributionOpened:
            self._opened(message)  # type: ignore[arg-type]
        elif kind is WorkerStarted:
            self._node(message.worker)  # type: ignore[attr-defined]
        elif kind is WorkerPrinted:
            self._printed.show(message)
        elif kind is EventReported:
            self._event(_native.loads(message.event), message.worker)  # type: ignore[attr-defined]
        elif kind is WorkerEnded:
            self._worker_ended(message)  # type: ignore[arg-type]
        elif kind is CollectionCrashed:
            self._collection_crashed(message)  # type: ignore[arg-type]
        elif kind is DistributionFinished:
            self._finished(message)  # type: ignore[arg-type]
        else:
            raise TransportError(f"unexpected message {kind.__name__}")

    def _workers_wanted(self, message: WorkersWanted) -> None:
        self._transport.configure(self._nodes.configure(message.workers, message.count))

    def _opened(self, message: DistributionOpened) -> None:
        session = self._session
        collected = _native.loads(message.collected)
        self._items = message.items
        files = collected["files"]
        self._locations = [
            (files[file], line, domain) for file, line, domain in collected["locations"]
        ]
        session.testscollected = collected["count"]
        if not self._workers:
            self._terminal.created(message.workers)
        self._workers = message.workers
        for data in collected["warnings"]:
            self._warning(data)
        for data in collected["reports"]:
            self._collect_report(data)
        self._terminal.add_deselected(collected["deselected"])
        policy = self._distribution.policy
        self._terminal.collected(self._workers, collected["count"], policy)
        if policy == "loadgroup":
            self._terminal.show_groups(collected["groups"])
        if collected["error"] is not None:
            self._event(collected["error"])
        else:
            self._end_after_collection_errors()
        if self._ending is not None:
            self._cancel()
        else:
            self._transport.begin()

    def _end_after_collection_errors(self) -> None:
        session = self._session
        count = session.testsfailed
        if count and not self._config.option.continue_on_collection_errors:
            text = f"{count} error{'s' if count != 1 else ''} during collection"
            self._end_with(session.Interrupted(text))

    def _collection_crashed(self, message: CollectionCrashed) -> None:
        """It would crash again: nothing is tried once more."""
        text = f"worker {message.worker!r} crashed while collecting {message.file}: {ended_how(message.wait_status)}"
        printed = message.printed.decode(errors="replace").strip()
        if self._distribution.max_worker_restarts == 0:
            # In pytest-xdist's words to whoever has forbidden restarts; it has no error then.
            self._terminal.line(f"\n{text}\n\n{printed}")
            self._restarts_used_up(message.worker)
            self._end_with(self._session.Interrupted(text))
            return
        report = pytest.CollectReport(
            nodeid=message.file,
            outcome="failed",
            longrepr=ShownText(f"{text}\n\n{printed}" if printed else text),
            result=[],
        )
        self._config.hook.pytest_collectreport(report=report)
        self._end_with(self._session.Interrupted("1 error during collection"))

    def _item_began(self, message: ItemBegan) -> None:
        index = message.item
        self._executing[message.worker] = index
        self._config.hook.pytest_runtest_logstart(
            nodeid=self._items[index], location=self._locations[index]
        )

    def _item_reported(self, message: ItemReported) -> None:
        hook = self._config.hook
        index = message.item
        node = self._node(message.worker)
        self._reported.add(index)
        if message.reports:
            silent = self._silent
            silent.refresh()
            for report in self._unpacker.unpack(message.reports):
                self._sign(report, node=node, index=index)
                if not silent.keep(report):
                    hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=self._items[index], location=self._locations[index])
        self._executing.pop(message.worker, None)
        self._loan.test_ended(message.worker)

    def _worker_ended(self, message: WorkerEnded) -> None:
        node = self._node(message.worker)
        is_expected = message.expected and message.lost_item < 0
        error = None if is_expected else "Not properly terminated"
        if message.overdue_ms:
            error = how_overdue(message)
        self._nodes.down(node, error, message.output)
        if is_expected:
            return
        # By a fresh process under its name: no restart is used up.
        is_isolated = self._distribution.max_items_per_worker == 1 and message.lost_item >= 0
        is_succeeded = message.overdue_ms or is_isolated
        if not is_succeeded:
            self._terminal.node_down(message.worker, error)
        if message.lost_item >= 0:
            self._lost_item(node, message)
        if is_succeeded:
            return
        if message.restarts_used_up:
            self._restarts_used_up(message.worker)
        else:
            # Tools look for this line; it is written also where nothing is left to be executed by another worker.
            self._terminal.line(f"\nreplacing crashed worker {message.worker}")

    def _lost_item(self, node: Node, ended: WorkerEnded) -> None:
        index = ended.lost_item
        node_id, location = self._items[index], self._locations[index]
        sign = partial(self._sign, node=node, index=index)
        is_again = self._lost.replay(node, node_id, location, ended, sign)
        if self._lost.are_judged:
            self._transport.judge(index, again=is_again)
        if not is_again:
            self._reported.add(index)
        self._config.hook.pytest_runtest_logfinish(nodeid=node_id, location=location)

    def _sign(self, report: Any, *, node: Node, index: int) -> None:
        """Add what pytest and its plugins look for in a worker's report."""
        report.node = node
        report.worker_id = node.gateway.id
        report.testrun_uid = self._distribution.testrun
        report.item_index = index

    def _restarts_used_up(self, worker: str) -> None:
        most = self._distribution.max_worker_restarts
        if most == 0:
            self._summary = f"worker {worker} crashed and worker restarting disabled"
        else:
            self._summary = (
                f"maximum crashed workers reached: {4 * self._workers if most < 0 else most}"
            )
        self._terminal.line("\n" + self._summary)

    def _finished(self, message: DistributionFinished) -> None:
        self._is_finished = True
        if message.outcome != Outcome.failed or self._ending is not None:
            return
        missing = [
            node_id for index, node_id in enumerate(self._items) if index not in self._reported
        ]
        for node_id in missing[:_NAMED_ITEMS]:
            self._terminal.line(f"not run: {node_id}")
        if len(missing) > _NAMED_ITEMS:
            self._terminal.line(f"not run: {len(missing) - _NAMED_ITEMS} more")
        reason, _, printed = message.message.partition("\n")
        if printed:
            self._terminal.output(printed.rstrip())
        # Where one worker too many has crashed, its test has failed, and the summary says why the rest was not run.
        if not (self._summary and self._session.testsfailed):
            self._ending = _trouble(reason or "the run could not be carried out")

    # ---- events ----------------------------------------------------------------------------------------------------------

    def _event(self, event: dict[str, Any], worker: str = "") -> None:
        kind = event["kind"]
        if kind == "warning":
            self._warning(event["data"])
        elif kind == "collect_report":
            self._collect_report(event["data"])
        elif kind == "collection":
            # Of a worker that has collected other tests than the first.
            for data in event["reports"]:
                self._collect_report(data)
            self._end_after_collection_errors()
            if event["error"] is not None:
                self._event(event["error"], worker)
        elif kind == "exit":
            self._end_with(pytest.exit.Exception(event["text"], event["returncode"]))
        elif kind == "keyboard_interrupt":
            # A test's own is no interrupt of the user's: the run says whose it is.
            said = f"from within {event['text']} in {worker}"
            self._end_with(self._session.Interrupted(said) if worker else KeyboardInterrupt())
        elif kind == "usage_error":
            self._end_with(pytest.UsageError(*event["args"]))
        elif kind == "failed":
            self._session.shouldfail = self._session.shouldfail or event["text"]
            self._end_with(self._session.Failed(event["text"]))
        elif kind == "interrupted":
            self._session.shouldstop = self._session.shouldstop or event["text"]
            self._end_with(self._session.Interrupted(event["text"]))
        else:
            self._end_with(WorkerInternalError(event["text"]))

    def _end_with(self, error: BaseException) -> None:
        """The first reason counts."""
        if self._ending is None:
            self._ending = error

    def _warning(self, data: dict[str, Any]) -> None:
        self._config.hook.pytest_warning_recorded.call_historic(
            kwargs=recorded_warnings.from_wire(data)
        )

    def _collect_report(self, data: dict[str, Any]) -> None:
        report = deserialise(self._config, data)
        self._config.hook.pytest_collectreport(report=report)

    def _node(self, worker: str) -> Node:
        return self._nodes.ready(worker, self._workers, self._items)
