"""`hearth why`: the one cause for which a stage did not serve, of each kind, with real pytest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.hearth import Hearth
from tests.support.events import TIMEOUT
from tests.support.processes import find, kill, wait_gone


def _why(hearth: Hearth, flavour: str = "session") -> dict[str, dict[str, Any]]:
    """By stage: what the last run had of it."""
    done = hearth.command("why", "--json")
    assert done.exit_code == 0, str(done)
    explanation = json.loads(done.stdout)
    assert explanation["directory"] == str(hearth.project)
    (stages,) = [each["stages"] for each in explanation["flavours"] if each["flavour"] == flavour]
    return {each["stage"]: each for each in stages}


def _wait_until(claim: Callable[[], bool]) -> None:
    """The claim asks the daemon, which takes a while."""
    deadline = time.monotonic() + TIMEOUT
    while not claim():
        assert time.monotonic() < deadline, "it never came true"


def _write(hearth: Hearth, conftest: str = "", test: str = "") -> None:
    hearth.write("conftest.py", conftest)
    hearth.write("test_a.py", test + "\ndef test_a(): pass\n")


def _run_twice(hearth: Hearth, *arguments: str) -> None:
    for _ in range(2):
        assert hearth.pytest(*arguments).counts == {"passed": 1}


def test_without_a_run_or_a_daemon_it_says_so(hearth: Hearth) -> None:
    done = hearth.command("why")
    assert done.exit_code == 3
    assert "no daemon is running" in done.stderr
    _write(hearth)
    hearth.pytest()
    done = hearth.command("why", directory=hearth.project.parent)
    assert done.exit_code == 3
    assert (
        f"no run from here since the daemon was started; the last one was in {hearth.project}"
        in done.stderr
    )


def test_of_a_warm_run_it_tells_the_stage(hearth: Hearth) -> None:
    _write(hearth)
    _run_twice(hearth, "-q")
    text = hearth.command("why").stdout.splitlines()
    assert text[0].startswith("hearth pytest -q   (")
    assert text[1:] == ["  session  selected  served"]


def test_it_names_the_test_file_that_changed(hearth: Hearth) -> None:
    _write(hearth)
    hearth.pytest()
    path = hearth.write("test_a.py", "def test_a(): assert True\n")
    hearth.pytest()
    why = _why(hearth)
    assert why["selected"]["cause"] == "file"
    assert why["selected"]["subject"] == str(path)
    assert why["selected"]["text"] == f"{path} changed (size 20 -> 26)"
    assert why["gathered"] == {**why["selected"], "stage": "gathered"}
    assert why["started"]["cause"] == "served"
    assert ["gathered", "likewise"] in [
        line.split() for line in hearth.command("why").stdout.splitlines()
    ]


def test_it_names_the_file_that_appeared_or_is_gone(hearth: Hearth) -> None:
    _write(hearth, "import os\nos.path.exists('flag')\n")
    hearth.pytest()
    path = hearth.write("flag", "")
    hearth.pytest()
    assert _why(hearth)["selected"]["text"] == f"{path} appeared"
    path.unlink()
    hearth.pytest()
    assert _why(hearth)["selected"]["text"] == f"{path} is gone"


def test_it_knows_the_cause_also_when_the_change_was_found_before_the_run(hearth: Hearth) -> None:
    _write(hearth)
    hearth.pytest()
    configured = {pid for pid, stage, _, _ in hearth.zygotes() if stage == "configured"}
    path = hearth.write("conftest.py", "x = 1\n")

    def is_rebuilt() -> bool:
        ready = {
            each["pid"]
            for each in hearth.daemon.status()["zygotes"]
            if each["stage"] == "configured" and each["state"] == "ready"
        }
        return bool(ready - configured)

    _wait_until(is_rebuilt)
    hearth.pytest()
    why = _why(hearth)
    assert why["configured"]["text"] == "served; it was rebuilt before the run"
    assert why["gathered"]["subject"] == why["selected"]["subject"] == str(path)


def test_it_names_the_variable(hearth: Hearth) -> None:
    _write(hearth, "import os\nos.environ.get('ANSWER')\n")
    hearth.pytest()
    hearth.pytest(environment={"ANSWER": "42"})
    assert _why(hearth)["configured"]["text"] == "variable ANSWER is set now (42)"
    hearth.pytest(environment={"ANSWER": "43"})
    why = _why(hearth)["configured"]
    assert (why["cause"], why["subject"]) == ("variable", "ANSWER")
    assert why["before"] in ("", "42")
    assert why["after"] == "43"


def test_it_names_the_option_and_the_line_that_read_it(hearth: Hearth) -> None:
    _write(hearth, "def pytest_configure(config):\n    config.getoption('keyword')\n")
    hearth.pytest("-k", "test_a")
    hearth.pytest("-k", "test")
    why = _why(hearth)["gathered"]
    assert (why["cause"], why["subject"]) == ("option", "keyword")
    assert (why["before"], why["after"]) == ("'test_a'", "'test'")
    assert why["place"].endswith("conftest.py:2")
    assert _why(hearth)["configured"]["cause"] == "served"


def test_it_names_the_thread_that_refused_the_stage(hearth: Hearth) -> None:
    _write(
        hearth,
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    )
    _run_twice(hearth)
    why = _why(hearth)["configured"]
    assert why["cause"] == "refused"
    assert "thread" in why["subject"]


def test_it_names_the_child_process_and_its_line(hearth: Hearth) -> None:
    _write(hearth, test="import subprocess\nsubprocess.run(['true'])")
    _run_twice(hearth)
    why = _why(hearth)
    assert why["gathered"]["cause"] == "refused"
    assert "subprocess" in why["gathered"]["subject"]
    assert why["gathered"]["place"] == f"{hearth.project / 'test_a.py'}:2"
    assert why["started"]["cause"] == "served"


def test_it_names_the_identity_and_its_line(hearth: Hearth) -> None:
    _write(hearth, test="import uuid\nuuid.uuid4()")
    _run_twice(hearth)
    why = _why(hearth)
    assert why["gathered"]["cause"] == why["selected"]["cause"] == "serves_once"
    assert why["gathered"]["place"] == f"{hearth.project / 'test_a.py'}:2"


def test_it_tells_that_a_process_was_killed(hearth: Hearth) -> None:
    _write(hearth)
    hearth.pytest()
    (selected,) = [pid for pid, stage, _, _ in hearth.zygotes() if stage == "selected"]
    process = find(selected)
    assert process
    kill(process)
    assert not wait_gone([process], TIMEOUT)
    hearth.pytest()
    assert _why(hearth)["selected"]["cause"] == "lost"


def test_of_a_distributed_run_it_tells_the_workers_stages_too(hearth: Hearth) -> None:
    _write(hearth)
    hearth.pytest("-n", "2")
    path = hearth.write("test_a.py", "def test_a(): assert 1\n")
    hearth.pytest("-n", "2")
    assert list(_why(hearth)) == ["configured"]
    assert _why(hearth, "worker")["selected"]["subject"] == str(path)


def test_of_a_run_of_the_plugin_it_tells_the_workers_stages(hearth: Hearth) -> None:
    _write(hearth)
    package = hearth.daemon.binary.parent.parent / "lib" / "hearth"
    hearth.environment["PYTHONPATH"] = str(package)
    done = hearth.plain("-p", "pytest_hearth.plugin", "--hearth", "-n", "2")
    assert done.counts == {"passed": 1}, str(done)
    assert "selected" in _why(hearth, "worker")


def test_it_starts_no_daemon(hearth: Hearth) -> None:
    hearth.command("why")
    assert not Path(hearth.runtime).exists()
