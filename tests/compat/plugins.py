"""`python -m tests.compat.plugins [plugin …]`: real plugins, each with a small suite that uses what it needs of pytest-xdist.

Each suite is run with pytest-xdist, then with hearth: once cold and twice warm, all with `-n 2`. Outcomes, junit and whatever the
plugin itself writes have to be the same. Prints a table. Exit code 0: every plugin's are, but for what is known to differ.
Needs the package registry the first time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.compat.suites import SUITES, Suite
from tests.real.compare import differences
from tests.real.results import Result, read_result
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

_REQUIREMENTS = Path(__file__).parent / "requirements"
_RECORDER = Path(__file__).parents[1] / "real"
_TIMEOUT = 300.0
_NO_SUMMARY = "no tests ran in 0.00s"
_RUNS = ("cold", "warm", "warm again")


class Run:
    """One run's result, and what its plugin has written."""

    def __init__(self, result: Result, artefacts: dict[str, Any]) -> None:
        self.result = result
        self.artefacts = artefacts

    def differences(self, expected: Run) -> list[str]:
        found = differences(expected.result, self.result, ordered=False)
        for name in expected.artefacts.keys() | self.artefacts.keys():
            pair = expected.artefacts.get(name), self.artefacts.get(name)
            if pair[0] != pair[1]:
                found.append(f"{name}: expected {pair[0]}, got {pair[1]}")
        return found


class Compared:
    """A suite in a directory of its own, with a daemon of its own."""

    def __init__(self, suite: Suite, python: Path, daemon: Daemon) -> None:
        self._suite = suite
        self._python = python
        self._daemon = daemon
        self._project = daemon.directory / "project"
        self._project.mkdir()
        for name, text in suite.content().items():
            path = self._project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def xdist(self) -> Run:
        run = self._run([str(self._python.parent / "pytest")])
        run.artefacts["distributed by hearth"] = True  # as it has to be for those compared with it
        return run

    def hearth(self) -> Run:
        run = self._run([str(self._daemon.binary), "pytest"])
        zygotes = self._daemon.status()["zygotes"]
        run.artefacts["distributed by hearth"] = "worker" in {each["flavour"] for each in zygotes}
        return run

    def _run(self, command: list[str]) -> Run:
        out = self._project / "out"
        if out.exists():
            for each in sorted(out.rglob("*"), reverse=True):
                each.rmdir() if each.is_dir() else each.unlink()
        out.mkdir(exist_ok=True)
        record, junit = out / "record.json", out / "junit.xml"
        plugins = ("xdist", *self._suite.plugins, "outcome_recorder")
        options = [word for name in plugins for word in ("-p", name)]
        options += ["-n", "2", "-ra", f"--record-outcomes={record}"]
        done = subprocess.run(
            [*command, *options, f"--junitxml={junit}", *self._suite.arguments],
            check=False,
            cwd=self._project,
            env={
                **self._daemon.environment,
                "PYTHONPATH": str(_RECORDER),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
            text=True,
        )
        printed = done.stdout if self._suite.has_summary else _NO_SUMMARY
        result = read_result(done.returncode, 0.0, printed, record, junit)
        return Run(result, self._suite.artefacts(out, done.stdout))


def _compare(suite: Suite, interpreter: Path) -> list[str]:
    """One line for each difference."""
    found = []
    with Daemon(interpreter) as daemon:
        compared = Compared(suite, interpreter, daemon)
        expected = compared.xdist()
        failed = {
            name.rpartition("::")[2].partition("[")[0]
            for name, outcomes in expected.result.outcomes.items()
            if any(outcome.split()[1] == "failed" for outcome in outcomes)
        }
        if failed != set(suite.failing):
            found.append(f"with pytest-xdist: fails: {sorted(failed)}, should: {suite.failing}")
        for name in _RUNS:
            found += [f"{name}: {each}" for each in compared.hearth().differences(expected)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat.plugins", description=__doc__)
    parser.add_argument("plugins", nargs="*", help="default: all")
    parser.add_argument("--python", default=sys.executable, help="makes the environments")
    options = parser.parse_args()
    unknown = set(options.plugins) - {suite.name for suite in SUITES}
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    interpreter = make_environment(
        BUILD / "compat" / "plugins", _REQUIREMENTS / "plugins.txt", options.python
    )
    wrong = 0
    for suite in SUITES:
        if options.plugins and suite.name not in options.plugins:
            continue
        found = _compare(suite, interpreter)
        unexplained = [line for line in found if _reason(suite, line) is None]
        wrong += bool(unexplained)
        print(f"{suite.name:22} {'differs' if found else 'equal'}", flush=True)
        for reason in sorted({_reason(suite, line) or "" for line in found} - {""}):
            print(f"    known: {reason}", flush=True)
        for line in unexplained:
            print(f"    {line}", flush=True)
    return 1 if wrong else 0


def _reason(suite: Suite, line: str) -> str | None:
    """Why a difference is a known one, if it is."""
    difference = line.partition(": ")[2]
    for begin, reason in suite.known.items():
        if difference.startswith(begin):
            return reason
    return None


if __name__ == "__main__":
    sys.exit(main())
