"""A fresh process for each file or test, or after so many tests."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from tests.e2e.hearth import Hearth

_MODULE = """
import logging
import os
import pytest

class TestIt:
    @pytest.mark.parametrize("number", range(3))
    def test_it(self, number, tmp_path):
        tmp_path.joinpath("kept").touch()
        with open("ran", "a") as file:
            file.write(f"{os.getpid()} {os.environ['PYTEST_XDIST_WORKER']} {__name__} {tmp_path}\\n")

def test_it():
    logging.getLogger().warning("logged")
    with open("ran", "a") as file:
        file.write(f"{os.getpid()} {os.environ['PYTEST_XDIST_WORKER']} {__name__} .\\n")
"""

_DEADLY = """
import os
import pytest
LEFT = []

@pytest.mark.parametrize("number", range(12))
def test_it(number):
    assert not LEFT
    LEFT.append(number)
    if number % 2:
        os.abort()
"""

# As coverage tools do it: an identity that was read at the start, and a look at a directory that the run itself then writes to.
_LEAVES_FILES = """
import os

def pytest_configure(config):
    for name in os.listdir("data"):
        os.remove(f"data/{name}")
    config.worker = os.environ.get("PYTEST_XDIST_WORKER")

def pytest_sessionfinish(session):
    if session.config.worker:
        open(f"data/{session.config.worker}-{os.getpid()}", "w").close()
"""

_FOUR = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(number): pass
"""


def _ran(hearth: Hearth) -> list[list[str]]:
    """Process, worker, file and directory of each test, in their order."""
    log = hearth.project / "ran"
    lines = [line.split() for line in log.read_text().splitlines()]
    log.unlink()
    return lines


def test_processes_are_as_fresh_as_was_asked_for(hearth: Hearth) -> None:
    for name in ("test_a.py", "test_b.py"):
        hearth.write(name, _MODULE)

    done = hearth.pytest("--hearth-isolate=test", "--log-file=tests.log")
    ran = _ran(hearth)
    assert (hearth.project / "tests.gw0.log").read_text().count("logged") == 2
    assert (done.exit_code, done.counts) == (0, {"passed": 8}), str(done)
    assert len({process for process, *_ in ran}) == 8
    assert [(worker, file) for _, worker, file, _ in ran] == [("gw0", "test_a")] * 4 + [
        ("gw0", "test_b")
    ] * 4
    directories = [Path(directory) for *_, directory in ran if directory != "."]
    assert len(set(directories)) == 6
    assert all((directory / "kept").exists() for directory in directories)

    for options in (("-n", "2"), ("-n", "2", "--dist", "loadscope"), ("-n", "auto")):
        done = hearth.pytest("--hearth-isolate=file", *options)
        assert (done.exit_code, done.counts) == (0, {"passed": 8}), str(done)
        files = defaultdict(set)
        for process, worker, file, _ in _ran(hearth):
            files[process].add(file)
            assert worker in ("gw0", "gw1") or "auto" in options
        assert all(len(each) == 1 for each in files.values()), files

    done = hearth.pytest("--hearth-max-tests-per-worker", "3", "-n", "1")
    assert (done.exit_code, done.counts) == (0, {"passed": 8}), str(done)
    assert list(Counter(process for process, *_ in _ran(hearth)).values()) == [3, 3, 2]

    hearth.write("test_b.py", _DEADLY)
    for option in ("--max-worker-restart=0", "-n2"):
        done = hearth.pytest("--hearth-isolate=test", "test_b.py", option)
        assert (done.exit_code, done.counts) == (1, {"failed": 6, "passed": 6}), str(done)
        assert "replacing" not in done.stdout

    done = hearth.pytest("--hearth-isolate=test", "-n", "0")
    assert (done.exit_code, "need a worker" in done.stderr) == (4, True), str(done)


def test_what_a_worker_has_left_no_other_one_clears_away(hearth: Hearth) -> None:
    hearth.write("conftest.py", _LEAVES_FILES)
    hearth.write("test_a.py", _FOUR)
    data = hearth.project / "data"
    data.mkdir()
    for options, processes in ((("-n", "2"), 2), (("-n", "2", "--hearth-isolate=test"), 4)):
        for _ in range(2):
            done = hearth.pytest(*options)
            assert (done.exit_code, done.counts) == (0, {"passed": 4}), str(done)
            assert len(list(data.iterdir())) == processes
