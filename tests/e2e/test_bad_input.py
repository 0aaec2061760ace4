"""Bad input: one clear line, an exit code that is not 0, and the daemon lives on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.hearth import Finished, Hearth
from tests.support.processes import is_alive


@pytest.fixture
def running(hearth: Hearth) -> Iterator[Hearth]:
    """A daemon that has served a run; it must be the same one after the test."""
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    assert hearth.pytest().exit_code == 0
    daemon = hearth.daemon_process()
    yield hearth
    assert is_alive(daemon)
    assert hearth.pytest().exit_code == 0
    assert hearth.daemon_process() == daemon


def _assert_one_line(done: Finished, *words: str) -> None:
    assert done.exit_code in (2, 3), str(done)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, str(done)
    assert lines[0].startswith("hearth: "), str(done)
    assert not [word for word in words if word.lower() not in lines[0].lower()], str(done)
    assert done.stdout == ""


def test_an_unknown_option_of_pytest_is_pytests_usage_error(running: Hearth) -> None:
    for options in ((), ("-n", "2")):
        done = running.pytest(*options, "--no-such-option")
        assert done.exit_code == running.plain("--no-such-option").exit_code == 4, str(done)
        assert "--no-such-option" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("frobnicate",), ("status", "--frobnicate"), ("stop", "now", "please")]
)
def test_an_unknown_command_or_option_of_hearth_is_a_usage_error(
    running: Hearth, arguments: tuple[str, ...]
) -> None:
    done = running.command(*arguments)
    assert done.exit_code == 2, str(done)
    assert any(argument in done.stderr for argument in arguments), str(done)


def test_a_python_that_is_not_there_is_told(running: Hearth) -> None:
    done = running.pytest(environment={"HEARTH_PYTHON": "/no/such/python"})
    _assert_one_line(done, "/no/such/python")


def test_a_python_that_is_no_python_is_told(running: Hearth) -> None:
    fake = running.project / "python"
    fake.write_text("#!/bin/sh\nexit 7\n")
    fake.chmod(0o755)
    done = running.pytest("--hearth-strict", environment={"HEARTH_PYTHON": str(fake)})
    _assert_one_line(done, str(fake))
    done = running.pytest(environment={"HEARTH_PYTHON": str(fake)})
    assert (done.exit_code, done.stdout) == (7, "")
    assert done.stderr.count("\n") == 1 and str(fake) in done.stderr


def test_a_python_without_pytest_is_told_what_to_install(
    running: Hearth, interpreter: Callable[[str], Path]
) -> None:
    python = interpreter("bare")
    for options in ((), ("-n", "2")):
        done = running.pytest(*options, environment={"HEARTH_PYTHON": str(python)})
        _assert_one_line(done, str(python), "pytest", "install")


def test_no_pytest_on_the_path_is_told(running: Hearth) -> None:
    environment = {
        name: value for name, value in running.environment.items() if name != "HEARTH_PYTHON"
    }
    environment["PATH"] = "/no/such/directory"
    done = subprocess.run(
        [str(running.daemon.binary), "pytest"],
        check=False,
        cwd=running.project,
        env=environment,
        capture_output=True,
        text=True,
    )
    _assert_one_line(Finished(done.returncode, done.stdout, done.stderr), "pytest")


def test_a_directory_that_is_gone_is_told(running: Hearth) -> None:
    gone = running.project / "gone"
    gone.mkdir()
    shell = f"cd {gone} && rmdir {gone} && exec {running.daemon.binary} pytest"
    _assert_one_line(running.run("/bin/sh", "-c", shell), "directory")


def _assert_no_daemon_there(running: Hearth, directory: Path) -> None:
    """It is told; a run is a plain one, unless the user wants to know."""
    environment = {"HEARTH_RUNTIME_DIR": str(directory)}
    for command in (("start",), ("pytest", "--hearth-strict")):
        _assert_one_line(running.command(*command, environment=environment), str(directory))
    plain = running.plain(environment=environment)
    done = running.pytest(environment=environment)
    assert (done.exit_code, done.normal_stdout) == (0, plain.normal_stdout)
    assert done.stderr.count("\n") == 1 and str(directory) in done.stderr


def test_a_runtime_directory_that_others_may_enter_is_refused(running: Hearth) -> None:
    other = running.daemon.directory / "open"
    other.mkdir()
    other.chmod(0o755)
    _assert_no_daemon_there(running, other)
    assert os.listdir(other) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_runtime_directory_of_someone_else_is_refused(running: Hearth) -> None:
    other = running.daemon.directory / "theirs"
    other.mkdir()
    other.chmod(0o700)
    os.chown(other, 65534, 65534)
    _assert_no_daemon_there(running, other)


def test_a_runtime_directory_that_is_a_link_is_refused(running: Hearth) -> None:
    target = running.daemon.directory / "target"
    target.mkdir()
    target.chmod(0o700)
    link = running.daemon.directory / "link"
    link.symlink_to(target)
    done = running.command("start", environment={"HEARTH_RUNTIME_DIR": str(link)})
    _assert_one_line(done, str(link))


def test_a_runtime_directory_with_too_long_a_name_is_refused(running: Hearth) -> None:
    long = str(running.daemon.directory / ("x" * 100))
    done = running.command("start", environment={"HEARTH_RUNTIME_DIR": long})
    _assert_one_line(done, "long")


def test_status_without_a_daemon_says_so_and_starts_none(hearth: Hearth) -> None:
    done = hearth.command("status")
    assert done.exit_code == 3, str(done)
    assert hearth.processes() == set()


def test_stop_without_a_daemon_says_so(hearth: Hearth) -> None:
    done = hearth.command("stop")
    assert done.exit_code == 0, str(done)
    assert done.stdout.strip() or done.stderr.strip()


def test_a_test_file_that_is_not_there_is_plain_pytests_error(running: Hearth) -> None:
    plain = running.plain("no_such_test.py")
    for options in ((), ("-n", "2")):
        done = running.pytest(*options, "no_such_test.py")
        assert done.exit_code == plain.exit_code == 4, str(done)
        assert "no_such_test.py" in done.stderr + done.stdout


def test_bytes_that_are_no_text_travel(running: Hearth) -> None:
    """Paths, arguments and variables need not be UTF-8."""
    directory = running.project / os.fsdecode(b"odd \xff\xfe")
    directory.mkdir()
    name = os.fsdecode(b"test_\xff.py")
    (directory / name).write_text(
        "import os\ndef test_a():\n    assert os.environb[b'ODD'] == b'\\xff=\\xfe'\n    assert 0\n"
    )
    arguments = ("-p", "no:cacheprovider", name)  # the cache plugin writes names as UTF-8
    environment = {"ODD": os.fsdecode(b"\xff=\xfe")}
    plain = running.plain(*arguments, directory=directory, environment=environment)
    done = running.pytest(*arguments, directory=directory, environment=environment)
    shutil.rmtree(directory)
    assert done.normal_stdout == plain.normal_stdout
    assert (done.exit_code, done.counts) == (plain.exit_code, plain.counts) == (1, {"failed": 1})
