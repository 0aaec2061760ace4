"""What this process reads on its way to a stage: seen by the library that hearthd has loaded before libc (preload/)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from . import _native, environment


class Recorder:
    """One for the process, whose audit hook stays. It records from the process's very start to the first pause, and from each
    fork that goes on to a deeper stage to that one's pause. In a run only if somebody watches it."""

    def __init__(self) -> None:
        _native.recorder_set_cache_prefix(getattr(sys, "pycache_prefix", None) or "")
        _native.recorder_on_child_process(environment.note_child_process)
        sys.addaudithook(_native.audit)
        _native.recorder_begin(True)

    def start(self) -> None:
        """Record from here on, into an empty record."""
        _native.recorder_begin(False)

    def start_in_run(self) -> None:
        """Record what a run looks at, for somebody who wants to know, into an empty record."""
        _native.recorder_begin_run()

    def ignore(self, paths: Iterable[str]) -> None:
        """Leave these out from here on."""
        for path in paths:
            _native.recorder_ignore(path)

    def on_input(self, listener: Callable[[], None]) -> None:
        """Call it when the user is about to be asked for a line (`input`; so do debuggers)."""
        _native.recorder_on_input(listener)

    def stop(self) -> None:
        """Record nothing more: what a run reads is its own matter."""
        _native.recorder_stop()

    def refusal(self) -> str:
        """Why nothing may be built on what this process has read; empty: it may."""
        if _native.recorder_available():
            return ""
        return "the recorder is not loaded, so nobody knows what was read"

    def take(self) -> list[list[Any]]:
        """File signatures in wire form, in the order of the looks."""
        return _native.recorder_take()
