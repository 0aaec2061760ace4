"""The process's environment: replaced as a whole at a fork of an interpreter, and watched for the variables that a fork of a
deeper stage may get with other values: a worker's identity, and `_`, which shells set to the command that they run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .messages import EnvironmentRead, WorkerIdentity

WORKER = b"PYTEST_XDIST_WORKER"
COUNT = b"PYTEST_XDIST_WORKER_COUNT"
TESTRUN = b"PYTEST_XDIST_TESTRUNUID"
LAST_COMMAND = b"_"
WATCHED = (WORKER, COUNT, TESTRUN, LAST_COMMAND)

# Read in this process since the last `take_reads`, by whatever way.
_reads: set[bytes] = set()

# os.environ's own code, and the abstract classes that it is built on.
_IMPLEMENTATION = {os.__file__, Mapping.get.__code__.co_filename, os.getenv.__code__.co_filename}
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


def _is_installed(file: str) -> bool:
    """Whether code belongs to an installed package (the standard library reads nothing of this by itself)."""
    return f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file


def replace(entries: list[bytes]) -> None:
    """Make `NAME=value` entries the whole environment, in their order; of a name that is given twice, the first counts."""
    had_timezone = os.environb.get(b"TZ")
    os.environb.clear()
    for entry in entries:
        name, separator, value = entry.partition(b"=")
        if name and separator and name not in os.environb:
            os.environb[name] = value
    # The time module looked at it when it was loaded.
    if os.environb.get(b"TZ") != had_timezone:
        time.tzset()


def set_last_command(entries: list[bytes]) -> None:
    """Give the process the `_` of another environment, or none."""
    for entry in entries:
        if entry.startswith(LAST_COMMAND + b"="):
            os.environb[LAST_COMMAND] = entry[2:]
            return
    os.environb.pop(LAST_COMMAND, None)


def variables_of(identity: WorkerIdentity) -> dict[bytes, bytes]:
    """What xdist tells a worker in its environment."""
    return {
        WORKER: identity.id.encode(),
        COUNT: str(identity.count).encode(),
        TESTRUN: identity.testrun.encode(),
    }


def set_identity(identity: WorkerIdentity) -> None:
    """Give the process a worker's identity."""
    for name, value in variables_of(identity).items():
        os.environb[name] = value


def note_read(name: bytes) -> None:
    """Somebody learned this variable's value by another way (config.workerinput)."""
    if name in WATCHED:
        _reads.add(name)


def note_child_process() -> None:
    """A child process is being started. It inherits everything, and nobody sees what it looks at.

    Those that installed packages start look at the machine, not at a worker's identity.
    """
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if _is_installed(file):
            return
        if not file.startswith((_STANDARD_LIBRARY, "<frozen ")):
            break
        frame = frame.f_back
    _reads.update(WATCHED)


def _reader() -> tuple[Any, int]:
    """The code that reads, and where in it: the first outside the modules that implement os.environ.

    Not the frame: kept, it would keep the reader's variables alive.
    """
    frame: Any = sys._getframe(3)  # beyond _note and the method that calls it
    while frame.f_code.co_filename in _IMPLEMENTATION and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


class _WatchedDict(dict[Any, Any]):
    """os.environ's storage. Iterating, copying and comparing count as reading everything.

    But not when an installed package does it: libraries that look for settings of their own by going through all variables
    are common (networkx does), and none of them means these. One that asks for them by name is believed.
    """

    __slots__ = ("_sweep",)

    def _note(self, key: Any) -> None:
        if key in WATCHED and self._sweep != _reader():
            _reads.add(key)

    def _note_all(self) -> None:
        reader = _reader()
        if _is_installed(reader[0].co_filename):
            # What it reads at this very point, it reads for its iteration.
            self._sweep = reader
        else:
            _reads.update(WATCHED)

    def __getitem__(self, key: Any) -> Any:
        self._note(key)
        return dict.__getitem__(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        return dict.get(self, key, default)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return dict.__contains__(self, key)

    def __iter__(self) -> Iterator[Any]:
        self._note_all()
        return dict.__iter__(self)

    def keys(self) -> Any:
        self._note_all()
        return dict.keys(self)

    def values(self) -> Any:
        self._note_all()
        return dict.values(self)

    def items(self) -> Any:
        self._note_all()
        return dict.items(self)

    def copy(self) -> Any:
        self._note_all()
        return dict(dict.items(self))


def watch() -> None:
    """Note reads of the watched variables from here on."""
    environment: Any = os.environ
    watched = _WatchedDict(environment._data)
    watched._sweep = (None, -1)
    environment._data = watched
    os.environb._data = environment._data  # type: ignore[attr-defined]
    _reads.clear()


def unwatch() -> None:
    """The plain dict again: what a run finds."""
    environment: Any = os.environ
    if type(environment._data) is _WatchedDict:
        environment._data = dict(dict.items(environment._data))
        os.environb._data = environment._data  # type: ignore[attr-defined]


def take_reads(is_worker: bool) -> list[EnvironmentRead]:
    """The watched variables that were read, with their values, and begin anew. A session has no worker's identity."""
    read = sorted(_reads if is_worker else _reads & {LAST_COMMAND})
    storage: Any = os.environ._data  # type: ignore[attr-defined]
    result = [
        EnvironmentRead(name, dict.get(storage, name, b""), dict.__contains__(storage, name))
        for name in read
    ]
    _reads.clear()
    return result
