"""Workers are who xdist says that workers are, however they came to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.hearth import Hearth

_NOTE = """
import json, os, pathlib

def note(name, **values):
    directory = pathlib.Path(__file__).parent / "notes"
    directory.mkdir(exist_ok=True)
    (directory / f"{name}-{os.getpid()}").write_text(json.dumps(values))
"""
_VARIABLES = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")


def _notes(hearth: Hearth, name: str) -> list[dict[str, Any]]:
    """What the processes of the last run noted under this name; forgotten by asking."""
    found = []
    for path in sorted((hearth.project / "notes").glob(f"{name}-*")):
        found.append(json.loads(path.read_text()))
        path.unlink()
    return found


@pytest.fixture
def project(hearth: Hearth) -> Hearth:
    hearth.write("noting.py", _NOTE)
    hearth.write("conftest.py", "")
    return hearth


def test_variables_fixtures_and_workerinput_agree(project: Hearth) -> None:
    project.write(
        "test_a.py",
        f"""
        import os, pytest
        from noting import note
        @pytest.mark.parametrize("number", range(40))
        def test_a(worker_id, testrun_uid, request, number):
            values = request.config.workerinput
            note("test", variables=[os.environ.get(name) for name in {_VARIABLES!r}], worker_id=worker_id,
                 testrun_uid=testrun_uid, workerinput={{key: values[key] for key in ("workerid", "workercount", "testrunuid")}},
                 output=hasattr(request.config, "workeroutput"), argv=values["mainargv"][1:])
        """,
    )
    testruns = set()
    for _ in range(2):
        assert project.pytest("-n", "2").counts == {"passed": 40}
        notes = _notes(project, "test")
        assert sorted(note["worker_id"] for note in notes) == ["gw0", "gw1"]
        for note in notes:
            testrun = note["testrun_uid"]
            assert note["variables"] == [note["worker_id"], "2", testrun]
            assert note["workerinput"] == {
                "workerid": note["worker_id"],
                "workercount": 2,
                "testrunuid": testrun,
            }
            assert note["output"]
            assert note["argv"] == ["-n", "2"]
        (testrun,) = {note["testrun_uid"] for note in notes}
        assert len(testrun) == 32
        testruns.add(testrun)
    assert len(testruns) == 2


def test_a_conftest_that_reads_its_worker_at_import_sees_its_own(project: Hearth) -> None:
    project.write(
        "conftest.py",
        """
        import os
        WORKER = os.environ.get("PYTEST_XDIST_WORKER", "master")
        TESTRUN = os.environ.get("PYTEST_XDIST_TESTRUNUID")
        """,
    )
    project.write(
        "test_a.py",
        """
        import pytest
        from conftest import WORKER, TESTRUN
        from noting import note
        @pytest.mark.parametrize("number", range(40))
        def test_a(worker_id, testrun_uid, number):
            note("test", worker=worker_id)
            assert (WORKER, TESTRUN) == (worker_id, testrun_uid)
        """,
    )
    for _ in range(3):
        done = project.pytest("-n", "2")
        assert done.counts == {"passed": 40}, str(done)
        assert [note["worker"] for note in _notes(project, "test")] == ["gw0", "gw1"]


@pytest.mark.parametrize(
    "reading",
    [
        "dict(os.environ)['PYTEST_XDIST_WORKER']",
        "os.getenv('PYTEST_XDIST_WORKER')",
        "[v for k, v in os.environ.items() if k == 'PYTEST_XDIST_WORKER'][0]",
        "{**os.environ}['PYTEST_XDIST_WORKER']",
        "os.environ.copy()['PYTEST_XDIST_WORKER']",
        "os.getenvb(b'PYTEST_XDIST_WORKER').decode()",
        "os.path.expandvars('$PYTEST_XDIST_WORKER')",
        "xdist.get_xdist_worker_id(types.SimpleNamespace(config=CONFIG))",
        "CONFIG.workerinput['workerid']",
        "CONFIG.workerinput.get('workerid')",
        "dict(CONFIG.workerinput)['workerid']",
    ],
)
def test_identity_read_in_any_way_before_the_tests_is_the_workers_own(
    project: Hearth, reading: str
) -> None:
    project.write(
        "conftest.py",
        f"""
        import os, types, xdist
        WORKER = "none"
        def pytest_configure(config):
            global WORKER
            CONFIG = config
            if hasattr(config, "workerinput"):
                WORKER = {reading}
        """,
    )
    project.write(
        "test_a.py",
        """
        import pytest, conftest
        @pytest.mark.parametrize("number", range(40))
        def test_a(worker_id, number):
            assert conftest.WORKER == worker_id
        """,
    )
    for _ in range(2):
        done = project.pytest("-n", "2")
        assert done.counts == {"passed": 40}, str(done)


def test_a_child_process_started_at_import_is_told_the_worker(project: Hearth) -> None:
    project.write(
        "conftest.py",
        "import subprocess\nWORKER = subprocess.check_output('echo $PYTEST_XDIST_WORKER', shell=True, text=True).strip()\n",
    )
    project.write(
        "test_a.py",
        """
        import pytest, conftest
        @pytest.mark.parametrize("number", range(40))
        def test_a(worker_id, number):
            assert conftest.WORKER == worker_id
        """,
    )
    for _ in range(2):
        done = project.pytest("-n", "2")
        assert done.counts == {"passed": 40}, str(done)


def test_temporary_directories_lie_as_with_xdist(project: Hearth) -> None:
    project.write(
        "test_a.py",
        """
        import pytest
        from noting import note
        @pytest.mark.parametrize("number", range(40))
        def test_a(tmp_path, tmp_path_factory, worker_id, number):
            note("test", worker=worker_id, path=str(tmp_path), base=str(tmp_path_factory.getbasetemp()))
        """,
    )
    seen = []
    for _ in range(2):
        assert project.pytest("-n", "2").counts == {"passed": 40}
        notes = _notes(project, "test")
        assert len(notes) == 2
        for note in notes:
            base, _, popen = note["base"].rpartition("/")
            assert popen == f"popen-{note['worker']}"
            assert note["path"].startswith(note["base"] + "/")
            seen.append(base)
    assert seen[0] == seen[1] != seen[2] == seen[3]
    assert project.daemon.temporary.as_posix() in seen[0]


def test_a_base_directory_that_was_asked_for_is_used(project: Hearth) -> None:
    project.write("test_a.py", "def test_a(tmp_path):\n    (tmp_path / 'made').touch()\n")
    base = project.daemon.directory / "base"
    for _ in range(2):
        assert project.pytest("-n", "2", f"--basetemp={base}").exit_code == 0
        assert len(list(base.glob("popen-gw*/test_a0/made"))) == 1
    assert project.pytest(f"--basetemp={base}").exit_code == 0
    assert len(list(base.glob("test_a0/made"))) == 1


def test_without_workers_the_worker_is_called_master(project: Hearth) -> None:
    project.write(
        "test_a.py",
        """
        import os
        def test_a(worker_id, testrun_uid, request):
            assert worker_id == "master"
            assert len(testrun_uid) == 32
            assert "PYTEST_XDIST_WORKER" not in os.environ
            assert not hasattr(request.config, "workerinput")
        """,
    )
    for _ in range(2):
        assert project.pytest().counts == {"passed": 1}


def test_the_controller_is_no_worker(project: Hearth) -> None:
    project.write(
        "conftest.py",
        """
        import os
        from noting import note
        def pytest_sessionfinish(session):
            kind = "worker" if hasattr(session.config, "workerinput") else "controller"
            note(kind, worker=os.environ.get("PYTEST_XDIST_WORKER"), collected=session.testscollected)
        """,
    )
    project.write(
        "test_a.py",
        "import pytest\n@pytest.mark.parametrize('n', range(40))\ndef test_a(n): pass\n",
    )
    for _ in range(2):
        assert project.pytest("-n", "2").counts == {"passed": 40}
        assert _notes(project, "controller") == [{"worker": None, "collected": 40}]
        assert sorted(note["worker"] for note in _notes(project, "worker")) == ["gw0", "gw1"]


def test_reports_in_the_controller_name_their_worker(project: Hearth) -> None:
    project.write(
        "conftest.py",
        """
        def pytest_runtest_logreport(report):
            node = getattr(report, "node", None)
            if node is not None and report.when == "call":
                assert node.gateway.id == report.worker_id == node.workerinput["workerid"]
                assert len(report.testrun_uid) == 32
                print("report of", report.worker_id, report.item_index)
        """,
    )
    project.write(
        "test_a.py",
        "import pytest\n@pytest.mark.parametrize('n', range(40))\ndef test_a(n): pass\n",
    )
    for _ in range(2):
        done = project.pytest("-n", "2", "-s")
        assert done.exit_code == 0, str(done)
        assert "report of gw0" in done.stdout
        assert "report of gw1" in done.stdout
