"""A worker: a real pytest run under xdist's identity, which is told by the daemon which of its items to execute.

The session is pytest's own from the command line to the exit status; in place of pytest's loop over the items stands one
that reads run_items, and keeps one item in hand so that each test knows the next (`nextitem` decides which fixtures stay).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Optional

from . import environment
from .groups import register_mark
from .messages import WorkerIdentity
from .order import Order
from .stage_report import StageReport
from .worker_plugin import WorkerPlugin


class WorkerInput(dict[str, Any]):
    """config.workerinput. Who reads the identity while a stage is built makes the stage that worker's own."""

    _VARIABLES: ClassVar[dict[str, bytes]] = {
        "workerid": environment.WORKER,
        "workercount": environment.COUNT,
        "testrunuid": environment.TESTRUN,
    }

    def __init__(self, note_arguments: Callable[[], None]) -> None:
        super().__init__()
        self._note_arguments = note_arguments

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return dict.__getitem__(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return dict.get(self, key, default)

    def __iter__(self) -> Any:
        self._note_all()
        return dict.__iter__(self)

    def values(self) -> Any:
        self._note_all()
        return dict.values(self)

    def items(self) -> Any:
        self._note_all()
        return dict.items(self)

    def copy(self) -> Any:
        self._note_all()
        return dict(dict.items(self))

    def _note(self, key: str) -> None:
        if key in self._VARIABLES:
            environment.note_read(self._VARIABLES[key])
        elif key == "mainargv":
            self._note_arguments()

    def _note_all(self) -> None:
        for key in (*self._VARIABLES, "mainargv"):
            self._note(key)


class Worker:
    """What is worker about this process's run. Made when the command line has been parsed, before pytest_configure."""

    def __init__(self, config: Any, order: Order, note_arguments: Callable[[], None]) -> None:
        """note_arguments: called when somebody reads the command line from config.workerinput."""
        self._config = config
        self._input = WorkerInput(note_arguments)
        self._set_options(order)
        register_mark(config)
        config.workerinput = self._input
        config.workeroutput = {}
        self._set_identity(order.identity)
        self._set_arguments(order)
        config._parser.prog = os.path.basename(_program(order))
        self._plugin = WorkerPlugin(config)
        config.pluginmanager.register(self._plugin, "hearth_worker")
        config.pluginmanager.register(self._plugin.debugger, "hearth_debugger")

    def adopt(self, order: Order) -> None:
        """This process goes on under this order: with another identity, base directory and arguments, perhaps."""
        self._set_options(order)
        self._set_arguments(order)
        self._set_identity(order.identity)
        if order.stage is None:
            _print_by_lines()
            self._set_basetemp(os.fsdecode(order.basetemp))
            self._plugin.connect(order)

    def on_failed_collection(self, function: Callable[[Any], None]) -> None:
        """Call it with the session when its collection has ended with an exception, before that goes on its way."""
        self._plugin.at_failed_collection = function

    def collection_report(self, session: Any) -> StageReport:
        """What `selected` tells of the collection."""
        items, groups, collected = self._plugin.collection(session)
        return StageReport(items=items, groups=groups, collected=collected)

    def _set_options(self, order: Order) -> None:
        option = self._config.option
        policy = order.distribution or getattr(option, "dist", "no")
        for name, value in (
            ("loadgroup", policy == "loadgroup"),
            ("looponfail", False),
            ("dist", "no"),
            ("distload", False),
            ("numprocesses", None),
            ("maxprocesses", None),
            ("tx", []),
        ):
            if hasattr(option, name) or name == "loadgroup":
                setattr(option, name, value)

    def _set_arguments(self, order: Order) -> None:
        arguments = [os.fsdecode(argument) for argument in order.spec.args]
        dict.__setitem__(self._input, "mainargv", [_program(order), *arguments])

    def _set_identity(self, identity: WorkerIdentity) -> None:
        for key, value in (
            ("workerid", identity.id),
            ("workercount", identity.count),
            ("testrunuid", identity.testrun),
        ):
            dict.__setitem__(self._input, key, value)

    def _set_basetemp(self, basetemp: str) -> None:
        self._config.option.basetemp = basetemp or None
        factory: Optional[Any] = getattr(self._config, "_tmp_path_factory", None)
        if factory is not None and basetemp:
            factory._given_basetemp = Path(os.path.abspath(basetemp))


def _print_by_lines() -> None:
    """So that what a test prints is there before its result, and also if it crashes."""
    reconfigure = getattr(sys.__stdout__, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)


def _program(order: Order) -> str:
    return os.fsdecode(order.spec.script) or "pytest"
