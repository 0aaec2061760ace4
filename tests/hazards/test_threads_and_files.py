"""What a process holds when it is paused: threads, database connections, locks."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.hazards.conftest import Project

Mode = tuple[str, ...]

_THREAD = """
import queue, threading
REQUESTS, ANSWERS = queue.Queue(), queue.Queue()

def answer():
    while True:
        ANSWERS.put(REQUESTS.get() + 1)

THREAD = threading.Thread(target=answer, name="answering", daemon=True)
THREAD.start()
"""


@pytest.mark.parametrize("place", ["conftest", "test_a"])
def test_a_thread_started_at_import_serves_the_tests(
    project: Project, mode: Mode, place: str
) -> None:
    test = f"""
        from telling import tell
        import {place} as place, threading
        def test_a():
            place.REQUESTS.put(41)
            tell(answer=place.ANSWERS.get(timeout=60), threads=sorted(
                thread.name for thread in threading.enumerate() if thread.name in ("MainThread", "answering")))
        """
    project.write("conftest.py", _THREAD if place == "conftest" else "")
    project.write("test_a.py", test)
    if place == "test_a":
        path = project.hearth.project / "test_a.py"
        path.write_text(_THREAD + path.read_text())
    told = project.same(*mode)
    assert told == [{"answer": 42, "threads": ["MainThread", "answering"]}]


@pytest.mark.parametrize("place", ["conftest", "helper"])
def test_a_database_connection_opened_at_import_is_each_processs_own(
    project: Project, mode: Mode, place: str
) -> None:
    database = project.hearth.daemon.directory / "data.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("create table facts (number integer, pid integer)")
    project.write(
        f"{place}.py",
        f"""
        import sqlite3
        CONNECTION = sqlite3.connect({str(database)!r}, timeout=60)
        CONNECTION.execute("select count(*) from facts").fetchall()
        """,
    )
    project.write(
        "test_a.py",
        f"""
        import os, pytest
        import {place} as place
        from telling import tell
        @pytest.mark.parametrize("number", range(20))
        def test_a(number):
            with place.CONNECTION:
                place.CONNECTION.execute("insert into facts values (?, ?)", (number, os.getpid()))
            tell(mine=place.CONNECTION.execute("select count(*) from facts where pid = ?", (os.getpid(),)).fetchone()[0] > 0)
        """,
    )
    project.same(*mode)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert connection.execute("select count(*) from facts").fetchone() == (80,)
        processes = connection.execute("select count(distinct pid) from facts").fetchone()[0]
        assert processes == (8 if mode else 4)


@pytest.mark.parametrize("function", ["flock", "lockf"])
def test_a_lock_taken_at_import_is_held_while_tests_run_and_not_after(
    project: Project, function: str
) -> None:
    path = project.hearth.daemon.directory / "locked"
    path.touch()
    project.hearth.write_gate()
    project.write(
        "conftest.py",
        f"""
        import fcntl
        FILE = open({str(path)!r}, "r+")
        fcntl.{function}(FILE, fcntl.LOCK_EX | fcntl.LOCK_NB)
        """,
    )
    project.write(
        "test_a.py",
        """
        from gate import reach, hold
        def test_a():
            reach("test")
            hold()
        """,
    )
    for _ in range(3):
        process = project.hearth.start_pytest()
        project.hearth.gate.wait()
        assert _is_locked(path, function)
        project.hearth.gate.release()
        done = project.hearth.finish(process)
        assert done.exit_code == 0, str(done)
        assert not _is_locked(path, function)


def _is_locked(path: Path, function: str) -> bool:
    with open(path, "r+") as file:
        try:
            getattr(fcntl, function)(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_file_open_since_import_has_an_offset_of_its_own(project: Project, mode: Mode) -> None:
    project.write("data.txt", "".join(f"line {number}\\n" for number in range(5)))
    project.write(
        "conftest.py",
        "FILE = open(__file__.replace('conftest.py', 'data.txt'), 'rb', buffering=0)\n",
    )
    project.write(
        "test_a.py",
        """
        import pytest
        from conftest import FILE
        from telling import tell
        def test_a():
            tell(read=FILE.read(7).decode())
        """,
    )
    project.same(*mode)


def test_gevent_patches_everything_and_its_hub_works(project: Project, mode: Mode) -> None:
    project.write("conftest.py", "import gevent.monkey\ngevent.monkey.patch_all()\nimport gevent\n")
    project.write(
        "test_a.py",
        """
        import socket, subprocess, sys, threading, time
        import gevent
        from telling import tell

        def test_greenlets():
            order = []
            def step(name, wait):
                time.sleep(wait)
                order.append(name)
            gevent.joinall([gevent.spawn(step, "late", 0.05), gevent.spawn(step, "early", 0.01)])
            tell(order=order)

        def test_sockets_and_threads():
            one, other = socket.socketpair()
            thread = threading.Thread(target=lambda: one.sendall(b"hello"))
            thread.start()
            tell(received=other.recv(5).decode(), patched=gevent.monkey.is_module_patched("socket"))
            thread.join()

        def test_a_child():
            tell(child=subprocess.run([sys.executable, "-c", "print(42)"], capture_output=True, text=True).stdout)
        """,
    )
    project.same(*mode, cold=())  # xdist's own workers do not work with gevent's threads


def test_a_gevent_hub_that_ran_at_import_works(project: Project, mode: Mode) -> None:
    project.write(
        "conftest.py",
        "import gevent.monkey\ngevent.monkey.patch_all()\nimport gevent\ngevent.sleep(0)\n",
    )
    project.write(
        "test_a.py",
        """
        import gevent
        from telling import tell
        def test_a():
            tell(value=gevent.spawn(lambda: 42).get(timeout=60))
        """,
    )
    project.same(*mode, cold=())  # xdist's own workers do not work with gevent's threads


def test_a_lock_between_processes_made_at_import_is_each_runs_own(
    project: Project, mode: Mode
) -> None:
    project.write("conftest.py", "import multiprocessing\nLOCK = multiprocessing.Lock()\n")
    project.write(
        "test_a.py",
        """
        from conftest import LOCK
        from telling import tell
        def test_a():
            tell(taken=LOCK.acquire(timeout=1))  # and never given back
        """,
    )
    assert project.same(*mode) == [{"taken": True}]
