"""The `hearth` command against a daemon that plays a part."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import Command, executable_of


def lines(text: str) -> list[str]:
    return text.splitlines()


def assert_trouble(result: subprocess.CompletedProcess[str], *parts: str, code: int = 3) -> None:
    """One clear line on standard error, and a code that says that it went wrong."""
    assert result.returncode == code, result
    assert result.stdout == ""
    assert len(lines(result.stderr)) == 1, result.stderr
    assert result.stderr.startswith("hearth: ")
    for part in parts:
        assert part in result.stderr


def assert_plain(
    hearth: Command, command: str, *parts: str, arguments: list[str] | None = None
) -> None:
    """`hearth pytest` says why in one line and becomes the plain command; strictly it is trouble."""
    arguments = arguments or []
    for strict in ("--hearth-strict", "HEARTH_STRICT"):
        given = [*arguments, strict] if strict.startswith("-") else arguments
        environment = {**hearth.environment, "HEARTH_STRICT": str(int(given is arguments))}
        assert_trouble(hearth(command, *given, env=environment), *parts)
    hearth.python.write_text('#!/bin/sh\nprintf "%s\\n" plain "$@"\nexit 5\n')
    result = hearth(command, *arguments)
    assert (result.returncode, lines(result.stdout)) == (5, ["plain", "-m", "pytest", *arguments])
    assert len(lines(result.stderr)) == 1, result.stderr
    assert result.stderr.startswith("hearth: ") and "(so this is plain pytest)" in result.stderr
    for part in parts:
        assert part in result.stderr


# ---- the command line


def test_no_command_is_a_usage_error(hearth: Command) -> None:
    assert_trouble(hearth(), "--help", code=2)


def test_an_unknown_command_is_a_usage_error(hearth: Command) -> None:
    assert_trouble(hearth("frobnicate"), "there is no command frobnicate", "--help", code=2)


def test_an_unknown_option_is_a_usage_error(hearth: Command) -> None:
    assert_trouble(hearth("start", "--frob"), "--frob", code=2)
    assert_trouble(hearth("--frob"), "--frob", code=2)


def test_help_names_every_command_and_variable(hearth: Command) -> None:
    result = hearth("--help")
    assert result.returncode == 0
    for word in ("start", "stop", "status", "logs", "pytest", "version", "HEARTH_PYTHON"):
        assert word in result.stdout


def test_help_of_a_command_names_the_command(hearth: Command) -> None:
    assert "hearth status" in hearth("status", "--help").stdout


# ---- starting and stopping


def test_start_starts_a_daemon_once(hearth: Command) -> None:
    assert hearth("start").stdout.startswith("started the daemon (process ")
    assert hearth("start").stdout.startswith("the daemon runs already (process ")
    assert len(hearth.daemons()) == 1


def test_many_clients_at_once_start_one_daemon(hearth: Command) -> None:
    clients = [hearth.start("pytest", "exit", "0") for _ in range(12)]
    for client in clients:
        client.communicate(timeout=60)
    assert [client.returncode for client in clients] == [0] * 12
    assert len(hearth.daemons()) == 1


def test_the_daemon_gets_nothing_of_its_starter_but_a_few_variables(hearth: Command) -> None:
    hearth.environment.update(SECRET="1", PYTHONPATH="/x", VIRTUAL_ENV="/x", TMPDIR="/tmp")
    with open(os.devnull) as inherited:
        result = hearth("start", pass_fds=[inherited.fileno()])
    assert result.returncode == 0
    (daemon,) = hearth.daemons()
    assert daemon["cwd"] == "/"
    assert daemon["fds"] == "0,1,2,3,"
    assert int(daemon["sid"]) not in (os.getsid(0), 0)
    assert daemon["TMPDIR"] == "/tmp"
    assert not {"SECRET", "PYTHONPATH", "VIRTUAL_ENV"} & set(daemon)


def test_the_starter_may_have_all_its_streams_closed(hearth: Command) -> None:
    process = hearth.start(
        "start", stdout=None, stderr=None, preexec_fn=lambda: os.closerange(0, 3)
    )
    assert process.wait(60) == 0
    (daemon,) = hearth.daemons()
    assert daemon["fds"] == "0,1,2,3,"


def test_the_daemons_own_words_are_shown_when_it_cannot_start(hearth: Command) -> None:
    hearth.environment["HEARTH_FAKE"] = "error"
    assert_trouble(hearth("start"), "the moon is full", "hearthd.log")
    assert_plain(hearth, "pytest", "the moon is full")


def test_a_daemon_that_ends_while_it_starts_is_told(hearth: Command) -> None:
    hearth.environment["HEARTH_FAKE"] = "die"
    assert_trouble(hearth("start"), "ended while it was starting")


def test_a_daemon_that_cannot_be_executed_is_told(hearth: Command) -> None:
    broken = hearth.root / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    hearth.environment["HEARTH_DAEMON"] = str(broken)
    assert_trouble(hearth("start"), "cannot be executed")


def test_a_daemon_that_is_missing_is_told(hearth: Command) -> None:
    del hearth.environment["HEARTH_DAEMON"]
    hearth.environment["PATH"] = "/nowhere"
    assert_trouble(hearth("start"), "hearthd", "HEARTH_DAEMON")
    hearth.environment["HEARTH_DAEMON"] = "/nowhere/hearthd"
    assert_trouble(hearth("start"), "HEARTH_DAEMON is /nowhere/hearthd")


def test_stop_returns_when_the_daemon_is_gone(hearth: Command) -> None:
    hearth("start")
    pid = int(hearth.daemons()[0]["pid"])
    result = hearth("stop")
    assert (result.returncode, result.stdout) == (0, f"stopped the daemon (process {pid})\n")
    assert executable_of(pid) is None


def test_stop_without_a_daemon_says_so_and_is_no_trouble(hearth: Command) -> None:
    result = hearth("stop")
    assert (result.returncode, result.stdout, result.stderr) == (0, "no daemon is running\n", "")


def test_stop_removes_what_a_killed_daemon_left(hearth: Command) -> None:
    directory = hearth.root / "run"
    directory.mkdir(0o700)
    for name in ("lock", "start.lock", "clients", "events", "streams"):
        (directory / name).write_text("")
    assert "removed what a killed one had left" in hearth("stop").stdout
    assert not directory.exists()


def test_stop_leaves_files_that_are_not_a_daemons(hearth: Command) -> None:
    directory = hearth.root / "run"
    directory.mkdir(0o700)
    for name in ("lock", "another"):
        (directory / name).write_text("")
    assert hearth("stop").returncode == 0
    assert [file.name for file in directory.iterdir()] == ["another"]


@pytest.mark.parametrize("part", ["old", "featureless", "refuse"])
def test_stop_ends_also_a_daemon_of_another_version(hearth: Command, part: str) -> None:
    hearth.environment["HEARTH_FAKE"] = part
    hearth("start")
    pid = int(hearth.daemons()[0]["pid"])
    assert hearth("stop").returncode == 0
    assert executable_of(pid) is None


def test_a_socket_that_a_dead_daemon_left_does_not_hinder_the_next(hearth: Command) -> None:
    hearth("start")
    hearth.end_daemons()
    assert hearth("pytest", "exit", "4").returncode == 4
    assert len(hearth.daemons()) == 2


# ---- the runtime directory


def test_a_runtime_directory_that_others_can_use_is_refused(hearth: Command) -> None:
    directory = hearth.root / "run"
    directory.mkdir()
    directory.chmod(0o755)
    assert_trouble(hearth("start"), str(directory))
    assert_plain(hearth, "pytest", str(directory))
    assert hearth.daemons() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_runtime_directory_of_another_user_is_refused(hearth: Command) -> None:
    directory = hearth.root / "run"
    directory.mkdir(0o700)
    os.chown(directory, 12345, 12345)
    assert_trouble(hearth("start"), str(directory))
    assert hearth.daemons() == []


def test_a_runtime_directory_with_too_long_a_name_is_refused(hearth: Command) -> None:
    hearth.environment["HEARTH_RUNTIME_DIR"] = "/tmp/" + "x" * 120
    for command in ("start", "status", "stop"):
        assert_trouble(hearth(command), "HEARTH_RUNTIME_DIR")
    assert_plain(hearth, "pytest", "HEARTH_RUNTIME_DIR")


# ---- versions


def test_status_does_not_start_a_daemon(hearth: Command) -> None:
    assert_trouble(hearth("status"), "no daemon is running")
    assert_trouble(hearth("status", "--json"), "no daemon is running")
    assert hearth.daemons() == []


def test_version_tells_of_the_running_daemon_too(hearth: Command) -> None:
    assert lines(hearth("version").stdout)[1] == "no daemon is running"
    hearth("start")
    pid = hearth.daemons()[0]["pid"]
    first, second = lines(hearth("version").stdout)
    protocol = re.fullmatch(r"hearth .* \(protocol (\d+)\)", first)
    assert protocol, first
    assert second == f"daemon 7.7 (protocol {protocol[1]}, process {pid})"
    assert hearth("--version").stdout == hearth("version").stdout


@pytest.mark.parametrize("part", ["old", "featureless"])
def test_a_daemon_of_another_version_is_told_with_what_to_do(hearth: Command, part: str) -> None:
    hearth.environment["HEARTH_FAKE"] = part
    for command in ("start", "status"):
        assert_trouble(hearth(command), "hearth 7.7", "`hearth stop`")
    assert_plain(hearth, "pytest", "hearth 7.7", "`hearth stop`")


def test_what_a_daemon_says_when_it_refuses_is_shown(hearth: Command) -> None:
    hearth.environment["HEARTH_FAKE"] = "refuse"
    assert_plain(hearth, "pytest", "it cannot serve you: update hearth")


# ---- runs


@pytest.mark.parametrize("code", [0, 1, 2, 5, 120, 255])
def test_pytest_exits_as_the_session_did(hearth: Command, code: int) -> None:
    assert hearth("pytest", "exit", str(code)).returncode == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGINT])
def test_pytest_dies_of_the_signal_that_the_session_died_of(hearth: Command, number: int) -> None:
    assert hearth("pytest", "signal", str(int(number))).returncode == -number


def test_dying_like_the_session_leaves_no_core_file(hearth: Command) -> None:
    core = 0x80
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    process = hearth.start(
        "pytest",
        "signal",
        str(signal.SIGSEGV | core),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit, limit)),
    )
    process.communicate(timeout=60)
    status = process.returncode
    assert status == -signal.SIGSEGV
    assert not list(hearth.root.glob("core*"))


def test_a_run_that_fails_is_told(hearth: Command) -> None:
    assert_trouble(hearth("pytest", "fail"), "the zygote fell over")
    assert_trouble(hearth("pytest", "hopeless"), "there is no pytest")


def test_a_run_that_fails_before_it_has_begun_is_plain_pytest(hearth: Command) -> None:
    assert_plain(hearth, "pytest", "no such luck", arguments=["fail-early", "-x", "", "a b"])


def test_a_daemon_that_vanishes_before_the_session_starts_costs_no_run(hearth: Command) -> None:
    assert_plain(hearth, "pytest", "has gone away", arguments=["vanish-early"])


def test_plain_pytest_has_the_streams_signals_and_exit_code_of_its_own(hearth: Command) -> None:
    hearth.python.write_text(
        "#!/bin/sh\ngrep -E 'Sig(Blk|Ign)' /proc/self/status\n[ -e /dev/fd/0 ] || echo closed\nkill -INT $$\n"
    )
    status = subprocess.run(
        ["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], capture_output=True, text=True
    )
    done = hearth("pytest", "fail-early", preexec_fn=lambda: os.close(0))
    assert done.returncode == -signal.SIGINT
    assert _without_libcs_own(done.stdout) == _without_libcs_own(status.stdout) + "closed\n"


def _without_libcs_own(status: str) -> str:
    """The C library takes signals 32 and 33 for its threads, and no program can ignore them."""
    return re.sub(r"[0-9a-f]{16}", lambda mask: f"{int(mask[0], 16) & ~(3 << 31):016x}", status)


def test_the_plugin_is_told_that_it_need_not_hand_over_again(hearth: Command) -> None:
    hearth.python.write_text('#!/bin/sh\necho "$HEARTH_PLAIN $$"\n')
    for arguments in (
        ["pytest", "fail-early"],
        ["hand-over", str(hearth.python), "", "fail-early"],
    ):
        handed_over = arguments[0] == "hand-over"
        plain, pid = hearth(*arguments).stdout.split(" ")
        assert plain == (pid.strip() if handed_over else "")
    plain, pid = hearth("pytest", "fail-early", "--hearth").stdout.split(" ")
    assert plain == pid.strip()


def test_a_script_that_hearth_cannot_run_is_run_by_itself(hearth: Command) -> None:
    del hearth.environment["HEARTH_PYTHON"]
    script = hearth.python.with_name("pytest")
    script.write_text('#!/bin/sh\necho wrapped "$@"\n')
    script.chmod(0o755)
    hearth.environment["PATH"] = f"{script.parent}:/usr/bin:/bin"
    done = hearth("pytest", "-x")
    assert (done.returncode, done.stdout) == (0, "wrapped -x\n")
    assert "is not a Python script" in done.stderr
    assert_trouble(hearth("pytest", "--hearth-strict"), "is not a Python script")


def test_a_daemon_that_vanishes_during_a_run_is_told(hearth: Command) -> None:
    assert_trouble(
        hearth("pytest", "vanish"), "has gone away", "did not come to its end", "hearthd.log"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_are_passed_on(hearth: Command, number: int) -> None:
    process = hearth.start("pytest", "wait-for-signal")
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number


def test_a_session_gets_the_clients_streams_arguments_directory_and_environment(
    hearth: Command,
) -> None:
    arguments = ["echo", "-h", "--version", "--", "-n", "2", "", "a b", "--hearth-python"]
    hearth.environment["OWN"] = "value"
    directory = hearth.root / "project"
    directory.mkdir()
    result = hearth(
        "pytest",
        *arguments,
        given="typed",
        cwd=directory,
        preexec_fn=lambda: os.umask(0o27) and None,
    )
    assert result.stderr == "to stderr\n"
    said = lines(result.stdout)
    assert [line[4:] for line in said if line.startswith("arg=")] == arguments
    environment = dict(line[4:].split("=", 1) for line in said if line.startswith("env="))
    assert environment == hearth.environment
    assert f"python={hearth.python}" in said
    assert "script=" in said
    assert f"directory={directory}" in said
    assert f"umask={0o27}" in said
    assert "stdin=typed" in said


def test_arguments_and_variables_need_not_be_text(hearth: Command) -> None:
    process = subprocess.run(
        [os.fsencode(hearth.executable), b"pytest", b"echo", b"\xff\xfe"],
        env={**hearth.environment, "OWN": os.fsdecode(b"\xfd")},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )
    assert b"arg=\xff\xfe\n" in process.stdout
    assert b"env=OWN=\xfd\n" in process.stdout


@pytest.mark.parametrize("closed", [0, 2])
def test_a_stream_that_is_closed_stays_closed(hearth: Command, closed: int) -> None:
    result = hearth("pytest", "echo", preexec_fn=lambda: os.close(closed))
    assert result.returncode == 0
    assert f"stream{closed}=closed" in lines(result.stdout)
    assert f"stream{2 - closed}=open" in lines(result.stdout)


def test_what_a_process_printed_that_never_became_a_session_is_shown(hearth: Command) -> None:
    result = hearth("pytest", "print")
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        "printed before the end\n",
        "and in vain\n",
    )


def test_a_directory_that_is_gone_is_told(hearth: Command) -> None:
    directory = hearth.root / "gone"
    directory.mkdir()

    def enter_and_remove() -> None:
        os.chdir(directory)
        os.rmdir(directory)

    assert_trouble(hearth("pytest", preexec_fn=enter_and_remove), "current directory")


def test_a_python_that_is_missing_is_told(hearth: Command) -> None:
    hearth.environment["HEARTH_PYTHON"] = "/nowhere/python"
    assert_trouble(hearth("pytest"), "HEARTH_PYTHON is /nowhere/python")
    del hearth.environment["HEARTH_PYTHON"]
    hearth.environment["PATH"] = "/nowhere"
    assert_trouble(hearth("pytest"), "no pytest on PATH", "HEARTH_PYTHON")


def test_the_script_beside_the_python_is_run_with_it(hearth: Command) -> None:
    script = hearth.python.with_name("pytest")
    script.write_text(f"#!{hearth.python}\n")
    script.chmod(0o755)
    assert f"script={script}" in lines(hearth("pytest", "echo").stdout)


# ---- the log


def write_log(hearth: Command, text: str) -> Path:
    log = hearth.root / "state" / "hearthd.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(text)
    return log


def test_logs_shows_the_log_without_a_daemon(hearth: Command) -> None:
    write_log(hearth, "first\nsecond\n")
    assert hearth("logs").stdout == "first\nsecond\n"


def test_logs_without_a_log_says_where_it_would_be(hearth: Command) -> None:
    assert_trouble(hearth("logs"), "state/hearthd.log")
    assert_trouble(hearth("logs", "-f"), "state/hearthd.log")


def test_logs_follows_the_log_also_when_it_rotates(hearth: Command) -> None:
    log = write_log(hearth, "old\n")
    process = hearth.start("logs", "-f")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "old\n"
        with log.open("a") as file:
            file.write("added\n")
        assert process.stdout.readline() == "added\n"
        log.rename(log.with_suffix(".1.log"))
        log.write_text("new file\n")
        assert process.stdout.readline() == "new file\n"
    finally:
        process.kill()
        process.communicate(timeout=60)
