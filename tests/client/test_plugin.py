"""The plugin, in pytest processes started in every way; with a daemon of the build under test."""

from __future__ import annotations

import re
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
        (self.directory / name).parent.mkdir(exist_ok=True)
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
def test_a_program_may_run_several_sessions_with_a_plugin_that_the_environment_names(
    project: Project, without: tuple[str, ...]
) -> None:
    project.write(
        "program.py",
        f"import pytest\nfor _ in range(3):\n    assert not pytest.main([*{without}, '-n', '1'])\n",
    )
    done = project.run(
        sys.executable, "program.py", HEARTH="1", PYTEST_PLUGINS="pytest_hearth.plugin"
    )
    assert_ran_in_workers(done)
    assert done.stdout.count("1 passed") == 3


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


# ---- handing over


def write_test_that_says_where_it_runs(project: Project) -> None:
    project.write(
        "test_it.py",
        "import os, sys\n"
        "def test_it():\n"
        "    assert 'HEARTH_PLAIN' not in os.environ\n"
        "    assert not [word for word in sys.argv if 'hearth-strict' in word]\n"
        "    os.write(1, b'\\nwarm\\n' if '_hearth_runtime' in sys.modules else b'\\nplain\\n')\n",
    )


def where(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.stderr == ""
    (line,) = {"warm", "plain"} & set(done.stdout.splitlines())
    return line


def test_an_ordinary_command_line_is_handed_over(project: Project) -> None:
    write_test_that_says_where_it_runs(project)
    script = str(Path(sys.executable).with_name("pytest"))
    arguments = ("-s", *PLUGIN)
    python = sys.executable
    assert where(project.run(python, "-mpytest", *arguments, "--hearth")) == "warm"
    for command in ((script, *arguments), (python, "-m", "pytest", *arguments)):
        assert where(project.run(*command, "--hearth")) == "warm"
        assert where(project.run(*command, "--hearth", "-n", "0", "--hearth-strict")) == "warm"
        assert where(project.run(*command, HEARTH="1")) == "warm"
        assert where(project.run(*command, PYTEST_ADDOPTS="--hearth")) == "warm"
        assert where(project.run(*command)) == "plain"
    project.write("pytest.ini", "[pytest]\naddopts = --hearth\n")
    assert where(project.run(script, *arguments)) == "warm"


def test_what_it_prints_is_what_hearth_pytest_prints(project: Project) -> None:
    project.write("test_it.py", "def test_it():\n    assert 0\n")
    handed_over = project.module("--hearth", "--durations=0", "-vv", "-rA")
    asked = project.run(
        str(project.daemon.binary),
        "pytest",
        *PLUGIN,
        "--durations=0",
        "-vv",
        "-rA",
        HEARTH_PYTHON=sys.executable,
    )
    assert handed_over.returncode == asked.returncode == 1
    assert _without_times(handed_over.stdout) == _without_times(asked.stdout)


def _without_times(text: str) -> str:
    """Without the list of durations too, whose order is theirs."""
    text = re.sub(r"^\d+\.\d+s (setup|call|teardown) .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\d+\.\d+s", "N s", text)


@pytest.mark.parametrize(
    "options", [("-X", "utf8"), ("-W", "default"), ("-O",), ("-s",), ("-m", "trace", "--count")]
)
def test_options_of_python_itself_keep_the_run_here(
    project: Project, options: tuple[str, ...]
) -> None:
    write_test_that_says_where_it_runs(project)
    module = ("--module",) if "trace" in options else ("-m",)
    done = project.run(sys.executable, *options, *module, "pytest", *PLUGIN, "-s", "--hearth")
    assert "plain" in done.stdout.splitlines(), done.stdout + done.stderr


@pytest.mark.parametrize(
    "deed",
    [
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "import subprocess; child = subprocess.Popen(['sleep', '60'])",
        "import sys; sys.settrace(lambda *_: None)",
        "import sys; sys.setprofile(lambda *_: None)",
    ],
)
def test_what_would_be_lost_keeps_the_run_here(project: Project, deed: str) -> None:
    write_test_that_says_where_it_runs(project)
    project.write(
        "early.py",
        deed + "\ndef pytest_unconfigure():\n    'child' in globals() and child.kill()\n",
    )
    assert where(project.module("-s", "--hearth", "-p", "early")) == "warm"  # comes too late
    done = project.run(
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "early",
        *PLUGIN,
        "-s",
        "--hearth",
        PYTHONPATH=(f"{project.directory}:{project.environment['PYTHONPATH']}"),
    )
    assert where(done) == "plain"


def test_a_program_that_calls_main_keeps_the_run(project: Project) -> None:
    write_test_that_says_where_it_runs(project)
    # Named like the script, and with its arguments; a function of its own stands between.
    project.write(
        "bin/pytest",
        "import sys, pytest\ndef run():\n    return pytest.main()\nsys.exit(run())\n",
    )
    done = project.run(sys.executable, "bin/pytest", *PLUGIN, "-s", "--hearth", "test_it.py")
    assert where(done) == "plain"


def test_a_plugin_that_a_conftest_loads_comes_too_late_to_hand_over(project: Project) -> None:
    write_test_that_says_where_it_runs(project)
    project.write("conftest.py", "pytest_plugins = ['pytest_hearth.plugin']\n")
    done = project.run(sys.executable, "-m", "pytest", "-s", HEARTH="1")
    assert where(done) == "plain"


def test_a_run_that_hearth_cannot_have_is_a_plain_one_and_says_why_once(project: Project) -> None:
    write_test_that_says_where_it_runs(project)
    directory = project.directory / "run"
    directory.mkdir()
    directory.chmod(0o755)
    unusable = {"HEARTH_RUNTIME_DIR": str(directory)}
    for arguments in (("--hearth",), ("--hearth", "-n", "0")):
        done = project.module("-s", *arguments, **unusable)
        assert done.returncode == 0 and "plain" in done.stdout.splitlines(), done
        assert done.stderr.count("\n") == 1 and str(directory) in done.stderr
        assert "(so this is plain pytest)" in done.stderr
    for done in (
        project.module("--hearth", "--hearth-strict", **unusable),
        project.module(HEARTH="1", HEARTH_STRICT="1", **unusable),
        project.module("--hearth", PYTEST_ADDOPTS="--hearth-strict", **unusable),
    ):
        assert (done.returncode, done.stdout) == (3, ""), done
        assert done.stderr.startswith("hearth: ") and str(directory) in done.stderr


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


def test_a_program_whose_daemon_cannot_be_had_runs_plainly(project: Project) -> None:
    project.write("test_it.py", "def test_it():\n    pass\n")
    project.write(
        "program.py",
        "import sys, pytest\n"
        "sys.exit(pytest.main(['-p', 'pytest_hearth.plugin', '--hearth', '-n', '1', *sys.argv[1:]]))\n",
    )
    directory = project.directory / "run"
    directory.mkdir()
    directory.chmod(0o755)
    program = (sys.executable, "program.py")
    for without in ((), WITHOUT_XDIST):
        done = project.run(*program, *without, HEARTH_RUNTIME_DIR=str(directory))
        assert done.returncode == 0 and "1 passed" in done.stdout, done
        assert done.stderr.count("\n") == 1 and str(directory) in done.stderr
    done = project.run(*program, "--hearth-strict", HEARTH_RUNTIME_DIR=str(directory))
    assert done.returncode == 4
    assert done.stderr.startswith("ERROR: --hearth: ") and str(directory) in done.stderr


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
