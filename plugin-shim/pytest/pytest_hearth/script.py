"""Becoming `python SCRIPT ARGS…` or `python -m pytest ARGS…` in a process that is already running Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

from .messages import ProcessSpec


class ScriptError(Exception):
    """The script cannot be run as Python; the text is one line."""


def as_main(spec: ProcessSpec, base_path: list[str]) -> Callable[[], object]:
    """Make this process that of the specification's script, as the main program; what is returned runs it.

    base_path: sys.path as the interpreter has it before there is a script. Raises ScriptError if it cannot be started.
    """
    args = [os.fsdecode(argument) for argument in spec.args]
    if spec.script:
        script = os.fsdecode(spec.script)
        code = _compile(script)
        _set_up([script, *args], [os.fsdecode(spec.python), script, *args])
        _set_path(spec, base_path, os.path.dirname(os.path.realpath(script)))
        return _script(script, code)
    _set_up(["-m", *args], [os.fsdecode(spec.python), "-m", "pytest", *args])
    _set_path(spec, base_path, os.getcwd())
    return _module()


def _set_up(argv: list[str], orig_argv: list[str]) -> None:
    sys.argv[:] = argv
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = orig_argv


def _set_path(spec: ProcessSpec, base_path: list[str], first: str) -> None:
    if spec.sys_path:
        sys.path[:] = [os.fsdecode(entry) for entry in spec.sys_path]
    elif getattr(sys.flags, "safe_path", False) or sys.flags.isolated:
        sys.path[:] = base_path
    else:
        sys.path[:] = [first, *base_path]


def _compile(script: str) -> CodeType:
    try:
        with open(script, "rb") as file:
            source = file.read()
    except OSError as error:
        raise ScriptError(f"cannot read {script}: {error.strerror}") from None
    try:
        return compile(source, script, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        raise ScriptError(f"{script} is not a Python script") from None


def _clean_main() -> dict[str, Any]:
    """The main module's namespace as Python makes it for a new program."""
    import builtins

    namespace = sys.modules["__main__"].__dict__
    namespace.clear()
    namespace.update(
        __name__="__main__", __doc__=None, __package__=None, __loader__=None, __spec__=None
    )
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    return namespace


def _script(script: str, code: CodeType) -> Callable[[], object]:
    from importlib.machinery import SourceFileLoader

    namespace = _clean_main()
    namespace.update(__file__=script, __loader__=SourceFileLoader("__main__", script))
    if sys.version_info < (3, 15):
        namespace["__cached__"] = None
    return partial(exec, code, namespace)


def _module() -> Callable[[], object]:
    _clean_main()
    import runpy

    # What `python -m` calls.
    return partial(runpy._run_module_as_main, "pytest")  # type: ignore[attr-defined]
