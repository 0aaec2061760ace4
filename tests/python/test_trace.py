"""The trace of a stage names what it read, as it was before the read."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Builder, Project
from fake_daemon import Interpreter, Zygote

RACY_SECONDS = 0.2


def kinds(files: list[Any]) -> dict[str, str]:
    return {os.fsdecode(file.path): file.kind for file in files}


def grow_old(directory: Path) -> None:
    """Let the files' last change lie outside the racy window."""
    deadline = time.time() + RACY_SECONDS
    newest = max(path.stat().st_ctime for path in [directory, *directory.iterdir()])
    while time.time() < newest + RACY_SECONDS:
        assert time.time() < deadline + 60
        os.sched_yield()


def test_it_names_conftests_helpers_data_and_directories(project: Project, build: Builder) -> None:
    (project.directory / "data.json").write_text("{}")
    (project.directory / "sub").mkdir()
    project.write(
        helper="VALUE = open('data.json').read()",
        conftest="import helper",
    )
    (project.directory / "sub" / "test_it.py").write_text(
        "def test_it(): open('conftest.py').read()\n"
    )
    spec = project.spec()
    build(spec)  # writes the .pyc files
    grow_old(project.directory)
    _, configured = build(spec, "configured")
    _, gathered = build(spec, "gathered")
    base = str(project.directory)
    seen = kinds(configured.files)
    for name in ("conftest.py", "helper.py", "data.json"):
        assert seen[f"{base}/{name}"] == "file", name
    for name in ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "__init__.py"):
        assert seen[f"{base}/{name}"] == "absent", name
    seen = kinds(gathered.files)
    assert seen[f"{base}/sub/test_it.py"] == "file"
    assert seen[f"{base}/sub/conftest.py"] == "absent"
    assert seen[f"{base}/sub/__init__.py"] == "absent"
    every = {**kinds(configured.files), **seen}  # what the stage below has recorded is not repeated
    assert every[base] == every[f"{base}/sub"] == "directory"
    assert not [
        path
        for path in every
        if path.endswith(".pyc") or "__pycache__" in path or "pytest_hearth" in path
    ]
    assert not [path for path in every if path.startswith(("/proc/", "/dev/", "/sys/"))]


def test_the_interpreters_trace_has_python_pytest_and_the_site(interpreter: Interpreter) -> None:
    zygote = Interpreter()
    seen = kinds(zygote.ready().files)
    zygote.stop()
    import _pytest.main
    import pytest

    assert seen[os.path.realpath(sys.executable)] == "file"
    assert seen[pytest.__file__] == seen[_pytest.main.__file__] == "file"
    assert seen[os.path.dirname(os.path.dirname(pytest.__file__))] == "directory"
    assert seen[os.__file__] == "file"


def find(files: list[Any], path: Path, look: str = "") -> Any:
    named = [file for file in files if file.path == os.fsencode(path)]
    [found] = [file for file in named if look in ("", file.look)]
    return found


def test_a_data_file_is_its_stat_unless_it_has_just_changed(
    project: Project, build: Builder
) -> None:
    project.write(conftest="open('data.txt').read()", test_it="def test_it(): pass")
    (project.directory / "data.txt").write_text("data")
    grow_old(project.directory)
    _, ready = build(project.spec(), "configured")
    status = (project.directory / "data.txt").stat()
    file = find(ready.files, project.directory / "data.txt")
    assert (file.device, file.inode, file.mode) == (status.st_dev, status.st_ino, status.st_mode)
    assert (file.size, file.mtime_ns, file.ctime_ns) == (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
    assert file.digest == b""
    # A source is its content, so that a touch of it is none.
    assert len(find(ready.files, project.directory / "conftest.py").digest) == 16


def test_a_file_that_changes_while_the_stage_reads_has_its_digest(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="""
            open("fresh.txt", "w").write("one")
            import os
            os.utime("other.txt")
            open("other.txt").read()
        """,
        test_it="def test_it(): pass",
    )
    (project.directory / "other.txt").write_text("other")
    _, ready = build(project.spec(), "configured")
    assert len(find(ready.files, project.directory / "other.txt").digest) == 16
    # What it wrote itself is no input; it must only stay as it was left.
    fresh = find(ready.files, project.directory / "fresh.txt")
    assert (fresh.look, len(fresh.digest)) == ("written", 16)


def test_a_source_whose_pyc_is_anothers_counts_as_it_was_when_it_was_read(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="import os; os.system('cp new.txt helper.py'); import helper",
        test_it="def test_it(): pass",
    )
    (project.directory / "new.txt").write_text("VALUE = 1")
    build(project.spec(), "configured")  # writes the .pyc files
    (project.directory / "new.txt").write_text("VALUE = 22")
    _, ready = build(project.spec(), "configured")
    file = find(ready.files, project.directory / "helper.py")
    assert (file.size, len(file.digest)) == (len("VALUE = 22"), 16)


def test_a_listing_is_its_names_without_what_runs_make(project: Project, build: Builder) -> None:
    project.write(conftest="import os; os.listdir()", test_it="def test_it(): pass")

    def digest() -> bytes:
        _, ready = build(project.spec("."), "configured")
        return bytes(find(ready.files, project.directory, "content").digest)

    first = digest()
    (project.directory / "__pycache__").mkdir(exist_ok=True)
    (project.directory / ".pytest_cache").mkdir(exist_ok=True)
    (project.directory / "x.pyc").touch()
    assert digest() == first
    (project.directory / "test_new.py").touch()
    assert digest() != first


def refusal(project: Project, build: Builder, conftest: str) -> tuple[Zygote, str]:
    project.write(conftest=conftest, test_it="def test_it(): pass")
    zygote, ready = build(project.spec("-q"), "configured")
    return zygote, ready.refusal


def test_a_thread_is_refused_by_name(project: Project, build: Builder) -> None:
    conftest = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    _, text = refusal(project, build, conftest)
    assert text.startswith("running thread ")


def test_a_socket_is_refused(project: Project, build: Builder) -> None:
    _, text = refusal(project, build, "import socket\nSOCKET = socket.socket()")
    assert text.startswith("open descriptor ") and "socket:" in text


@pytest.mark.parametrize("function", ["flock", "lockf"])
def test_a_locked_file_is_refused(project: Project, build: Builder, function: str) -> None:
    lock = f"import fcntl\nFILE = open(__file__, 'r+')\nfcntl.{function}(FILE, fcntl.LOCK_EX)"
    _, text = refusal(project, build, lock)
    assert text.startswith("open locked file ") and "conftest.py" in text


def test_an_open_database_is_refused(project: Project, build: Builder) -> None:
    connect = "import sqlite3\nDATABASE = sqlite3.connect(__file__ + '.sqlite')\nDATABASE.execute('create table a (b)')"
    _, text = refusal(project, build, connect)
    assert text.startswith("open database ") and ".sqlite" in text


def test_memory_that_is_shared_for_writing_is_refused(project: Project, build: Builder) -> None:
    _, text = refusal(project, build, "import multiprocessing\nLOCK = multiprocessing.Lock()")
    assert text.startswith("sharing memory ")


def test_a_pipe_is_refused(project: Project, build: Builder) -> None:
    _, text = refusal(project, build, "import os\nPIPE = os.pipe()")
    assert "pipe:" in text


def test_a_running_child_is_refused(project: Project, build: Builder) -> None:
    (project.directory / "pyproject.toml").write_text('[tool.hearth]\nharmless = ["subprocess"]\n')
    zygote, text = refusal(
        project, build, "import subprocess\nCHILD = subprocess.Popen(['sleep', '60'])"
    )
    assert text == "a child process is running"
    os.killpg(zygote.pid, 9)


def test_a_made_temporary_directory_is_refused(project: Project, build: Builder) -> None:
    project.write(
        conftest="def pytest_collection_finish(session): session.config._tmp_path_factory.getbasetemp()",
        test_it="def test_it(): pass",
    )
    _, ready = build(project.spec())
    assert ready.refusal == "tmp_path_factory has made its base directory"


def test_a_refused_stage_serves_once_as_itself(project: Project, build: Builder) -> None:
    project.write(conftest="import os\nPIPE = os.pipe()", test_it="def test_it(): pass")
    spec = project.spec()
    zygote, ready = build(spec, "configured")
    assert ready.refusal
    process = zygote.start(spec, fork=False, printed=(zygote.streams.out().encode(), b""))
    assert process.pid == zygote.pid
    assert process.exit_code() == 0
    assert "1 passed" in process.out()
