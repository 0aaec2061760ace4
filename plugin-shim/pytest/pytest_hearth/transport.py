"""How a controller reaches the daemon."""

from __future__ import annotations

from typing import Optional, Protocol

from .channel import Channel, ChannelClosed
from .messages import BeginDistribution, CancelDistribution, Distribution, Message, OpenDistribution


class TransportError(Exception):
    """The daemon is gone, or refuses; the text is one line for the user."""


class Transport(Protocol):
    """One distribution's conversation."""

    def open(self, distribution: Distribution) -> None:
        """Ask for it; distribution_opened or distribution_finished will be received. Raises TransportError."""

    def receive(self, timeout: Optional[float]) -> Optional[Message]:
        """The next message; None when the seconds have passed. Raises TransportError; lets KeyboardInterrupt through."""

    def begin(self) -> None:
        """The items that distribution_opened named may be executed. Raises TransportError."""

    def cancel(self) -> None:
        """Ask for the end; distribution_finished will be received. Raises TransportError."""


class SocketTransport:
    """Over the control channel of a session that hearthd forked."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def open(self, distribution: Distribution) -> None:
        self._send(OpenDistribution(distribution))

    def receive(self, timeout: Optional[float]) -> Optional[Message]:
        try:
            return self._channel.receive(timeout)
        except ChannelClosed as error:
            raise TransportError(f"the daemon is gone: {error}") from None

    def begin(self) -> None:
        self._send(BeginDistribution())

    def cancel(self) -> None:
        self._send(CancelDistribution())

    def _send(self, message: Message) -> None:
        try:
            self._channel.send(message)
        except ChannelClosed as error:
            raise TransportError(f"the daemon is gone: {error}") from None
