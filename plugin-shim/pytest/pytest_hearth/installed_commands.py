"""Where hearth's executables were installed together with this package."""

from __future__ import annotations

import os
from typing import Optional

_PACKAGE = os.path.dirname(os.path.abspath(__file__))  # in a build tree the files are links


def find_command(name: str) -> Optional[str]:
    """The executable of that name: of this package's own installation, else on PATH; None: nowhere."""
    # <prefix>/lib/hearth/pytest_hearth, or <prefix>/lib/python3.x/site-packages/pytest_hearth
    prefixes = [os.path.normpath(os.path.join(_PACKAGE, *[os.pardir] * n)) for n in (3, 4)]
    directories = [os.path.join(prefix, "bin") for prefix in prefixes] + os.get_exec_path()
    for directory in directories:
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
