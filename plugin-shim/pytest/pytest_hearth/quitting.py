"""SIGQUIT (Ctrl-Backslash): a process of a run tells the user where each of its threads is, and dies of it as it would anyway."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import posix
import sys

from . import _native


def tell_where(who: str) -> None:
    """On what is standard error now, whatever becomes of it. Not if anybody has plans of his own for that signal.

    who: a worker's id, which stands before it; empty: nothing does.
    """
    if _signal.getsignal(_signal.SIGQUIT) != _signal.SIG_DFL or _is_caught(_signal.SIGQUIT):
        return
    was_loaded = "faulthandler" in sys.modules
    import faulthandler

    if not was_loaded:
        del sys.modules["faulthandler"]
    stderr = _native.move_high(posix.dup(2))
    faulthandler.register(_signal.SIGQUIT, file=stderr, all_threads=True, chain=True)
    if who:
        _native.announce_signal(_signal.SIGQUIT, stderr, f"\n[{who}] ".encode())
    os.register_at_fork(after_in_child=lambda: _forget(faulthandler))


def _is_caught(number: int) -> bool:
    """By native code: Python does not know of faulthandler's."""
    with open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"SigCgt:"):
                return bool(int(line[7:], 16) >> (number - 1) & 1)
    return False


def _forget(faulthandler: object) -> None:
    """What a test forks is the test's own."""
    faulthandler.unregister(_signal.SIGQUIT)  # type: ignore[attr-defined]
