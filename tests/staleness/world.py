"""The generated project with its daemon, and a run of it, warm and cold."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from tests.staleness import sources
from tests.staleness.editor import Editor
from tests.staleness.site import Site
from tests.staleness.steps import Command, Step
from tests.support.command import Daemon
from tests.support.environments import REPOSITORY
from tests.support.events import TIMEOUT, Gate

_REQUIREMENTS = REPOSITORY / "tests" / "e2e" / "requirements" / "current.txt"
_DURATION = re.compile(r"in \d+\.\d+s(?: \([\d:]+\))?")
_AGE = re.compile(r"cache from .* ago")
_DATE = re.compile(r'"last_cache_date_str": "[^"]*"')
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_MARK = "@@ "


@dataclass(frozen=True)
class Outcome:
    """What a run said. A negative exit code is a signal."""

    exit_code: int
    stdout: str
    stderr: str
    cache: tuple[
        tuple[str, str], ...
    ] = ()  # pytest's cache files, where the command depends on them

    def reports(self) -> list[str]:
        """Outcomes, ids, properties, warnings: one line each, in no order."""
        return sorted(line for line in self.stdout.splitlines() if line.startswith(_MARK))


class World:
    """A context manager: the daemon is stopped at its end. `python` is that of the pinned environment."""

    def __init__(self, base: Path, verifies: bool = True) -> None:
        self.daemon = Daemon(base)
        self.root = self.daemon.directory
        self.project = self.root / "project"
        site = Site(self.root / "env", base)
        self.daemon.environment["HEARTH_PYTHON"] = str(site.python)
        self.daemon.python = site.python
        self.editor = Editor(self.root, site)
        self._gate_directory = self.root / "gate"
        self._gate_directory.mkdir()
        self._gate = Gate(self._gate_directory)
        self._write_library()
        self.editor.restore()
        if not verifies:
            self.daemon.environment["HEARTH_TEST_SKIP_VERIFICATION"] = "1"
            self.daemon.start()
            del self.daemon.environment["HEARTH_TEST_SKIP_VERIFICATION"]

    def __enter__(self) -> World:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.close()
        self.daemon.__exit__(kind, error, trace)

    def edit(self, step: Step) -> None:
        for edit in step.edits:
            self.editor.apply(edit)

    def edit_while_held(self, step: Step) -> None:
        """The edits of a step that has `held_at`. A run that is warm enough never comes to that place."""
        assert step.held_at
        place = self._gate_directory / step.held_at
        place.touch()
        with _Running(
            self._warm(step.command), self._directory(step.command), self._environment(step.command)
        ) as run:
            is_held = self._is_held(run)
            place.unlink()
            self.edit(step)
            if is_held:
                self._gate.release()
            run.finish()

    def run_both(self, command: Command) -> tuple[Outcome, Outcome]:
        """Warm and cold, at the same time unless one would read what the other leaves behind."""
        directory, environment = self._directory(command), self._environment(command)
        cold_command = self._cold(command)
        if not command.uses_cache:
            with _Running(cold_command, directory, environment) as run:
                warm = self.run_warm(command)
                return warm, run.finish()
        kept = self._read_cache()
        warm = self.run_warm(command)
        warm = replace(warm, cache=_without_times(self._read_cache()))
        self._write_cache(kept)
        with _Running(cold_command, directory, environment) as run:
            cold = run.finish()
        return warm, replace(cold, cache=_without_times(self._read_cache()))

    def run_warm(self, command: Command) -> Outcome:
        directory, environment = self._directory(command), self._environment(command)
        with _Running(self._warm(command), directory, environment) as run:
            return run.finish()

    def _warm(self, command: Command) -> list[str]:
        workers = ["-n", "2"] if command.workers else []
        return [str(self.daemon.binary), "pytest", *self._arguments(command), *workers]

    def _cold(self, command: Command) -> list[str]:
        """Without workers, which makes it quicker; the reports must be the same."""
        return [str(self.daemon.python.with_name("pytest")), *self._arguments(command)]

    def _arguments(self, command: Command) -> list[str]:
        return ["-p", "staleness_report", *map(self._expanded, command.arguments)]

    def _environment(self, command: Command) -> dict[str, str]:
        values = {name: self._expanded(value) for name, value in command.variables}
        return {**self.daemon.environment, **values}

    def _directory(self, command: Command) -> Path:
        """It may have been removed with all that was in it."""
        directory = self.project / command.directory
        directory.mkdir(exist_ok=True)
        return directory

    def _expanded(self, text: str) -> str:
        for name in ("project", "library", "earlier"):
            text = text.replace(f"{{{name}}}", str(self.root / name))
        return text

    def _write_library(self) -> None:
        library = self.root / "library"
        library.mkdir()
        (library / "gate.py").write_text(self._gate.helper())
        looking = sources.LOOKING.replace("{gate!r}", repr(str(self._gate_directory)))
        (library / "looking.py").write_text(looking)
        (library / "staleness_report.py").write_text(sources.REPORT_PLUGIN)

    def _is_held(self, run: _Running) -> bool:
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            try:
                self._gate.wait(0.05)
                return True
            except TimeoutError:
                if run.has_ended():
                    return False
        raise TimeoutError("a run neither came to its place nor ended")

    def _read_cache(self) -> dict[str, str]:
        return {
            str(path): path.read_text()
            for path in self.project.rglob(".pytest_cache/v/cache/*")
            if path.is_file()
        }

    def _write_cache(self, kept: dict[str, str]) -> None:
        for path in self._read_cache().keys() - kept.keys():
            os.unlink(path)
        for path, content in kept.items():
            Path(path).write_text(content)


class _Running:
    """A command that has been started; a context manager that leaves it dead."""

    def __init__(self, command: list[str], directory: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def __enter__(self) -> _Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def finish(self) -> Outcome:
        stdout, stderr = self._process.communicate(timeout=TIMEOUT)
        return Outcome(self._process.returncode, _comparable(stdout), _comparable(stderr))


def _without_times(cache: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((path, _DATE.sub("", content)) for path, content in cache.items()))


def _comparable(text: str) -> str:
    """Without what no two runs have in common."""
    return _AGE.sub("cache", _ADDRESS.sub("0x…", _DURATION.sub("in N s", text)))
