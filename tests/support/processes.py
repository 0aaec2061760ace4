"""Processes as tests see them: identified by pid and start time, found by descent or environment, waited for with a deadline."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_PIDFD_OPEN = 434  # os.pidfd_open is not in every build of CPython


@dataclass(frozen=True)
class Process:
    """One process; the start time (clock ticks since boot) tells it from a later one with the same pid."""

    pid: int
    started: int

    def describe(self) -> str:
        try:
            command = (
                Path(f"/proc/{self.pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
        except OSError:
            command = "?"
        return f"{self.pid} ({command.strip()[:120]})"


def find(pid: int) -> Process | None:
    """The live process with this pid; None when there is none or it is a zombie."""
    fields = _stat(pid)
    if fields is None or fields[0] in ("Z", "X"):
        return None
    return Process(pid, int(fields[19]))


def is_alive(process: Process) -> bool:
    return find(process.pid) == process


def descendants(pid: int) -> set[Process]:
    """All live processes below this one."""
    children: dict[int, list[int]] = {}
    for entry in _pids():
        fields = _stat(entry)
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(entry)
    found: set[Process] = set()
    queue = [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            queue.append(child)
            process = find(child)
            if process is not None:
                found.add(process)
    return found


def with_environment(entry: str) -> set[Process]:
    """Live processes that were executed with this NAME=value."""
    wanted = entry.encode()
    found: set[Process] = set()
    for pid in _pids():
        try:
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        process = find(pid) if wanted in entries else None
        if process is not None:
            found.add(process)
    return found


def wait_gone(processes: Iterable[Process], timeout: float) -> set[Process]:
    """Wait until all have ended; return those that have not when the time is over."""
    deadline = time.monotonic() + timeout
    left: set[Process] = set()
    for process in processes:
        remaining = max(0.0, deadline - time.monotonic())
        if not _wait_end(process, remaining):
            left.add(process)
    return left


def kill(process: Process, number: int = signal.SIGKILL) -> None:
    """Signal it, if it is still that process."""
    if is_alive(process):
        os.kill(process.pid, number)


def _wait_end(process: Process, timeout: float) -> bool:
    descriptor = _libc.syscall(_SYS_PIDFD_OPEN, process.pid, 0)
    if descriptor < 0:
        return True
    try:
        if not is_alive(process):
            return True
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return bool(poller.poll(timeout * 1000))
    finally:
        os.close(descriptor)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on (state, ppid, …)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
