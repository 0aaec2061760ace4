"""How a process of a run ends: as one that Python itself would have ended.

All that a user can see of finalisation is done (threads waited for, exit handlers, everything flushed, the exit status), but
the heap of a large process is not taken apart: that costs tens of milliseconds and nobody sees it. Python does not promise
that `__del__` runs for objects that are alive at the end.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn, Optional

from . import _native
from .openfiles import flush_at_end

_last: list[Callable[[], object]] = []


def finish(error: Optional[BaseException]) -> NoReturn:
    """End the process with the status that Python would have given it. error: what came out of the script, if anything did."""
    code = 0
    if isinstance(error, SystemExit):
        code = _exit_code(error)
    elif error is not None:
        _show(error)
        code = 1
    if isinstance(error, KeyboardInterrupt):
        _finalise()
        _native.die_of(2)
    end(code)


def at_the_very_end(function: Callable[[], object]) -> None:
    """Call it when everything of the run's own is done."""
    _last.append(function)


def end(code: int) -> NoReturn:
    """Finalise what can be seen, then exit."""
    streams_failed = _finalise()
    _native.end_process(120 if streams_failed else code & 0xFF)
    raise AssertionError("unreachable")


def _finalise() -> bool:
    """Whether standard output could not be written."""
    _call(getattr(sys.modules.get("threading"), "_shutdown", None))
    _call(getattr(atexit, "_run_exitfuncs", None))
    failed = _flush_standard_streams()
    flush_at_end()
    for function in _last:
        _call(function)
    return failed


def _exit_code(request: SystemExit) -> int:
    code = request.code
    if code is None:
        return 0
    if isinstance(code, int):
        return int(code)
    # Anything else is a message.
    try:
        sys.stdout.flush()
        sys.stderr.write(f"{code}\n")
        sys.stderr.flush()
    except Exception:
        pass
    return 1


def _show(error: BaseException) -> None:
    """As Python shows an uncaught exception: from the script's frame on."""
    traceback: Optional[TracebackType] = error.__traceback__
    own = os.path.dirname(os.path.abspath(__file__))
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(own):
        traceback = traceback.tb_next
    # Python's own hook shows the traceback that the exception has, whatever it is given.
    _call(sys.excepthook, type(error), error.with_traceback(traceback), traceback)


def _call(function: Optional[Callable[..., object]], *arguments: Any) -> None:
    if function is None:
        return
    try:
        function(*arguments)
    except BaseException as error:
        if not isinstance(error, SystemExit):
            try:
                sys.__excepthook__(type(error), error, error.__traceback__)
            except BaseException:
                pass


def _flush_standard_streams() -> bool:
    """CPython's rule: an error on standard output makes the status 120, one on standard error is lost."""
    failed = False
    stdout = sys.stdout
    try:
        if stdout is not None and not getattr(stdout, "closed", False):
            stdout.flush()
    except BaseException as error:
        failed = True
        _report_unraisable(error, stdout)
    try:
        if sys.stderr is not None and not getattr(sys.stderr, "closed", False):
            sys.stderr.flush()
    except BaseException:
        pass
    return failed


def _report_unraisable(error: BaseException, subject: object) -> None:
    try:
        sys.stderr.write(f"Exception ignored in: {subject!r}\n{type(error).__name__}: {error}\n")
    except BaseException:
        pass
