"""Any process may be killed at any time: a clear end for whoever waits, nothing left, and the next run works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import pytest

from tests.e2e.hearth import Hearth
from tests.support.processes import Process, descendants, find, is_alive, kill, wait_gone

Mode = tuple[str, ...]
_GONE = 2.0  # seconds in which orphans must be gone
_HOLDING = """
import gate, pytest
@pytest.mark.parametrize("number", range(6))
def test_holds(number):
    gate.reach("holds")
    gate.hold()
"""


def _start_holding(hearth: Hearth, mode: Mode) -> tuple[subprocess.Popen[str], list[Process]]:
    """A run whose first tests have begun and wait; the client, and the processes that execute tests."""
    hearth.write_gate()
    hearth.write("test_a.py", _HOLDING)
    client = hearth.start_pytest(*mode)
    executing = []
    for _ in range(2 if mode else 1):
        process = find(hearth.gate.wait()[1])
        assert process is not None
        executing.append(process)
    return client, executing


def _assert_next_run_works(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    done = hearth.pytest(*mode)
    assert (done.exit_code, done.counts) == (0, {"passed": 1}), str(done)


def test_a_killed_daemon_ends_its_runs_and_the_next_client_starts_another(
    hearth: Hearth, mode: Mode
) -> None:
    client, _ = _start_holding(hearth, mode)
    daemon = hearth.daemon_process()
    below = descendants(daemon.pid)
    assert len(below) >= 2
    kill(daemon)
    done = hearth.finish(client)
    assert done.exit_code == 3, str(done)
    assert "hearth: " in done.stderr
    assert {process.describe() for process in wait_gone(below, _GONE)} == set()
    _assert_next_run_works(hearth, mode)
    assert hearth.daemon_process() != daemon


def test_a_daemon_that_is_killed_before_the_session_begins_costs_nothing_but_time(
    hearth: Hearth,
) -> None:
    """Nothing of the run was executed: it is a plain one."""
    hearth.write_gate()
    hearth.write("conftest.py", "import gate\ngate.reach('conftest')\ngate.hold()\n")
    hearth.write("test_a.py", "def test_a():\n    open('journal', 'a').write('once')\n")
    client = hearth.start_pytest()
    hearth.gate.wait()
    daemon = hearth.daemon_process()
    below = descendants(daemon.pid)
    kill(daemon)
    assert hearth.gate.wait() == ("conftest", client.pid)  # the client has become plain pytest
    assert wait_gone(below, _GONE) == set()
    hearth.gate.release()
    done = hearth.finish(client)
    assert (done.exit_code, done.counts) == (0, {"passed": 1}), str(done)
    assert done.stderr.count("\n") == 1 and "(so this is plain pytest)" in done.stderr
    assert (hearth.project / "journal").read_text() == "once"


def test_stop_removes_what_a_killed_daemon_left(hearth: Hearth) -> None:
    assert hearth.command("start").exit_code == 0
    daemon = hearth.daemon_process()
    kill(daemon)
    assert wait_gone([daemon], _GONE) == set()
    assert hearth.runtime.is_dir()
    done = hearth.command("stop")
    assert (done.exit_code, done.stderr) == (0, ""), str(done)
    assert not hearth.runtime.exists()
    assert hearth.command("stop").stdout == "no daemon is running\n"


def test_a_daemon_whose_runtime_directory_is_removed_ends_and_another_serves(
    hearth: Hearth, mode: Mode
) -> None:
    client, executing = _start_holding(hearth, mode)
    daemon = hearth.daemon_process()
    everything = {daemon, *descendants(daemon.pid)}
    shutil.rmtree(hearth.runtime)
    assert hearth.command("start").exit_code == 0
    assert hearth.daemon_process() != daemon
    done = hearth.finish(client)
    assert done.exit_code == 3, str(done)
    assert "its runtime directory was removed" in done.stderr
    assert {process.describe() for process in wait_gone(everything, 10.0)} == set()
    assert wait_gone(executing, 0) == set()
    _assert_next_run_works(hearth, mode)


def test_a_client_that_meets_an_ending_daemon_gets_another(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    assert hearth.command("start").exit_code == 0
    for _ in range(5):
        assert hearth.pytest().exit_code == 0
        daemon = hearth.daemon_process()
        os.kill(daemon.pid, signal.SIGTERM)
        done = hearth.command("start")
        assert done.exit_code == 0, str(done)
        if "runs already" in done.stdout:  # met it before it had the signal
            assert wait_gone([daemon], _GONE) == set()


def test_a_killed_worker_is_replaced(hearth: Hearth) -> None:
    client, (first, _) = _start_holding(hearth, ("-n", "2"))
    kill(first)
    hearth.gate.release(6)
    done = hearth.finish(client)
    assert (done.exit_code, done.counts) == (1, {"failed": 1, "passed": 5}), str(done)
    assert "SIGKILL" in done.stdout
    _assert_next_run_works(hearth, ("-n", "2"))


def test_a_killed_session_ends_its_client_in_the_same_way(hearth: Hearth) -> None:
    client, (session,) = _start_holding(hearth, ())
    kill(session)
    assert hearth.finish(client).exit_code == -signal.SIGKILL
    _assert_next_run_works(hearth, ())


def test_a_killed_controller_ends_its_client_and_its_workers(hearth: Hearth) -> None:
    client, workers = _start_holding(hearth, ("-n", "2"))
    status = hearth.daemon.status()
    zygotes = {zygote["pid"] for zygote in status["zygotes"]}
    known = zygotes | {worker.pid for worker in workers}
    (controller,) = [p for p in descendants(status["pid"]) if p.pid not in known]
    kill(controller)
    assert hearth.finish(client).exit_code == -signal.SIGKILL
    assert wait_gone(workers, _GONE) == set()
    _assert_next_run_works(hearth, ("-n", "2"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_client_that_vanishes_cancels_its_run(
    hearth: Hearth, mode: Mode, number: signal.Signals
) -> None:
    client, executing = _start_holding(hearth, mode)
    daemon = hearth.daemon_process()
    client.send_signal(number)
    hearth.finish(client)
    assert wait_gone(executing, 10.0) == set()
    assert is_alive(daemon)
    _assert_next_run_works(hearth, mode)
    assert hearth.daemon.status()["runs"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=str)
def test_workers_take_their_session_fixtures_down_when_their_client_is_ended(
    hearth: Hearth, number: signal.Signals
) -> None:
    hearth.write(
        "conftest.py",
        """
        import os, pytest
        @pytest.fixture(scope="session", autouse=True)
        def made():
            yield
            open(f"taken-down-{os.getpid()}", "w").close()
        """,
    )
    client, workers = _start_holding(hearth, ("-n", "2"))
    os.kill(client.pid, number)
    assert hearth.finish(client).exit_code == -number
    assert wait_gone(workers, _GONE) == set()
    assert len(list(hearth.project.glob("taken-down-*"))) == 2


def test_an_interrupt_is_pytests_own(hearth: Hearth, mode: Mode) -> None:
    client, executing = _start_holding(hearth, mode)
    client.send_signal(signal.SIGINT)
    done = hearth.finish(client)
    assert done.exit_code == 2, str(done)
    assert "KeyboardInterrupt" in done.stdout
    assert wait_gone(executing, 10.0) == set()
    _assert_next_run_works(hearth, mode)


def test_any_killed_zygote_is_made_anew(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    assert hearth.pytest(*mode).exit_code == 0
    daemon = hearth.daemon_process()
    stages = [(zygote["stage"], zygote["flavour"]) for zygote in hearth.daemon.status()["zygotes"]]
    assert len(stages) >= 2
    for stage in stages:
        victims = [
            z["pid"]
            for z in hearth.daemon.status()["zygotes"]
            if (z["stage"], z["flavour"]) == stage
        ]
        process = find(victims[0])
        assert process is not None
        kill(process)
        assert wait_gone([process], _GONE) == set()
        done = hearth.pytest(*mode)
        assert (done.exit_code, done.counts) == (0, {"passed": 1}), (
            f"after {stage} was killed: {done}"
        )
    assert hearth.daemon_process() == daemon


def test_a_zygote_killed_while_its_run_goes_on_does_not_hang_the_client(
    hearth: Hearth, mode: Mode
) -> None:
    client, executing = _start_holding(hearth, mode)
    for zygote in hearth.daemon.status()["zygotes"]:
        process = find(zygote["pid"])
        if process is not None:
            kill(process)
    hearth.gate.release(6)
    done = hearth.finish(client)
    if done.exit_code == 0:
        assert done.counts == {"passed": 6}
    assert wait_gone(executing, 10.0) == set()
    _assert_next_run_works(hearth, mode)


def test_hearth_stop_ends_a_run_in_progress(hearth: Hearth, mode: Mode) -> None:
    client, executing = _start_holding(hearth, mode)
    everything = hearth.processes() - {p for p in [find(client.pid)] if p}
    assert hearth.command("stop").exit_code == 0
    done = hearth.finish(client)
    assert done.exit_code not in (0, 5), str(done)
    assert {process.describe() for process in wait_gone(everything, _GONE)} == set()
    assert wait_gone(executing, 0) == set()


def test_what_a_test_leaves_running_ends_with_the_daemon(hearth: Hearth, mode: Mode) -> None:
    """A test that starts a process and forgets it: nothing outlives `hearth stop`."""
    hearth.write(
        "test_a.py",
        "import subprocess\ndef test_a():\n    subprocess.Popen(['sleep', '1000'], start_new_session=True)\n",
    )
    assert hearth.pytest(*mode).exit_code == 0
    assert hearth.command("stop").exit_code == 0
    assert [process.describe() for process in hearth.processes()] == []


def test_stop_and_start_over_and_over(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    daemons = set()
    for _ in range(3):
        assert hearth.pytest("-n", "2").exit_code == 0
        daemons.add(hearth.daemon_process())
        assert hearth.command("stop").exit_code == 0
        assert hearth.processes() == set()
    assert len(daemons) == 3


@pytest.mark.parametrize(
    "hook",
    [
        "pytest_configure(config)",
        "pytest_sessionstart(session)",
        "pytest_collection_modifyitems(items)",
        "pytest_collection_finish(session)",
    ],
)
def test_an_error_at_the_start_of_one_worker_only_ends_the_run_with_what_it_said(
    hearth: Hearth, hook: str
) -> None:
    hearth.write(
        "conftest.py",
        f"""
        import os
        def {hook}:
            if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
                raise RuntimeError("no database for gw1")
        """,
    )
    hearth.write("test_a.py", "".join(f"def test_{number}():\n    pass\n" for number in range(6)))
    for verbosity in ("-v", "-q"):
        done = hearth.pytest("-n", "2", verbosity)
        assert done.exit_code == 3, str(done)
        assert done.stdout.count("RuntimeError: no database for gw1") == 1, str(done)
        is_before_collection = "collection" not in hook
        said = "worker gw1 ended before it had collected" in done.stdout
        assert said == is_before_collection, str(done)


def test_an_error_in_one_workers_collection_is_shown(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    hearth.write(
        "test_b.py",
        """
        import os
        if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
            raise RuntimeError("no database for gw1")
        def test_b(): pass
        """,
    )
    done = hearth.pytest("-n", "2")
    assert done.exit_code == 2, str(done)
    assert "RuntimeError: no database for gw1" in done.stdout, str(done)


def test_a_usage_error_of_a_hook_during_the_tests_has_its_exit_code(hearth: Hearth) -> None:
    hearth.write(
        "conftest.py",
        """
        import os, pytest
        def pytest_runtest_logstart(nodeid):
            if "PYTEST_XDIST_WORKER" in os.environ:
                raise pytest.UsageError("not so")
        """,
    )
    hearth.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    assert 0\n")
    done = hearth.pytest("-n", "2")
    assert done.exit_code == 4, str(done)
    assert "not so" in done.stderr, str(done)
