"""The comparison must be able to fail: each kind of doctored result is found, in the files that a real run leaves."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.compare import differences
from tests.real.results import Result, read_result, summary_counts
from tests.support.environments import clean_environment

_SUITE = """
import warnings
import pytest

def test_passes(record_property):
    record_property("colour", "blue")

def test_fails():
    assert 1 == 2

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known")
def test_known():
    assert 0

def test_warns():
    warnings.warn("careful")
"""
_FAILS = "test_suite.py::test_fails"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Result]:
    """Executes the little suite with the pytest that executes this test, in a process of its own."""
    directory = tmp_path_factory.mktemp("suite")
    (directory / "test_suite.py").write_text(_SUITE)
    record, junit = directory / "record.json", directory / "junit.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-ra",
        "-p",
        "outcome_recorder",
        f"--junitxml={junit}",
    ]
    command += ["-o", "junit_family=xunit1"]
    environment = {**clean_environment(), "PYTHONPATH": str(Path(__file__).parent)}

    def execute() -> Result:
        done = subprocess.run(
            [*command, f"--record-outcomes={record}"],
            check=False,
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        return read_result(done.returncode, 1.0, done.stdout, record, junit)

    return execute


@pytest.fixture(scope="module")
def result(run: Callable[[], Result]) -> Result:
    return run()


def test_a_result_holds_what_the_run_reported(result: Result) -> None:
    assert result.exit_code == 1
    assert result.counts == {"failed": 1, "passed": 2, "skipped": 1, "xfailed": 1, "warning": 1}
    assert result.order[0] == "test_suite.py::test_passes"
    assert result.skips["test_suite.py::test_skipped"][0].endswith(
        "test_suite.py:11: Skipped: not today"
    )
    assert "assert 1 == 2" in result.failures[_FAILS][0]
    assert "UserWarning | careful" in next(iter(result.warnings))
    assert result.junit["test_suite::test_passes"] == ["passed ['colour=blue']"]
    assert result.junit_counts == {"tests": 5, "errors": 0, "failures": 1, "skipped": 2}
    assert any(line.startswith("SKIPPED [1]") for line in result.summary_lines)


def test_two_runs_of_one_suite_do_not_differ(run: Callable[[], Result], result: Result) -> None:
    assert differences(result, run(), ordered=True) == []


def _fewer_tests(result: Result) -> None:
    del result.outcomes[_FAILS]


def _other_outcome(result: Result) -> None:
    result.outcomes[_FAILS][1] = "call passed"


def _other_exit_code(result: Result) -> None:
    result.exit_code = 0


def _other_count(result: Result) -> None:
    result.counts["passed"] += 1


def _other_reason(result: Result) -> None:
    result.skips["test_suite.py::test_skipped"] = ["elsewhere.py:1: Skipped: not today"]


def _other_message(result: Result) -> None:
    result.failures[_FAILS] = ["test_suite.py:9: assert 1 == 3"]


def _second_warning(result: Result) -> None:
    key = next(iter(result.warnings))
    result.warnings[key] += 1


def _lost_property(result: Result) -> None:
    result.junit["test_suite::test_passes"] = ["passed []"]


def _other_junit_count(result: Result) -> None:
    result.junit_counts["tests"] = 4


def _lost_summary_line(result: Result) -> None:
    result.summary_lines.pop()


def _other_order(result: Result) -> None:
    result.order.reverse()


@pytest.mark.parametrize(
    ("doctor", "told"),
    [
        (_fewer_tests, f"outcome of {_FAILS}"),
        (_other_outcome, f"outcome of {_FAILS}"),
        (_other_exit_code, "exit_code: expected 1, got 0"),
        (_other_count, "count of passed"),
        (_other_reason, "skip of test_suite.py::test_skipped"),
        (_other_message, f"failure of {_FAILS}"),
        (_second_warning, "warning builtins.UserWarning | careful"),
        (_lost_property, "junit case test_suite::test_passes"),
        (_other_junit_count, "junit count of tests"),
        (_lost_summary_line, "summary line missing"),
        (_other_order, "order: test 0 should be"),
    ],
)
def test_a_doctored_result_is_found(
    result: Result, doctor: Callable[[Result], None], told: str
) -> None:
    doctored = copy.deepcopy(result)
    doctor(doctored)
    found = differences(result, doctored, ordered=True)
    assert len(found) == 1
    assert found[0].startswith(told)


def test_a_flaky_test_may_change_but_not_vanish(result: Result) -> None:
    doctored = copy.deepcopy(result)
    _other_outcome(doctored)
    assert differences(result, doctored, ordered=True, flaky=[_FAILS]) == []
    _fewer_tests(doctored)
    assert differences(result, doctored, ordered=True, flaky=[_FAILS]) == [
        f"flaky test has no outcome: {_FAILS}"
    ]


def test_a_run_without_a_record_is_an_error_that_shows_its_output(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="INTERNALERROR"):
        read_result(3, 1.0, "INTERNALERROR> gone", tmp_path / "record.json", tmp_path / "junit.xml")
    (tmp_path / "record.json").write_text(json.dumps({})[:1])
    with pytest.raises(RuntimeError, match="no usable record"):
        read_result(0, 1.0, "", tmp_path / "record.json", tmp_path / "junit.xml")


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("==== 3 passed, 1 warning in 0.10s ====", {"passed": 3, "warning": 1}),
        ("2 failed, 1 errors in 75.22s (0:01:15)", {"failed": 2, "error": 1}),
        ("==== no tests ran in 0.01s ====", {}),
        (
            "= 765 passed, 21194 subtests passed in 21.45s =",
            {"passed": 765, "subtests passed": 21194},
        ),
    ],
)
def test_the_last_line_is_read(line: str, counts: dict[str, int]) -> None:
    assert summary_counts(f"test_a.py ..\n{line}\n") == counts


def test_output_without_a_last_line_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no summary line"):
        summary_counts("test_a.py ..\n")
