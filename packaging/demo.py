"""`make demo`: a real suite through hearth, plain pytest and pytest-xdist, and their times side by side.

The suite is networkx's own, from its wheel: two of its packages, more than 3,000 tests, so that the whole demo stays below
three minutes on two cores. The daemon is the demo's own and ends with it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUITE = [
    "-p",
    "no:cacheprovider",
    "-q",
    "--pyargs",
    "networkx.classes",
    "networkx.algorithms.tests",
]
ONE_TEST = [
    "-p",
    "no:cacheprovider",
    "-q",
    "--pyargs",
    "networkx.algorithms.tests.test_dag::TestDAG::test_topological_sort1",
]
REPETITIONS = 5
# What changes how Python, pytest or hearth behave; bytecode files above all, which everybody shall have.
FOREIGN = ("PYTHON", "PYTEST_", "HEARTH", "VIRTUAL_ENV")


class Demo:
    def __init__(self, build: Path, venv: Path, directory: Path) -> None:
        self._hearth = str(build / "bin" / "hearth")
        self._pytest = str(venv / "bin" / "pytest")
        # Nothing else happens in it: a directory that changed is a reason to start anew.
        self._project = directory / "project"
        self._project.mkdir()
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)
        }
        self._environment.update(
            HEARTH_RUNTIME_DIR=str(directory / "run"),
            HEARTH_STATE_DIR=str(directory / "state"),
            HEARTH_PYTHON=str(venv / "bin" / "python"),
        )

    def run(self) -> int:
        say("once without measuring, so that everybody finds bytecode files in place …")
        self.pytest(*SUITE, "--collect-only", "-qq")
        self.command("start")
        try:
            return self._measure()
        finally:
            self.command("stop")

    def _measure(self) -> int:
        rows = [
            ("hearth pytest -n 2, first", *self._timed(self.hearth, "-n", "2", *SUITE)),
            ("hearth pytest -n 2, again", *self._timed(self.hearth, "-n", "2", *SUITE)),
            ("pytest", *self._timed(self.pytest, *SUITE)),
            ("pytest -n 2 (pytest-xdist)", *self._timed(self.pytest, "-n", "2", *SUITE)),
        ]
        self.hearth(*ONE_TEST)
        one_warm = [self._timed(self.hearth, *ONE_TEST) for _ in range(REPETITIONS)]
        one_plain = [self._timed(self.pytest, *ONE_TEST) for _ in range(REPETITIONS)]
        self.command("status")
        say(f"\n{' '.join(SUITE[3:])}")
        for name, seconds, summary in rows:
            say(f"  {name:<28}{seconds:8.2f} s    {summary}")
        say(f"\none test of it, median of {REPETITIONS}")
        for name, timed in (("hearth pytest, warm", one_warm), ("pytest", one_plain)):
            median = statistics.median(seconds for seconds, _ in timed)
            say(f"  {name:<28}{median:8.3f} s    {timed[0][1]}")
        say("")
        summaries = {summary.split(" in ")[0] for _, _, summary in rows}
        if len(summaries) != 1:
            say("these should have had the same result")
            return 1
        return 0

    def _timed(self, run: object, *arguments: str) -> tuple[float, str]:
        assert callable(run)
        begin = time.perf_counter()
        output = run(*arguments)
        return time.perf_counter() - begin, output.strip().splitlines()[-1]

    def hearth(self, *arguments: str) -> str:
        return self._output([self._hearth, "pytest", *arguments])

    def pytest(self, *arguments: str) -> str:
        return self._output([self._pytest, *arguments])

    def command(self, name: str) -> None:
        say(f"\n$ hearth {name}")
        subprocess.run([self._hearth, name], env=self._environment, check=True)

    def _output(self, command: list[str]) -> str:
        say("$ " + " ".join([Path(command[0]).name, *command[1:]]))
        done = subprocess.run(
            command,
            env=self._environment,
            cwd=self._project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode not in (0, 1):
            say(done.stdout)
            raise SystemExit(f"{command[0]} ended with status {done.returncode}")
        return done.stdout


def say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--venv", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hearth-demo-") as directory:
        return Demo(
            options.build.absolute(), options.venv.absolute(), Path(directory).resolve()
        ).run()


if __name__ == "__main__":
    sys.exit(main())
