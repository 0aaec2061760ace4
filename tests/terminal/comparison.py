"""One command line through plain pytest and through hearth: what differs in output, files and exit code."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import Daemon
from tests.terminal.command_lines import Line
from tests.terminal.execution import Execution, Shape, execute
from tests.terminal.normal import normal
from tests.terminal.screen import shown
from tests.terminal.worlds import World, make_world

# The second finds what the first has left.
_TIMES = ("first", "again")


@dataclass(frozen=True)
class _Result:
    execution: Execution
    files: dict[str, str]


class Comparison:
    """Worlds below one directory, and one daemon for all of them."""

    def __init__(self, daemon: Daemon, directory: Path) -> None:
        self._daemon = daemon
        self._directory = directory
        self._worlds: dict[str, World] = {}

    def differences(self, line: Line, shape: Shape) -> list[str]:
        """One text for each run through hearth that was not like plain pytest."""
        world = self._world(line.world)
        plain = [str(world.python.parent / "pytest")]
        wanted = self._run(plain, world, line, shape)
        found = []
        for time in _TIMES:
            got = self._run([str(self._daemon.binary), "pytest"], world, line, shape)
            lines = list(_difference(wanted, got, shape))
            if lines:
                found.append(f"{line}   ({shape.name}, {time})\n" + "\n".join(lines))
        return found

    def _world(self, name: str) -> World:
        if name not in self._worlds:
            self._worlds[name] = make_world(name, self._directory)
        return self._worlds[name]

    def _run(self, command: list[str], world: World, line: Line, shape: Shape) -> _Result:
        environment = {
            **self._daemon.environment,
            "HEARTH_PYTHON": str(world.python),
            "PYTHONHASHSEED": "0",  # sets are shown in their order
        }
        cache = world.directory / ".pytest_cache"
        shutil.rmtree(cache, ignore_errors=True)
        if line.after is not None:
            plain = [str(world.python.parent / "pytest"), *line.after.split()]
            execute(plain, Shape("pipe"), world.directory, environment, b"")
        arguments = [*command, *line.arguments]
        execution = execute(arguments, shape, world.directory, environment, line.stdin)
        files = {}
        for name in line.writes:
            file = world.directory / name
            files[name] = normal(file.read_text()) if file.exists() else "(not there)"
            file.unlink(missing_ok=True)
        return _Result(execution, files)


def _difference(wanted: _Result, got: _Result, shape: Shape) -> Iterator[str]:
    if got.execution.exit_code != wanted.execution.exit_code:
        yield f"exit code {got.execution.exit_code}, not {wanted.execution.exit_code}"
    stdout = normal(wanted.execution.stdout), normal(got.execution.stdout)
    if shape.columns and stdout[0] != stdout[1]:
        # A run that takes long to begin has shown what it waits for, and has erased that.
        stdout = shown(stdout[0], shape.columns), shown(stdout[1], shape.columns)
    texts = [
        ("stdout", *stdout),
        ("stderr", normal(wanted.execution.stderr), normal(got.execution.stderr)),
        *((name, text, got.files[name]) for name, text in wanted.files.items()),
    ]
    for name, plain, hearth in texts:
        if hearth != plain:
            # Escape sequences, carriage returns and a missing last line end are to be seen.
            left, right = (
                [repr(part)[1:-1] for part in text.splitlines(keepends=True)]
                for text in (plain, hearth)
            )
            yield from difflib.unified_diff(
                left, right, f"{name} of plain pytest", f"{name} of hearth", "", "", 1, lineterm=""
            )
