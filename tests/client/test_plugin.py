"""The plugin, in pytest processes started in every way; with a daemon of the build under test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Daemon

from .conftest import BUILD

PLUGIN = ("-p", "pytest_hearth.plugin")
WITHOUT_XDIST = ("-p", "no:xdist")
# Passes in hearth's workers, and nowhere else.
IN_WORKERS = """
import os, sys

def test_it():
    assert "_hearth_runtime" in sys.modules
    assert os.environ["PYTEST_XDIST_WORKER"] == "gw0"
"""


class Project:
    """A directory with a test, and the plugin importable as after an installation."""

    def __init__(self, directory: Path, daemon: Daemon) -> None:
        self.directory = directory
        self.daemon = daemon
        self.environment = {
            **daemon.environment,
            "PYTHONPATH": str(BUILD / "lib" / "hearth"),
        }
        self.write("test_it.py", IN_WORKERS)

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def module(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`python -m pytest`, the plugin loaded."""
        return self.run(sys.executable, "-m", "pytest", *PLUGIN, *arguments, **environment)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(Path(sys.executable), BUILD / "bin" / "hearth") as daemon:
        yield daemon


@pytest.fixture
def project(tmp_path: Path, daemon: Daemon) -> Project:
    return Project(tmp_path, daemon)


def assert_ran_in_workers(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_module_runs_in_workers(project: Project) -> None:
    assert_ran_in_workers(project.module("--hearth", "-n", "1"))


def test_the_script_runs_in_workers(project: Project) -> None:
    script = Path(sys.executable).with_name("pytest")
    assert_ran_in_workers(project.run(str(script), *PLUGIN, "--hearth", "-n", "1"))


def test_a_program_that_calls_main_runs_in_workers_with_its_path(project: Project) -> None:
    (project.directory / "lib").mkdir()
    project.write("lib/only_here.py", "")
    project.write("test_it.py", "import only_here\n" + IN_WORKERS)
    project.write(
        "program.py",
        "import sys, pytest\nsys.path.insert(0, 'lib')\n"
        "sys.exit(pytest.main(['-p', 'pytest_hearth.plugin', '--hearth', '-n', '1']))\n",
    )
    assert_ran_in_workers(project.run(sys.executable, "program.py"))


@pytest.mark.parametrize("without", [(), WITHOUT_XDIST], ids=["with xdist", "without xdist"])
@pytest.mark.parametrize("said", ["argument", "addopts", "PYTEST_ADDOPTS", "HEARTH"])
def test_hearth_may_be_asked_for_in_every_way(
    project: Project, said: str, without: tuple[str, ...]
) -> None:
    arguments = [*without, "-n", "1"]
    environment = {}
    if said == "argument":
        arguments.append("--hearth")
    elif said == "addopts":
        project.write("pytest.ini", "[pytest]\naddopts = --hearth\n")
    elif said == "PYTEST_ADDOPTS":
        environment["PYTEST_ADDOPTS"] = "--hearth"
    else:
        environment["HEARTH"] = "1"
    assert_ran_in_workers(project.module(*arguments, **environment))


def test_without_being_asked_it_adds_no_option_but_its_own(project: Project) -> None:
    for environment in ({}, {"HEARTH": "0"}, {"HEARTH": ""}):
        done = project.module(*WITHOUT_XDIST, "-n", "1", **environment)
        assert done.returncode == 4
        assert "unrecognized arguments: -n" in done.stderr


def test_without_workers_it_runs_plainly(project: Project) -> None:
    project.write(
        "test_it.py",
        "import sys\ndef test_it():\n    assert '_hearth_runtime' not in sys.modules\n",
    )
    assert "1 passed" in project.module("--hearth").stdout
    assert "1 passed" in project.module("--hearth", "-n", "0").stdout


def test_hearth_pytest_accepts_the_plugins_option(project: Project) -> None:
    done = project.run(
        str(project.daemon.binary),
        "pytest",
        *PLUGIN,
        "--hearth",
        "-n",
        "1",
    )
    assert_ran_in_workers(done)


def test_help_says_what_it_does(project: Project) -> None:
    text = project.module("--help").stdout
    assert "--hearth" in text
    assert "HEARTH=1" in text


def test_workers_see_the_environment_that_the_process_was_started_with(project: Project) -> None:
    project.write("conftest.py", "import os\nos.environ.setdefault('SET_BY_CONFTEST', '1')\n")
    project.write(
        "early.py",
        "import os\nos.environ['SET_BY_PLUGIN'] = str(int(os.environ.get('SET_BY_PLUGIN', '0')) + 1)\n",
    )
    project.write(
        "test_it.py",
        "import os\ndef test_it():\n    assert os.environ['SET_BY_PLUGIN'] == '1'\n    assert os.environ['GIVEN'] == 'x'\n",
    )
    assert_ran_in_workers(project.module("-p", "early", "--hearth", "-n", "1", GIVEN="x"))


def test_a_daemon_that_cannot_be_had_is_a_usage_error(project: Project) -> None:
    directory = project.directory / "run"
    directory.mkdir()
    directory.chmod(0o755)
    done = project.module("--hearth", "-n", "1", HEARTH_RUNTIME_DIR=str(directory))
    assert done.returncode == 4
    assert done.stderr.startswith("ERROR: --hearth: ")
    assert str(directory) in done.stderr


def test_an_interrupt_ends_the_run(project: Project) -> None:
    project.write(
        "test_it.py",
        "import os, signal, time\n"
        "def test_it():\n"
        "    os.kill(int(os.environ['CONTROLLER']), signal.SIGINT)\n"
        "    time.sleep(600)\n",
    )
    project.write(
        "program.py",
        "import os, sys, pytest\nos.environ['CONTROLLER'] = str(os.getpid())\n"
        "sys.exit(pytest.main(['-p', 'pytest_hearth.plugin', '--hearth', '-n', '1']))\n",
    )
    done = project.run(sys.executable, "program.py")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "KeyboardInterrupt" in done.stdout
