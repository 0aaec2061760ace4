"""A paused process: serves build_stage, start_process and retire. A fork returns from `Zygote.pause` with its order."""

from __future__ import annotations

import gc
import os
import posix
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, Optional

from . import (
    _native,
    audit,
    coverage_collectors,
    environment,
    findings,
    interrupts,
    openfiles,
    process_context,
    quitting,
    randomness,
)
from .channel import Channel, ChannelClosed
from .findings import Findings
from .messages import (
    ArgumentsTried,
    BuildStage,
    ChildExited,
    Consequence,
    Finding,
    Flavour,
    Forked,
    ImportsObserved,
    Message,
    PreloadRejected,
    ProcessContext,
    ProcessSpec,
    Retire,
    SessionBegun,
    Stage,
    StageFailed,
    StageReady,
    StartProcess,
    TerminalLeft,
    TryArguments,
    WorkerIdentity,
)
from .order import Order
from .recorder import Recorder
from .stage_report import StageReport
from .throwaway_forks import ThrowawayForks

# The stages at which something of the project has run.
_PROJECT_HAS_RUN = (Stage.configured, Stage.started, Stage.gathered, Stage.selected)


class Zygote:
    """This process, from its first pause to its becoming a run. One for the process, handed on through forks."""

    def __init__(self, control: Channel, recorder: Recorder) -> None:
        self.recorder = recorder
        self.findings = Findings()
        self.order = Order(
            control=control,
            stage=Stage.interpreter,
            flavour=Flavour.session,
            spec=ProcessSpec(b"", b"", [], [], b"", [], 0, ProcessContext(0, 0, [], [], 0, 0)),
            identity=WorkerIdentity("", 0, "", []),
            distribution="",
        )
        self.base_path: list[str] = []
        self._stage: str = Stage.interpreter
        self._children: dict[int, int] = {}
        self._throwaway = ThrowawayForks()
        # Once there are parsed ones.
        self.try_arguments: Optional[Callable[[int, list[bytes]], list[Any]]] = None
        self._observe_imports: Optional[Callable[[], ImportsObserved]] = None
        self._is_retiring = False
        self._has_served = False

    def fail(self, message: str, plain_fails_too: bool = False) -> NoReturn:
        """The stage cannot be reached; plain_fails_too: nor would plain pytest get that far."""
        try:
            self.order.control.send(StageFailed(message, plain_fails_too))
        except ChannelClosed:
            pass
        os._exit(1)

    def reject_preload(self, module: str, reason: str, declared: Sequence[str] = ()) -> None:
        """A module that was imported ahead is of no use. Does not return on the way to a stage; a run goes on without it."""
        if self.order.stage is None:
            return
        try:
            self.order.control.send(PreloadRejected(module, reason, list(declared)))
        except ChannelClosed:
            pass
        os._exit(1)

    def pause(self, stage: str, report: StageReport, config: Optional[Any] = None) -> None:
        """Report the stage, and wait. Returns in a fork (or, after a refusal, in this process) that has its order in `order`."""
        self.recorder.stop()
        self._stage = stage
        randomness.remember_pause()
        found = (
            self.findings.take(is_worker=self.order.is_worker, config=config)
            if stage != Stage.interpreter
            else []
        )
        gc.collect()
        openfiles.flush_before_fork()
        _native.remember_files()
        gc.freeze()
        kind, audited = audit.examine(self.order.descriptors(), config)
        refusal = audited + self.findings.made(kind) if audited else ""
        if stage != Stage.interpreter:
            refusal = self.recorder.refusal() or findings.refusal(found) or refusal
        if audited:
            found.append(self.findings.at_the_pause(kind, audited))
        is_forked = not refusal and all(
            each.consequence != Consequence.serves_once for each in found
        )
        self._observe_imports = report.observe_imports if is_forked else None
        try:
            if report.observe_imports is not None and not is_forked:
                self.order.control.send(report.observe_imports())
            self.order.control.send_raw(self._ready_frame(stage, refusal, report, found))
            report.forget()
            _native.give_back_memory()
            are_blocked = interrupts.hold()
            self._wait(stage)
        except ChannelClosed:
            os._exit(1)
        if stage not in _PROJECT_HAS_RUN:
            are_blocked = process_context.blocks_interrupts(self.order.spec.context)
        if are_blocked:
            pass
        elif stage == Stage.configured and self.order.stage is None:
            interrupts.release_when_configured(config)
        else:
            interrupts.release()

    def _ready_frame(
        self, stage: str, refusal: str, report: StageReport, found: list[Finding]
    ) -> bytes:
        """stage_ready. What it is made of is gone when it is made: freed in each fork, it would cost each fork its pages."""
        ready = StageReady(
            stage,
            refusal,
            [],
            [*environment.take_reads(), *report.inputs],
            report.distributed,
            report.items,
            report.collected,
            list(report.options),
            found,
            self.findings.fresh_until() if stage in _PROJECT_HAS_RUN else 0,
            list(report.groups),
        )
        wire: Any = ready.to_wire()
        wire[1]["files"] = self.recorder.take()
        return _native.pack_frame(wire)

    def _wait(self, stage: str) -> None:
        control = self.order.control
        while True:
            throwaway = self._throwaway.descriptors()
            ready = _native.poll([control.fd, *self._children.values(), *throwaway], -1)
            for answer in self._throwaway.take_answers(ready):
                control.send_raw(answer)
            for pid, pidfd in list(self._children.items()):
                if pidfd in ready:
                    self._reap(pid)
            message = control.receive_now()
            while message is not None:
                if self._serve(message, stage):
                    return
                message = control.receive_now()
            if self._has_served and not self._children and self._observe_imports is not None:
                # Once, when it costs nobody's time: the run is over.
                self._throwaway.start(partial(_at_leisure, self._observe_imports), b"")
                self._observe_imports = None
            if self._is_retiring and not (self._children or self._throwaway.descriptors()):
                os._exit(0)

    def _serve(self, message: Message, stage: str) -> bool:
        """True in the process that goes on as something else."""
        control = self.order.control
        if isinstance(message, BuildStage):
            descriptors = control.take_descriptors(4)
            if not self._fork(message.request, descriptors):
                return False
            self._become_builder(message, descriptors)
            return True
        if isinstance(message, StartProcess):
            descriptors = control.take_descriptors(5)
            # Without a fork nobody waits for an answer: the daemon has closed its end.
            if message.fork and not self._fork(message.request, descriptors):
                self._has_served = True
                return False
            self._become_process(message, descriptors)
            return True
        if isinstance(message, TryArguments) and self.try_arguments is not None:
            attempt, request, args = self.try_arguments, message.request, message.args
            failed = ArgumentsTried(
                request, "pytest did not parse them to the end", False, [], []
            ).to_wire()
            self._throwaway.start(lambda: attempt(request, args), _native.pack_frame(failed))
            return False
        if isinstance(message, Retire):
            self._is_retiring = True
            return False
        raise ChannelClosed(f"unexpected message {type(message).__name__}")

    def _fork(self, request: int, descriptors: list[int]) -> bool:
        """True in the child, which has closed what was its parent's own."""
        parent = os.getpid()
        pid = _native.fork()
        if pid == 0:
            _native.begin_life(parent)
            for pidfd in self._children.values():
                posix.close(pidfd)
            self._children.clear()
            self._throwaway.forget()
            self._is_retiring = False
            self._has_served = False
            return True
        self._children[pid] = _native.move_high(_native.open_pidfd(pid))
        for fd in descriptors:
            posix.close(fd)
        self.order.control.send(Forked(request, pid))
        return False

    def _become_builder(self, message: BuildStage, descriptors: list[int]) -> None:
        """Go on to a deeper stage."""
        project_has_run = self._stage in _PROJECT_HAS_RUN
        order = Order(
            control=Channel(_native.move_high(descriptors[0])),
            stage=message.stage,
            flavour=message.flavour,
            spec=message.spec,
            identity=message.identity,
            distribution=message.distribution,
            preload=message.preload,
            no_preload=message.no_preload,
        )
        self._take_over(order, descriptors[1:], is_fork=True)
        randomness.after_fork(project_has_run)
        self.findings.begin()
        self.recorder.start()

    def _become_process(self, message: StartProcess, descriptors: list[int]) -> None:
        """Go on as a process of a run: no stage lies ahead."""
        project_has_run = self._stage in _PROJECT_HAS_RUN
        order = Order(
            control=Channel(_native.move_high(descriptors[0])),
            stage=None,
            flavour=message.flavour,
            spec=message.spec,
            identity=message.identity,
            distribution=message.distribution,
            basetemp=message.basetemp,
            data=_native.move_high(descriptors[1]),
            wants_trace=message.wants_trace,
        )
        self._take_over(order, descriptors[2:], message.fork)
        environment.unwatch()
        quitting.tell_where(order.identity.id if order.is_worker else "")
        if message.fork:
            randomness.after_fork(project_has_run)
        if not order.is_worker:
            order.control.send(SessionBegun())
        if message.awaits_terminal:
            _await_terminal(order.control)
        _write_printed(message)

    def _take_over(self, order: Order, streams: list[int], is_fork: bool) -> None:
        """The descriptors, environment and place that the order brings."""
        before = self.order
        self.order = order
        before.control.close()
        if is_fork:
            # Not otherwise: it would lose its locks.
            _native.separate_files([*order.descriptors(), *streams])
            coverage_collectors.after_fork()
        _native.replace_streams(streams)
        if self._stage not in _PROJECT_HAS_RUN:
            os.umask(order.spec.umask)
            try:
                process_context.take_over(order.spec.context)
            except OSError as error:
                self.fail(f"cannot take over the limits and priorities of the client: {error}")
            try:
                os.chdir(order.spec.directory)
            except OSError as error:
                self.fail(f"cannot enter {os.fsdecode(order.spec.directory)}: {error.strerror}")
        environment.adopt(order.spec.environment, order.identity if order.is_worker else None)
        _adapt_standard_streams()

    def _reap(self, pid: int) -> None:
        result = _native.reap(pid)
        if result is None:
            return
        status, user, system, memory = result
        posix.close(self._children.pop(pid))
        self.order.control.send(ChildExited(pid, status, user, system, memory))


def _at_leisure(observe: Callable[[], ImportsObserved]) -> list[Any]:
    os.nice(10)
    wire: Any = observe().to_wire()
    return list(wire)


def _await_terminal(control: Channel) -> None:
    """Until the client has taken what it showed off it."""
    while not isinstance(control.receive(), TerminalLeft):
        pass


def _write_printed(message: StartProcess) -> None:
    """What the stages have written."""
    for fd, data in ((1, message.printed_stdout), (2, message.printed_stderr)):
        try:
            _native.write_out(fd, data)
        except OSError:
            pass  # the reader is gone: whatever the run itself writes will find that out


def _adapt_standard_streams() -> None:
    """Python chose their buffering by what they were when it started."""
    for stream in (sys.__stdin__, sys.__stdout__):
        reconfigure = getattr(stream, "reconfigure", None)
        if stream is None or reconfigure is None:
            continue
        line_buffering = stream.isatty() and not getattr(stream, "write_through", False)
        if stream.line_buffering != line_buffering:
            reconfigure(line_buffering=line_buffering)
