"""Executes an installed suite once, in one of the ways that are compared."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.real.install import Installation
from tests.real.results import Result, read_result
from tests.support.command import Daemon

_TIMEOUT = 1200.0  # seconds; a suite that takes longer hangs
_RECORDER = Path(__file__).parent


class Execution:
    """Runs of one suite in one environment: whatever executes it gets the same arguments and variables.

    The files that a run writes have the same names in each run, because names are arguments, and a warm process serves only
    the arguments that it was made for.
    """

    def __init__(self, installation: Installation, daemon: Daemon) -> None:
        self._installation = installation
        self._environment = {**daemon.environment, "PYTHONPATH": str(_RECORDER)}
        self._hearth = daemon.binary
        out = installation.directory.parent / "out"
        out.mkdir(exist_ok=True)
        self._record = out / "record.json"
        self._junit = out / "junit.xml"

    def prepare(self) -> None:
        """Let Python write its bytecode files, so that no run pays for it."""
        self._execute(
            [str(self._pytest()), "--collect-only", "-qq", *self._installation.suite.arguments]
        )

    def plain(self, *options: str) -> Result:
        """`pytest` as the environment has it, with xdist's options if some are given."""
        return self._run([str(self._pytest())], options)

    def hearth(self, *options: str) -> Result:
        """`hearth pytest`."""
        return self._run([str(self._hearth), "pytest"], options)

    def _pytest(self) -> Path:
        return self._installation.python.parent / "pytest"

    def _run(self, command: list[str], options: tuple[str, ...]) -> Result:
        for old in (self._record, self._junit):
            old.unlink(missing_ok=True)
        command = [*command, *self._installation.suite.arguments, *options, "-ra"]
        command += [
            "-p",
            "outcome_recorder",
            f"--record-outcomes={self._record}",
            f"--junitxml={self._junit}",
        ]
        begin = time.monotonic()
        exit_code, output = self._execute(command)
        seconds = time.monotonic() - begin
        return read_result(exit_code, seconds, output, self._record, self._junit)

    def _execute(self, command: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            command,
            check=False,
            cwd=self._installation.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")
