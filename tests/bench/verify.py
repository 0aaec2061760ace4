"""Looking at a stage's files again before it is reused: the daemon's part of every run."""

from __future__ import annotations

import subprocess
import tempfile

from tests.bench.measure import Benchmark, Target
from tests.support.command import hearth_binary

_FILES = 5_000
_LIMIT_MS = 10.0


def verify(pairs: int, python: str) -> Benchmark:
    """One figure a round, each the median of many verifications in one process."""
    benchmark = Benchmark(f"a trace of {_FILES} files")
    program = str(hearth_binary().parent / "verify_bench")
    mode = "verified, warm caches"
    for _ in range(pairs):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run(
                [program, str(_FILES), directory], check=True, capture_output=True, text=True
            )
        benchmark.add(mode, float(done.stdout) / 1000)
    benchmark.targets.append(Target(f"{mode}, ms", benchmark.median(mode) * 1000, _LIMIT_MS))
    return benchmark
