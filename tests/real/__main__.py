"""`python -m tests.real [--quick] [suite …]`: run real suites through plain pytest and through hearth, and compare.

Exit code 0: every comparable part of every run was the same. 1: differences, printed. Times are printed, not judged.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from tests.real.compare import differences
from tests.real.execution import Execution
from tests.real.install import Installation, install
from tests.real.results import Result
from tests.real.suites import SUITES, Suite
from tests.support.command import Daemon
from tests.support.environments import BUILD

_WORKERS = ("-n", "2")
_COLUMNS = (
    "plain",
    "xdist -n 2",
    "hearth cold",
    "hearth warm",
    "hearth -n 2 cold",
    "hearth -n 2 warm",
)


def main() -> int:
    options = _options()
    times: dict[str, dict[str, list[float]]] = {}
    failed = []
    for suite in options.suites:
        _say(f"== {suite.name}: install")
        installation = install(suite, options.python, options.directory)
        runner = _SuiteRun(installation, options.warm_runs)
        for _ in range(options.rounds):
            runner.round()
        times[suite.name] = runner.times
        if runner.differing:
            failed.append(f"{suite.name} ({', '.join(runner.differing)})")
    _say("\n" + _table(times))
    _say(f"\nsame result in all runs: {'no: ' + ', '.join(failed) if failed else 'yes'}")
    return 1 if failed else 0


class _SuiteRun:
    """All runs of one suite, compared with its first plain run."""

    def __init__(self, installation: Installation, warm_runs: int) -> None:
        self.times: dict[str, list[float]] = {name: [] for name in _COLUMNS}
        self.differing: list[str] = []
        self._installation = installation
        self._warm_runs = warm_runs
        self._expected: Result | None = None

    def round(self) -> None:
        """Plain, xdist, then hearth with a fresh daemon for each flavour."""
        with Daemon(self._installation.python) as daemon:
            execution = Execution(self._installation, daemon)
            if self._expected is None:
                execution.prepare()
            result = execution.plain()
            self._note("plain", result)
            self._check("plain", result, ordered=True)
            result = execution.plain(*_WORKERS)
            self._note("xdist -n 2", result)
        for name, workers in (("hearth", ()), ("hearth -n 2", _WORKERS)):
            with Daemon(self._installation.python) as daemon:
                execution = Execution(self._installation, daemon)
                for number in range(1 + self._warm_runs):
                    column = f"{name} warm" if number else f"{name} cold"
                    result = execution.hearth(*workers)
                    self._note(column, result)
                    self._check(column, result, ordered=not workers)

    def _note(self, column: str, result: Result) -> None:
        self.times[column].append(result.seconds)
        counts = ", ".join(f"{number} {name}" for name, number in result.counts.items())
        _say(f"   {column:18} {result.seconds:8.2f} s   exit {result.exit_code}, {counts}")

    def _check(self, column: str, result: Result, ordered: bool) -> None:
        if self._expected is None:
            self._expected = result
            return
        found = differences(self._expected, result, ordered, self._installation.suite.flaky)
        if found and column not in self.differing:
            self.differing.append(column)
        for line in found:
            _say(f"   DIFFERENT {line}")


def _table(times: dict[str, dict[str, list[float]]]) -> str:
    header = f"{'seconds, medians':18}" + "".join(f"{name:>18}" for name in _COLUMNS)
    lines = [header + f"{'warm -n 2 / best peer':>24}"]
    for suite, columns in times.items():
        medians = {name: statistics.median(values) for name, values in columns.items()}
        ratio = medians["hearth -n 2 warm"] / min(medians["plain"], medians["xdist -n 2"])
        cells = "".join(f"{medians[name]:18.2f}" for name in _COLUMNS)
        lines.append(f"{suite:18}{cells}{ratio:24.2f}")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    names = [suite.name for suite in SUITES]
    parser.add_argument(
        "suites", nargs="*", metavar="suite", help=f"of {', '.join(names)}; default: all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="the quicker suites only, one warm run each"
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often all is done (medians are shown)"
    )
    parser.add_argument(
        "--warm-runs", type=int, help="runs after the first of a daemon (default 2, with --quick 1)"
    )
    parser.add_argument(
        "--python", default=sys.executable, help="makes the environments (3.11 or newer)"
    )
    parser.add_argument(
        "--directory", type=Path, default=BUILD / "real", help="where suites are installed"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.suites) - set(names))
    if unknown:
        parser.error(f"no such suite: {', '.join(unknown)}")
    options.suites = [suite for suite in SUITES if _wanted(suite, options)]
    if options.warm_runs is None:
        options.warm_runs = 1 if options.quick else 2
    return options


def _wanted(suite: Suite, options: argparse.Namespace) -> bool:
    if options.suites:
        return suite.name in options.suites
    return suite.quick or not options.quick


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
