"""`python -m tests.compat.xdist [test …]`: pytest-xdist's own tests, the runs that they start carried out by hearth.

Takes the pinned source distribution from the package registry; its code is executed, never copied. In the environment
pytest-xdist is not installed, but can be imported, because its tests do so: hearth offers its options.
The tests start pytest as a command (pytester's `--runpytest=subprocess`); with --in-process most call `pytest.main()`
many times in one process, as IDEs do.

Prints a table: test, outcome, runs of the daemon, reason. Exit code 1: a test fails that is not among the known differences
(`xdist_tests.py`), or one passes without hearth having executed anything.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.compat.xdist_tests import ACCEPTANCE, KNOWN_DIFFERENCES, TESTS
from tests.real.install import unpack_source
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements"
_TIMEOUT = 3600.0
# A program that calls pytest.main(), so that the outer process is nobody's ordinary command line.
_OUTER = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
# What they start has nothing to distribute.
_WITHOUT_A_RUN = ("test_dist_with_collectonly", "test_dist_in_addopts")


@dataclass
class Verdict:
    """One test function: what became of all its items."""

    outcomes: list[str] = field(default_factory=list)
    reason: str = ""
    runs: int = 0

    @property
    def outcome(self) -> str:
        for outcome in ("failed", "skipped", "passed"):
            if outcome in self.outcomes:
                return outcome
        return "no outcome"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat.xdist", description=__doc__)
    parser.add_argument("tests", nargs="*", help="parts of names; default: all")
    parser.add_argument("--in-process", action="store_true", help="most runs by pytest.main()")
    parser.add_argument("--python", default=sys.executable, help="makes the environment")
    parser.add_argument("--output", type=Path, help="where what the tests print is left")
    options = parser.parse_args()
    wanted = [
        name for name in TESTS if not options.tests or any(part in name for part in options.tests)
    ]
    verdicts = _run(wanted, options)
    return _judge(verdicts)


def _run(wanted: list[str], options: argparse.Namespace) -> dict[str, Verdict]:
    below = BUILD / "compat" / "xdist"
    below.mkdir(parents=True, exist_ok=True)
    interpreter = make_environment(below / "venv", _REQUIREMENTS / "xdist.txt", options.python)
    unpack_source(_REQUIREMENTS / "xdist.source.txt", interpreter, below / "source")
    with Daemon(interpreter) as daemon:
        daemon.start()
        record = daemon.directory / "record"
        library = daemon.binary.parents[1] / "lib" / "hearth"
        paths = (library, _HERE / "inside", below / "source" / "src")
        done = subprocess.run(
            [
                *(str(interpreter), "-c", _OUTER, "-p", "inner_runs", "-p", "no:cacheprovider"),
                *(() if options.in_process else ("--runpytest=subprocess",)),
                *("-v", "-rA", "--basetemp", str(daemon.directory / "base")),
                *(f"testing/{name}" for name in wanted),
            ],
            check=False,
            cwd=below / "source",
            env={
                **daemon.environment,
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "PYTHONPATH": ":".join(map(str, paths)),
                "COMPAT_RECORD": str(record),
                "COMPAT_HEARTH": str(daemon.binary),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
        )
        if options.output:
            options.output.write_bytes(done.stdout)
        if not record.exists():
            raise RuntimeError(f"no test was executed:\n{done.stdout.decode()[-3000:]}")
        verdicts = {name: Verdict() for name in wanted}
        for line in record.read_text().splitlines():
            entry = json.loads(line)
            name = entry["nodeid"].partition("[")[0].removeprefix("testing/")
            verdict = verdicts[name]
            verdict.outcomes.append(entry["outcome"])
            verdict.runs += entry["runs"]
            verdict.reason = verdict.reason or " ".join(entry["reason"].split())[:160]
    return verdicts


def _judge(verdicts: dict[str, Verdict]) -> int:
    """Print the table; 1 when there is something in it that should not be."""
    wrong = 0
    for name, verdict in verdicts.items():
        outcome, reason = verdict.outcome, verdict.reason
        if outcome == "passed" and not verdict.runs and not name.endswith(_WITHOUT_A_RUN):
            outcome, reason = "failed", "hearth has executed nothing"
        if outcome != "passed" and name in KNOWN_DIFFERENCES:
            outcome, reason = "differs", KNOWN_DIFFERENCES[name]
        elif outcome != "passed":
            wrong += 1
        elif name in KNOWN_DIFFERENCES:
            reason = "is listed as a difference, but passes"
        short = name.removeprefix("acceptance_test.py::")
        print(f"{short:76} {outcome:10} {verdict.runs:3}  {reason}".rstrip())
    counted = [verdicts[name] for name in _acceptance(verdicts)]
    passed = sum(verdict.outcome == "passed" for verdict in counted)
    runs = sum(verdict.runs for verdict in verdicts.values())
    print(f"\n{passed} of {len(counted)} acceptance tests pass; hearth has finished {runs} runs")
    if wrong:
        print(f"{wrong} tests fail that are not known differences")
    return 1 if wrong else 0


def _acceptance(verdicts: dict[str, Verdict]) -> list[str]:
    names = {f"acceptance_test.py::{name}" for name in ACCEPTANCE}
    return [name for name in verdicts if name in names]


if __name__ == "__main__":
    sys.exit(main())
