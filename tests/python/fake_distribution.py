"""hearthd's side of a distributed run: a simple distribution in place of the scheduler's."""

from __future__ import annotations

from collections import deque
from typing import Any, Callable, Optional

from fake_daemon import (
    ChildExited,
    Message,
    Process,
    ProcessSpec,
    StageReady,
    WorkerIdentity,
    Zygote,
    _native,
)

from _hearth_runtime.channel import ChannelClosed  # type: ignore[import-not-found]
from _hearth_runtime.messages import (  # type: ignore[import-not-found]
    BeginDistribution,
    CancelDistribution,
    DistributionFinished,
    DistributionOpened,
    Doorbell,
    EventReported,
    ItemBegan,
    ItemFinished,
    ItemReported,
    ItemStarted,
    LastWords,
    NoMoreItems,
    OpenDistribution,
    Resume,
    RunItems,
    StopWorker,
    WorkerEnded,
    WorkerEvent,
    WorkerFinished,
    WorkerStarted,
)

TESTRUN = "0123456789abcdef0123456789abcdef"


class FakeWorker:
    """A worker's process, and what it has said."""

    def __init__(self, process: Process, name: str) -> None:
        self.process = process
        self.name = name
        self.said: list[Message] = []
        self.running: Optional[int] = None
        self.output: Optional[bytes] = None
        self.at_end = False

    def run(self, *items: int, last: bool = True) -> None:
        self.process.control.send(Resume())
        self.process.control.send(RunItems(list(items)))
        if last:
            self.process.control.send(NoMoreItems())

    def read(self) -> list[Message]:
        """What is new on its data channel."""
        new: list[Message] = []
        try:
            while True:
                message = self.process.data.channel.receive_now()
                if message is None:
                    break
                new.append(message)
        except ChannelClosed:
            self.at_end = True
        self.said += new
        return new

    def wait_for(self, kind: Any) -> Any:
        """The next message of this kind; what comes before it is kept in `said`."""
        while True:
            message = self.process.data.receive()
            self.said.append(message)
            if isinstance(message, kind):
                return message


def start_worker(
    zygote: Zygote, spec: ProcessSpec, name: str = "gw0", count: int = 1, basetemp: bytes = b""
) -> FakeWorker:
    identity = WorkerIdentity(name, count, TESTRUN, [])
    return FakeWorker(
        zygote.start(spec, flavour="worker", identity=identity, basetemp=basetemp), name
    )


class Distribution:
    """Serves one controller until its distribution is finished."""

    def __init__(
        self,
        controller: Process,
        workers: Zygote,
        ready: StageReady,
        spec: ProcessSpec,
        count: int = 2,
    ) -> None:
        self.controller = controller
        self._zygote = workers
        self._ready = ready
        self._spec = spec
        self._count = count
        self.workers: list[FakeWorker] = []
        self.opened: Any = None
        self.outcome = "completed"
        self.message = ""
        self.failures = 0

    def serve(self, choose: Optional[Callable[[int, int], list[list[int]]]] = None) -> None:
        """Distribute the items (round robin, unless `choose` says otherwise), and replay to the controller."""
        self.opened = self.controller.control.receive(OpenDistribution).distribution
        items = self._ready.items
        count = self._count
        if items:
            for number in range(count):
                base = (
                    self.opened.basetemp + b"/popen-gw%d" % number if self.opened.basetemp else b""
                )
                self.workers.append(
                    start_worker(self._zygote, self._spec, f"gw{number}", count, base)
                )
        self._say(DistributionOpened(count, items, self._ready.collected))
        if not self._may_begin():
            items = []
        shares = (
            choose(len(items), count)
            if choose
            else [list(range(n, len(items), count)) for n in range(count)]
        )
        for worker, share in zip(self.workers, shares):
            self._say(WorkerStarted(worker.name, worker.process.pid))
            worker.run(*share)
        self._loop()
        self._say(DistributionFinished(self.outcome, self.message))

    def _may_begin(self) -> bool:
        message = self.controller.control.receive()
        if isinstance(message, BeginDistribution):
            return True
        assert isinstance(message, CancelDistribution), message
        self.outcome = "cancelled"
        return False

    def _say(self, message: Message) -> None:
        self.controller.control.send(message)

    def _loop(self) -> None:
        alive = list(self.workers)
        while alive:
            fds = [self.controller.control.channel.fd]
            for worker in alive:
                fds += [worker.process.data.channel.fd, worker.process.control.channel.fd]
            _native.poll(fds, 1000)
            self._obey_controller()
            for worker in list(alive):
                self._drain_doorbells(worker)
                for message in worker.read():
                    self._forward(worker, message)
                if worker.at_end:
                    alive.remove(worker)
                    self._ended(worker)

    def _obey_controller(self) -> None:
        message = self.controller.control.channel.receive_now()
        if isinstance(message, CancelDistribution):
            self.outcome = "cancelled"
            self.stop()

    def stop(self) -> None:
        for worker in self.workers:
            if not worker.at_end:
                try:
                    worker.process.control.send(StopWorker())
                except OSError:
                    pass

    @staticmethod
    def _drain_doorbells(worker: FakeWorker) -> None:
        try:
            while True:
                message = worker.process.control.channel.receive_now()
                if message is None:
                    return
                assert isinstance(message, (Doorbell, LastWords)), message
        except ChannelClosed:
            return

    def _forward(self, worker: FakeWorker, message: Message) -> None:
        if isinstance(message, ItemStarted):
            worker.running = message.item
            self._say(ItemBegan(worker.name, message.item))
        elif isinstance(message, ItemFinished):
            worker.running = None
            self._say(ItemReported(worker.name, message.item, message.reports))
            self.failures += message.failures
            if self.opened.max_failures and self.failures >= self.opened.max_failures:
                self.outcome = "max_failures"
                self.stop()
        elif isinstance(message, WorkerEvent):
            self._say(EventReported(worker.name, message.event))
            if message.fatal:
                self.outcome = "failed"
                self.stop()
        elif isinstance(message, WorkerFinished):
            worker.output = message.output

    def _ended(self, worker: FakeWorker) -> None:
        status = worker.process.wait()
        lost = -1 if worker.running is None else worker.running
        finished = worker.output is not None
        self._say(
            WorkerEnded(
                worker.name,
                finished,
                status,
                lost,
                not finished,
                worker.output or b"",
                b"",
                b"",
                b"",
                b"",
                0,
            )
        )
        if not finished:
            self.outcome = "failed"
            self.message = f"worker {worker.name} crashed"


__all__ = ["ChildExited", "Distribution", "FakeWorker", "deque", "start_worker"]
