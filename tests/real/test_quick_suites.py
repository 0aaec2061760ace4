"""The quicker real suites, as part of every run of the tests; `python -m tests.real` does all of them."""

from __future__ import annotations

import pytest

from tests.real.install import install
from tests.real.suite_run import SuiteRun
from tests.real.suites import SUITES, Suite


@pytest.mark.parametrize(
    "suite", [suite for suite in SUITES if suite.quick], ids=lambda suite: suite.name
)
def test_a_real_suite_gives_one_result_through_pytest_and_hearth(suite: Suite) -> None:
    run = SuiteRun(install(suite), warm_runs=1)
    run.round()
    assert run.differing == []
    assert len(run.times["hearth -n 2 warm"]) == 1
