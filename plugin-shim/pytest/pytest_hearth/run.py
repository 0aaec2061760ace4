"""The pytest run of this process: where it is paused, and what hearth adds to it."""

from __future__ import annotations

from typing import Any

from . import _native, cache_files, options, script, session_times, stages, third_party
from .messages import Stage
from .stage_report import StageReport
from .zygote import Zygote


class Run:
    """From the pytest script's start to its end, across the forks in which it is continued."""

    def __init__(self, zygote: Zygote, base: set[str]) -> None:
        """base: the modules that every run finds loaded."""
        self._zygote = zygote
        self._base = base
        self._worker: Any = None

    def main(self) -> None:
        """Run the script; what it raises comes out, as it would from a main program."""
        stages.on_next_config(self._on_config)
        try:
            script.run_as_main(self._zygote.order.spec, self._zygote.base_path)
        except script.ScriptError as error:
            self._zygote.fail(str(error))

    def _on_config(self, config: Any) -> None:
        options.add_when_plugins_are_loaded(config)
        stages.before_next_call(config.pluginmanager, "pytest_cmdline_main", self._at_configured)
        stages.before_next_call(config.pluginmanager, "pytest_runtestloop", self._at_selected)

    def _at_configured(self, arguments: dict[str, Any]) -> None:
        config = arguments["config"]
        zygote = self._zygote
        if zygote.order.is_worker:
            from .worker import Worker

            self._worker = Worker(config, zygote.order)
            self._worker.on_failed_collection(
                lambda session: self._at_selected({"session": session})
            )
        distributed = not zygote.order.is_worker and options.asks_for_workers(config)
        # A controller collects nothing. One of xdist's own starts processes and threads from here on: no stage either.
        is_deepest = distributed or (
            not zygote.order.is_worker and options.is_left_to_xdist(config)
        )
        target = zygote.order.stage
        if target == Stage.configured or (target is not None and is_deepest):
            zygote.pause(Stage.configured, StageReport(distributed=is_deepest), config)
        zygote.recorder.ignore(cache_files.paths_to_ignore(config))
        if self._worker is not None:
            self._worker.adopt(zygote.order)
        elif distributed:
            from .controller import Controller
            from .transport import SocketTransport

            Controller.install(config, SocketTransport(zygote.order.control))

    def _at_selected(self, arguments: dict[str, Any]) -> None:
        session = arguments["session"]
        zygote = self._zygote
        if zygote.order.stage is None:
            return
        report = StageReport() if self._worker is None else self._worker.collection_report(session)
        report.preload, report.no_preload = third_party.observed(
            session.config, self._base, _native.recorder_imports()
        )
        zygote.pause(Stage.selected, report, session.config)
        session_times.set_to_now(session.config)
        cache_files.read_again(session.config)
        if self._worker is not None:
            self._worker.adopt(zygote.order)
