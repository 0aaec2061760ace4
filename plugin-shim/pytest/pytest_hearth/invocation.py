"""The command that this pytest process was started with, so that the daemon can start it again."""

from __future__ import annotations

import os
import sys
from typing import Any, Optional

from . import _client
from .messages import ProcessContext, ProcessSpec

_SCRIPTS = ("pytest", "py.test")


def spec_of(config: Any, sys_path: list[str]) -> ProcessSpec:
    """For a config made by the console script, by `python -m pytest`, or by a program that calls pytest.main().

    Such a program is not run again: its workers are `python -m pytest` with the `sys.path` that it had when it loaded the
    plugin, and with its environment as it is now.
    """
    script = _main_script()
    is_embedded = script is None
    return ProcessSpec(
        python=os.fsencode(sys.executable),
        script=os.fsencode(script or ""),
        sys_path=[os.fsencode(entry) for entry in sys_path] if is_embedded else [],
        args=[os.fsencode(argument) for argument in config.invocation_params.args],
        directory=os.fsencode(config.invocation_params.dir),
        environment=_current_environment() if is_embedded else _original_environment(),
        umask=_umask(),
        context=ProcessContext.from_wire(_client.process_context(), "process_context"),
    )


def _main_script() -> Optional[str]:
    """The pytest script that is this process's main program; empty for `python -m pytest`; None for any other program."""
    main: Any = sys.modules.get("__main__")
    module = getattr(main, "__spec__", None)
    if module is not None:
        return "" if module.name in ("pytest.__main__", "pytest") else None
    file: Optional[str] = getattr(main, "__file__", None)
    if file is not None and os.path.basename(file) in _SCRIPTS:
        return os.path.abspath(file)
    return None


def _original_environment() -> list[bytes]:
    """As the process was started: pytest and its plugins add variables, and will do so in the workers."""
    try:
        with open("/proc/self/environ", "rb") as file:
            return [entry for entry in file.read().split(b"\0") if b"=" in entry]
    except OSError:
        return _current_environment()


def _current_environment() -> list[bytes]:
    return [name + b"=" + value for name, value in os.environb.items()]


def _umask() -> int:
    """Read, not set and set back: this process may have threads."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o22
