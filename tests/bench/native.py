"""500 cases of one GoogleTest binary, a process each: `ctest -j2`, `hearth ctest -j2`, and `hearth exec` under plain `ctest -j2`.

Once with cases that do nothing, once with a static initialiser of 50 ms before each; with each ctest.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench.measure import Benchmark, Timed, run
from tests.ctest.build import NATIVE, build
from tests.ctest.ctests import NAMES, Ctest, find_ctest
from tests.support.command import Daemon
from tests.support.environments import BUILD

_CASES = 500
_LIMITS = {"trivial": 1 / 3, "slow": 1 / 30}
_LAUNCHER_LIMIT = 1 / 8


def native(pairs: int, python: str) -> Benchmark:
    """Each round: every command once, in turn from the first and from the last."""
    benchmark = Benchmark(f"{_CASES} GoogleTest cases, a process each, -j2")
    for name in NAMES:
        _measure(benchmark, find_ctest(name, python), max(1, pairs // 2), Path(python))
    return benchmark


def _measure(benchmark: Benchmark, ctest: Ctest, rounds: int, python: Path) -> None:
    version = ".".join(map(str, ctest.version[:2]))
    with Daemon(python) as daemon:
        built = BUILD / "bench" / f"native-{ctest.name}"
        targets = [f"{kind}{launched}" for kind in _LIMITS for launched in ("", "_launched")]
        # Discovery at build time starts programs by the launcher: for this daemon, not for the user's.
        launcher = [f"-DHEARTH_EXEC={daemon.binary}-exec"]
        build(ctest, NATIVE, built, targets, launcher, daemon.environment)
        environment = {
            **daemon.environment,
            "PATH": f"{ctest.directory}:{daemon.environment['PATH']}",
        }
        plain, hearth = [str(ctest.path)], [str(daemon.binary), "ctest"]
        modes = {}
        for kind in _LIMITS:
            modes[f"ctest {version}, {kind}"] = (plain, built / kind)
            modes[f"hearth ctest {version}, {kind}"] = (hearth, built / kind)
            modes[f"launcher {version}, {kind}"] = (plain, built / "launched" / kind)
        for number in range(1 + rounds):
            for mode in sorted(modes, reverse=number % 2 == 0):
                command, directory = modes[mode]
                timed = run([*command, "-j2"], directory, environment)
                _check(timed)
                if number:  # the first makes zygotes, and cost data
                    benchmark.add(mode, timed.seconds)
    for kind, limit in _LIMITS.items():
        peer = f"ctest {version}, {kind}"
        benchmark.claim_ratio(f"hearth ctest {version}, {kind}", peer, limit)
    benchmark.claim_ratio(f"launcher {version}, slow", f"ctest {version}, slow", _LAUNCHER_LIMIT)


def _check(timed: Timed) -> None:
    ended = timed.output.count(" sec\n") - 1  # the last is the whole run's
    if ended != _CASES or "100% tests passed" not in timed.output:
        raise RuntimeError(f"not {_CASES} tests passed:\n{timed.output[-2000:]}")
