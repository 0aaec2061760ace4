"""`python -m tests.real [--quick] [suite …]`: run real suites through plain pytest and through hearth, and compare.

Exit code 0: every comparable part of every run was the same. 1: differences, printed. Times are printed, not judged.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from tests.real.install import install
from tests.real.suite_run import COLUMNS, SuiteRun, say
from tests.real.suites import SUITES, Suite
from tests.support.environments import BUILD


def main() -> int:
    options = _options()
    times: dict[str, dict[str, list[float]]] = {}
    failed = []
    for suite in options.suites:
        say(f"== {suite.name}: install")
        installation = install(suite, options.python, options.directory)
        runner = SuiteRun(installation, options.warm_runs)
        for _ in range(options.rounds):
            runner.round()
        times[suite.name] = runner.times
        if runner.differing:
            failed.append(f"{suite.name} ({', '.join(runner.differing)})")
    say("\n" + _table(times))
    say(f"\nsame result in all runs: {'no: ' + ', '.join(failed) if failed else 'yes'}")
    return 1 if failed else 0


def _table(times: dict[str, dict[str, list[float]]]) -> str:
    header = f"{'seconds, medians':18}" + "".join(f"{name:>18}" for name in COLUMNS)
    lines = [header + f"{'warm -n 2 / best peer':>24}"]
    for suite, columns in times.items():
        medians = {name: statistics.median(values) for name, values in columns.items()}
        ratio = medians["hearth -n 2 warm"] / min(medians["plain"], medians["xdist -n 2"])
        cells = "".join(f"{medians[name]:18.2f}" for name in COLUMNS)
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


if __name__ == "__main__":
    sys.exit(main())
