"""Handing a whole run over: an ordinary `pytest --hearth …` becomes `hearth`, which has it carried out by a warm process.

It happens while plugins are loaded, before any conftest is: nothing of the project has run, and what other plugins did on the
way they do again in the run. Whatever is not clearly an ordinary command line stays the process that it is: a program that
calls pytest.main(), a debugger, coverage, options for Python itself, threads or children that would be lost.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any, Optional

from .command_line import has_interpreter_options, main_script, original_environment
from .installed_commands import find_command

OPTIONS = ("--hearth", "--hearth-strict")
# Nobody else's frames stand between the main program and here.
_CALLERS = {"_pytest", "pytest", "pluggy", __name__.partition(".")[0]}


def hand_over(config: Any, strict: bool) -> None:
    """Does not return if this process can become `hearth`."""
    launcher = find_command("hearth")
    script = main_script()
    if launcher is None or script is None or not _is_ordinary(config, script):
        return
    options = ["--hearth-strict"] if strict else []
    arguments = _without_our_options([os.fspath(each) for each in config.invocation_params.args])
    command = ["hearth", "hand-over", sys.executable, script, *options, *arguments]
    environment = dict(entry.split(b"=", 1) for entry in original_environment())
    try:
        # What plugins wrote and Python has not yet passed on they will write again.
        os.execve(launcher, [os.fsencode(word) for word in command], environment)
    except OSError:
        pass  # removed, or of another machine: the run is this process's own


def _is_ordinary(config: Any, script: str) -> bool:
    params = config.invocation_params
    return (
        not params.plugins
        and not config.pluginmanager._conftest_plugins  # one of which may have loaded us
        and list(params.args) == sys.argv[1:]
        and os.fspath(params.dir) == os.getcwd()
        and sys.implementation.name == "cpython"
        and bool(sys.executable)
        and not has_interpreter_options(script)
        and not _is_observed()
        and _is_alone()
        and _is_called_by_pytest_itself()
    )


def _is_observed() -> bool:
    """By a debugger, a profiler, or whoever measures coverage."""
    if sys.gettrace() is not None or sys.getprofile() is not None:
        return True
    monitoring: Any = getattr(sys, "monitoring", None)  # CPython 3.12
    return monitoring is not None and any(monitoring.get_tool(tool) for tool in range(6))


def _is_alone() -> bool:
    """No thread but this one, and no child process."""
    try:
        (thread,) = os.listdir("/proc/self/task")
        with open(f"/proc/self/task/{thread}/children", "rb") as file:
            return not file.read()
    except (OSError, ValueError):
        return False


def _is_called_by_pytest_itself() -> bool:
    main = sys.modules["__main__"].__dict__
    frame: Optional[FrameType] = sys._getframe()
    while frame is not None and frame.f_globals is not main:
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _CALLERS:
            return False
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "<module>"


def _without_our_options(arguments: list[str]) -> list[str]:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [each for each in arguments[:end] if each not in OPTIONS] + arguments[end:]
