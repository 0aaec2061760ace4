"""Questions to a paused process that are answered in throwaway forks of it.

Finding the answer may have side effects, may not end, and would cost each later fork the pages that it touches.
"""

from __future__ import annotations

import os
import posix
import signal
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from . import _native

_SECONDS = 20  # then the kernel ends it

# Returns a message in wire form.
Question = Callable[[], list[Any]]


class ThrowawayForks:
    """Those that are going on."""

    def __init__(self) -> None:
        # By its pipe: pid, what is answered when there is no answer, the answer.
        self._working: dict[int, tuple[int, bytes, bytearray]] = {}
        self._ending: dict[int, int] = {}  # by its pidfd: pid

    def descriptors(self) -> list[int]:
        """They are to be polled."""
        return [*self._working, *self._ending]

    def start(self, question: Question, no_answer: bytes) -> None:
        """no_answer: a packed message, for when the fork ends without one; empty: none."""
        theirs, ours = -1, -1
        ours, theirs = (_native.move_high(fd) for fd in os.pipe())
        parent = os.getpid()
        pid = _native.fork()
        if pid == 0:
            _answer(parent, theirs, question)
        os.close(theirs)
        self._working[ours] = (pid, no_answer, bytearray())

    def take_answers(self, ready: Iterable[int]) -> list[bytes]:
        """Packed messages."""
        answers = []
        for fd in ready:
            if fd in self._ending:
                os.waitpid(self._ending.pop(fd), 0)
                posix.close(fd)
            elif fd in self._working:
                pid, no_answer, data = self._working[fd]
                more = os.read(fd, 1 << 20)
                data += more
                if more:
                    continue
                del self._working[fd]
                os.close(fd)
                # It takes a while to give its memory back.
                self._ending[_native.move_high(_native.open_pidfd(pid))] = pid
                answers.append(bytes(data) or no_answer)
        return [answer for answer in answers if answer]

    def forget(self) -> None:
        """In a fork: they are its parent's."""
        for fd in self.descriptors():
            os.close(fd)
        self._working.clear()
        self._ending.clear()


def _answer(parent: int, pipe: int, question: Question) -> NoReturn:
    try:
        _native.begin_life(parent)
        signal.alarm(_SECONDS)
        silence = [os.open(os.devnull, os.O_RDWR) for _ in range(3)]
        _native.replace_streams(silence)
        packed = memoryview(_native.pack_frame(question()))
        while packed:
            packed = packed[os.write(pipe, packed) :]
        os.close(pipe)
    finally:
        os._exit(0)
