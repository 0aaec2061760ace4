"""The environment of a fork: its run's own, and on top of it what the stages wrote on the way, as in a cold run at that point.

Which variables a stage has read, so that it may only serve where they have the same values, is `watched_environment`'s to say.
What native code asks for or sets past os.environ is told by the recorder's library: what it sets counts as read too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from . import _native
from .messages import EnvironmentRead, WorkerIdentity
from .watched_environment import (
    COUNT,
    TESTRUN,
    WORKER,
    record,
    storage,
    unwatch,
    watch,
)

__all__ = [
    "COUNT",
    "TESTRUN",
    "WORKER",
    "adopt",
    "begin",
    "is_written_since",
    "names_read",
    "note_child_process",
    "note_read",
    "python_writes",
    "take_reads",
    "unwatch",
    "variables",
    "variables_of",
]

# The name of a read that stands for the absence of all variables that are not named.
_ALL_OTHERS = b""
# The recorder's library takes itself out.
_PRELOAD = b"LD_PRELOAD"

# What native code has set or unset (None) in C's environment, past os.environ: os.putenv, setenv.
_native_writes: dict[bytes, Optional[bytes]] = {}


def begin() -> None:
    """In a process that Python has just started, before anything else looks at the environment.

    What Python itself looks at is always compared by the daemon. What it sets (LC_CTYPE, where the locale is C's) comes first
    among the writes.
    """
    _native.take_native_environment_reads()
    _native.take_native_environment_writes()
    with open("/proc/self/environ", "rb") as file:
        started_with = _parse(file.read().split(b"\0"))
    for name, value in storage().items():
        if started_with.get(name) != value and name != _PRELOAD:
            record.write(name, value)
    watch()


def adopt(entries: Iterable[bytes], identity: Optional[WorkerIdentity]) -> None:
    """Make `NAME=value` entries the environment, in their order, then a worker's identity, then what the stages wrote.

    Of a name that is given twice, the first counts. os.environ stays the object that it is.
    """
    record.given = given = _parse(entries)
    if identity is not None:
        given.update(variables_of(identity))
    record.reads.clear()
    record.swept = None
    variables: dict[bytes, Optional[bytes]] = dict(given)
    for name, value in record.writes:
        _set(variables, name, value)
    present: dict[bytes, bytes] = {
        name: value for name, value in variables.items() if value is not None
    }
    held = storage()
    dict.clear(held)
    dict.update(held, present)
    for name, value in _native_writes.items():
        _set(variables, name, value)
    _native.replace_environment(
        [name + b"=" + value for name, value in variables.items() if value is not None]
    )


def variables_of(identity: WorkerIdentity) -> dict[bytes, bytes]:
    """What xdist tells a worker in its environment."""
    return {
        WORKER: identity.id.encode(),
        COUNT: str(identity.count).encode(),
        TESTRUN: identity.testrun.encode(),
    }


def note_read(name: bytes) -> None:
    """Somebody learned this variable's value by another way (config.workerinput)."""
    record.read(name)


def note_child_process() -> None:
    """Project code starts a child process. It inherits everything, and nobody sees what it looks at."""
    record.sweep(by_library=False)


def variables() -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Python's and C's, as they are now; nobody has read them."""
    return dict(dict.items(storage())), _parse(_native.environment())


def names_read() -> frozenset[bytes]:
    """What was read since the last pause."""
    _take_native()
    return frozenset(record.reads)


def is_written_since(count: int, names: frozenset[bytes]) -> bool:
    """Whether one of these names was written after so many Python writes."""
    return any(name in names for name, _ in record.writes[count:])


def python_writes() -> int:
    """How often a variable was written in Python so far."""
    return len(record.writes)


def take_reads() -> list[EnvironmentRead]:
    """What was read of the given environment since `adopt`, by Python or native code."""
    _take_native()
    given = record.given
    result = [
        EnvironmentRead(name, given.get(name, b""), name in given) for name in sorted(record.reads)
    ]
    if record.swept is not None:
        result.append(EnvironmentRead(_ALL_OTHERS, b"\0".join(sorted(record.swept)), True))
    return result


def _parse(entries: Iterable[bytes]) -> dict[bytes, bytes]:
    variables: dict[bytes, bytes] = {}
    for entry in entries:
        name, separator, value = entry.partition(b"=")
        if name and separator:
            variables.setdefault(name, value)
    return variables


def _set(variables: dict[bytes, Optional[bytes]], name: bytes, value: Optional[bytes]) -> None:
    if value is None:
        variables.pop(name, None)
    else:
        variables[name] = value


def _take_native() -> None:
    """What native code has done, in no known order: what it has asked for was perhaps not written yet."""
    record.reads.update(_native.take_native_environment_reads())
    names = set(_native.take_native_environment_writes())
    native = _parse(_native.environment())
    python = dict(dict.items(storage()))
    if _ALL_OTHERS in names:
        record.sweep(by_library=False)
        names = {*native, *python}
    # Python's own way to set a variable ends there too.
    names = {name for name in names - record.written if name} | _native_writes.keys()
    names |= {name for name in {*native, *python} if native.get(name) != python.get(name)}
    for name in names:
        _native_writes[name] = native.get(name)
        record.reads.add(name)
