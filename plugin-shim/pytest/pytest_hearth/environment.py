"""The process's environment: replaced as a whole at a fork of an interpreter, and watched for the variables that a fork of a
deeper stage may get with other values: a worker's identity, and `_`, which shells set to the command that they run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from .messages import EnvironmentRead, WorkerIdentity

WORKER = b"PYTEST_XDIST_WORKER"
COUNT = b"PYTEST_XDIST_WORKER_COUNT"
TESTRUN = b"PYTEST_XDIST_TESTRUNUID"
LAST_COMMAND = b"_"
WATCHED = (WORKER, COUNT, TESTRUN, LAST_COMMAND)

# Read in this process since the last `take_reads`, by whatever way.
_reads: set[bytes] = set()


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


class _WatchedDict(dict[Any, Any]):
    """os.environ's storage. Iterating, copying and comparing count as reading everything."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if key in WATCHED:
            _reads.add(key)
        return dict.__getitem__(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        if key in WATCHED:
            _reads.add(key)
        return dict.get(self, key, default)

    def __contains__(self, key: object) -> bool:
        if key in WATCHED:
            _reads.add(key)
        return dict.__contains__(self, key)

    def __iter__(self) -> Iterator[Any]:
        _reads.update(WATCHED)
        return dict.__iter__(self)

    def keys(self) -> Any:
        _reads.update(WATCHED)
        return dict.keys(self)

    def values(self) -> Any:
        _reads.update(WATCHED)
        return dict.values(self)

    def items(self) -> Any:
        _reads.update(WATCHED)
        return dict.items(self)

    def copy(self) -> Any:
        _reads.update(WATCHED)
        return dict(dict.items(self))


def watch() -> None:
    """Note reads of the watched variables from here on."""
    environment: Any = os.environ
    environment._data = _WatchedDict(environment._data)
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
