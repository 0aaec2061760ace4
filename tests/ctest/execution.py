"""One line, executed in its world by plain ctest or by another command: what was said, what was left in files, what ran when."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.ctest.ctests import Ctest
from tests.ctest.lines import Line
from tests.terminal.execution import Execution, execute

_WORLDS = Path(__file__).parent / "worlds"
_PLAIN = "plain: "


@dataclass
class World:
    """A project of `worlds/`, configured with one cmake."""

    source: Path
    build: Path


@dataclass
class Result:
    executions: list[Execution]  # one for each step
    files: dict[str, bytes]  # by path below the build directory
    journals: list[list[str]]  # one for each step: what tests told when they began and ended


class Worlds:
    """The worlds of one ctest, below one directory, each made when it is first needed."""

    def __init__(self, ctest: Ctest, directory: Path, environment: Mapping[str, str]) -> None:
        self.ctest = ctest
        self._directory = directory
        # A ctest calls its own cmake and the like by their place, but hearth looks for the ctest on PATH.
        path = f"{ctest.directory}:{environment.get('PATH', '')}"
        self.environment = {
            **{name: value for name, value in environment.items() if not _is_foreign(name)},
            "PATH": path,
            "JOURNAL": str(directory / "journal"),
            "COUNTS": str(directory / "counts"),
        }
        directory.mkdir(parents=True, exist_ok=True)

    def world(self, name: str) -> World:
        world = World(_WORLDS / name, self._directory / name)
        if not world.build.exists():
            command = [str(self.ctest.cmake), "-S", str(world.source), "-B", str(world.build)]
            done = subprocess.run(
                command, check=False, env=self.environment, capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError(f"{name} cannot be configured:\n{done.stdout}{done.stderr}")
        return world

    def run(self, line: Line, command: list[str]) -> Result:
        """Execute the steps of a line by `command`, but those that are plain ctest's, from an empty `Testing`."""
        world = self.world(line.world)
        journal, counts = self._directory / "journal", self._directory / "counts"
        for directory in (world.build / "Testing", counts):
            shutil.rmtree(directory, ignore_errors=True)
        counts.mkdir()
        written = [world.build / name for name in line.writes]
        for file in [journal, *written]:  # listing a world's tests may have written the journal
            file.unlink(missing_ok=True)
        executions, journals = [], []
        for step in line.steps:
            executions.append(self._step(world, line, step, command))
            journals.append(journal.read_text().splitlines() if journal.exists() else [])
            journal.unlink(missing_ok=True)
        files = sorted((world.build / "Testing").rglob("*"))
        return Result(
            executions,
            {
                str(file.relative_to(world.build)): file.read_bytes()
                for file in [*files, *written]
                if file.is_file()
            },
            journals,
        )

    def _step(self, world: World, line: Line, step: str, command: list[str]) -> Execution:
        def place(text: str) -> str:
            return text.replace("@SOURCE@", str(world.source)).replace("@BUILD@", str(world.build))

        if step.startswith(_PLAIN):
            step, command = step[len(_PLAIN) :], [str(self.ctest.path)]
        return execute(
            [*command, *shlex.split(place(step))],
            line.shape,
            Path(place(line.directory)),
            {**self.environment, **line.environment},
            None if line.stdin is None else line.stdin.encode(),
        )


def _is_foreign(name: str) -> bool:
    return name.startswith(("CTEST_", "CMAKE", "CLICOLOR", "MAKEFLAGS", "DASHBOARD_"))
