"""The comparison itself: two runs of plain ctest are alike, and a result that was doctored in any way is not."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ctest.comparison import differences
from tests.ctest.ctests import find_ctest
from tests.ctest.execution import Result, Worlds
from tests.ctest.lines import Line
from tests.ctest.normal import normal_name
from tests.ctest.schedule import Planned, list_tests, violations
from tests.support.environments import clean_environment

_JUNIT = ("junit.xml",)
_IN_ORDER = Line("order", ("-V --output-junit junit.xml",), writes=_JUNIT)
_SIDE_BY_SIDE = Line("order", ("-j2 -VV --output-junit junit.xml",), writes=_JUNIT)
_TWO_STEPS = Line("fixtures", ("-R uses-failing -j2", "--rerun-failed -T test"))
_LOG = "Testing/Temporary/LastTest.log"
_COSTS = "Testing/Temporary/CTestCostData.txt"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return Worlds(
        find_ctest("system", sys.executable), tmp_path_factory.mktemp("worlds"), clean_environment()
    )


@pytest.fixture(scope="module")
def results(worlds: Worlds) -> dict[Line, Result]:
    command = [str(worlds.ctest.path)]
    return {line: worlds.run(line, command) for line in (_IN_ORDER, _SIDE_BY_SIDE, _TWO_STEPS)}


def _tests(worlds: Worlds, line: Line) -> list[Planned]:
    return list_tests(worlds.ctest.path, worlds.world(line.world).build, worlds.environment)


@pytest.mark.parametrize("line", [_IN_ORDER, _SIDE_BY_SIDE, _TWO_STEPS], ids=str)
def test_ctest_is_like_itself(line: Line, worlds: Worlds, results: dict[Line, Result]) -> None:
    again = worlds.run(line, [str(worlds.ctest.path)])
    assert differences(line, results[line], again, _tests(worlds, line)) == []


def test_a_dashboard_may_begin_in_another_minute() -> None:
    # fmt: off
    names = ("Testing/{}/Test.xml", "Testing/Temporary/LastTest_{}.log", "Testing/Temporary/LastTestsFailed_{}.log")
    # fmt: on
    for name in names:
        first, second = (
            normal_name(name.format(f"20261122-{minute}")) for minute in ("1206", "1207")
        )
        assert first == second != name


def _in_stdout(old: str, new: str) -> Callable[[Result], None]:
    def doctor(result: Result) -> None:
        execution = result.executions[-1]
        assert old in execution.stdout
        changed = execution.stdout.replace(old, new, 1)
        result.executions[-1] = dataclasses.replace(execution, stdout=changed)

    return doctor


def _in_file(path: str, old: str, new: str) -> Callable[[Result], None]:
    def doctor(result: Result) -> None:
        (name,) = [name for name in result.files if Path(name).match(path)]
        assert old.encode() in result.files[name]
        result.files[name] = result.files[name].replace(old.encode(), new.encode(), 1)

    return doctor


def _exit_code(result: Result) -> None:
    result.executions[0] = dataclasses.replace(result.executions[0], exit_code=0)


def _stderr(result: Result) -> None:
    result.executions[-1] = dataclasses.replace(result.executions[-1], stderr="")


def _without_file(result: Result) -> None:
    del result.files[_COSTS]


def _one_more_file(result: Result) -> None:
    result.files["Testing/Temporary/left-behind"] = b""


def _swapped_journal(result: Result) -> None:
    journal = result.journals[0]
    journal[0], journal[2] = journal[2], journal[0]


def _shortened_journal(result: Result) -> None:
    del result.journals[0][-2:]


_DOCTORED: dict[str, tuple[Line, Callable[[Result], None]]] = {
    "exit code": (_IN_ORDER, _exit_code),
    "exit code of the first of two": (_TWO_STEPS, _exit_code),
    "stderr": (_IN_ORDER, _stderr),
    "verdict": (_IN_ORDER, _in_stdout("   Passed", "***Failed")),
    "verdict of one beside others": (_SIDE_BY_SIDE, _in_stdout("   Passed", "***Failed")),
    "percent": (_SIDE_BY_SIDE, _in_stdout("95% tests", "99% tests")),
    "column": (_IN_ORDER, _in_stdout(" ....", " ...")),
    "counter": (_IN_ORDER, _in_stdout("/20 Test", "/19 Test")),
    "counter that does not count": (_SIDE_BY_SIDE, _in_stdout(" 3/20 Test", " 2/20 Test")),
    "line too few": (_IN_ORDER, _in_stdout("    Start  1: one\n", "")),
    "line too many": (_SIDE_BY_SIDE, _in_stdout("    Start", "\n    Start")),
    "width of seconds": (_IN_ORDER, _in_stdout(" sec\n", "  sec\n")),
    "a longer test": (_IN_ORDER, _in_stdout("Passed    0.", "Passed    9.")),
    "list of the failed": (_IN_ORDER, _in_stdout(" - fails (Failed)", " - fails (Timeout)")),
    "file too few": (_IN_ORDER, _without_file),
    "file too many": (_SIDE_BY_SIDE, _one_more_file),
    "log": (_IN_ORDER, _in_file(_LOG, "Test Passed.", "Test Failed.")),
    "log of one beside others": (_SIDE_BY_SIDE, _in_file(_LOG, "Test Failed.", "Test Passed.")),
    "log without an end": (_SIDE_BY_SIDE, _in_file(_LOG, "End testing", "End")),
    "how often it ran": (_SIDE_BY_SIDE, _in_file(_COSTS, "costly 1 ", "costly 2 ")),
    "no cost": (_IN_ORDER, _in_file(_COSTS, "costly 1 0.", "costly 1 0\n0.")),
    "who failed last": (_IN_ORDER, _in_file(_COSTS, "---\nfails", "---\n")),
    "junit's status": (_SIDE_BY_SIDE, _in_file("junit.xml", 'status="fail"', 'status="run"')),
    "junit's count": (_IN_ORDER, _in_file("junit.xml", 'failures="1"', 'failures="0"')),
    "junit is no xml": (_IN_ORDER, _in_file("junit.xml", "</testsuite>", "")),
    "Test.xml": (_TWO_STEPS, _in_file("Testing/*/Test.xml", "<Name>", "<Name>x")),
    "tag": (_TWO_STEPS, _in_file("Testing/TAG", "Experimental", "Nightly")),
    "order": (_IN_ORDER, _swapped_journal),
    "one did not run": (_SIDE_BY_SIDE, _shortened_journal),
}


@pytest.mark.parametrize("what", _DOCTORED)
def test_a_doctored_result_is_not_like_ctest(
    what: str, worlds: Worlds, results: dict[Line, Result]
) -> None:
    line, doctor = _DOCTORED[what]
    doctored = copy.deepcopy(results[line])
    doctor(doctored)
    assert differences(line, results[line], doctored, _tests(worlds, line))


def _side_by_side(*names: str) -> Iterator[str]:
    yield from (f"begin {name}" for name in names)
    yield from (f"end {name}" for name in names)


@pytest.mark.parametrize(
    ("names", "jobs"),
    [
        (("one", "two", "cheap"), 2),
        (("serial", "one"), 8),
        (("lock-a-1", "lock-a-b"), 8),
        (("two", "after-two"), 8),
        (("wide", "one"), 2),
        (("wider-than-all", "one"), 4),
    ],
)
def test_what_may_not_run_side_by_side_is_told(
    names: tuple[str, ...], jobs: int, worlds: Worlds
) -> None:
    assert list(violations(list(_side_by_side(*names)), _tests(worlds, _IN_ORDER), jobs))


def test_what_may_run_side_by_side_is_not_told(worlds: Worlds) -> None:
    journal = [*_side_by_side("one", "lock-a-1", "lock-b", "wide"), *_side_by_side("serial")]
    assert not list(violations(journal, _tests(worlds, _IN_ORDER), 5))
