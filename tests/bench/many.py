"""Ten thousand trivial tests in a hundred files, with two workers: cold (no daemon yet) and warm."""

from __future__ import annotations

from pathlib import Path

from tests.bench.measure import Benchmark, run
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

_FILES, _TESTS = 100, 100
_PASSED = {"passed": _FILES * _TESTS}
_WORKERS = ("-q", "-n", "2")


def many(pairs: int, python: str) -> Benchmark:
    """Each round: plain, xdist, hearth with a daemon that is not there yet, hearth again."""
    requirements = Path(__file__).parent / "requirements" / "current.txt"
    interpreter = make_environment(BUILD / "bench" / "current", requirements, python)
    pytest = str(interpreter.parent / "pytest")
    benchmark = Benchmark(f"{_FILES * _TESTS} trivial tests in {_FILES} files")
    project = BUILD / "bench" / "many"
    write_suite(project)
    for number in range(1 + pairs):
        with Daemon(interpreter) as daemon:
            environment = daemon.environment
            hearth = [str(daemon.binary), "pytest", *_WORKERS]
            commands = [
                ("plain pytest", [pytest, "-q"]),
                ("pytest -n 2 (xdist)", [pytest, *_WORKERS]),
                ("hearth pytest -n 2, cold", hearth),
                ("hearth pytest -n 2, warm", hearth),
                ("hearth pytest, cold", [str(daemon.binary), "pytest", "-q"]),
                ("hearth pytest, warm", [str(daemon.binary), "pytest", "-q"]),
            ]
            for mode, command in commands:
                timed = run(command, project, environment, _PASSED)
                if number:  # the first round fills the bytecode caches
                    benchmark.add(mode, timed.seconds)
    benchmark.claim_ratio("hearth pytest -n 2, warm", "pytest -n 2 (xdist)", 1 / 3)
    benchmark.claim_ratio("hearth pytest -n 2, cold", "pytest -n 2 (xdist)", 0.8)
    benchmark.notes.append("hearth pytest, cold: the daemon and its interpreter are there already")
    return benchmark


def write_suite(project: Path) -> None:
    """The files, written anew only when they differ, so that bytecode caches hold."""
    project.mkdir(parents=True, exist_ok=True)
    (project / "pytest.ini").write_text("[pytest]\n")  # not this repository's settings
    for number in range(_FILES):
        tests = (f"def test_{number}_{test}():\n    assert True\n" for test in range(_TESTS))
        text = "\n\n".join(tests)
        path = project / f"test_{number:03}.py"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
