"""Whether a paused process may be forked: what two processes could not both own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, Optional

from . import _native

_THREAD_END_SECONDS = 0.05

# Threads that go on in the parent and are none in the child, by name, and why that does no harm.
_HARMLESS_THREADS = {
    "jemalloc_bg_thd": "pyarrow's allocator frees memory in it; its fork handlers start another in the child",
}


def refusal(ours: Sequence[int], config: Optional[Any] = None) -> str:
    """One line: what was found; empty: nothing.

    ours: hearth's own descriptors. config: pytest's, once there is one.
    """
    return examine(ours, config)[1]


def examine(ours: Sequence[int], config: Optional[Any] = None) -> tuple[str, str]:
    """Likewise, after the kind of what was found (see the schema's finding)."""
    if _native.has_children():
        return "child", "a child process is running"
    shared = _native.find_shared(ours)
    if shared:
        return _kind(shared[0]), "open " + ", ".join(shared[:3])
    mapped = _shared_memory()
    if mapped:
        return "memory", "sharing memory " + ", ".join(mapped[:3])
    threads = _other_threads()
    if threads:
        return "thread", "running " + ", ".join(threads[:3])
    factory = getattr(config, "_tmp_path_factory", None)
    if getattr(factory, "_basetemp", None) is not None:
        return "temporary", "tmp_path_factory has made its base directory"
    return "", ""


def _kind(description: str) -> str:
    """Of what find_shared describes."""
    kinds = {"locked file": "lock", "database": "database"}
    return next((kinds[each] for each in kinds if description.startswith(each)), "descriptor")


def _shared_memory() -> list[str]:
    """What is mapped for writing by several processes, such as the locks of multiprocessing: forks would have one together."""
    with open("/proc/self/maps", "rb") as file:
        lines = file.read().splitlines()
    # address, permissions, offset, device, inode, name
    return [os.fsdecode(line.split(None, 5)[-1]) for line in lines if b" rw-s " in line]


def _other_threads() -> list[str]:
    """The threads that are left after a fork.

    Libraries that are made for forking (OpenBLAS) end theirs in a fork handler, so a fork has to have happened.
    """
    if len(_tasks()) <= 1:
        return []
    _native.fork_nothing()
    deadline = time.monotonic() + _THREAD_END_SECONDS
    while True:
        tasks = [task for task in _tasks() if task != str(os.getpid())]
        names = [name for name in map(_name, tasks) if name not in _HARMLESS_THREADS]
        if not names:
            return []
        if time.monotonic() > deadline:
            return [f"thread {name}" for name in names]


def _tasks() -> list[str]:
    return os.listdir("/proc/self/task")


def _name(task: str) -> str:
    try:
        with open(f"/proc/self/task/{task}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return task
