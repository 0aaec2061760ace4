"""A worker: a real pytest run under xdist's identity, which is told by the daemon which of its items to execute.

The session is pytest's own from the command line to the exit status; in place of pytest's loop over the items stands one
that reads run_items, and keeps one item in hand so that each test knows the next (`nextitem` decides which fixtures stay).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from .channel import ChannelClosed
from .groups import register_mark
from .messages import Collecting, EnvironmentRead
from .order import Order
from .stage_report import StageReport
from .watched_input import WatchedInput
from .worker_log_file import WorkerLogFile
from .worker_plugin import WorkerPlugin


class Worker:
    """What is worker about this process's run. Made when the command line has been parsed, before pytest_configure."""

    def __init__(self, config: Any, order: Order, note_arguments: Callable[[], None]) -> None:
        """note_arguments: called when somebody reads the command line from config.workerinput."""
        self._config = config
        self._input = WatchedInput(note_arguments)
        self._set_options(order)
        register_mark(config)
        config.workerinput = self._input
        config.workeroutput = {}
        self._set_input(order)
        config._parser.prog = os.path.basename(_program(order))
        self._order = order
        self._log_file = WorkerLogFile(config)
        self._plugin = WorkerPlugin(config)
        if order.stage is not None:
            self._plugin.on_collecting = self._tell_of_collecting
        config.pluginmanager.register(self._plugin, "hearth_worker")
        config.pluginmanager.register(self._plugin.debugger, "hearth_debugger")

    def adopt(self, order: Order) -> None:
        """This process goes on under this order: with another identity, base directory and arguments, perhaps."""
        self._order = order
        self._set_options(order)
        self._set_input(order)
        if order.stage is None:
            self._plugin.on_collecting = None
            _print_by_lines()
            self._set_basetemp(os.fsdecode(order.basetemp))
            self._log_file.open(order.identity.id, goes_on=_succeeds_another(order))
            self._plugin.connect(order)

    def on_failed_collection(self, function: Callable[[Any], None]) -> None:
        """Call it with the session when its collection has ended with an exception, before that goes on its way."""
        self._plugin.at_failed_collection = function

    def take_reads(self) -> list[EnvironmentRead]:
        """What was read, since the last time, of what plugins in the controller tell this worker."""
        return self._input.take_reads()

    def collection_report(self, session: Any) -> StageReport:
        """What `selected` tells of the collection."""
        items, groups, collected = self._plugin.collection(session)
        return StageReport(items=items, groups=groups, collected=collected)

    def _tell_of_collecting(self, file: str) -> None:
        try:
            self._order.control.send(Collecting(file))
        except ChannelClosed:
            os._exit(1)

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

    def _set_input(self, order: Order) -> None:
        arguments = [os.fsdecode(argument) for argument in order.spec.args]
        self._input.adopt(order.identity, [_program(order), *arguments])

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


def _succeeds_another(order: Order) -> bool:
    """Its base directory tells: who succeeds a worker has that one's name, and a directory of its own."""
    basetemp = os.fsdecode(order.basetemp)
    return bool(basetemp) and not basetemp.endswith(f"popen-{order.identity.id}")


def _program(order: Order) -> str:
    return os.fsdecode(order.spec.script) or "pytest"
