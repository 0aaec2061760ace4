"""The pytest run of this process: where it is paused, and what hearth adds to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Optional

from . import (
    _native,
    options,
    run_trace,
    script,
    session_times,
    stages,
    third_party,
    time_limits,
)
from .arguments import Arguments
from .cache_files import CacheFiles
from .messages import ImportsObserved, Stage
from .shelf import shelf
from .stage_report import StageReport
from .zygote import Zygote


class Run:
    """From the pytest script's start to its end, across the forks in which it is continued."""

    def __init__(self, zygote: Zygote, base: set[str]) -> None:
        """base: the modules that every run finds loaded."""
        self._zygote = zygote
        self._base = base
        self._worker: Any = None
        self._arguments = Arguments(zygote.order)
        self._cache = CacheFiles()
        self._config: Any = None
        self._has_limits: Optional[bool] = None  # its tests, by marks

    def begin(self) -> Callable[[], object]:
        """The script, which is to be called as the main program."""
        stages.on_next_config(self._on_config)
        self._zygote.recorder.on_input(self._at_input)
        if self._zygote.order.stage is not None:
            self._arguments.watch()
        try:
            return script.as_main(self._zygote.order.spec, self._zygote.base_path)
        except script.ScriptError as error:
            self._zygote.fail(str(error))

    def _on_config(self, config: Any) -> None:
        self._config = config
        arguments = [os.fsdecode(argument) for argument in self._zygote.order.spec.args]
        options.add_when_plugins_are_loaded(config, arguments)
        stages.ask_for_kinds(config.pluginmanager)
        self._arguments.begin(config)
        special = {Stage.configured: self._at_configured, Stage.selected: self._at_selected}
        for stage, hook in stages.PAUSED_BEFORE:
            function = special.get(stage) or partial(self._pause_if_asked, stage)
            stages.before_next_call(config.pluginmanager, hook, function)

    def _at_configured(self, arguments: dict[str, Any]) -> None:
        config = arguments["config"]
        zygote = self._zygote
        if zygote.order.is_worker:
            from .worker import Worker

            self._worker = Worker(config, zygote.order, self._arguments.note_all)
            self._worker.on_failed_collection(
                lambda session: self._at_selected({"session": session})
            )
        zygote.findings.read_declaration(os.fspath(config.rootpath))
        self._look_at_what_was_imported_ahead()
        is_deepest = self._is_session_that(options.ends_at_configured)
        target = zygote.order.stage
        if target == Stage.configured or (target is not None and is_deepest):
            self._pause(Stage.configured, StageReport(distributed=is_deepest), config)
        zygote.recorder.ignore(self._cache.leave_out(config, self._arguments.option()))
        self._cache.read()
        if not zygote.order.is_worker:
            options.refuse(self._arguments.option())
        if self._is_session_that(options.asks_for_workers):
            from .controller import Controller
            from .transport import SocketTransport

            Controller.install(config, SocketTransport(zygote.order.control))

    def _pause_if_asked(self, stage: str, arguments: dict[str, Any]) -> None:
        if self._zygote.order.stage == stage:
            self._pause_begun(stage, StageReport(), arguments["session"].config)

    def _at_selected(self, arguments: dict[str, Any]) -> None:
        session = arguments["session"]
        zygote = self._zygote
        if not zygote.order.is_worker and self._has_limits is None:
            self._has_limits = time_limits.has_marks(session)
        if zygote.order.stage is None:
            self._begin_tests(session)
            return
        report = StageReport() if self._worker is None else self._worker.collection_report(session)
        report.observe_imports = lambda: self._imports(session.config)
        self._pause_begun(Stage.selected, report, session.config)
        self._begin_tests(session)

    def _begin_tests(self, session: Any) -> None:
        if not self._zygote.order.is_worker and getattr(session, "items", None):
            control = self._zygote.order.control
            time_limits.SessionLimits.install(session, control, bool(self._has_limits))

    def _at_input(self) -> None:
        """Somebody asks the user on the way to a stage: nobody is there before this process is a run. It pauses where it is, to
        become one itself (its finding refuses to have it forked)."""
        zygote = self._zygote
        stage = zygote.order.stage
        if stage is None or zygote.order.is_worker or self._config is None:
            return
        if threading.current_thread() is threading.main_thread():
            pause = self._pause if stage == Stage.configured else self._pause_begun
            pause(stage, StageReport(), self._config)

    def _pause(self, stage: str, report: StageReport, config: Any) -> None:
        zygote = self._zygote
        report.options = self._arguments.take_reads()
        if self._worker is not None:
            report.inputs = self._worker.take_reads()
        self._cache.settle()
        zygote.try_arguments = self._try_arguments
        zygote.pause(stage, report, config)
        self._arguments.go_on(zygote.order)
        if zygote.order.wants_trace:
            run_trace.begin(zygote.recorder, zygote.order, config)
        if self._worker is not None:
            self._worker.adopt(zygote.order)

    def _imports(self, config: Any) -> ImportsObserved:
        preload, no_preload = third_party.observed(config, self._base, _native.recorder_imports())
        declaration = self._zygote.findings.declaration
        return ImportsObserved(preload, no_preload, declaration.preload, declaration.no_preload)

    def _look_at_what_was_imported_ahead(self) -> None:
        """It was before this project was asked: it may have changed its mind."""
        declaration = self._zygote.findings.declaration
        for name in shelf.names:
            if declaration.forbids(name):
                self._zygote.reject_preload(name, "pyproject.toml says so", declaration.no_preload)
                return

    def _pause_begun(self, stage: str, report: StageReport, config: Any) -> None:
        """Pause a session that has begun: a fork begins its own."""
        starts = session_times.find(config)
        self._pause(stage, report, config)
        session_times.set_to_now(starts)
        is_selected = stage == Stage.selected
        self._cache.begin_anew(config, self._arguments.option(), is_selected=is_selected)

    def _is_session_that(self, claim: Any) -> bool:
        return not self._zygote.order.is_worker and claim(self._arguments.option())

    def _try_arguments(self, request: int, given: list[bytes]) -> list[Any]:
        self._zygote.order.stage = None  # a throwaway fork is on the way to none
        recorder = self._zygote.recorder
        recorder.start()
        wire: Any = self._arguments.try_others(request, given).to_wire()
        recorder.stop()
        wire[1]["files"] = recorder.take()
        return list(wire)
