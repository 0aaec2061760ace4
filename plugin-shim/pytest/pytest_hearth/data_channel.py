"""What a worker tells: on the data channel at once, with a doorbell on the control channel when the daemon should look."""

from __future__ import annotations

import time

from . import _native
from .channel import Channel, ChannelClosed
from .messages import Doorbell, Message

# A report waits at most this long for the daemon's attention while the worker is busy.
_RING_SECONDS = 0.010
_DOORBELL = _native.pack_frame(Doorbell().to_wire())


class DataChannel:
    """Owns nothing: the descriptors are the order's."""

    def __init__(self, fd: int, control: Channel) -> None:
        self._fd = fd
        self._control = control
        self._pending: list[bytes] = []
        self._unseen = False
        self._last_ring = 0.0

    def queue(self, message: Message) -> None:
        """To be sent with the next flush."""
        self._pending.append(_native.pack_frame(message.to_wire()))

    def queue_frame(self, frame: bytes) -> None:
        """The same, of a packed frame."""
        self._pending.append(frame)

    def flush(self, *, ring: bool) -> None:
        """Send what is queued. The doorbell is rung if it is asked for or due. Raises ChannelClosed."""
        if self._pending:
            data = b"".join(self._pending) if len(self._pending) > 1 else self._pending[0]
            self._pending.clear()
            self._unseen = True
            self._send(data)
        if self._unseen and (ring or time.monotonic() - self._last_ring >= _RING_SECONDS):
            self._ring()

    def _send(self, data: bytes) -> None:
        sent = 0
        try:
            while True:
                sent += _native.send_some(self._fd, data, sent)
                if sent == len(data):
                    return
                self._ring()
                _native.wait_writable(self._fd)
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def _ring(self) -> None:
        self._control.send_raw(_DOORBELL)
        self._unseen = False
        self._last_ring = time.monotonic()
