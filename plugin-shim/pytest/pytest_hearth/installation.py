"""What belongs to the interpreter and to installed packages, and not to a project. The one rule for all who ask."""

from __future__ import annotations

import os
from typing import Optional

from . import _native


def remember() -> None:
    """Before anything of a project has run. Hearth's own code is nobody's doing."""
    _native.set_interpreter(
        os.path.join(os.path.dirname(os.__file__), ""), os.path.join(os.path.dirname(__file__), "")
    )


def is_installed(file: Optional[str]) -> bool:
    """Whether a file belongs to the interpreter or to an installed package: one in a directory that installers use."""
    return file is not None and _native.is_installed(file)
