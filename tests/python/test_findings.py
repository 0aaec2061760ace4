"""What a stage did that is no file: found, judged by whose code did it, and told."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Builder, Project
from fake_daemon import Interpreter

TEST = "def test_a(): pass\n"


@pytest.fixture
def package(interpreter: Interpreter) -> Any:
    """package(name, text): a module among the interpreter's installed packages, for one test."""
    import sysconfig

    made: list[Path] = []

    def install(name: str, text: str) -> None:
        path = Path(sysconfig.get_path("purelib")) / f"{name}.py"
        made.append(path)
        path.write_text(text)

    yield install
    for path in made:
        path.unlink()


def findings_of(project: Project, build: Builder, conftest: str, *args: str) -> list[Any]:
    return list(ready_of(project, build, conftest, *args).findings)


def ready_of(project: Project, build: Builder, conftest: str, *args: str) -> Any:
    project.write(conftest=conftest, test_a=TEST)
    return build(project.spec(*args), "configured")[1]


def summary(findings: list[Any]) -> set[tuple[str, str, int, str]]:
    return {
        (each.kind, os.path.basename(os.fsdecode(each.file)), each.line, each.consequence)
        for each in findings
    }


IDENTITIES = [
    "import uuid; X = uuid.uuid4()",
    "import os; X = os.getpid()",
    "import os; X = os.urandom(4)",
    "import os; X = os.getrandom(4)",
    "import secrets; X = secrets.token_hex()",
    "import random; X = random.SystemRandom().random()",
    "import random; X = random.Random().random()",
    "import uuid; X = uuid.uuid1()",
]


@pytest.mark.parametrize("code", IDENTITIES)
def test_an_identity_taken_by_project_code_lets_the_stage_serve_once(
    project: Project, build: Builder, code: str
) -> None:
    found = summary(findings_of(project, build, f"\n{code}\n"))
    assert found == {("identity", "conftest.py", 2, "serves_once")}


@pytest.mark.parametrize("draws", [1, 700, 15_000])
def test_numbers_drawn_without_a_seed_count(project: Project, build: Builder, draws: int) -> None:
    code = f"import random\nX = [random.random() for _ in range({draws})]\n"
    assert summary(findings_of(project, build, code)) == {("identity", "", 0, "serves_once")}


def test_an_identity_taken_through_native_code_counts(project: Project, build: Builder) -> None:
    found = findings_of(project, build, "import ctypes\nX = ctypes.CDLL(None).getpid()\n")
    assert summary(found) == {("identity", "conftest.py", 2, "serves_once")}


def test_a_library_that_asks_for_the_process_id_for_itself_does_not_count(
    project: Project, build: Builder
) -> None:
    code = (
        "import sqlite3\nd = sqlite3.connect('x.db')\nd.execute('create table t (n)')\nd.close()\n"
    )
    assert [each.kind for each in findings_of(project, build, code)] == []


def test_an_identity_taken_in_a_thread_counts(project: Project, build: Builder) -> None:
    code = "import threading, uuid\nt = threading.Thread(target=uuid.uuid4)\nt.start()\nt.join()\n"
    found = findings_of(project, build, code)
    assert {(each.kind, each.consequence) for each in found} == {("identity", "serves_once")}


@pytest.mark.parametrize("code", IDENTITIES)
def test_an_identity_taken_by_an_installed_package_is_accepted(
    project: Project, build: Builder, package: Any, code: str
) -> None:
    package("hearth_test_identity", code + "\n")
    ready = ready_of(project, build, "import hearth_test_identity\n")
    assert ready.findings == []
    assert ready.refusal == ""


def test_a_process_id_that_an_installed_package_keeps_for_the_project_counts(
    project: Project, build: Builder, package: Any
) -> None:
    package(
        "hearth_test_lock",
        "import os\nclass Lock:\n    def __init__(self):\n        self.pid = os.getpid()\n",
    )
    package("hearth_test_user", "import hearth_test_lock\nOWN = hearth_test_lock.Lock()\n")
    code = "\nimport hearth_test_user\nLOCK = hearth_test_user.hearth_test_lock.Lock()\n"
    found = findings_of(project, build, code)
    assert summary(found) == {("identity", "conftest.py", 3, "serves_once")}
    assert "hearth_test_lock" in found[0].what


@pytest.mark.parametrize(
    "code",
    [
        "import random, tempfile, uuid, secrets, ssl, multiprocessing, asyncio, numbers",
        "import logging; logging.getLogger('x').warning('said')",
        "import random; random.seed(1); X = random.random()",
        "import asyncio\nasync def nothing(): pass\nloop = asyncio.new_event_loop()"
        "\nloop.run_until_complete(nothing()); loop.close()",
        "import hashlib, os; X = hashlib.sha256(b'x').hexdigest(), os.getppid()",
    ],
)
def test_what_the_standard_library_does_for_itself_is_no_identity(
    project: Project, build: Builder, code: str
) -> None:
    assert findings_of(project, build, code + "\n") == []


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
        "import os\nif (p := os.fork()) == 0: os._exit(0)\nos.waitpid(p, 0)",
    ],
)
def test_a_child_process_of_project_code_refuses_the_stage(
    project: Project, build: Builder, code: str
) -> None:
    ready = ready_of(project, build, code + "\n")
    assert {(each.kind, each.consequence) for each in ready.findings} == {("subprocess", "refused")}
    assert f"{project.directory}/conftest.py:" in ready.refusal


@pytest.mark.parametrize(
    "code",
    [
        "with socket.socket() as probe: probe.connect_ex(('127.0.0.1', 9))",
        "with socket.socket() as probe: probe.bind(('127.0.0.1', 0))",
        "with socket.socket(socket.AF_UNIX) as probe: probe.connect_ex('nobody')",
    ],
)
def test_what_project_code_asks_through_a_socket_refuses_the_stage(
    project: Project, build: Builder, code: str
) -> None:
    ready = ready_of(project, build, "import socket\n" + code + "\n")
    assert summary(ready.findings) == {("socket", "conftest.py", 2, "refused")}


def test_a_child_process_of_an_installed_package_is_accepted(
    project: Project, build: Builder, package: Any
) -> None:
    package("hearth_test_child", "import subprocess\nsubprocess.run(['true'])\n")
    ready = ready_of(project, build, "import hearth_test_child\n")
    assert ready.refusal == ""
    assert summary(ready.findings) == {("subprocess", "hearth_test_child.py", 2, "accepted")}


@pytest.mark.parametrize("call", ["mkdtemp()", "mkstemp()[1]", "NamedTemporaryFile()"])
def test_a_temporary_name_lets_the_stage_serve_once(
    project: Project, build: Builder, call: str
) -> None:
    found = summary(findings_of(project, build, f"import tempfile\nX = tempfile.{call}\n"))
    assert found == {("temporary", "conftest.py", 2, "serves_once")}


def test_a_temporary_directory_counts_whoever_made_it(
    project: Project, build: Builder, package: Any
) -> None:
    package("hearth_test_temporary", "import tempfile\nX = tempfile.TemporaryDirectory()\n")
    found = summary(findings_of(project, build, "import hearth_test_temporary\n"))
    assert found == {("temporary", "hearth_test_temporary.py", 2, "serves_once")}


def test_a_temporary_file_of_a_package_that_is_gone_is_nobodys_matter(
    project: Project, build: Builder, package: Any
) -> None:
    package("hearth_test_gone", "import tempfile\ntempfile.NamedTemporaryFile().close()\n")
    assert findings_of(project, build, "import hearth_test_gone\n") == []


def test_what_is_declared_harmless_is_accepted(project: Project, build: Builder) -> None:
    (project.directory / "pyproject.toml").write_text(
        '[tool.hearth]\nharmless = ["subprocess", "identity"]\n'
    )
    code = "import os, subprocess, sys\nX = os.getpid()\nsubprocess.run(['true'])\n"
    ready = ready_of(project, build, code)
    assert ready.refusal == ""
    assert {(each.kind, each.consequence) for each in ready.findings} == {
        ("subprocess", "accepted"),
        ("identity", "accepted"),
    }


def test_the_declaration_is_read_as_an_input(project: Project, build: Builder) -> None:
    path = project.directory / "pyproject.toml"
    (project.directory / "pytest.ini").write_text("[pytest]\n")
    ready = ready_of(project, build, "")
    assert os.fsencode(path) in [each.path for each in ready.files]


@pytest.mark.parametrize(
    "text",
    [
        'harmless = "subprocess"',
        'harmless = ["everything"]',
        "harmless = [1]",
        'harmles = ["subprocess"]',
        'harmless = ["subprocess"]\npreload = "pandas"',
        'harmless = ["subprocess"]\nno_preload = [1]',
    ],
)
def test_a_declaration_that_is_not_understood_is_told_and_declares_nothing(
    project: Project, build: Builder, text: str
) -> None:
    (project.directory / "pytest.ini").write_text("[pytest]\n")
    (project.directory / "pyproject.toml").write_text(f"[tool.hearth]\n{text}\n")
    ready = ready_of(project, build, "import os; os.system('true')\n")
    assert ("declaration", "pyproject.toml", 0, "accepted") in summary(ready.findings)
    assert ready.refusal != ""


def test_a_stage_tells_the_midnight_after_which_the_clock_is_old(
    project: Project, build: Builder
) -> None:
    before = time.localtime()
    ready = ready_of(project, build, "")
    after = time.localtime()
    midnights = {
        int(time.mktime((day.tm_year, day.tm_mon, day.tm_mday + 1, 0, 0, 0, 0, 0, -1)))
        for day in (before, after)
    }
    assert ready.fresh_until in midnights


def test_a_project_whose_clock_is_harmless_has_no_midnight(
    project: Project, build: Builder
) -> None:
    (project.directory / "pyproject.toml").write_text('[tool.hearth]\nharmless = ["clock"]\n')
    assert ready_of(project, build, "").fresh_until == 0


def test_a_deeper_stage_tells_only_its_own(project: Project, build: Builder) -> None:
    project.write(conftest="import os; X = os.getpid()\n", test_a="import uuid; Y = uuid.uuid4()\n")
    _, ready = build(project.spec(), "gathered")
    assert summary(ready.findings) == {("identity", "test_a.py", 1, "serves_once")}


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import socket\nX = socket.socket()\n", "socket.__new__ at {}/conftest.py:2"),
        (
            "import sqlite3\nX = sqlite3.connect('d.db')\nX.execute('create table a (b)')\n",
            "sqlite3.connect: d.db at {}/conftest.py:2",
        ),
        ("import asyncio\nX = asyncio.new_event_loop()\n", "{}/conftest.py:2"),
        ("import mmap\nX = mmap.mmap(-1, 4096)\n", "sharing memory"),
        ("import multiprocessing\nX = multiprocessing.Lock()\n", "sharing memory"),
    ],
)
def test_what_two_processes_cannot_both_own_refuses_the_stage(
    project: Project, build: Builder, code: str, what: str
) -> None:
    assert what.format(project.directory) in ready_of(project, build, code).refusal


def test_a_database_in_memory_or_closed_refuses_nothing(project: Project, build: Builder) -> None:
    code = "import sqlite3\nX = sqlite3.connect(':memory:')\nsqlite3.connect('d.db').close()\n"
    assert ready_of(project, build, code).refusal == ""


THREAD = """
import ctypes, threading
def run():
    ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)
    named.set()
    threading.Event().wait()
named = threading.Event()
threading.Thread(target=run, daemon=True).start()
named.wait()
"""


def test_a_thread_that_is_known_to_be_harmless_refuses_nothing(
    project: Project, build: Builder
) -> None:
    assert ready_of(project, build, THREAD.format(name=b"jemalloc_bg_thd")).refusal == ""


def test_any_other_thread_refuses_the_stage(project: Project, build: Builder) -> None:
    assert (
        "thread jemalloc_bg_thx"
        in ready_of(project, build, THREAD.format(name=b"jemalloc_bg_thx")).refusal
    )


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.remove('f')",
        "import os; os.rename('f', 'g')",
        "import pathlib; pathlib.Path('f').unlink()",
        "import shutil; shutil.rmtree('d')",
    ],
)
def test_a_removal_is_told(project: Project, build: Builder, code: str) -> None:
    (project.directory / "f").touch()
    (project.directory / "d").mkdir()
    found = findings_of(project, build, f"\n{code}\n")
    assert ("removal", "conftest.py", 2, "accepted") in summary(found)


def test_what_a_plugin_removes_is_told_if_it_is_the_projects(
    project: Project, build: Builder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    remove = "import pathlib; from _pytest.pathlib import rm_rf; rm_rf(pathlib.Path({!r}))"
    for directory, is_told in ((elsewhere, False), (project.directory / "d", True)):
        directory.mkdir(exist_ok=True)
        found = findings_of(project, build, remove.format(str(directory)))
        assert ("removal" in {each[0] for each in summary(found)}) == is_told


def test_python_may_write_its_bytecode(project: Project, build: Builder) -> None:
    project.write(helper="X = 1\n")
    assert findings_of(project, build, "import helper\n") == []
