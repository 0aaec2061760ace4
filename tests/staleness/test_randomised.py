"""Three hundred edits in continuous integration; as many as one likes with `python -m tests.staleness`."""

from __future__ import annotations

import os

from tests.staleness import campaign
from tests.staleness.__main__ import base_interpreter, explain, steps_of
from tests.staleness.warmth import describe, share_of_warm

SEED = int(os.environ.get("HEARTH_TEST_SEED", "1"))
EDITS = int(os.environ.get("HEARTH_TEST_EDITS", "300"))


def test_after_each_of_three_hundred_edits_a_warm_run_equals_a_cold_one() -> None:
    steps = steps_of(SEED, EDITS)
    result = campaign.run(base_interpreter(), steps)
    if result.failed:
        raise AssertionError(explain(SEED, steps, result, verifies=True, seconds=120))
    assert result.edits >= EDITS
    assert any(step.command.workers for step in steps)
    # It would prove nothing if every run were cold.
    assert share_of_warm(result.stages) >= 1 / 3, describe(result.stages)


def test_without_verification_fifty_edits_are_enough_to_find_a_difference() -> None:
    result = campaign.run(base_interpreter(), steps_of(SEED, 50), verifies=False)
    assert result.failed, "this test cannot fail: nothing was verified and nothing was found"
    assert "reports" in result.difference
