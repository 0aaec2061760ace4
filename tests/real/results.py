"""What one run of a suite gave, in the form in which two runs can be compared."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_SUMMARY = re.compile(
    r"^=* ?(\d+ [a-z ]+?(?:, \d+ [a-z ]+?)*|no tests ran) in [\d.]+s(?: \([\d:]+\))? ?=*$"
)


@dataclass
class Result:
    """One run. Each part is compared by itself, so that a difference says where it is."""

    exit_code: int
    seconds: float
    counts: dict[str, int]  # of the last line: {"passed": 3, "skipped": 1}
    summary_lines: list[str]  # of the short test summary, sorted
    outcomes: dict[str, list[str]]  # node id -> its reports, in order
    order: list[str]  # node ids in the order of their first report
    skips: dict[str, list[str]]  # node id -> place and reason
    failures: dict[str, list[str]]  # node id -> place and message
    warnings: dict[str, int]  # category, message, place -> how often
    collected: int
    junit: dict[str, list[str]] = field(
        default_factory=dict
    )  # classname::name -> outcome, properties
    junit_counts: dict[str, int] = field(default_factory=dict)


def read_result(exit_code: int, seconds: float, stdout: str, record: Path, junit: Path) -> Result:
    """Put a run's files and output together. Raises RuntimeError when one of them is missing or cut off."""
    try:
        content: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        suite = ElementTree.parse(junit).getroot().find("testsuite")
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise RuntimeError(
            f"the run left no usable record ({error}); its output ended:\n{stdout[-3000:]}"
        ) from error
    if suite is None:
        raise RuntimeError(f"{junit} has no test suite")
    result = Result(
        exit_code=exit_code,
        seconds=seconds,
        counts=summary_counts(stdout),
        summary_lines=short_summary(stdout),
        outcomes={},
        order=[],
        skips={},
        failures={},
        warnings={},
        collected=content["collected"],
    )
    for report in content["collect_reports"] + content["reports"]:
        _add_report(result, report)
    for warning in content["warnings"]:
        key = _normal(
            "{category} | {message} | {file}:{line} | {when} {nodeid}".format_map(warning)
        )
        result.warnings[key] = result.warnings.get(key, 0) + 1
    _add_junit(result, suite)
    return result


def summary_counts(stdout: str) -> dict[str, int]:
    """The numbers of pytest's last line; raises RuntimeError when there is none."""
    for line in reversed(stdout.splitlines()):
        match = _SUMMARY.match(line.strip())
        if match:
            words = match.group(1).split(", ")
            pairs = (word.split(" ", 1) for word in words if word[0].isdigit())
            return {_singular(name): int(number) for number, name in pairs}
    raise RuntimeError(f"no summary line in the output, which ended:\n{stdout[-3000:]}")


def short_summary(stdout: str) -> list[str]:
    """The lines of the short test summary, sorted: with workers their order is that of the reports."""
    lines = stdout.splitlines()
    starts = [number for number, line in enumerate(lines) if "short test summary info" in line]
    if not starts:
        return []
    section = lines[starts[-1] + 1 :]
    return sorted(
        _normal(line) for line in section if line.strip() and not _SUMMARY.match(line.strip())
    )


def _add_report(result: Result, report: dict[str, Any]) -> None:
    nodeid = report["nodeid"]
    if nodeid not in result.outcomes:
        result.order.append(nodeid)
    text = f"{report.get('when', 'collect')} {report['outcome']}"
    for detail in ("wasxfail", "subtest", "location", "properties"):
        if report.get(detail):
            text += f" {detail}={report[detail]}"
    result.outcomes.setdefault(nodeid, []).append(_normal(text))
    if "skip" in report:
        path, line, reason = report["skip"]
        result.skips.setdefault(nodeid, []).append(_normal(f"{path}:{line}: {reason}"))
    if "crash" in report:
        path, line, message = report["crash"]
        result.failures.setdefault(nodeid, []).append(_normal(f"{path}:{line}: {message}"))


def _add_junit(result: Result, suite: ElementTree.Element) -> None:
    result.junit_counts = {
        name: int(suite.get(name, -1)) for name in ("tests", "errors", "failures", "skipped")
    }
    for case in suite.iter("testcase"):
        text = ",".join(
            f"{child.tag}({child.get('type')}: {child.get('message')})"
            for child in case
            if child.tag in ("failure", "error", "skipped")
        )
        properties = [
            f"{entry.get('name')}={entry.get('value')}" for entry in case.iter("property")
        ]
        key = f"{case.get('classname')}::{case.get('name')}"
        result.junit.setdefault(_normal(key), []).append(
            _normal(f"{text or 'passed'} {properties}")
        )


def _normal(text: str) -> str:
    return _ADDRESS.sub("0x…", text)


def _singular(name: str) -> str:
    return name[:-1] if name in ("errors", "warnings") else name
