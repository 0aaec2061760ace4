"""What the options of a distributed run come to, odd numbers included."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import fake_daemon  # noqa: F401  makes _hearth_runtime importable
import pytest

from _hearth_runtime import options  # type: ignore[import-not-found]


def distribution(**given: Any) -> Any:
    option = SimpleNamespace(**{"numprocesses": 2, "dist": "no", "maxfail": 0, **given})
    config = SimpleNamespace(option=option, getvalue=lambda name: getattr(option, name))
    return options.distribution_of(config, b"")


def test_without_numbers_the_daemon_decides() -> None:
    plain = distribution()
    assert (plain.workers, plain.policy, plain.max_failures) == (2, "load", 0)
    assert (plain.max_worker_restarts, plain.max_chunk) == (-1, 0)
    assert (plain.max_items_per_worker, plain.isolates_files) == (0, False)


def test_a_number_that_is_too_small_counts_as_the_smallest() -> None:
    for number in (0, -3):
        assert distribution(maxschedchunk=number).max_chunk == 1
        assert distribution(maxworkerrestart=str(number)).max_worker_restarts == 0
    assert distribution(maxfail=-1).max_failures == 1


def test_a_number_that_no_message_can_hold_is_as_good_as_a_smaller_one() -> None:
    assert distribution(maxschedchunk=10**30).max_chunk > 10**9
    assert distribution(hearth_max_tests_per_worker=10**30).max_items_per_worker > 10**9
    assert distribution(ramp=1e300).ramp_ms > 10**9


@pytest.mark.parametrize(
    ("isolated", "most", "expected"),
    [("test", None, (1, False)), ("test", 5, (1, False)), ("file", 5, (5, True))],
)
def test_isolation_limits_what_a_worker_gets(isolated: str, most: Any, expected: object) -> None:
    got = distribution(hearth_isolate=isolated, hearth_max_tests_per_worker=most)
    assert (got.max_items_per_worker, got.isolates_files) == expected


def test_fewer_workers_than_none_are_a_run_in_one_process() -> None:
    for limit in ({"numprocesses": -1}, {"numprocesses": 2, "maxprocesses": -1}):
        assert not options.asks_for_workers(SimpleNamespace(**limit))
        assert options.refusal(SimpleNamespace(**limit, hearth_isolate="test"))
        assert not options.refusal(SimpleNamespace(**limit))


def test_what_is_no_number_of_restarts_is_refused() -> None:
    assert "'foo'" in options.refusal(SimpleNamespace(numprocesses=2, maxworkerrestart="foo"))
    assert not options.refusal(SimpleNamespace(numprocesses=2, maxworkerrestart="1"))
