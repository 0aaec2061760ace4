"""What belongs to the interpreter and to installed packages, and not to a project. The one rule for all who ask."""

from __future__ import annotations

import os
import sys
from typing import Any, Optional

from . import _native

# Hearth's own code is nobody's doing.
_OWN = os.path.join(os.path.dirname(__file__), "")


def remember() -> None:
    """In the interpreter, before anything of a project has run: where things are installed. What PYTHONPATH or a .pth file adds
    is a project's."""
    site: Any = sys.modules.get("site")
    packages = []
    if site is not None:
        packages = [*site.getsitepackages()]
        if isinstance(site.USER_SITE, str):
            packages.append(site.USER_SITE)
    _native.set_installation(
        [os.path.join(os.path.dirname(os.__file__), "")],
        [os.path.join(directory, "") for directory in packages],
        _OWN,
    )


def is_installed(file: Optional[str]) -> bool:
    """Whether a module's file belongs to the interpreter or to an installed package."""
    return file is not None and _native.is_installed(file)
