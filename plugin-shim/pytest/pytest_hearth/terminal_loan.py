"""The user's terminal between the controller and its workers: one debugger has it at a time, the controller is silent meanwhile.

Once a worker has had it, another gets it when the test that needed it has ended: its debugger may stop again, or end the run.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any, Optional

from .transport import Transport


class TerminalLoan:
    """`announce` is called with the worker just before it gets the terminal."""

    def __init__(
        self, transport: Transport, announce: Callable[[str], None], capture: Any = None
    ) -> None:
        """capture: pytest's capture manager, if there is one."""
        self._transport = transport
        self._capture = capture
        self._announce = announce
        self._waiting: list[str] = []
        self._borrower: Optional[str] = None
        self._restore: list[Callable[[], object]] = []
        self._is_interrupted = False
        self.is_lent = False

    def requested(self, worker: str) -> None:
        """It gets the terminal as soon as nobody else has it."""
        self._waiting.append(worker)
        self._lend_next()

    def returned(self, worker: str, *, in_item: bool) -> None:
        """It does not use it any more, or does not want it any more."""
        if worker in self._waiting:
            self._waiting.remove(worker)
        elif worker == self._borrower:
            self._take_back()
            if not in_item:
                self._forget_borrower()

    def test_ended(self, worker: str) -> None:
        """The one that it was executing."""
        if worker == self._borrower:
            self._forget_borrower()

    def worker_ended(self, worker: str) -> None:
        """Its process is gone."""
        if worker in self._waiting:
            self._waiting.remove(worker)
        if worker == self._borrower:
            self._take_back()
            self._forget_borrower()

    def close(self) -> None:
        """The run is over."""
        self._waiting.clear()
        self._take_back()

    def pass_on_interrupt(self) -> None:
        """Ctrl-C while it is lent is for the debugger."""
        if self._is_interrupted and self._borrower is not None:
            self._is_interrupted = False
            self._transport.interrupt(self._borrower)

    def _lend_next(self) -> None:
        wanted = [each for each in self._waiting if self._borrower in (None, each)]
        if self.is_lent or not wanted:
            return
        self._borrower = wanted[0]
        self._waiting.remove(self._borrower)
        self._announce(self._borrower)
        self.is_lent = True
        self._uncover_input()
        self._keep_modes()
        self._keep_interrupts()
        self._transport.lend_terminal(self._borrower)

    def _forget_borrower(self) -> None:
        self._borrower = None
        self._lend_next()

    def _take_back(self) -> None:
        self.is_lent = False
        while self._restore:
            self._restore.pop()()

    def _uncover_input(self) -> None:
        """The user's, in the place of pytest's own: who delivers Ctrl-C sees by it that the terminal is read."""
        capture = self._capture
        if capture is None:
            return
        capture.suspend_global_capture(in_=True)

        def cover() -> None:
            capture.resume_global_capture()
            capture.suspend_global_capture(in_=False)

        self._restore.append(cover)

    def _keep_modes(self) -> None:
        """A debugger that is killed at its prompt leaves a terminal that shows nothing of what is typed."""
        import termios

        try:
            fd = os.dup(0)
        except OSError:
            return
        try:
            modes = termios.tcgetattr(fd)
        except termios.error:
            os.close(fd)
            return

        def restore() -> None:
            try:
                termios.tcsetattr(fd, termios.TCSADRAIN, modes)
            except termios.error:
                pass
            os.close(fd)

        self._restore.append(restore)

    def _keep_interrupts(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._is_interrupted = False

        def note(*_: Any) -> None:
            self._is_interrupted = True

        before = signal.signal(signal.SIGINT, note)
        self._restore.append(lambda: signal.signal(signal.SIGINT, before or signal.SIG_DFL))
