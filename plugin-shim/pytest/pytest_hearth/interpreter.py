"""The life of a process that hearthd started: wait as an interpreter, be forked, become pytest, wait again, become a run.

`main` is called once, in the interpreter zygote. Every other process is a fork that returned from `Zygote.pause` with an
order, and goes on from there: pytest's script runs in it, and is paused at the stage that the order names. Each frame below the
script would be one that a user finds in a debugger, and one less before the recursion limit: `main` returns what is to be called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from . import _native, ending, environment, installation, randomness
from .channel import Channel
from .messages import Stage
from .recorder import Recorder
from .stage_report import StageReport
from .zygote import Zygote

_OLDEST_PYTEST = (7, 4)


_run: Any = None  # for the process's life, whoever else has it


def main(control_fd: int) -> Callable[[], object]:
    """The interpreter zygote. Returns in each of its forks, with the script of the run and what ends the process after it."""
    global _run
    _reset_signals()
    installation.remember()
    recorder = Recorder()
    environment.begin()
    _load_site()
    zygote = Zygote(Channel(_native.move_high(control_fd)), recorder)
    try:
        import pytest
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            zygote.fail(f"cannot import pytest: {error}")
        zygote.fail(
            f"{sys.executable} has no pytest: install it with `{sys.executable} -m pip install pytest`",
            plain_fails_too=True,
        )
    except Exception as error:
        zygote.fail(f"cannot import pytest: {type(error).__name__}: {error}")
    if _release(pytest.__version__) < _OLDEST_PYTEST:
        zygote.fail(
            f"{sys.executable} has pytest {pytest.__version__}, and hearth needs 7.4 or later: "
            "update it, or run pytest without hearth"
        )
    from .run import Run  # which imports pytest

    zygote.base_path = list(sys.path)
    _native.remember_streams()
    randomness.remember_start()
    base = set(sys.modules)
    zygote.pause(Stage.interpreter, StageReport())
    if zygote.order.stage == Stage.preloaded:
        from . import preload

        preload.reach(zygote)
    _run = Run(zygote, base)
    return partial(_native.call_in_turn_to_the_end, _run.begin(), ending.finish)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _load_site() -> None:
    """As Python does at its start, if it was told not to: `.pth` files and `sitecustomize` are somebody's code, and read."""
    if sys.flags.no_site:
        _native.forget_no_site_flag()
        import site  # noqa: F401


def _reset_signals() -> None:
    """What a shell's child has, whatever hearthd's own signals are."""
    import _signal  # type: ignore[import-not-found]

    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    if _signal.getsignal(_signal.SIGINT) is not _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    for number in (_signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGCHLD):
        _signal.signal(number, _signal.SIG_DFL)
