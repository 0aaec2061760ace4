"""Four runs with -n auto at once: never more test bodies at work than cores, hardly slower than one after another."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import TIMEOUT, Benchmark, Target, check
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment
from tests.support.processes import with_environment

_RUNS = 4
_TESTS = 120
# A fixed amount of work (about 20 ms of a core), so that a body takes longer when cores are shared out.
_TEST = f"""
import os, time
import pytest

_LOG = os.open("bodies.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@pytest.mark.parametrize("number", range({_TESTS}))
def test_computes(number):
    begin = time.monotonic_ns()
    total = 0
    for value in range(400_000):
        total += value
    os.write(_LOG, f"{{os.getpid()}} {{begin}} {{time.monotonic_ns()}}\\n".encode())
"""


@dataclass(frozen=True)
class Body:
    """One executed test body; times in nanoseconds of the monotonic clock."""

    run: int
    pid: int
    begin: int
    end: int


def sharing(pairs: int, python: str) -> Benchmark:
    """Alternates: hearth one after another, hearth at once, xdist one after another, xdist at once."""
    requirements = Path(__file__).parent / "requirements" / "current.txt"
    interpreter = make_environment(BUILD / "bench" / "current", requirements, python)
    cores = len(os.sched_getaffinity(0))
    benchmark = Benchmark(f"{_RUNS} runs with -n auto of a suite that computes, {cores} cores")
    busy: dict[str, int] = {}
    sampled: dict[str, float] = {}
    gap: dict[str, float] = {}
    with Daemon(interpreter) as daemon:
        projects = [
            _write_project(daemon.directory / f"project{number}") for number in range(_RUNS)
        ]
        roads = {
            "hearth": [str(daemon.binary), "pytest", "-q", "-n", "auto"],
            "xdist": [str(interpreter.parent / "pytest"), "-q", "-n", "auto"],
        }
        for number in range(1 + pairs):
            for road, command in roads.items():
                for mode, execute in (("one after another", _in_turn), ("at once", _at_once)):
                    name = f"{road}, {mode}"
                    for project in projects:
                        (project / "bodies.log").write_text("")
                    with _Sampler(daemon) as sampler:
                        begin = time.monotonic()
                        execute(command, projects, daemon.environment)
                        seconds = time.monotonic() - begin
                    bodies = _bodies(projects)
                    if not number:
                        continue
                    benchmark.add(name, seconds)
                    busy[name] = max(busy.get(name, 0), most_overlapping(bodies))
                    pids = {body.pid for body in bodies}
                    sampled[name] = max(sampled.get(name, 0), sampler.share_above(pids, cores))
                    gap[name] = max(
                        gap.get(name, 0),
                        largest_gap(bodies, None if execute is _in_turn else begin),
                    )
    together, alone = "hearth, at once", "hearth, one after another"
    benchmark.claim_ratio(together, alone, 1.1)
    benchmark.targets.append(Target(f"most bodies at once: {together}", busy[together], cores))
    for name in benchmark.seconds:
        benchmark.notes.append(
            f"{name:28} most bodies at once {busy[name]}, samples with more runnable workers than cores "
            f"{sampled[name]:.1%}, longest time without a finished test in any run {gap[name]:.2f} s"
        )
    return benchmark


def most_overlapping(bodies: Sequence[Body]) -> int:
    """How many bodies were between their begin and their end at one moment."""
    events = sorted([(body.begin, 1) for body in bodies] + [(body.end, -1) for body in bodies])
    now = most = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most


def largest_gap(bodies: Sequence[Body], begin: float | None) -> float:
    """Seconds: the longest time in which a run that was not over finished no test.

    A run begins when it was submitted (`begin`), or with its first body when that is None.
    """
    longest = 0
    for run in {body.run for body in bodies}:
        mine = [body for body in bodies if body.run == run]
        last = min(body.begin for body in mine) if begin is None else int(begin * 1e9)
        for end in sorted(body.end for body in mine):
            longest = max(longest, end - last)
            last = end
    return longest / 1e9


class _Sampler:
    """Looks every few milliseconds which processes of the daemon's world are runnable."""

    def __init__(self, daemon: Daemon) -> None:
        self._marker = f"HEARTH_RUNTIME_DIR={daemon.runtime}"
        self._samples: list[set[int]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def share_above(self, pids: set[int], limit: int) -> float:
        """Share of the samples in which more than `limit` of these processes were runnable."""
        if not self._samples:
            return 0.0
        above = [sample for sample in self._samples if len(sample & pids) > limit]
        return len(above) / len(self._samples)

    def _look(self) -> None:
        pids: list[int] = []
        round_number = 0
        while not self._done.wait(0.01):
            if round_number % 20 == 0:  # finding them costs more than looking at them
                pids = [process.pid for process in with_environment(self._marker)]
            round_number += 1
            self._samples.append({pid for pid in pids if _is_runnable(pid)})


def _is_runnable(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] == "R"


def _write_project(directory: Path) -> Path:
    directory.mkdir()
    (directory / "test_computes.py").write_text(_TEST)
    return directory


def _bodies(projects: Sequence[Path]) -> list[Body]:
    found = []
    for run, project in enumerate(projects):
        lines = (project / "bodies.log").read_text().splitlines()
        assert len(lines) == _TESTS, f"{project} executed {len(lines)} bodies"
        found += [Body(run, *map(int, line.split())) for line in lines]
    return found


_Execute = Callable[[Sequence[str], Sequence[Path], Mapping[str, str]], None]


def _in_turn(
    command: Sequence[str], projects: Sequence[Path], environment: Mapping[str, str]
) -> None:
    for project in projects:
        _at_once(command, [project], environment)


def _at_once(
    command: Sequence[str], projects: Sequence[Path], environment: Mapping[str, str]
) -> None:
    running = [
        subprocess.Popen(
            command,
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for project in projects
    ]
    for process in running:
        text, _ = process.communicate(timeout=TIMEOUT)
        check(command, process.returncode, text, {"passed": _TESTS})
