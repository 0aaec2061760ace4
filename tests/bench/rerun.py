"""The warm rerun of one test of a project that imports pandas and SQLAlchemy: the whole command, exec to exit."""

from __future__ import annotations

from pathlib import Path

from tests.bench.measure import Benchmark, run
from tests.support.command import Daemon
from tests.support.environments import BUILD, make_environment

TEST = """
import pandas
import sqlalchemy

def test_rows():
    engine = sqlalchemy.create_engine("sqlite://")
    frame = pandas.DataFrame({"a": [1, 2], "b": [3, 4]})
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1")).scalar() == frame["a"][0]
"""
_PASSED = {"passed": 1}


def rerun(pairs: int, python: str) -> Benchmark:
    """Alternates hearth with its peers; the second mode of a pair is the next one's neighbour too."""
    requirements = Path(__file__).parent / "requirements" / "rerun.txt"
    interpreter = make_environment(BUILD / "bench" / "rerun", requirements, python)
    benchmark = Benchmark("one test of a project that imports pandas and SQLAlchemy")
    with Daemon(interpreter) as daemon:
        project = daemon.directory / "project"
        project.mkdir()
        (project / "test_rows.py").write_text(TEST)
        modes = {
            "plain pytest": [str(interpreter.parent / "pytest"), "test_rows.py"],
            "hearth pytest, warm": [str(daemon.binary), "pytest", "test_rows.py"],
            "pytest -n 2 (xdist)": [str(interpreter.parent / "pytest"), "-n", "2", "test_rows.py"],
            "hearth pytest -n 2, warm": [str(daemon.binary), "pytest", "-n", "2", "test_rows.py"],
        }
        for number in range(2 + pairs):
            for mode, command in modes.items():
                timed = run(command, project, daemon.environment, _PASSED)
                if number >= 2:  # the first two fill bytecode caches and make zygotes
                    benchmark.add(mode, timed.seconds)
    benchmark.claim_ratio("hearth pytest, warm", "plain pytest", 0.1)
    return benchmark
