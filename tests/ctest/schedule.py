"""Whether what ran side by side was allowed to: judged by what tests wrote into the journal, and by their properties."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Planned:
    """What decides when it may run."""

    name: str
    processors: int = 1
    is_serial: bool = False
    locks: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()  # these come first, if they run


def list_tests(ctest: Path, build: Path, environment: Mapping[str, str]) -> list[Planned]:
    """Those of a build directory, in the order of their numbers; none where they cannot be listed."""
    done = subprocess.run(
        [ctest, "--show-only=json-v1"],
        check=False,
        cwd=build,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode or not done.stdout.startswith("{"):
        return []
    return [_test(entry) for entry in json.loads(done.stdout)["tests"]]


def _test(entry: dict[str, object]) -> Planned:
    properties = {each["name"]: each["value"] for each in entry.get("properties", [])}  # type: ignore[attr-defined]
    return Planned(
        str(entry["name"]),
        int(properties.get("PROCESSORS", 1)),
        bool(properties.get("RUN_SERIAL", False)),
        frozenset(properties.get("RESOURCE_LOCK", [])),
        frozenset(properties.get("DEPENDS", [])),
    )


def violations(journal: Sequence[str], tests: Sequence[Planned], jobs: int) -> Iterator[str]:
    """Each thing in the journal that no ctest would do with so many jobs.

    A test writes after it was started and before it ends: what overlaps in the journal did overlap.
    """
    known = {test.name: test for test in tests}
    running: dict[str, Planned] = {}
    last_end = {
        line.partition(" ")[2]: number
        for number, line in enumerate(journal)
        if line.startswith("end ")
    }
    for number, line in enumerate(journal):
        word, _, name = line.partition(" ")
        if word == "end":
            running.pop(name, None)
            continue
        test = known.get(name)
        if test is None:
            continue
        for other in running.values():
            if test.is_serial or other.is_serial:
                yield f"{name} ran beside {other.name}, and one of them is RUN_SERIAL"
            for lock in sorted(test.locks & other.locks):
                yield f"{name} ran beside {other.name}, and both lock {lock}"
        running[name] = test
        busy = sum(min(each.processors, jobs) for each in running.values())
        if busy > jobs:
            yield f"{', '.join(running)} ran at once: {busy} processors of {jobs}"
        for before in sorted(test.after):
            if last_end.get(before, -1) > number:
                yield f"{name} ran before {before} had ended"
