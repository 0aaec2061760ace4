"""The user's standard streams in a worker, while a debugger uses them.

They take the place of the worker's own on descriptors 0, 1 and 2, below pytest's capture, which is suspended. What pytest has put
there again by the time that they are given back (its capture has been resumed) stays.
"""

from __future__ import annotations

import posix
import sys
from collections.abc import Callable
from typing import Any, Optional

from _pytest.config import create_terminal_writer

from . import _native


class BorrowedTerminal:
    """`ask` waits for the streams' descriptors, or for the certainty that none will come; `give_back` says that they are free."""

    def __init__(
        self, config: Any, ask: Callable[[], Optional[list[int]]], give_back: Callable[[], None]
    ) -> None:
        self._config = config
        self._ask = ask
        self._say_it_is_free = give_back
        self._lent: list[int] = []
        self._own: list[int] = []
        self._restore: list[Callable[[], None]] = []

    def take(self) -> bool:
        """Whether it is there: at once if it was already, else as soon as nobody else has it."""
        if self._lent:
            return True
        descriptors = self._ask()
        if descriptors is None:
            return False
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if capture is not None:
            capture.suspend(in_=True)
        _flush()
        self._own = [_native.move_high(posix.dup(fd)) for fd in range(3)]
        self._lent = [_native.move_high(fd) for fd in descriptors]
        for fd, lent in enumerate(self._lent):
            posix.dup2(lent, fd)
        self._read_no_further_than_a_line()
        self._show_what_the_reporter_writes()
        return True

    def give_back(self) -> None:
        """If it is here."""
        if not self._lent:
            return
        _flush()
        while self._restore:
            self._restore.pop()()
        for fd, (own, lent) in enumerate(zip(self._own, self._lent)):
            if _is_same(fd, lent):
                posix.dup2(own, fd)
        for fd in (*self._own, *self._lent):
            posix.close(fd)
        self._own, self._lent = [], []
        self._say_it_is_free()

    def _read_no_further_than_a_line(self) -> None:
        """What comes next may be meant for another worker: a script for several debuggers is one file or pipe."""
        stdin: Any = sys.__stdin__
        if stdin is None or stdin.isatty() or not hasattr(stdin, "_CHUNK_SIZE"):
            return
        size = stdin._CHUNK_SIZE
        stdin._CHUNK_SIZE = 1
        self._restore.append(lambda: setattr(stdin, "_CHUNK_SIZE", size))

    def _show_what_the_reporter_writes(self) -> None:
        """The traceback before a post-mortem prompt."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if not hasattr(reporter, "_tw"):
            return
        writer = reporter._tw
        reporter._tw = create_terminal_writer(self._config, sys.stdout)
        self._restore.append(lambda: setattr(reporter, "_tw", writer))


def _is_same(one: int, other: int) -> bool:
    try:
        a, b = posix.fstat(one), posix.fstat(other)
    except OSError:
        return False
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # a test's own object, or a reader that is gone
