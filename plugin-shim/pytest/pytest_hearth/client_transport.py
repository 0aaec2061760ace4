"""How the controller in a user's own pytest process reaches the daemon: over ZeroMQ, by the extension module `_client`."""

from __future__ import annotations

import os
from typing import Optional

from . import _client, _native
from .installed_commands import find_command
from .messages import (
    BeginDistribution,
    CancelDistribution,
    Distribution,
    InterruptWorker,
    LendTerminal,
    LostItemJudged,
    Message,
    ProcessSpec,
    Refused,
    RunAccepted,
    RunFailed,
    SubmitDistribution,
    WorkerInput,
    WorkersConfigured,
    from_wire,
)
from .transport import TransportError


class ClientTransport:
    """One distribution's conversation (a `transport.Transport`)."""

    def __init__(self, connection: _client.Connection, spec: ProcessSpec) -> None:
        self._connection = connection
        self._spec = spec

    @classmethod
    def connect(cls, spec: ProcessSpec) -> Optional[ClientTransport]:
        """Find or start the daemon. None: no process of its could be like this one (another namespace, higher limits, …).

        Raises TransportError.
        """
        try:
            connection = _client.Connection(_daemon_directory())
            if connection.difference():
                connection.close()
                return None
            return cls(connection, spec)
        except ConnectionError as error:
            raise TransportError(str(error)) from None

    def open(self, distribution: Distribution, *, shows_output: bool) -> None:
        ticket = self._connection.ticket
        self._send(SubmitDistribution(ticket, self._spec, distribution, shows_output))

    def receive(self, timeout: Optional[float]) -> Optional[Message]:
        while True:
            try:
                payload = self._connection.receive(timeout)
                message = None if payload is None else from_wire(_native.unpack(payload))
            except ConnectionError as error:
                raise TransportError(str(error)) from None
            except ValueError as error:
                raise TransportError(
                    f"the daemon sent something else than a message: {error}"
                ) from None
            if isinstance(message, (RunFailed, Refused)):
                raise TransportError(message.message)
            if not isinstance(message, RunAccepted):
                return message

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

    def close(self) -> None:
        """What the daemon still does for this conversation is cancelled."""
        self._connection.close()

    def _send(self, message: Message) -> None:
        try:
            self._connection.send(_native.pack(message.to_wire()))
        except ConnectionError as error:
            raise TransportError(str(error)) from None


def _daemon_directory() -> str:
    """Where the daemon's executable was installed with this package; it is looked for elsewhere too if it is not there."""
    return os.path.dirname(find_command("hearthd") or "")
