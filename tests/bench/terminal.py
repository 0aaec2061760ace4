"""What a user waits for at the terminal, exec to exit, beside plain pytest: looking, one test, and `pytest --hearth`."""

from __future__ import annotations

from pathlib import Path

from tests.bench.measure import Benchmark, Target, run
from tests.bench.rerun import TEST
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

_CLIENT_MILLISECONDS = 5


def terminal(pairs: int, python: str) -> Benchmark:
    """The project that imports pandas and SQLAlchemy, unchanged from run to run."""
    requirements = Path(__file__).parent / "requirements" / "rerun.txt"
    interpreter = make_environment(BUILD / "bench" / "terminal", requirements, python)
    benchmark = Benchmark("at the terminal, in a project that imports pandas and SQLAlchemy")
    with Daemon(interpreter) as daemon:
        _install_plugin(interpreter, daemon)
        project = daemon.directory / "project"
        project.mkdir()
        (project / "test_rows.py").write_text(TEST)
        plain, warm = [str(interpreter.parent / "pytest")], [str(daemon.binary), "pytest"]
        commands = {
            "--version": (["--version"], None),
            "--collect-only": (["--collect-only", "-q", "test_rows.py"], None),
            "one test": (["test_rows.py"], {"passed": 1}),
        }
        for number in range(2 + pairs):  # the first two fill bytecode caches and make zygotes
            for name, (arguments, expected) in commands.items():
                modes = {f"pytest, {name}": plain, f"hearth pytest, {name}": warm}
                if expected:
                    modes[f"pytest --hearth, {name}"] = [*plain, "--hearth"]
                for mode, command in modes.items():
                    timed = run([*command, *arguments], project, daemon.environment, expected)
                    if number >= 2:
                        benchmark.add(mode, timed.seconds)
                        if command is warm and expected:
                            benchmark.add("… the client's own CPU time", timed.client_cpu_seconds)
    benchmark.claim_ratio("hearth pytest, --version", "pytest, --version", 1 / 3)
    benchmark.claim_ratio("hearth pytest, --collect-only", "pytest, --collect-only", 1 / 3)
    benchmark.claim_ratio("hearth pytest, one test", "pytest, one test", 1 / 15)
    benchmark.claim_ratio("pytest --hearth, one test", "pytest, one test", 1 / 3)
    spent = benchmark.median("… the client's own CPU time") * 1000
    benchmark.targets.append(Target("the client's own CPU time, ms", spent, _CLIENT_MILLISECONDS))
    return benchmark


def _install_plugin(interpreter: Path, daemon: Daemon) -> None:
    """As pip would: the package beside the others, and its entry point."""
    (packages,) = (interpreter.parent.parent / "lib").glob("python*/site-packages")
    package = packages / "pytest_hearth"
    package.unlink(missing_ok=True)
    package.symlink_to(daemon.binary.parent.parent / "lib" / "hearth" / "pytest_hearth")
    information = packages / "hearth-0.dist-info"
    information.mkdir(exist_ok=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: hearth\nVersion: 0\n")
    (information / "entry_points.txt").write_text("[pytest11]\nhearth = pytest_hearth.plugin\n")
    daemon.environment["PATH"] = f"{daemon.binary.parent}:{daemon.environment['PATH']}"
