"""The command that this pytest process was started with, so that the daemon can start it again."""

from __future__ import annotations

import os
import sys
from typing import Any

from . import _client
from .command_line import current_environment, main_script, original_environment
from .messages import ProcessContext, ProcessSpec


def spec_of(config: Any, sys_path: list[str]) -> ProcessSpec:
    """For a config made by the console script, by `python -m pytest`, or by a program that calls pytest.main().

    Such a program is not run again: its workers are `python -m pytest` with the `sys.path` that it had when it loaded the
    plugin, and with its environment as it is now.
    """
    script = main_script()
    is_embedded = script is None
    return ProcessSpec(
        python=os.fsencode(sys.executable),
        script=os.fsencode(script or ""),
        sys_path=[os.fsencode(entry) for entry in sys_path] if is_embedded else [],
        args=[os.fsencode(argument) for argument in config.invocation_params.args],
        directory=os.fsencode(config.invocation_params.dir),
        environment=current_environment() if is_embedded else original_environment(),
        umask=_umask(),
        context=ProcessContext.from_wire(_client.process_context(), "process_context"),
    )


def _umask() -> int:
    """Read, not set and set back: this process may have threads."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o22
