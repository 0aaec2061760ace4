"""One line, executed in its world by plain ctest or by another command: what was said, what was left in files, what ran when."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ctest.build import build
from tests.ctest.ctests import Ctest
from tests.ctest.lines import Line
from tests.terminal.execution import Execution, execute

_WORLDS = Path(__file__).parent / "worlds"
_PLAIN = "plain: "
# add_test(NAME "COMMAND" …), also with [=[NAME]=]; of the commands those that are found from anywhere.
_REGISTERED = re.compile(
    rb'(?m)^(add_test\((?:\[(=*)\[.*?\]\2\]|\S+))(?= "(?:sh"|printf"|/[^"]*/binaries/))'
)


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
            build(self.ctest, world.source, world.build)
        return world

    def run(self, line: Line, command: list[str], launcher: Sequence[str] = ()) -> Result:
        """Execute the steps of a line by `command`, but those that are plain ctest's, from an empty `Testing`.

        launcher: words before the command of each test, as CMake's TEST_LAUNCHER puts them there.
        """
        world = self.world(line.world)
        with _launched(world.build, launcher):
            return self._run(world, line, command)

    def _run(self, world: World, line: Line, command: list[str]) -> Result:
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


@contextmanager
def _launched(build: Path, launcher: Sequence[str]) -> Iterator[None]:
    """The lists of tests below `build` with the words before each command; restored in the end."""
    lists = {file: file.read_bytes() for file in build.rglob("CTestTestfile.cmake")}
    words = "".join(f' "{word}"' for word in launcher).encode()
    try:
        for file, content in lists.items() if launcher else ():
            file.write_bytes(_REGISTERED.sub(rb"\1" + words, content))
        yield
    finally:
        for file, content in lists.items():
            file.write_bytes(content)


def _is_foreign(name: str) -> bool:
    return name.startswith(("CTEST_", "CMAKE", "CLICOLOR", "MAKEFLAGS", "DASHBOARD_"))
