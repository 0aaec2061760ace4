"""The daemon's sockets without its client: raw bytes, and just enough of ZMTP 3 to be a ZeroMQ DEALER."""

from __future__ import annotations

import select
import socket
import struct
from pathlib import Path

from tests.support.events import TIMEOUT

_LONG = 0x02
_COMMAND = 0x04


def connect(path: Path) -> socket.socket:
    """A stream connection to a Unix socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT)
    connection.connect(str(path))
    return connection


def wait_closed(connection: socket.socket) -> None:
    """Read until the other side closes, and close too; TimeoutError when it does not."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    finally:
        connection.close()


class Dealer:
    """A ZeroMQ DEALER with the NULL mechanism on a Unix socket: one frame is one message."""

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)
        greeting = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
        self.connection.sendall(greeting)
        self._receive_exactly(64)
        ready = b"\x05READY" + _property(b"Socket-Type", b"DEALER") + _property(b"Identity", b"")
        self.connection.sendall(bytes([_COMMAND, len(ready)]) + ready)
        self._receive_frame()

    def send(self, payload: bytes) -> None:
        """One message of one frame."""
        self.send_raw(bytes([_LONG]) + struct.pack(">Q", len(payload)) + payload)

    def send_raw(self, data: bytes) -> None:
        """Bytes as they are, after the handshake."""
        try:
            self.connection.sendall(data)
        except ConnectionError:
            pass  # the daemon has had enough of it, as it may

    def receive(self, timeout: float = TIMEOUT) -> bytes:
        """The next message; b"" when the daemon closed the connection, TimeoutError when nothing comes."""
        if not select.select([self.connection], [], [], timeout)[0]:
            raise TimeoutError("no answer")
        try:
            return self._receive_frame()
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.connection.close()

    def _receive_frame(self) -> bytes:
        flags = self._receive_exactly(1)[0]
        size = (
            struct.unpack(">Q", self._receive_exactly(8))[0]
            if flags & _LONG
            else self._receive_exactly(1)[0]
        )
        return self._receive_exactly(size)

    def _receive_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise ConnectionError("closed by the daemon")
            data += more
        return data


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
