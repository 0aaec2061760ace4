"""Trying other arguments in a throwaway fork of a paused process: parsing may have side effects, and may not end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from . import _native
from .messages import ArgumentsTried, TryArguments

_SECONDS = 20  # then the kernel ends it

Try = Callable[[int, list[bytes]], list[Any]]


class Trials:
    """Those that are going on. A descriptor of each is to be polled."""

    def __init__(self) -> None:
        self._running: dict[
            int, tuple[int, int, bytearray]
        ] = {}  # by its pipe: pid, request, answer

    def descriptors(self) -> list[int]:
        return list(self._running)

    def start(self, message: TryArguments, attempt: Try) -> None:
        theirs, ours = -1, -1
        ours, theirs = (_native.move_high(fd) for fd in os.pipe())
        parent = os.getpid()
        pid = _native.fork()
        if pid == 0:
            _answer(parent, theirs, message, attempt)
        os.close(theirs)
        self._running[ours] = (pid, message.request, bytearray())

    def take_answers(self, ready: Iterable[int]) -> list[bytes]:
        """Packed arguments_tried messages of those that have ended."""
        answers = []
        for fd in [fd for fd in ready if fd in self._running]:
            pid, request, data = self._running[fd]
            more = os.read(fd, 1 << 20)
            data += more
            if more:
                continue
            del self._running[fd]
            os.close(fd)
            os.waitpid(pid, 0)
            answers.append(bytes(data) or _failed(request))
        return answers

    def forget(self) -> None:
        """In a fork: they are its parent's."""
        for fd in self._running:
            os.close(fd)
        self._running.clear()


def _failed(request: int) -> bytes:
    answer = ArgumentsTried(request, "pytest did not parse them to the end", False, [], [])
    packed: bytes = _native.pack_frame(answer.to_wire())
    return packed


def _answer(parent: int, pipe: int, message: TryArguments, attempt: Try) -> NoReturn:
    try:
        _native.begin_life(parent)
        signal.alarm(_SECONDS)
        silence = [os.open(os.devnull, os.O_RDWR) for _ in range(3)]
        _native.replace_streams(silence)
        packed = memoryview(_native.pack_frame(attempt(message.request, message.args)))
        while packed:
            packed = packed[os.write(pipe, packed) :]
    finally:
        os._exit(0)
