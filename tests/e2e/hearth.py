"""One daemon, one project directory, and the commands that a user would type there."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.results import summary_counts
from tests.support.command import Daemon
from tests.support.events import TIMEOUT, Gate
from tests.support.processes import Process, descendants, find, kill, wait_gone, with_environment

_DURATION = re.compile(r"in \d+\.\d+s(?: \([\d:]+\))?")


@dataclass(frozen=True)
class Finished:
    """A command that has ended. A negative exit code is the signal that it died of."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of pytest's last line."""
        try:
            return summary_counts(self.stdout)
        except RuntimeError as error:
            raise AssertionError(
                f"{error}\nexit code {self.exit_code}, stderr:\n{self.stderr}"
            ) from error

    @property
    def normal_stdout(self) -> str:
        """Standard output with durations replaced."""
        return _DURATION.sub("in N s", self.stdout)

    def __str__(self) -> str:
        return f"exit code {self.exit_code}\n-- stdout\n{self.stdout}\n-- stderr\n{self.stderr}"


class Hearth:
    """The command under test in a world of its own. `close` ends it and says what was left behind."""

    def __init__(self, python: Path) -> None:
        self.daemon = Daemon(python)
        self.environment = self.daemon.environment
        self.runtime = self.daemon.runtime
        self.project = self.daemon.directory / "project"
        self.project.mkdir()
        self.gate = Gate(self.daemon.directory)
        self._marker = f"HEARTH_RUNTIME_DIR={self.runtime}"
        self._seen: set[Process] = set()
        self._spawned: list[subprocess.Popen[str]] = []

    # -- the project ------------------------------------------------------------------------------------------------------

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project, indentation taken off."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def write_gate(self) -> None:
        """Give the project a module `gate` with reach(name) and hold()."""
        self.write("gate.py", self.gate.helper())

    def use_python(self, python: Path) -> None:
        """Another interpreter from now on."""
        self.daemon.python = python
        self.environment["HEARTH_PYTHON"] = str(python)

    # -- commands ---------------------------------------------------------------------------------------------------------

    def pytest(self, *arguments: str, **options: Any) -> Finished:
        """`hearth pytest …` to its end; options as for `run`."""
        return self.run(str(self.daemon.binary), "pytest", *arguments, **options)

    def plain(self, *arguments: str, **options: Any) -> Finished:
        """`pytest …` of the same environment, without hearth."""
        return self.run(str(self.daemon.python.parent / "pytest"), *arguments, **options)

    def command(self, *arguments: str, **options: Any) -> Finished:
        """Any `hearth …`."""
        return self.run(str(self.daemon.binary), *arguments, **options)

    def run(self, *command: str, **options: Any) -> Finished:
        process = self.spawn(*command, **options)
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            text = f"{' '.join(command)} did not end within {TIMEOUT:.0f} s"
            raise AssertionError(f"{text}\n-- stdout\n{stdout}\n-- stderr\n{stderr}") from None
        return Finished(process.returncode, stdout, stderr)

    def start_pytest(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """`hearth pytest …`, not waited for."""
        return self.spawn(str(self.daemon.binary), "pytest", *arguments, **options)

    def spawn(
        self,
        *command: str,
        directory: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Start a command in the project (or `directory`), `environment` added to the usual one."""
        process: subprocess.Popen[str] = subprocess.Popen(
            command,
            cwd=directory or self.project,
            env={**self.environment, **(environment or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            **options,
        )
        self._spawned.append(process)
        return process

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        """Wait for a started command."""
        stdout, stderr = process.communicate(timeout=TIMEOUT)
        return Finished(process.returncode, stdout, stderr)

    def read_until(self, process: subprocess.Popen[str], text: str) -> str:
        """What a started command wrote until this was part of it; a line need not be complete."""
        assert process.stdout
        descriptor = process.stdout.fileno()
        deadline = time.monotonic() + TIMEOUT
        data = ""
        while text not in data:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(descriptor, 65536).decode(errors="replace") if ready else ""
            assert more, f"{text!r} never came, but:\n{data}"
            data += more
        return data

    # -- the daemon -------------------------------------------------------------------------------------------------------

    def daemon_process(self) -> Process:
        """The daemon, which must be running."""
        process = find(self.daemon.status()["pid"])
        assert process is not None
        return process

    def processes(self) -> set[Process]:
        """All live processes of this world: the daemon, everything below it, and whatever has its variable."""
        found = with_environment(self._marker)
        for process in list(found):
            found |= descendants(process.pid)
        self._seen |= found
        return found

    def zygotes(self) -> list[tuple[int, str, str, int]]:
        """(pid, stage, flavour, served) of each zygote, ordered."""
        return sorted(
            (zygote["pid"], zygote["stage"], zygote["flavour"], zygote["served"])
            for zygote in self.daemon.status()["zygotes"]
        )

    # -- the end ----------------------------------------------------------------------------------------------------------

    def close(self) -> list[str]:
        """Stop the daemon; return one line for everything that is still there."""
        self.processes()
        problems = []
        for client in self._spawned:  # of a test that failed before it had finished with them
            if client.poll() is None:
                client.kill()
            for stream in (client.stdin, client.stdout, client.stderr):
                if stream is not None:
                    stream.close()
            client.wait()
        stopped = self.command("stop")
        if stopped.exit_code:
            problems.append(f"hearth stop failed: {stopped}")
        self.processes()
        for process in wait_gone(self._seen, 10.0):
            problems.append(f"process survived hearth stop: {process.describe()}")
            kill(process)
        problems += self._left_files()
        self.gate.close()
        shutil.rmtree(self.daemon.directory, ignore_errors=True)
        return problems

    def _left_files(self) -> Iterator[str]:
        if self.runtime.is_dir():
            left = ", ".join(sorted(os.listdir(self.runtime)))
            yield f"the runtime directory is left: {left or 'empty'}"
        for name in sorted(os.listdir(self.daemon.temporary)):
            # pytest itself keeps the last three; what tests whether a directory can be written to (tempfile, with eight
            # random characters) may be killed while it does, with the zygote that nobody needs any more.
            is_probe = re.fullmatch(r"[a-z0-9_]{8}", name) is not None
            if not name.startswith("pytest-of-") and not is_probe:
                yield f"left in the temporary directory: {name}"


@contextmanager
def hearth_world(python: Path) -> Iterator[Hearth]:
    """A Hearth that fails its test when something survives."""
    hearth = Hearth(python)
    try:
        yield hearth
    finally:
        problems = hearth.close()
    assert not problems, "\n".join(problems)
