"""What this process reads on its way to a stage."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from typing import Any, Optional

from . import _native, environment

# Looked for in the directories that matter to pytest, by calls that Python reports nothing of: their absence counts too.
_LOOKED_FOR = (
    "conftest.py",
    "__init__.py",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
    "setup.py",
)

# Modules that were loaded before the recorder was on must not have changed for this long: nobody saw when they were read.
_QUIET_SECONDS = 2.0


class Recorder:
    """One for the process, whose audit hook stays; it is on while the process is on its way to a stage."""

    def __init__(self, own_directory: str) -> None:
        tag = sys.implementation.cache_tag or "none"
        self._own = own_directory
        self._excluded = ["/proc", "/sys", "/dev", own_directory]
        self._prefix = getattr(sys, "pycache_prefix", None) or ""
        self._tag = "." + tag
        self._is_hooked = False

    def start(self, *, ignore: Iterable[str] = ()) -> None:
        """Record from here on, into an empty record."""
        _native.recorder_take()
        self.ignore(ignore)
        if not self._is_hooked:
            self._is_hooked = True
            _native.recorder_on_child_process(environment.note_child_process)
            sys.addaudithook(_native.audit)
        _native.recorder_switch(True)

    def ignore(self, paths: Iterable[str]) -> None:
        """Leave these out from here on."""
        self._excluded += [path for path in paths if path not in self._excluded]
        _native.recorder_set_up(self._tag, self._prefix, self._excluded)

    def stop(self) -> None:
        """Record nothing more: what a run reads is its own matter."""
        _native.recorder_switch(False)

    def take(self) -> list[list[Any]]:
        """File signatures in wire form, in the order of their reads; goes on with an empty record."""
        return _native.recorder_take()

    def note_interpreter(self) -> None:
        """What Python itself read before the recorder was on."""
        quiet_since = time.time_ns() - int(_QUIET_SECONDS * 1e9)
        paths = [sys.executable, os.path.realpath(sys.executable)]
        paths += [
            os.path.join(directory, "pyvenv.cfg")
            for directory in {sys.prefix, os.path.dirname(sys.executable)}
        ]
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and os.path.isabs(file) and not file.startswith(self._own):
                paths.append(file)
        for directory in sys.path:
            if os.path.basename(directory) not in ("site-packages", "dist-packages"):
                continue
            paths.append(directory)
            try:
                names = os.listdir(directory)
            except OSError:
                continue
            paths += [os.path.join(directory, name) for name in names if name.endswith(".pth")]
        for path in paths:
            _native.recorder_note(path, quiet_since)

    def note_configuration(self, config: Any) -> None:
        """Where pytest looked for its configuration and initial conftests."""
        invocation = str(config.invocation_params.dir)
        directories = {str(config.rootpath), invocation}
        for argument in [*config.args, *config.invocation_params.args]:
            path = os.path.join(invocation, str(argument).split("::")[0])
            if os.path.lexists(path) or not str(argument).startswith("-"):
                # A path that is not there may come to be there.
                _native.recorder_note(path)
                directories.add(path if os.path.isdir(path) else os.path.dirname(path))
        if config.inipath is not None:
            directories.add(str(config.inipath.parent))
        # pytest's search for a configuration file goes up to the file system's root.
        self._note_directories(directories, None)

    def note_collection(self, session: Any) -> None:
        """Where pytest looked for conftests and packages while it collected."""
        directories = {str(item.path.parent) for item in session.items}
        self._note_directories(directories, str(session.config.rootpath))

    def _note_directories(self, directories: Iterable[str], top: Optional[str]) -> None:
        """Each directory and its parents, up to top if it lies below that."""
        seen: set[str] = set()
        for directory in directories:
            while directory and directory not in seen:
                seen.add(directory)
                for name in _LOOKED_FOR:
                    _native.recorder_note(os.path.join(directory, name))
                if directory == top or directory == os.path.dirname(directory):
                    break
                directory = os.path.dirname(directory)
