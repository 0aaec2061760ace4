"""What project code does on the way to a stage that is no file: runs end as cold ones, and are warm where that cannot be told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth

_TESTS = """
import pytest
from conftest import WHO
@pytest.mark.parametrize("number", range(6))
def test_a(number, tmp_path_factory):
    with open({told!r}, "a") as file:
        file.write(str(WHO) + "\\n")
"""


def _told(hearth: Hearth, *arguments: str) -> set[str]:
    path = Path(hearth.project) / "told.txt"
    path.unlink(missing_ok=True)
    done = hearth.pytest(*arguments)
    assert done.counts == {"passed": 6}, str(done)
    return set(path.read_text().split())


def _write(hearth: Hearth, who: str) -> None:
    hearth.write("conftest.py", f"import os, uuid\nWHO = {who}\n")
    hearth.write("test_a.py", _TESTS.format(told=str(Path(hearth.project) / "told.txt")))


@pytest.mark.parametrize("who", ["uuid.uuid4()", "os.getpid()", "os.urandom(8).hex()"])
def test_an_identity_differs_from_run_to_run(hearth: Hearth, who: str) -> None:
    _write(hearth, who)
    runs = [_told(hearth) for _ in range(3)]
    assert all(len(each) == 1 for each in runs)
    assert len(set.union(*runs)) == 3


@pytest.mark.parametrize("who", ["uuid.uuid4()", "os.getpid()", "os.urandom(8).hex()"])
def test_an_identity_differs_from_worker_to_worker(hearth: Hearth, who: str) -> None:
    _write(hearth, who)
    runs = [_told(hearth, "-n", "3") for _ in range(2)]
    assert len(set.union(*runs)) == sum(len(each) for each in runs)
    assert all(len(each) == 3 for each in runs)


def test_the_process_id_is_that_of_the_process(hearth: Hearth) -> None:
    hearth.write("conftest.py", "import os\nWHO = os.getpid()\n")
    hearth.write(
        "test_a.py",
        "import os\nfrom conftest import WHO\ndef test_a(): assert WHO == os.getpid()\n",
    )
    for _ in range(3):
        assert hearth.pytest().counts == {"passed": 1}
    assert hearth.pytest("-n", "2").counts == {"passed": 1}


def test_a_child_process_in_conftest_is_started_for_each_run(hearth: Hearth) -> None:
    answer = hearth.write("answer.sh", "echo one\n")
    hearth.write(
        "conftest.py",
        f"""
        import subprocess
        ANSWER = subprocess.run(["sh", {str(answer)!r}], capture_output=True, text=True).stdout.strip()
        """,
    )
    hearth.write("test_a.py", "from conftest import ANSWER\ndef test_a(): assert ANSWER == 'one'\n")
    for _ in range(2):
        assert hearth.pytest().counts == {"passed": 1}
    hearth.write("answer.sh", "echo two\n")
    assert hearth.pytest().counts == {"failed": 1}


def _deepest(hearth: Hearth) -> list[int]:
    return [pid for pid, stage, flavour, _ in hearth.zygotes() if stage == "selected"]


def test_a_child_process_that_is_declared_harmless_leaves_the_project_warm(hearth: Hearth) -> None:
    hearth.write("pyproject.toml", '[tool.hearth]\nharmless = ["subprocess"]\n')
    hearth.write("conftest.py", "import subprocess\nsubprocess.run(['true'])\n")
    hearth.write("test_a.py", "def test_a(): pass\n")
    assert hearth.pytest().counts == {"passed": 1}
    served = _deepest(hearth)
    assert len(served) == 1
    assert hearth.pytest().counts == {"passed": 1}
    assert _deepest(hearth) == served
    hearth.write("pyproject.toml", "[tool.hearth]\nharmless = []\n")
    assert hearth.pytest().counts == {"passed": 1}
    assert not set(_deepest(hearth)) & set(served)


@pytest.mark.parametrize("place", ["conftest", "test_a"])
def test_a_temporary_directory_that_a_run_removes_is_there_for_the_next(
    hearth: Hearth, place: str
) -> None:
    code = "import atexit, shutil, tempfile\nWHERE = tempfile.mkdtemp()\natexit.register(shutil.rmtree, WHERE)\n"
    hearth.write("conftest.py", code if place == "conftest" else "")
    hearth.write(
        "test_a.py",
        (code if place == "test_a" else "from conftest import WHERE\n")
        + "import os\ndef test_a(): assert os.path.isdir(WHERE)\n",
    )
    for _ in range(3):
        done = hearth.pytest()
        assert done.counts == {"passed": 1}, str(done)


def test_a_refusal_names_the_line_that_caused_it(hearth: Hearth) -> None:
    hearth.write("conftest.py", "import os\nos.system('true')\n")
    hearth.write("test_a.py", "def test_a(): pass\n")
    assert hearth.pytest().counts == {"passed": 1}
    log = hearth.command("logs").stdout
    assert re.search(r"refusal=.*os\.system: true at .*conftest\.py:2", log), log


def test_a_seed_that_a_plugin_draws_when_it_is_loaded_differs_from_run_to_run(
    hearth: Hearth,
) -> None:
    hearth.write(
        "installed/site-packages/seedy.py",
        """
        import random
        SEED = random.Random().getrandbits(64)
        def pytest_report_header(config):
            return f"seed {SEED}"
        """,
    )
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.environment["PYTHONPATH"] = str(hearth.project / "installed" / "site-packages")
    runs = [hearth.pytest("-p", "seedy") for _ in range(3)]
    assert len({re.findall(r"^seed \d+$", run.stdout, re.MULTILINE)[0] for run in runs}) == 3
