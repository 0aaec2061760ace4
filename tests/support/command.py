"""Where the `hearth` under test is, and a daemon of one's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, final

from tests.support.environments import BUILD, clean_environment


def hearth_binary() -> Path:
    """$HEARTH_BIN, else the release build, else the dev build."""
    named = os.environ.get("HEARTH_BIN")
    candidates = (
        [Path(named)]
        if named
        else [BUILD / preset / "bin" / "hearth" for preset in ("release", "dev")]
    )
    for candidate in candidates:
        if candidate.exists():
            return candidate.resolve()
    raise FileNotFoundError(
        f"no hearth at {' or '.join(map(str, candidates))}: build it, or set HEARTH_BIN"
    )


@final
class Daemon:
    """A private daemon: its own runtime and state directory, stopped at the end of the `with` block.

    The daemon is started by the first command that needs it, as for a user. Directories are short paths below /tmp because
    a socket address has room for 107 bytes.
    """

    def __init__(self, python: Path, binary: Path | None = None) -> None:
        self.binary = binary or hearth_binary()
        self.python = python
        self.directory = Path(tempfile.mkdtemp(prefix="hearth-t-", dir="/tmp"))
        self.runtime = self.directory / "run"
        self.temporary = self.directory / "tmp"
        self.temporary.mkdir()
        self.environment = clean_environment()
        self.environment.update(
            HEARTH_RUNTIME_DIR=str(self.runtime),
            HEARTH_STATE_DIR=str(self.directory / "state"),
            HEARTH_PYTHON=str(python),
            TMPDIR=str(self.temporary),
        )

    def __enter__(self) -> Daemon:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """One `hearth` command to its end."""
        return subprocess.run(
            [str(self.binary), *arguments],
            check=False,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def start(self) -> None:
        done = self.run("start")
        if done.returncode:
            raise RuntimeError(f"hearth start failed ({done.returncode}): {done.stderr}")

    def stop(self) -> None:
        done = self.run("stop")
        if done.returncode:
            raise RuntimeError(f"hearth stop failed ({done.returncode}): {done.stderr}")

    def status(self) -> dict[str, Any]:
        """The daemon's status message, as in the schema."""
        done = self.run("status", "--json")
        if done.returncode:
            raise RuntimeError(f"hearth status failed ({done.returncode}): {done.stderr}")
        status: dict[str, Any] = json.loads(done.stdout)
        return status
