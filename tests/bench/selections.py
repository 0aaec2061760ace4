"""A part of ten thousand tests in a hundred files: the same part again, another part, one test, what failed last."""

from __future__ import annotations

from pathlib import Path

from tests.bench.many import write_suite
from tests.bench.measure import Benchmark, Timed, run
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

_HUNDRED = {"passed": 100, "deselected": 9900}


def selections(pairs: int, python: str) -> Benchmark:
    """Each round: every selection, plain pytest and hearth in turn."""
    requirements = Path(__file__).parent / "requirements" / "current.txt"
    interpreter = make_environment(BUILD / "bench" / "current", requirements, python)
    benchmark = Benchmark("a part of 10000 tests in 100 files")
    project = BUILD / "bench" / "selections"
    write_suite(project)
    failing = project / "test_failing.py"
    failing.write_text("def test_failing():\n    assert False\n")
    with Daemon(interpreter) as daemon:
        # --lf needs a cache of each peer's own.
        peers = {
            "plain": [str(interpreter.parent / "pytest"), "-q", "-o", "cache_dir=.cache-plain"],
            "hearth": [str(daemon.binary), "pytest", "-q", "-o", "cache_dir=.cache-hearth"],
        }

        def timed(peer: str, *arguments: str, passed: dict[str, int] | None = None) -> Timed:
            expected = _HUNDRED if passed is None else passed
            return run([*peers[peer], *arguments], project, daemon.environment, expected)

        def fails(peer: str, argument: str) -> Timed:
            command = [*peers[peer], argument]
            return run(command, project, daemon.environment, {"failed": 1}, exit_code=1)

        for peer in peers:
            fails(peer, "test_failing.py")
        for number in range(2 + pairs):
            for peer in sorted(peers, reverse=number % 2 == 0):
                others = (number * 2 + 3) % 100
                all_of = {
                    "the same 100 by -k": ("--ignore=test_failing.py", "-k", "test_7_"),
                    "another 100 by -k": ("--ignore=test_failing.py", "-k", f"test_{others}_"),
                }
                figures = {name: timed(peer, *arguments) for name, arguments in all_of.items()}
                figures["one test of another file"] = timed(
                    peer, f"test_{others:03}.py::test_{others}_1", passed={"passed": 1}
                )
                figures["--lf after a failure"] = fails(peer, "--lf")
                if number >= 2:
                    for name, figure in figures.items():
                        benchmark.add(f"{peer}, {name}", figure.seconds)
    failing.unlink()
    for name, limit in (
        ("the same 100 by -k", 1 / 30),
        ("another 100 by -k", 1 / 5),
        ("one test of another file", 1 / 4),
        ("--lf after a failure", 1 / 4),
    ):
        benchmark.claim_ratio(f"hearth, {name}", f"plain, {name}", limit)
    return benchmark
