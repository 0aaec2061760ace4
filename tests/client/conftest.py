"""A `hearth` command of its own for each test, with a daemon that plays a part (fake_hearthd.cc)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest

BUILD = Path(os.environ.get("HEARTH_BUILD", Path(__file__).parents[2] / "build" / "release"))


class Command:
    """Runs `hearth` where no daemon but the fake one can be found or seen."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journal = root / "journal"
        # A copy: the daemon beside the real one would be found first.
        self.executable = root / "bin" / "hearth"
        self.executable.parent.mkdir()
        shutil.copy(BUILD / "bin" / "hearth", self.executable)
        self.python = root / "venv" / "bin" / "python"
        self.python.parent.mkdir(parents=True)
        self.python.write_text("")
        self.python.chmod(0o755)
        self.environment: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "HEARTH_RUNTIME_DIR": str(root / "run"),
            "HEARTH_STATE_DIR": str(root / "state"),
            "HEARTH_DAEMON": str(BUILD / "bin" / "fake_hearthd"),
            "HEARTH_PYTHON": str(self.python),
            "HEARTH_FAKE_JOURNAL": str(self.journal),
        }

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        """The command, running; standard streams are pipes unless said otherwise."""
        defaults: dict[str, object] = {
            "env": self.environment,
            "cwd": self.root,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [str(self.executable), *arguments], **{**defaults, **options}
        )

    def __call__(
        self, *arguments: str, given: Optional[str] = None, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """The command, ended (in 60 s at most); `given` is its standard input."""
        if given is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **options)
        out, err = process.communicate(given, timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def daemons(self) -> list[dict[str, str]]:
        """What each daemon that was started said of itself."""
        if not self.journal.exists():
            return []
        lines = self.journal.read_text().splitlines()
        return [dict(word.split("=", 1) for word in line.split()) for line in lines]

    def end_daemons(self) -> None:
        for daemon in self.daemons():
            pid = int(daemon["pid"])
            if executable_of(pid) == BUILD / "bin" / "fake_hearthd":
                os.kill(pid, signal.SIGKILL)


def executable_of(pid: int) -> Optional[Path]:
    try:
        return Path(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


@pytest.fixture
def hearth() -> Iterator[Command]:
    # Not tmp_path: a socket's address is at most 107 characters long.
    with tempfile.TemporaryDirectory(prefix="hearth-client-") as root:
        command = Command(Path(root).resolve())
        try:
            yield command
        finally:
            command.end_daemons()
