"""20,000 registered tests, of which few are enabled: what a run of all takes longer than listing them takes.

Plain ctest is no peer here: its own bookkeeping grows with the square of the number, and it takes minutes.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.bench.measure import Benchmark, Target, run
from tests.ctest.ctests import NAMES, find_ctest
from tests.support.command import Daemon

_TESTS = 20_000
_ENABLED = 10
_LIMIT_SECONDS = 1.0


def registered(pairs: int, python: str) -> Benchmark:
    """Each round: `ctest -N`, then `hearth ctest`."""
    benchmark = Benchmark(f"{_TESTS} registered tests, {_ENABLED} of them enabled, -j2")
    for name in NAMES:
        ctest = find_ctest(name, python)
        version = ".".join(map(str, ctest.version[:2]))
        with Daemon(Path(python)) as daemon:
            project = daemon.directory / "project"
            project.mkdir()
            (project / "CTestTestfile.cmake").write_text("".join(map(_test, range(_TESTS))))
            path = f"{ctest.directory}:{daemon.environment['PATH']}"
            environment = {**daemon.environment, "PATH": path}
            listing = f"ctest {version} -N"
            peers = {
                listing: [str(ctest.path), "-N"],
                f"hearth ctest {version}": [str(daemon.binary), "ctest", "-j2"],
            }
            for _ in range(max(1, pairs // 2)):
                for mode, command in peers.items():
                    timed = run(command, project, environment)
                    if mode != listing and f"out of {_ENABLED}\n" not in timed.output:
                        raise RuntimeError(timed.output[-2000:])
                    benchmark.add(mode, timed.seconds)
        hearth = benchmark.seconds[f"hearth ctest {version}"]
        added = statistics.median(
            one - other for one, other in zip(hearth, benchmark.seconds[listing])
        )
        claim = f"seconds that hearth ctest {version} adds to -N"
        benchmark.targets.append(Target(claim, added, _LIMIT_SECONDS))
    return benchmark


def _test(number: int) -> str:
    name = f"[=[Suite.case_{number}]=]"
    disabled = number % (_TESTS // _ENABLED)
    properties = f"set_tests_properties({name} PROPERTIES DISABLED TRUE)\n" if disabled else ""
    return f'add_test({name} "/bin/true")\n{properties}'
