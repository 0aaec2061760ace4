"""All runs of one suite: plain pytest, xdist (for its times), and hearth cold and warm, compared with the first plain run."""

from __future__ import annotations

from tests.real.compare import differences
from tests.real.execution import Execution
from tests.real.install import Installation
from tests.real.results import Result
from tests.support.command import Daemon

_WORKERS = ("-n", "2")
COLUMNS = (
    "plain",
    "xdist -n 2",
    "hearth cold",
    "hearth warm",
    "hearth -n 2 cold",
    "hearth -n 2 warm",
)


class SuiteRun:
    """All runs of one suite, compared with its first plain run."""

    def __init__(self, installation: Installation, warm_runs: int) -> None:
        self.times: dict[str, list[float]] = {name: [] for name in COLUMNS}
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
        say(f"   {column:18} {result.seconds:8.2f} s   exit {result.exit_code}, {counts}")

    def _check(self, column: str, result: Result, ordered: bool) -> None:
        if self._expected is None:
            self._expected = result
            return
        found = differences(self._expected, result, ordered, self._installation.suite.flaky)
        if found and column not in self.differing:
            self.differing.append(column)
        for line in found:
            say(f"   DIFFERENT {line}")


def say(text: str) -> None:
    """Progress, at once: suites take minutes."""
    print(text, flush=True)
