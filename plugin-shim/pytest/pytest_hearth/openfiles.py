"""Python's open file objects: what they hold must be written before a fork (or both processes would write it) and at the end."""

from __future__ import annotations

import gc
import io
import weakref
from typing import Any

# Those that were open at a pause: garbage collection no longer lists what it has frozen.
_at_pause: list[weakref.ref[Any]] = []


def flush_before_fork() -> None:
    """Flush everything that is open, and remember it."""
    _flush_those_of_earlier_pauses()
    for file in _found():
        _at_pause.append(weakref.ref(file))
        _flush(file)


def flush_at_end() -> None:
    """What finalisation would have written: whatever is open now. Standard streams have had their turn before."""
    for file in _found():
        _flush(file)
    _flush_those_of_earlier_pauses()


def _flush_those_of_earlier_pauses() -> None:
    for reference in _at_pause:
        file = reference()
        if file is not None:
            _flush(file)


def _found() -> list[Any]:
    kinds = _writers()
    # Text layers first: what they hold goes to the buffers below them.
    files = [item for item in gc.get_objects() if type(item) in kinds]
    return sorted(files, key=lambda file: not issubclass(type(file), io.TextIOBase))


def _writers() -> set[type]:
    kinds: set[type] = set()
    new: list[type] = [io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair]
    while new:
        kind = new.pop()
        if kind not in kinds:
            kinds.add(kind)
            new += type.__subclasses__(kind)
    return kinds


def _flush(file: Any) -> None:
    # Nobody can be told of an error here, and Python's finalisation ignores it too.
    try:
        if not file.closed:
            file.flush()
    except BaseException:
        pass
