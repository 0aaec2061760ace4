"""Memory, in proportional set size: the stages of the pandas project and eight workers, beside xdist's eight workers.

The first run's stages count for the target; the note says what they are with `preloaded`, which follows from that run.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from tests.bench.measure import TIMEOUT, Benchmark, Target
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

_TEST = """
import os, pathlib, time
import pytest
import pandas
import sqlalchemy

# Each of the eight is at work, on a worker of its own, until all have been looked at.
@pytest.mark.parametrize("number", range(8))
def test_waits(number):
    pathlib.Path(f"at-work-{number}").touch()
    while not os.path.exists("enough"):
        time.sleep(0.01)
"""


def memory(pairs: int, python: str) -> Benchmark:
    """One round: memory does not scatter."""
    requirements = Path(__file__).parent / "requirements" / "rerun.txt"
    interpreter = make_environment(BUILD / "bench" / "rerun", requirements, python)
    benchmark = Benchmark("memory of a project that imports pandas and SQLAlchemy, 8 workers")
    figures: dict[str, int] = {}
    with Daemon(interpreter) as daemon:
        project = daemon.directory / "project"
        project.mkdir()
        (project / "test_memory.py").write_text(_TEST)
        options = ["-n", "8", "-p", "no:cacheprovider"]
        hearth = [str(daemon.binary), "pytest", *options]
        for peer, command in {
            "xdist": [str(interpreter.parent / "pytest"), *options],
            "hearth": hearth,
            "hearth with `preloaded` too": hearth,
        }.items():
            if "hearth" in figures:
                _wait_for_preloaded(daemon)
            process = subprocess.Popen(
                command, cwd=project, env=daemon.environment, stdout=subprocess.DEVNULL
            )
            try:
                _wait_for_workers(project)
                roots = [process.pid]
                if command is hearth:
                    roots.append(int(daemon.status()["pid"]))
                figures[peer] = sum(_pss(pid) for root in roots for pid in _family(root))
            finally:
                (project / "enough").touch()
                process.wait(TIMEOUT)
            for file in project.glob("at-work-*"):
                file.unlink()
            (project / "enough").unlink()
    benchmark.targets.append(
        Target("hearth / xdist, PSS", figures["hearth"] / figures["xdist"], 1 / 3)
    )
    benchmark.notes += [f"{peer}: {size / 2**20:.0f} MiB" for peer, size in figures.items()]
    return benchmark


def _wait_for_preloaded(daemon: Daemon) -> None:
    """It is built after a run, and what was used last anew on it: both flavours of `configured`."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        zygotes = daemon.status()["zygotes"]
        if any(each["stage"] == "preloaded" and each["served"] >= 2 for each in zygotes):
            return
        time.sleep(0.1)
    raise RuntimeError("the stage `preloaded` was not built")


def _wait_for_workers(project: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while len(list(project.glob("at-work-*"))) < 8:
        if time.monotonic() > deadline:
            raise RuntimeError("eight workers did not come to work")
        time.sleep(0.05)


def _family(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        parent = int(stat.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(entry))
    family, new = [], [root]
    while new:
        pid = new.pop()
        family.append(pid)
        new += children.get(pid, [])
    return family


def _pss(pid: int) -> int:
    """In bytes; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
