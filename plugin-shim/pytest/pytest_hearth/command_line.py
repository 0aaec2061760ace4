"""How this pytest process was started: told from what the kernel and the interpreter know of it. Imports nothing of ours."""

from __future__ import annotations

import os
import sys
from typing import Any, Optional

_SCRIPTS = ("pytest", "py.test")


def main_script() -> Optional[str]:
    """The pytest script that is this process's main program; empty for `python -m pytest`; None for any other program."""
    main: Any = sys.modules.get("__main__")
    module = getattr(main, "__spec__", None)
    if module is not None:
        return "" if module.name in ("pytest.__main__", "pytest") else None
    file: Optional[str] = getattr(main, "__file__", None)
    if file is not None and os.path.basename(file) in _SCRIPTS:
        return os.path.abspath(file)
    return None


def has_interpreter_options(script: str) -> bool:
    """Whether Python got more (-X, -W, -O, -m coverage, …) than the script, or `-m pytest`, and its arguments."""
    words = [os.fsencode(word) for word in sys.argv]
    try:
        with open("/proc/self/cmdline", "rb") as file:
            given = file.read().split(b"\0")[1:-1]
    except OSError:
        return True
    if script:
        return given != words
    return given not in ([b"-m", b"pytest", *words[1:]], [b"-mpytest", *words[1:]])


def original_environment() -> list[bytes]:
    """As the process was started: pytest and its plugins add variables, and will do so in the processes of the run."""
    try:
        with open("/proc/self/environ", "rb") as file:
            return [entry for entry in file.read().split(b"\0") if b"=" in entry]
    except OSError:
        return current_environment()


def current_environment() -> list[bytes]:
    """As it is now."""
    return [name + b"=" + value for name, value in os.environb.items()]
