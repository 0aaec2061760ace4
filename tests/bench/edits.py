"""After a change: other selections, another file, edits of a test file and of a module that the conftest imports.

The project imports pandas and SQLAlchemy in its test files. Each round makes the change, waits for a second as a developer
does, and times plain pytest and hearth on the same state.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import Benchmark, run
from tests.bench.rerun import TEST
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

_TESTS = f"""
import helper
{TEST}
def test_sum():
    assert pandas.Series([1, 2]).sum() == 3
"""
_PAUSE_SECONDS = 1.0


def edits(pairs: int, python: str) -> Benchmark:
    """Each round: every change once, hearth first and plain pytest first in turn."""
    requirements = Path(__file__).parent / "requirements" / "rerun.txt"
    interpreter = make_environment(BUILD / "bench" / "rerun", requirements, python)
    benchmark = Benchmark("a project that imports pandas and SQLAlchemy, after a change")
    with Daemon(interpreter) as daemon:
        project = daemon.directory / "project"
        project.mkdir()
        for name in ("test_rows.py", "test_more.py"):
            (project / name).write_text(_TESTS)
        (project / "helper.py").write_text("VALUE = 1\n")
        (project / "conftest.py").write_text("import helper\n")
        peers = {
            "plain": [str(interpreter.parent / "pytest")],
            "hearth": [str(daemon.binary), "pytest"],
        }

        def append(name: str) -> Callable[[int], None]:
            def edit(number: int) -> None:
                with (project / name).open("a") as file:
                    file.write(f"\nEDIT_{number} = {number}\n")

            return edit

        def nothing(number: int) -> None:
            pass

        changes: list[tuple[str, Callable[[int], None], Callable[[int], list[str]], int, float]] = [
            ("unchanged", nothing, lambda _: ["test_rows.py"], 2, 1 / 15),
            ("other -k", nothing, lambda n: ["test_rows.py", "-k", f"sum or x{n}"], 1, 1 / 4),
            ("other file", nothing, lambda n: [("test_rows.py", "test_more.py")[n % 2]], 2, 1 / 4),
            ("edited test file", append("test_rows.py"), lambda _: ["test_rows.py"], 2, 1 / 4),
            ("edited helper", append("helper.py"), lambda _: ["test_rows.py"], 2, 1 / 4),
        ]
        for number in range(2 + pairs):
            for change, edit, arguments, passed, _ in changes:
                edit(number)
                time.sleep(_PAUSE_SECONDS)
                for peer in sorted(peers, reverse=number % 2 == 0):
                    command = [*peers[peer], *arguments(number)]
                    timed = run(command, project, daemon.environment, _numbers(passed))
                    if number >= 2:  # the first two fill bytecode caches and make zygotes
                        benchmark.add(f"{peer}, {change}", timed.seconds)
    for change, *_, limit in changes:
        benchmark.claim_ratio(f"hearth, {change}", f"plain, {change}", limit)
    return benchmark


def _numbers(passed: int) -> dict[str, int]:
    """Of a file's two tests."""
    return {"passed": 2} if passed == 2 else {"passed": 1, "deselected": 1}
