"""Warnings on their way from a worker to the controller."""

from __future__ import annotations

import builtins
import importlib
import warnings
from typing import Any, Optional

import pytest

from . import _native
from .reports import Plain


def to_wire(
    message: warnings.WarningMessage,
    when: str,
    nodeid: str,
    location: Optional[tuple[str, int, str]],
) -> dict[str, Any]:
    """Everything that pytest_warning_recorded was given."""
    warning = message.message
    is_warning = isinstance(warning, Warning)
    return {
        "when": when,
        "nodeid": nodeid,
        "location": location,
        "text": str(warning),
        "class": _class_name(type(warning)) if is_warning else None,
        "args": _args(warning) if isinstance(warning, Warning) else None,
        "category": _class_name(message.category) if message.category else None,
        "filename": str(message.filename),
        "lineno": message.lineno,
        "line": message.line,
    }


def of_hearths_own(text: str, nodeid: str) -> dict[str, Any]:
    """One that nobody issued, and that no filter of a project's makes an error."""
    warning = pytest.PytestWarning(f"hearth: {text}")
    message = warnings.WarningMessage(warning, type(warning), __file__, 0)
    return to_wire(message, "runtest", nodeid, None)


def from_wire(data: dict[str, Any]) -> dict[str, Any]:
    """The arguments of pytest_warning_recorded."""
    warning: Any = data["text"]
    category = _class(data["category"]) or Warning
    if data["class"] is not None:
        kind = _class(data["class"])
        warning = None if kind is None or data["args"] is None else _make(kind, data["args"])
        if warning is None:
            name = ".".join(data["class"])
            warning = Warning(f"{name}: {data['text']}")
    message = warnings.WarningMessage(
        message=warning,
        category=category,
        filename=data["filename"],
        lineno=data["lineno"],
        line=data["line"],
    )
    return {
        "warning_message": message,
        "when": data["when"],
        "nodeid": data["nodeid"],
        "location": data["location"],
    }


def _args(warning: Warning) -> Optional[tuple[Any, ...]]:
    """The arguments from which the warning can be made again; None if they cannot travel."""
    plain = Plain()
    try:
        _native.dumps(warning.args, plain)
    except Exception:
        return None
    return None if plain.lost else warning.args


def _class_name(kind: type) -> list[str]:
    return [kind.__module__, kind.__qualname__]


def _class(name: Optional[list[str]]) -> Optional[type]:
    if name is None:
        return None
    module, qualified = name
    try:
        found: Any = builtins if module == "builtins" else importlib.import_module(module)
        for part in qualified.split("."):
            found = getattr(found, part)
    except Exception:
        return None
    return found if isinstance(found, type) else None


def _make(kind: type, args: tuple[Any, ...]) -> Any:
    try:
        return kind(*args)
    except Exception:
        return None
