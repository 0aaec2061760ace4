"""What differs between two results of one line."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator

from tests.ctest.execution import Result
from tests.ctest.lines import Line
from tests.ctest.normal import normal_file, normal_name, normal_output, normal_text
from tests.ctest.schedule import Planned, violations

_TOLERANCE = 5  # seconds, by which a test may take longer than elsewhere: the machine may be loaded
_TIMED = re.compile(r"Test +#\d+: (.+?) \.*(?:\s|[*]).* (\d+\.\d\d) sec$", re.M)


def differences(line: Line, wanted: Result, got: Result, tests: list[Planned]) -> list[str]:
    """Lines that tell each difference of exit codes, streams, files, order and durations; none: they are alike."""
    return list(_differences(line, wanted, got, tests))


def _differences(line: Line, wanted: Result, got: Result, tests: list[Planned]) -> Iterator[str]:
    ordered = line.is_ordered
    pairs = list(zip(wanted.executions, got.executions))
    for number, (plain, other) in enumerate(pairs, 1):
        step = f" of step {number}" if len(pairs) > 1 else ""
        if plain.exit_code != other.exit_code:
            yield f"exit code{step} {other.exit_code}, not {plain.exit_code}"
        for name, left, right in (
            ("stdout", plain.stdout, other.stdout),
            ("stderr", plain.stderr, other.stderr),
        ):
            yield from _diff(
                name + step, normal_output(left, ordered), normal_output(right, ordered)
            )
        yield from _slower(plain.stdout, other.stdout)
    files, other_files = (_files(result, ordered) for result in (wanted, got))
    for name in sorted(files.keys() | other_files.keys()):
        content = files.get(name, "(not there)"), other_files.get(name, "(not there)")
        yield from _diff(name, *content)
    for number, (journal, other_journal) in enumerate(zip(wanted.journals, got.journals), 1):
        parts = (journal, other_journal) if ordered else (sorted(journal), sorted(other_journal))
        yield from _diff(f"journal of step {number}", *("\n".join(part) for part in parts))
        yield from violations(other_journal, tests, line.jobs)


def _files(result: Result, ordered: bool) -> dict[str, str]:
    return {
        normal_name(path): normal_file(path, content, ordered)
        for path, content in result.files.items()
    }


def _slower(plain: str, other: str) -> Iterator[str]:
    seconds = dict(_TIMED.findall(plain))
    for name, duration in _TIMED.findall(other):
        if name in seconds and abs(float(duration) - float(seconds[name])) > _TOLERANCE:
            yield f"{name} took {duration} s, not {seconds[name]} s"


def _diff(name: str, left: str, right: str) -> Iterator[str]:
    if left == right:
        return
    # Escape sequences, carriage returns and a missing last line end are to be seen.
    before, after = (
        [json.dumps(part, ensure_ascii=False)[1:-1] for part in text.splitlines(keepends=True)]
        for text in (normal_text(left), normal_text(right))
    )
    names = f"{name} of ctest", f"{name} of the other"
    yield from difflib.unified_diff(before, after, *names, "", "", 1, lineterm="")
