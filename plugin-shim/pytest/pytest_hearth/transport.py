"""How a controller reaches the daemon."""

from __future__ import annotations

from typing import Optional, Protocol

from .channel import Channel, ChannelClosed
from .messages import (
    BeginDistribution,
    CancelDistribution,
    Distribution,
    InterruptWorker,
    LendTerminal,
    LostItemJudged,
    Message,
    OpenDistribution,
    WorkerInput,
    WorkersConfigured,
)


class TransportError(Exception):
    """The daemon is gone, or refuses; the text is one line for the user."""


class Transport(Protocol):
    """One distribution's conversation."""

    def open(self, distribution: Distribution, *, shows_output: bool) -> None:
        """Ask for it; distribution_opened or distribution_finished will be received. Raises TransportError.

        shows_output: whether worker_printed is wanted.
        """

    def receive(self, timeout: Optional[float]) -> Optional[Message]:
        """The next message; None when the seconds have passed. Raises TransportError; lets KeyboardInterrupt through."""

    def configure(self, workers: list[WorkerInput]) -> None:
        """Answer to workers_wanted. Raises TransportError."""

    def begin(self) -> None:
        """The items that distribution_opened named may be executed. Raises TransportError."""

    def judge(self, item: int, *, again: bool) -> None:
        """What becomes of a lost item, where that was asked for. Raises TransportError."""

    def cancel(self, *, completes_items: bool) -> None:
        """Ask for the end; distribution_finished will be received. Raises TransportError."""

    def lend_terminal(self, worker: str) -> None:
        """The worker gets the user's streams. Raises TransportError."""

    def interrupt(self, worker: str) -> None:
        """As if Ctrl-C had been meant for it. Raises TransportError."""


class SocketTransport:
    """Over the control channel of a session that hearthd forked."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def open(self, distribution: Distribution, *, shows_output: bool) -> None:
        self._send(OpenDistribution(distribution, shows_output))

    def receive(self, timeout: Optional[float]) -> Optional[Message]:
        try:
            return self._channel.receive(timeout)
        except ChannelClosed as error:
            raise TransportError(f"the daemon is gone: {error}") from None

    def configure(self, workers: list[WorkerInput]) -> None:
        self._send(WorkersConfigured(workers))

    def begin(self) -> None:
        self._send(BeginDistribution())

    def judge(self, item: int, *, again: bool) -> None:
        self._send(LostItemJudged(item, again))

    def cancel(self, *, completes_items: bool) -> None:
        self._send(CancelDistribution(completes_items))

    def lend_terminal(self, worker: str) -> None:
        self._send(LendTerminal(worker))

    def interrupt(self, worker: str) -> None:
        self._send(InterruptWorker(worker))

    def _send(self, message: Message) -> None:
        try:
            self._channel.send(message)
        except ChannelClosed as error:
            raise TransportError(f"the daemon is gone: {error}") from None
