"""The terminal and the files of a single run are plain pytest's, byte by byte; `python -m tests.terminal` compares more lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Daemon
from tests.terminal.command_lines import LINES, Line
from tests.terminal.comparison import Comparison
from tests.terminal.execution import SHAPES, Shape

_QUICK = [line for line in LINES if line.quick]
_CASES = [(line, SHAPES[number % len(SHAPES)]) for number, line in enumerate(_QUICK)]


@pytest.fixture(scope="module")
def comparison() -> Iterator[Comparison]:
    with Daemon(Path(sys.executable)) as daemon:
        yield Comparison(daemon, daemon.directory / "worlds")


@pytest.mark.parametrize(
    ("line", "shape"), _CASES, ids=[f"{line}, {shape.name}" for line, shape in _CASES]
)
def test_output_is_plain_pytests(comparison: Comparison, line: Line, shape: Shape) -> None:
    found = comparison.differences(line, shape)
    assert not found, "\n".join(found)
