"""How long each test may take: the daemon is told, and has the clock.

When the time is over, a signal has the fault handler write down what all threads are doing, also where Python code does not get
to run any more; nothing of this is there before the first test with a limit.
"""

from __future__ import annotations

import os
import posix
import signal
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Optional

import pytest

from . import _native
from .channel import Channel, ChannelClosed
from .messages import TimeLimit

_OWN_MARK = "hearth_timeout"
_STACK_SIGNAL = signal.SIGRTMAX - 3
# Seconds that the test is held after it, in which the daemon reads what was written and ends it: native code would come back
# from a call that the signal interrupts, and go on as if nothing had happened.
_DELAY = 2
_MOST = 366 * 24 * 60 * 60.0  # seconds: as good as no limit
_PLUGIN_NAME = "hearth_time_limits"


class TimeLimits:
    """Of one process's tests."""

    def __init__(self, config: Any) -> None:
        self._marks = _marks(config)
        self._default = _default(config, self._marks)
        self._stack_file: Optional[int] = None

    @property
    def is_general(self) -> bool:
        """Whether tests without a mark have one."""
        return self._default > 0

    def message(self, item: Any) -> Optional[TimeLimit]:
        """What is to be said before the test begins, if anything. A mark that nobody understands ends the session."""
        seconds = self._default
        for name in self._marks:
            mark = item.get_closest_marker(name)
            if mark is not None:
                seconds = _seconds_of(mark, item)
                break
        if not seconds > 0:
            return None
        milliseconds = max(1, round(1000 * min(seconds, _MOST)))
        return TimeLimit(_text(item.nodeid), milliseconds, _STACK_SIGNAL, self._ready_file())

    def _ready_file(self) -> int:
        if self._stack_file is None:
            import faulthandler  # plain pytest may do without

            descriptor = os.memfd_create("hearth-stacks", os.MFD_CLOEXEC)
            self._stack_file = int(_native.move_high(descriptor))
            _native.delay_at(_STACK_SIGNAL, _DELAY)
            faulthandler.register(
                _STACK_SIGNAL, file=self._stack_file, all_threads=True, chain=True
            )
        else:
            # Of an earlier test that ended at the last moment.
            posix.lseek(self._stack_file, 0, os.SEEK_SET)
            posix.ftruncate(self._stack_file, 0)
        return self._stack_file


class SessionLimits:
    """The plugin of a session that executes its tests itself."""

    def __init__(self, limits: TimeLimits, control: Channel) -> None:
        self._limits = limits
        self._control = control
        self._pid = os.getpid()

    @classmethod
    def install(cls, session: Any, control: Channel, has_marks: bool) -> None:
        """If any test has a limit. A debugger's user takes his time."""
        config = session.config
        if config.pluginmanager.hasplugin(_PLUGIN_NAME) or config.getoption("usepdb", False):
            return
        limits = TimeLimits(config)
        if limits.is_general or has_marks:
            config.pluginmanager.register(cls(limits, control), _PLUGIN_NAME)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, Any, None]:
        """From before the first fixture to after the last."""
        limit = self._limits.message(item)
        if limit is not None:
            self._say(limit)
        yield
        if limit is not None:
            self._lift()

    def pytest_enter_pdb(self) -> None:
        """It takes as long as it likes."""
        self._lift()

    def _lift(self) -> None:
        self._say(TimeLimit("", 0, 0, 0))

    def _say(self, message: TimeLimit) -> None:
        if os.getpid() == self._pid:
            with suppress(ChannelClosed):
                self._control.send(message)


def has_marks(session: Any) -> bool:
    """Whether some test has a limit of its own. Asked where it can be remembered for many runs."""
    names = _marks(session.config)
    items = getattr(session, "items", [])
    return any(mark.name in names for item in items for mark in item.iter_markers())


def _marks(config: Any) -> tuple[str, ...]:
    """pytest-timeout's is its own where it is there."""
    return (_OWN_MARK,) if config.pluginmanager.hasplugin("timeout") else (_OWN_MARK, "timeout")


def _default(config: Any, marks: tuple[str, ...]) -> float:
    given = config.getoption("hearth_timeout", None)
    if given is not None:
        return float(given)
    for name in marks:
        value = _ini(config, name)
        if value:
            try:
                return float(value)
            except ValueError:
                raise pytest.UsageError(f"hearth: no number of seconds: {name} {value!r}") from None
    return 0.0


def _ini(config: Any, name: str) -> Optional[str]:
    """Not getini: nobody need have declared it."""
    for text in reversed(config.getoption("override_ini", None) or []):
        key, _, value = text.partition("=")
        if key == name:
            return str(value)
    # The name without the underscore warns in newer releases.
    attributes = vars(config)
    raw = attributes.get("_inicfg", attributes.get("inicfg", {})).get(name)
    value = getattr(raw, "value", raw)
    return None if value is None else str(value)


def _seconds_of(mark: Any, item: Any) -> float:
    value = mark.args[0] if mark.args else mark.kwargs.get("timeout", mark.kwargs.get("seconds"))
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        text = f"hearth: {item.nodeid}: no number of seconds: {mark.name} {value!r}"
        raise pytest.exit.Exception(text, returncode=pytest.ExitCode.USAGE_ERROR) from None


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
