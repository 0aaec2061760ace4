"""Says in which way one result differs from another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from tests.real.results import Result

_SHOWN = 10  # differences of one kind; the rest is counted


def differences(
    expected: Result, actual: Result, ordered: bool, flaky: Collection[str] = ()
) -> list[str]:
    """Readable lines, none when the results are one. `ordered`: the tests must have run in the same order too.

    Tests named in `flaky` may have any outcome, but must have one; the numbers that count them are then not compared.
    """
    found: list[str] = []
    for name, exact in _PARTS.items():
        if flaky and not exact:
            continue
        found += _scalar(name, getattr(expected, name), getattr(actual, name))
    found += _mapping(
        "outcome of", _without(expected.outcomes, flaky), _without(actual.outcomes, flaky)
    )
    found += _mapping("skip of", _without(expected.skips, flaky), _without(actual.skips, flaky))
    found += _mapping(
        "failure of", _without(expected.failures, flaky), _without(actual.failures, flaky)
    )
    found += _mapping("warning", expected.warnings, actual.warnings)
    if not flaky:
        found += _mapping("count of", expected.counts, actual.counts)
        found += _mapping("junit count of", expected.junit_counts, actual.junit_counts)
        found += _mapping("junit case", expected.junit, actual.junit)
        found += _lines(expected.summary_lines, actual.summary_lines)
    else:
        found += _scalar("junit cases", sorted(expected.junit), sorted(actual.junit))
    missing = [
        nodeid for nodeid in flaky if nodeid in expected.outcomes and nodeid not in actual.outcomes
    ]
    found += [f"flaky test has no outcome: {nodeid}" for nodeid in missing]
    if ordered and not found:
        found += _order(expected.order, actual.order)
    return found


_PARTS = {"exit_code": False, "collected": True}  # part -> whether flaky tests leave it alone


def _without(values: Mapping[str, list[str]], flaky: Collection[str]) -> dict[str, list[str]]:
    return {name: value for name, value in values.items() if name not in flaky}


def _scalar(name: str, expected: object, actual: object) -> list[str]:
    return [] if expected == actual else [f"{name}: expected {expected}, got {actual}"]


def _mapping(kind: str, expected: Mapping[str, object], actual: Mapping[str, object]) -> list[str]:
    found = []
    for name in sorted(expected.keys() | actual.keys()):
        if expected.get(name) != actual.get(name):
            found.append(
                f"{kind} {name}:\n    expected {_shown(expected, name)}\n    got      {_shown(actual, name)}"
            )
    return _cut(found, kind)


def _shown(values: Mapping[str, object], name: str) -> str:
    return str(values[name]) if name in values else "nothing"


def _lines(expected: list[str], actual: list[str]) -> list[str]:
    lost = (Counter(expected) - Counter(actual)).elements()
    new = (Counter(actual) - Counter(expected)).elements()
    found = [f"summary line missing: {line}" for line in lost] + [
        f"summary line added:   {line}" for line in new
    ]
    return _cut(found, "summary line")


def _order(expected: list[str], actual: list[str]) -> list[str]:
    for place, (wanted, got) in enumerate(zip(expected, actual)):
        if wanted != got:
            return [f"order: test {place} should be {wanted}, is {got}"]
    return []


def _cut(found: list[str], kind: str) -> list[str]:
    if len(found) <= _SHOWN:
        return found
    return [*found[:_SHOWN], f"… and {len(found) - _SHOWN} more differences: {kind}"]
