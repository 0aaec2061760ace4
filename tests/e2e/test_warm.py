"""Warm: the second run is served by the processes of the first, and no interpreter is started for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.hearth import Hearth

pytestmark = pytest.mark.usefixtures("only_what_runs_build")

Mode = tuple[str, ...]


def _served(status: dict[str, Any]) -> dict[int, int]:
    """Of what the runs built: the modules that they used are imported ahead in their own time."""
    return {
        zygote["pid"]: zygote["served"]
        for zygote in status["zygotes"]
        if zygote["state"] == "ready" and zygote["stage"] != "preloaded"
    }


def test_a_second_run_is_served_by_the_same_processes(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "".join(f"def test_{number}():\n    pass\n" for number in range(10)))
    assert hearth.pytest(*mode).exit_code == 0
    first = hearth.daemon.status()
    assert hearth.pytest(*mode).exit_code == 0
    second = hearth.daemon.status()
    assert second["interpreters_started"] == first["interpreters_started"]
    assert second["runs_finished"] == first["runs_finished"] + 1
    before, after = _served(first), _served(second)
    assert after.keys() == before.keys()
    deepest = {
        z["pid"] for z in second["zygotes"] if z["stage"] == ("configured" if mode else "selected")
    }
    assert any(after[pid] > before[pid] for pid in deepest if pid in after)
    selected = {z["pid"] for z in second["zygotes"] if z["stage"] == "selected"}
    assert any(after[pid] > before[pid] for pid in selected if pid in after)


def test_an_edited_test_file_keeps_the_interpreter_and_the_conftests(
    hearth: Hearth, mode: Mode
) -> None:
    hearth.write("conftest.py", "")
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.pytest(*mode)
    first = hearth.daemon.status()
    hearth.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    pass\n")
    assert hearth.pytest(*mode).counts == {"passed": 2}
    second = hearth.daemon.status()
    assert second["interpreters_started"] == first["interpreters_started"]
    kept = {z["pid"] for z in first["zygotes"] if z["stage"] == "configured"}
    assert kept
    assert kept <= {z["pid"] for z in second["zygotes"]}


def test_status_tells_what_is_held(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.pytest(*mode)
    hearth.pytest(*mode)
    status = hearth.daemon.status()
    assert status["runs"] == []
    assert status["runs_finished"] == 2
    assert status["slots"] >= 1
    assert status["slots_busy"] == 0
    stages = {zygote["stage"] for zygote in status["zygotes"]}
    assert stages >= {"interpreter", "configured", "gathered", "selected"}
    for zygote in status["zygotes"]:
        if zygote["state"] != "ready":
            continue  # modules that are imported ahead, just now
        assert zygote["pss_bytes"] > 0
        assert zygote["age_ms"] >= 0
        if zygote["stage"] != "interpreter":
            assert zygote["directory"] == str(hearth.project)
            assert zygote["parent_pid"] in {other["pid"] for other in status["zygotes"]}
    text = hearth.command("status").stdout
    for zygote in status["zygotes"]:
        assert str(zygote["pid"]) in text
        assert zygote["stage"] in text


def test_start_and_version_tell_about_the_running_daemon(hearth: Hearth) -> None:
    first = hearth.command("start")
    assert first.exit_code == 0, str(first)
    daemon = hearth.daemon_process()
    second = hearth.command("start")
    assert second.exit_code == 0, str(second)
    assert str(daemon.pid) in second.stdout
    assert hearth.daemon_process() == daemon
    version = hearth.command("version")
    assert version.exit_code == 0
    assert hearth.daemon.status()["version"] in version.stdout


def test_the_log_is_shown(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.pytest()
    done = hearth.command("logs")
    assert done.exit_code == 0
    assert done.stdout.strip()


def test_clients_that_race_start_one_daemon(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    clients = [hearth.start_pytest() for _ in range(8)]
    for client in clients:
        done = hearth.finish(client)
        assert (done.exit_code, done.counts) == (0, {"passed": 1}), str(done)
    assert hearth.daemon.status()["runs_finished"] == 8


def test_the_daemon_keeps_nothing_of_the_client_that_started_it(hearth: Hearth) -> None:
    """A pipe to the client that started the daemon ends when that client ends."""
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    client = hearth.start_pytest(environment={"SECRET_OF_THE_FIRST": "yes"})
    done = hearth.finish(client)  # would wait for the daemon if it held the pipe
    assert done.exit_code == 0, str(done)
    environment = Path(f"/proc/{hearth.daemon_process().pid}/environ").read_bytes()
    assert b"SECRET_OF_THE_FIRST" not in environment
    hearth.write(
        "test_a.py",
        "import os\ndef test_a():\n    assert 'SECRET_OF_THE_FIRST' not in os.environ\n",
    )
    assert hearth.pytest().exit_code == 0
