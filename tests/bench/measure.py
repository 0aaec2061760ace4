"""Timing of whole commands, medians, and what a benchmark hands over for the table and the JSON file."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.real.results import summary_counts

TIMEOUT = 300.0


@dataclass(frozen=True)
class Timed:
    """One command, from before its exec to after its exit was collected."""

    seconds: float
    client_cpu_seconds: float  # of the started process alone and what it waited for
    output: str


@dataclass
class Target:
    """A claim: `value` is at most `limit`."""

    claim: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        return self.value <= self.limit


@dataclass
class Benchmark:
    """The figures of one benchmark: seconds per mode, in the order of measurement."""

    name: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, mode: str, seconds: float) -> None:
        self.seconds.setdefault(mode, []).append(seconds)

    def median(self, mode: str) -> float:
        return statistics.median(self.seconds[mode])

    def claim_ratio(self, mode: str, peer: str, limit: float) -> None:
        """Claim that the median of `mode` is at most `limit` of the peer's."""
        ratio = self.median(mode) / self.median(peer)
        self.targets.append(Target(f"{mode} / {peer}", ratio, limit))

    def as_json(self) -> dict[str, Any]:
        medians = {mode: self.median(mode) for mode in self.seconds}
        targets = [{**vars(target), "met": target.met} for target in self.targets]
        return {
            "name": self.name,
            "median_seconds": medians,
            "seconds": self.seconds,
            "targets": targets,
            "notes": self.notes,
        }

    def as_table(self) -> str:
        lines = [self.name]
        for mode, values in self.seconds.items():
            spread = f"{min(values) * 1000:.0f} to {max(values) * 1000:.0f}"
            median = self.median(mode) * 1000
            lines.append(f"  {mode:34}{median:10.1f} ms   ({len(values)} runs, {spread})")
        for target in self.targets:
            verdict = "met" if target.met else "MISSED"
            lines.append(
                f"  {target.claim:44}{target.value:8.3f}   at most {target.limit:g}: {verdict}"
            )
        return "\n".join(lines + [f"  {note}" for note in self.notes])


def run(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    expected: Mapping[str, int] | None = None,
    exit_code: int = 0,
) -> Timed:
    """Time one command; RuntimeError for another exit code, or when pytest's numbers are not the expected ones."""
    out = directory.parent / f"{directory.name}.out"
    with out.open("w") as file:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    text = out.read_text(errors="replace")
    check(command, process.returncode - exit_code, text, expected)
    return Timed(seconds, usage.ru_utime + usage.ru_stime, text)


def check(
    command: Sequence[str], exit_code: int, text: str, expected: Mapping[str, int] | None
) -> None:
    """A figure counts only for a run that did its work."""
    if exit_code or (expected is not None and summary_counts(text) != expected):
        shown = " ".join(command)
        raise RuntimeError(f"{shown} gave exit code {exit_code}, not {expected}:\n{text[-3000:]}")


def machine() -> dict[str, Any]:
    """The line that makes figures comparable."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
    }
