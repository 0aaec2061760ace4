"""The quick lines: `hearth ctest` says and leaves what ctest does, and so does ctest with `hearth-exec` before each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ctest.additions import was_left_to_ctest, without_additions, without_launcher
from tests.ctest.comparison import differences
from tests.ctest.ctests import find_ctest
from tests.ctest.execution import Worlds
from tests.ctest.lines import LINES, Line
from tests.ctest.schedule import list_tests
from tests.support.command import Daemon

_QUICK = [line for line in LINES if line.quick]
# What is plain ctest's business, and said to be.
_LEFT = ("broken: ", "commands: ", "-N", "--show-only", "--print-labels")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(Path(sys.executable)) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def worlds(daemon: Daemon) -> Worlds:
    ctest = find_ctest("system", sys.executable)
    return Worlds(ctest, daemon.directory / ctest.name, daemon.environment)


@pytest.mark.parametrize("line", _QUICK, ids=str)
def test_hearth_ctest_is_like_ctest(line: Line, worlds: Worlds, daemon: Daemon) -> None:
    plain = [str(worlds.ctest.path)]
    wanted = worlds.run(line, plain)
    got = worlds.run(line, [str(daemon.binary), "ctest"])
    tests = list_tests(worlds.ctest.path, worlds.world(line.world).build, worlds.environment)
    assert differences(line, wanted, without_additions(got), tests) == []
    if not any(word in str(line) for word in _LEFT):
        assert not any(was_left_to_ctest(each.stderr) for each in got.executions)


@pytest.mark.parametrize("line", [line for line in _QUICK if line.world == "binaries"], ids=str)
def test_ctest_is_like_itself_with_the_launcher(line: Line, worlds: Worlds, daemon: Daemon) -> None:
    plain = [str(worlds.ctest.path)]
    wanted = without_launcher(worlds.run(line, plain))
    got = without_launcher(worlds.run(line, plain, [f"{daemon.binary}-exec", "--"]))
    assert differences(line, wanted, got, []) == []
    # One for each of its tests that differs in directory or environment.
    served = sum(
        zygote["served"]
        for zygote in daemon.status()["zygotes"]
        if Path(zygote["python"]).name == "ordinary"
    )
    assert served > 1, "it was not warm"
