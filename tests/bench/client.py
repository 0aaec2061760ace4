"""What the client itself costs: its own processor time in a warm rerun, and commands that need no session."""

from __future__ import annotations

from pathlib import Path

from tests.bench.measure import Benchmark, run
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment


def client(pairs: int, python: str) -> Benchmark:
    """A trivial test, warm; the rest is the client's share."""
    requirements = Path(__file__).parent / "requirements" / "current.txt"
    interpreter = make_environment(BUILD / "bench" / "current", requirements, python)
    benchmark = Benchmark("the client alone")
    with Daemon(interpreter) as daemon:
        project = daemon.directory / "project"
        project.mkdir()
        (project / "test_a.py").write_text("def test_a():\n    pass\n")
        pytest = [str(daemon.binary), "pytest", "-q"]
        for number in range(2 + 4 * pairs):
            rerun = run(pytest, project, daemon.environment, {"passed": 1})
            status = run([str(daemon.binary), "status", "--json"], project, daemon.environment)
            nothing = run(["/bin/true"], project, daemon.environment)
            if number >= 2:
                benchmark.add("hearth pytest, one trivial test", rerun.seconds)
                benchmark.add("… of that the client's own CPU time", rerun.client_cpu_seconds)
                benchmark.add("hearth status --json", status.seconds)
                benchmark.add("/bin/true, for comparison", nothing.seconds)
    return benchmark
