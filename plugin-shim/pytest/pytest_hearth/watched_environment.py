"""os.environ's storage while a process is on its way to a stage: notes what is read of it, and what is written to it.

Imports nothing that a started interpreter has not: it is in place before `site` runs.
"""

from __future__ import annotations

import os
import posix
import sys
from collections.abc import MutableMapping
from typing import Any, Optional

from . import _native
from .watched_dict import WatchedDict

WORKER = b"PYTEST_XDIST_WORKER"
COUNT = b"PYTEST_XDIST_WORKER_COUNT"
TESTRUN = b"PYTEST_XDIST_TESTRUNUID"

# What a library that goes through all variables, in search of settings of its own, does not mean: a worker's identity, and
# what a shell keeps account of. One that asks for them by name is believed.
NOT_SWEPT = frozenset((WORKER, COUNT, TESTRUN, b"_", b"PWD", b"OLDPWD", b"SHLVL"))

# os.environ's own code, and the abstract classes that it is built on.
_IMPLEMENTATION = {
    os.__file__,
    os.getenv.__code__.co_filename,
    MutableMapping.pop.__code__.co_filename,
    WatchedDict.get.__code__.co_filename,
    (lambda: None).__code__.co_filename,
}


class Record:
    """What was done with the environment that the process was given.

    given: its variables, a worker's identity among them. reads: names whose value or absence among `given` was learned, since
    the last pause. swept: not None when somebody went through all of them: the names that he did not mean, or that were not
    the given ones any more. writes: all that was set (or deleted: None), in order, by this stage and those below it.
    """

    def __init__(self) -> None:
        self.given: dict[bytes, bytes] = {}
        self.reads: set[bytes] = set()
        self.swept: Optional[frozenset[bytes]] = None
        self.writes: list[tuple[bytes, Optional[bytes]]] = []
        self.written: set[bytes] = set()

    def read(self, name: bytes) -> None:
        """Somebody learned this variable's value. What the stage itself has written is no input."""
        if name not in self.written:
            self.reads.add(name)

    def sweep(self, *, by_library: bool) -> None:
        """Somebody learned all variables."""
        not_meant = frozenset(self.written | NOT_SWEPT if by_library else self.written)
        self.swept = not_meant if self.swept is None else self.swept & not_meant
        self.reads.update(self.given.keys() - not_meant)

    def write(self, name: bytes, value: Optional[bytes]) -> None:
        """The stage sets a variable; None: deletes it."""
        if name in NOT_SWEPT:
            self.read(name)  # perhaps it came from a sweep, and is put back
        self.writes.append((name, value))
        self.written.add(name)


record = Record()


def _reader() -> tuple[Any, int]:
    """The code that reads, and where in it: the first outside the modules that implement os.environ.

    Not the frame: kept, it would keep the reader's variables alive.
    """
    frame: Any = sys._getframe(1)
    while frame.f_code.co_filename in _IMPLEMENTATION and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


class _Storage(WatchedDict):
    """Behaves as the dict that it stands in for, and tells `record`."""

    __slots__ = ("_sweep",)

    def _note(self, key: Any) -> None:
        if key in record.reads or not isinstance(key, bytes):
            return
        if key in NOT_SWEPT and getattr(self, "_sweep", None) == _reader():
            return  # a library's sweep reads it at the very point where it iterates
        record.read(key)

    def _note_all(self) -> None:
        reader = _reader()
        by_library = _native.is_in_package(reader[0].co_filename)
        if by_library:
            self._sweep = reader
        record.sweep(by_library=by_library)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, bytes) and isinstance(value, bytes):
            record.write(key, value)
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: Any) -> None:
        self._note(key)
        if isinstance(key, bytes) and dict.__contains__(self, key):
            record.write(key, None)
        dict.__delitem__(self, key)


# What Python made: the dict that a run finds in os.environ, and that `posix.environ` is.
_plain: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]


def _put_in_place(storage: dict[bytes, bytes]) -> None:
    os.environ._data = storage  # type: ignore[attr-defined]
    os.environb._data = storage  # type: ignore[attr-defined]
    posix.environ = storage


def storage() -> dict[bytes, bytes]:
    """What os.environ holds; to be used by dict's own methods, which note nothing."""
    found: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    return found


def watch() -> None:
    """Note what is done with the environment from here on."""
    if type(storage()) is not _Storage:
        record.given = dict(dict.items(storage()))
        _put_in_place(_Storage(dict.items(storage())))


def unwatch() -> None:
    """The dict that Python made again: what a run finds."""
    watched = storage()
    if type(watched) is _Storage:
        _plain.clear()
        dict.update(_plain, dict.items(watched))
        _put_in_place(_plain)
