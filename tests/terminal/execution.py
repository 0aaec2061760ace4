"""One command on streams of a certain shape: pipes, or a terminal of a certain width; what it wrote is kept apart by stream."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tests.support.events import TIMEOUT

_ROWS = 24


@dataclass(frozen=True)
class Shape:
    """Where the streams of a command lead. Without columns: pipes."""

    name: str
    columns: int = 0
    colour: bool = True
    # On a terminal: whether standard error is it as well, or a file of its own.
    joined: bool = True

    def environment(self) -> dict[str, str]:
        return {"TERM": "xterm-256color", **({} if self.colour else {"NO_COLOR": "1"})}


SHAPES = (
    Shape("pipe"),
    Shape("80-colour", 80),
    Shape("80-plain", 80, colour=False, joined=False),
    Shape("120-colour", 120, joined=False),
    Shape("120-plain", 120, colour=False),
)


@dataclass(frozen=True)
class Execution:
    """A command that has ended. A negative exit code is the signal that it died of."""

    exit_code: int
    stdout: str
    stderr: str


def execute(
    command: list[str],
    shape: Shape,
    directory: Path,
    environment: Mapping[str, str],
    stdin: Optional[bytes] = None,
) -> Execution:
    """Run it to its end. stdin: of a pipe that ends after it; None: the terminal, or the null device where there is none."""
    leader = follower = -1
    if shape.columns:
        leader, follower = os.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", _ROWS, shape.columns, 0, 0))
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(stdin or b"")
        given.seek(0)
        inherits = stdin is None and shape.columns
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**environment, **shape.environment()},
            stdin=follower if inherits else subprocess.DEVNULL if stdin is None else given,
            stdout=follower if shape.columns else subprocess.PIPE,
            stderr=follower if shape.columns and shape.joined else err,
            # As a terminal program starts it: in the foreground.
            start_new_session=True,
            preexec_fn=_take_terminal if shape.columns else None,
        )
        if shape.columns:
            os.close(follower)
        source = leader if process.stdout is None else process.stdout.fileno()
        try:
            _copy(source, out.fileno(), " ".join(command))
            process.wait(TIMEOUT)
        finally:
            process.kill()
            process.wait()
            if process.stdout is None:
                os.close(leader)
            else:
                process.stdout.close()
        return Execution(process.returncode, _content(out.fileno()), _content(err.fileno()))


def _take_terminal() -> None:
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)


def _copy(source: int, target: int, command: str) -> None:
    """Until everybody has closed the other end."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        if not select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"{command} did not end within {TIMEOUT:.0f} s")
        try:
            data = os.read(source, 65536)
        except OSError:  # a terminal's end
            return
        if not data:
            return
        os.write(target, data)


def _content(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode(errors="backslashreplace")
