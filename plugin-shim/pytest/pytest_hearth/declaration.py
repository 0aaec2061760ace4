"""What a project declares in its pyproject.toml:

    [tool.hearth]
    harmless = ["subprocess", "identity"]

makes a stage in which project code started child processes, or took an identity, as good as any other. The file is read while
the way to the stage is recorded, so it is an input like others.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Optional

from .messages import Consequence, Finding

# What can be declared: see findings.py; `clock`: the time of day may be older than the greatest age of a stage allows.
KINDS = ("subprocess", "identity", "temporary", "clock")


class Declaration:
    """harmless: the kinds that were declared; errors: what is wrong with it."""

    def __init__(self, harmless: frozenset[str] = frozenset(), error: Optional[Finding] = None):
        self.harmless = harmless
        self.errors = [] if error is None else [error]


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
        harmless = _parse(text).get("tool", {}).get("hearth", {}).get("harmless", [])
        if not isinstance(harmless, list):
            raise ValueError("harmless is not a list")
        unknown = [kind for kind in harmless if kind not in KINDS]
        if unknown:
            raise ValueError(f"harmless has {unknown[0]!r}, which is none of {', '.join(KINDS)}")
    except Exception as error:
        what = f"[tool.hearth] is not used: {error}"
        return Declaration(
            error=Finding("declaration", what, os.fsencode(path), 0, Consequence.accepted)
        )
    return Declaration(frozenset(harmless))


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
