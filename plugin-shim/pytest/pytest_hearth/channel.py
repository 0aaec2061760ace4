"""Framed messages over a Unix stream socket that hearthd is at the other end of."""

from __future__ import annotations

import posix
from collections.abc import Sequence

from . import _native
from .messages import FRAME_BYTES, Message, from_wire


class ChannelClosed(Exception):
    """The other side is gone, or does not speak the protocol: this process has nobody to work for."""


class Channel:
    """Owns the descriptor. Used by one thread.

    Descriptors that arrive are kept in the order of their arrival: a message that comes with some takes them.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._buffer = bytearray()
        self._descriptors: list[int] = []
        self._messages: list[Message] = []

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Waits until the socket has taken all of it. Raises ChannelClosed."""
        try:
            _native.send_all(self.fd, _native.pack_frame(message.to_wire()), descriptors)
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def send_raw(self, frame: bytes) -> None:
        """The same, of a packed frame."""
        try:
            _native.send_all(self.fd, frame, ())
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def take_descriptors(self, count: int) -> list[int]:
        """Those that came with the message that was received last. Raises ChannelClosed if they did not come."""
        taken, self._descriptors = self._descriptors[:count], self._descriptors[count:]
        if len(taken) != count:
            raise ChannelClosed("descriptors are missing")
        return taken

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next message; None when the seconds have passed (or a signal came). Raises ChannelClosed."""
        message = self.receive_now()
        if message is None and (timeout is None or timeout > 0):
            _native.poll((self.fd,), -1 if timeout is None else int(timeout * 1000) + 1)
            message = self.receive_now()
        return message

    def receive_now(self) -> Message | None:
        """The next message that is there already. Raises ChannelClosed."""
        while not self._messages:
            try:
                got = _native.receive(self.fd)
            except OSError as error:
                raise ChannelClosed(str(error)) from None
            if got is None:
                return None
            data, descriptors = got
            if not data:
                raise ChannelClosed("end of file")
            self._descriptors += descriptors
            self._buffer += data
            self._split()
        return self._messages.pop(0)

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd >= 0:
            posix.close(self.fd)  # gevent puts another close into os, one that waits for its loop
            self.fd = -1

    def _split(self) -> None:
        buffer = self._buffer
        start = 0
        while len(buffer) - start >= 4:
            size = int.from_bytes(buffer[start : start + 4], "big")
            if size > FRAME_BYTES:
                raise ChannelClosed(f"a frame of {size} bytes is too large")
            if len(buffer) - start - 4 < size:
                break
            payload = bytes(buffer[start + 4 : start + 4 + size])
            start += 4 + size
            try:
                self._messages.append(from_wire(_native.unpack(payload)))
            except ValueError as error:
                raise ChannelClosed(str(error)) from None
        del buffer[:start]
