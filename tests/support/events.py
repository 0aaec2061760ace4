"""How a test that runs elsewhere tells that it has come to a point, and waits there: named pipes, no sleeping."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

TIMEOUT = float(
    os.environ.get("HEARTH_TEST_TIMEOUT", "90")
)  # seconds; more than a loaded machine needs

# For the project under test: `reach("name")` writes one line; `hold()` waits until release() was called.
HELPER = """
import os

def _write(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode() + b"\\n")
    os.close(descriptor)

def reach(name):
    _write({reached!r}, name + " " + str(os.getpid()))

def hold(gate="first"):
    descriptor = os.open({released!r} + gate, os.O_RDONLY)
    os.read(descriptor, 1)
    os.close(descriptor)
"""


class Gate:
    """The pipes. Points reached come as (name, pid of the process); `first` and `second` hold independently."""

    def __init__(self, directory: Path) -> None:
        self._reached_path = directory / "reached"
        self._released_path = directory / "released-"
        self._reached = _open_pipe(self._reached_path)
        self._released = {
            gate: _open_pipe(Path(f"{self._released_path}{gate}")) for gate in ("first", "second")
        }
        self._text = ""

    def helper(self) -> str:
        """Source of a module for the project under test."""
        return HELPER.format(reached=str(self._reached_path), released=str(self._released_path))

    def wait(self, timeout: float = TIMEOUT) -> tuple[str, int]:
        """The next point that a test reached; TimeoutError when none is reached in time."""
        deadline = time.monotonic() + timeout
        while "\n" not in self._text:
            remaining = deadline - time.monotonic()
            if not select.select([self._reached], [], [], max(0.0, remaining))[0]:
                raise TimeoutError(f"no test reached its point within {timeout:.0f} s")
            self._text += os.read(self._reached, 65536).decode()
        line, _, self._text = self._text.partition("\n")
        name, pid = line.rsplit(" ", 1)
        return name, int(pid)

    def release(self, count: int = 1, gate: str = "first") -> None:
        """Let so many waiting tests go on (each takes one byte)."""
        os.write(self._released[gate], b"." * count)

    def close(self) -> None:
        for descriptor in (self._reached, *self._released.values()):
            os.close(descriptor)


def _open_pipe(path: Path) -> int:
    """Open for both directions, so that neither side ever waits for the other to open its end."""
    os.mkfifo(path)
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
