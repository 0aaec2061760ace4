"""`python -m tests.ctest.real [NAME …]`: tests of real projects by plain ctest and by `hearth ctest`; each test must end alike.

Sources come from Debian's archive, pinned; one project for each of GoogleTest, Catch2, doctest and Boost.Test. Every case is a
test of its own. Exit code 1 when a verdict, a number or the exit code differs; times are printed, not judged.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.ctest.ctests import NAMES, find_ctest
from tests.ctest.projects import PROJECTS, prepare
from tests.support.command import Daemon
from tests.support.environments import BUILD

_TIMEOUT = 600
_TIMES = re.compile(r"\d+(\.\d+)? ?(ms|s|us|sec)\b")


@dataclass(frozen=True)
class _Run:
    seconds: float
    exit_code: int
    summary: str
    verdicts: Mapping[str, str]


def main() -> int:
    options = _options()
    directory = BUILD / "ctest" / "real"
    system = find_ctest("system", options.python)
    differing = 0
    print(
        f"{'seconds':14}{'framework':12}{'ctest':>8}{'tests':>7}{'ctest -j2':>11}{'hearth, first':>15}{'warm':>8}"
    )
    for project in PROJECTS:
        if options.names and project.name not in options.names:
            continue
        tests = prepare(project, system, directory)
        for name in NAMES:
            ctest = find_ctest(name, options.python)
            with Daemon(Path(sys.executable)) as daemon:
                path = f"{ctest.directory}:{daemon.environment['PATH']}"
                environment = {**daemon.environment, "PATH": path}
                plain = [str(ctest.path)]
                hearth = plain if options.plain else [str(daemon.binary), "ctest"]
                runs = [
                    (_run(plain, tests, environment), _run(hearth, tests, environment))
                    for _ in range(options.rounds)
                ]
            for number, (wanted, got) in enumerate(runs, 1):
                for line in _differences(wanted, got):
                    print(f"{project.name}, ctest {ctest.version}, run {number}: {line}")
                    differing += 1
            print(
                f"{project.name:14}{project.framework.name:12}{'.'.join(map(str, ctest.version)):>8}"
                f"{len(runs[0][0].verdicts):7}{statistics.median(run.seconds for run, _ in runs):11.2f}"
                f"{runs[0][1].seconds:15.2f}{statistics.median(run.seconds for _, run in runs[1:]):8.2f}",
                flush=True,
            )
    print(f"differences: {differing or 'none'}")
    return 1 if differing else 0


def _run(command: list[str], directory: Path, environment: Mapping[str, str]) -> _Run:
    report = directory / "report.xml"
    report.unlink(missing_ok=True)
    begin = time.monotonic()
    done = subprocess.run(
        [*command, "-j2", "--output-junit", str(report)],
        check=False,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_TIMEOUT,
    )
    seconds = time.monotonic() - begin
    if not report.exists():
        raise RuntimeError(
            f"{' '.join(command)} in {directory} left no report:\n{done.stdout[-3000:]}"
        )
    found = re.search(r"^\d+% tests passed.*$", done.stdout, re.M)
    verdicts = {
        case.attrib["name"]: _verdict(case) for case in ElementTree.parse(report).iter("testcase")
    }
    if not verdicts or not found:
        raise RuntimeError(f"no tests ran in {directory}:\n{done.stdout[-3000:]}")
    return _Run(seconds, done.returncode, found[0], verdicts)


def _verdict(case: ElementTree.Element) -> str:
    """The status, why, and what was written without its times."""
    why = [
        f"{child.tag} {child.attrib.get('message')}" for child in case if child.tag != "system-out"
    ]
    output = _TIMES.sub("N", case.findtext("system-out") or "")
    return " ".join([case.attrib["status"], *why, output])


def _differences(wanted: _Run, got: _Run) -> list[str]:
    found = []
    if wanted.exit_code != got.exit_code:
        found.append(f"exit code {got.exit_code}, not {wanted.exit_code}")
    if wanted.summary != got.summary:
        found.append(f"{got.summary!r}, not {wanted.summary!r}")
    for name in sorted(wanted.verdicts.keys() | got.verdicts.keys()):
        verdict, other = wanted.verdicts.get(name, "missing"), got.verdicts.get(name, "missing")
        if verdict != other:
            found.append(f"{name}: {other!r}, not {verdict!r}")
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ctest.real", description=__doc__)
    names = [project.name for project in PROJECTS]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; default: all"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of both, in turn (default 3)")
    parser.add_argument("--plain", action="store_true", help="ctest itself instead of hearth's")
    parser.add_argument(
        "--python", default=sys.executable, help="makes the environment of the current ctest"
    )
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error("the first run of hearth's is cold: at least two rounds")
    unknown = sorted(set(options.names) - set(names))
    if unknown:
        parser.error(f"no such project: {', '.join(unknown)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
