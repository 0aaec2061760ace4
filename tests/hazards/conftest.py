"""Fixtures: a hearth whose environment has the packages that are known for their trouble with forks; a project that tells."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.hearth import Finished, Hearth, hearth_world
from tests.support.environments import BUILD, make_environment

_REQUIREMENTS = Path(__file__).parent / "requirements" / "current.txt"
_TELLING = """
import json, os, uuid

def tell(*, about="", **values):
    path = os.path.join({directory!r}, uuid.uuid4().hex)
    with open(path + ".part", "w") as file:
        json.dump([about, values], file, default=repr)
    os.rename(path + ".part", path + ".json")
"""


class Project:
    """What a test writes, runs warm and cold, and hears of: in a project, `from telling import tell` gives `tell(name=value)`."""

    def __init__(self, hearth: Hearth) -> None:
        self.hearth = hearth
        self.write = hearth.write
        self.environment = hearth.environment
        self._told = hearth.daemon.directory / "told"
        self._told.mkdir()
        hearth.write("telling.py", _TELLING.format(directory=str(self._told)))
        hearth.write("conftest.py", "")

    def warm(self, *arguments: str, **options: Any) -> tuple[Finished, list[dict[str, Any]]]:
        """`hearth pytest …`, and what the tests told."""
        return self.hearth.pytest(*arguments, **options), self._take()

    def cold(self, *arguments: str, **options: Any) -> tuple[Finished, list[dict[str, Any]]]:
        """`pytest …`, and what the tests told."""
        return self.hearth.plain(*arguments, **options), self._take()

    def same(
        self, *arguments: str, runs: int = 3, cold: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """Run warm so many times and cold once (with the same arguments, or others); all must end alike and tell the same,
        which is returned.
        """
        cold_run, expected = self.cold(*(arguments if cold is None else cold))
        assert expected, str(cold_run)
        for _ in range(runs):
            warm, told = self.warm(*arguments)
            ends = (warm.exit_code, warm.counts), (cold_run.exit_code, cold_run.counts)
            assert ends[0] == ends[1], f"{warm}\n{cold_run}"
            assert told == expected
        return expected

    def each(
        self, *arguments: str, runs: int = 3, exit_code: int = 0
    ) -> list[list[dict[str, Any]]]:
        """What was told in each of so many warm runs, all with this exit code."""
        told = []
        for _ in range(runs):
            done, values = self.warm(*arguments)
            assert done.exit_code == exit_code, str(done)
            told.append(values)
        return told

    def _take(self) -> list[dict[str, Any]]:
        """In an order that does not depend on processes."""
        told = []
        for path in self._told.glob("*.json"):
            told.append(json.loads(path.read_text()))
            path.unlink()
        return [values for _, values in sorted(told, key=json.dumps)]


@pytest.fixture(scope="session")
def hazardous_python() -> Path:
    python = os.environ.get("HEARTH_TEST_PYTHON", sys.executable)
    return make_environment(BUILD / "hazards" / "current", _REQUIREMENTS, python)


@pytest.fixture
def project(hazardous_python: Path) -> Iterator[Project]:
    with hearth_world(hazardous_python) as hearth:
        yield Project(hearth)


@pytest.fixture(params=[(), ("-n", "2")], ids=["single", "two_workers"])
def mode(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options without and with workers; a cold run has xdist's."""
    options: tuple[str, ...] = request.param
    return options
