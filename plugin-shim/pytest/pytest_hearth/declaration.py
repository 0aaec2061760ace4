"""What a project declares in its pyproject.toml:

    [tool.hearth]
    harmless = ["subprocess", "identity"]
    preload = ["pandas"]
    no_preload = ["numba"]

`harmless` makes a stage in which project code started child processes, or took an identity, as good as any other. `preload`:
modules that are imported ahead whatever runs import (false: none are); `no_preload`: modules that are not, with what is in them.
The file is read while the way to the stage is recorded, so it is an input like others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Optional

from .messages import Consequence, Finding
from .third_party import is_in

# What can be declared: see findings.py; `clock`: the time of day may be older than the greatest age of a stage allows.
KINDS = ("subprocess", "socket", "identity", "temporary", "clock")


class Declaration:
    """harmless: the kinds that were declared; preload, no_preload: module names (`*`: all); errors: what is wrong with it."""

    def __init__(
        self,
        harmless: frozenset[str] = frozenset(),
        preload: Sequence[str] = (),
        no_preload: Sequence[str] = (),
        error: Optional[Finding] = None,
    ):
        self.harmless = harmless
        self.preload = list(preload)
        self.no_preload = list(no_preload)
        self.errors = [] if error is None else [error]

    def forbids(self, module: str) -> bool:
        """Whether it must not be imported ahead."""
        return is_in(module, {*self.no_preload}) or "*" in self.no_preload


def read(rootdir: str) -> Declaration:
    """Never fails: what cannot be understood declares nothing."""
    path = os.path.join(rootdir, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return Declaration()
    # Most have nothing to say to hearth, and a run need not find the parser imported because of it.
    if b"hearth" not in text:
        return Declaration()
    try:
        return _declared(_parse(text).get("tool", {}).get("hearth", {}))
    except Exception as error:
        what = f"[tool.hearth] is not used: {error}"
        return Declaration(
            error=Finding("declaration", what, os.fsencode(path), 0, Consequence.accepted)
        )


def _declared(table: dict[str, Any]) -> Declaration:
    """Raises ValueError."""
    for key in table:
        if key not in ("harmless", "preload", "no_preload"):
            raise ValueError(f"it has no {key}")
    harmless = _names(table, "harmless")
    for kind in harmless:
        if kind not in KINDS:
            raise ValueError(f"harmless has {kind!r}, which is none of {', '.join(KINDS)}")
    if table.get("preload") is False:
        return Declaration(frozenset(harmless), no_preload=["*"])
    return Declaration(
        frozenset(harmless),
        preload=_names(table, "preload"),
        no_preload=_names(table, "no_preload"),
    )


def _names(table: dict[str, Any], key: str) -> list[str]:
    names = table.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} is not a list of names")
    return names


def _parse(text: bytes) -> Any:
    before = set(sys.modules)
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]  # pytest's own dependency
    try:
        return tomllib.loads(text.decode())
    finally:
        for name in set(sys.modules) - before:
            del sys.modules[name]
