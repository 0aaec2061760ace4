"""`hearth exec` is the command itself; a native program is warm if no fork of it can be told from a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.hearth import Finished, Hearth
from tests.support.processes import find, wait_gone

_SOURCE = Path(__file__).parent / "native" / "cases.cc"

Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """The program, built with these options; once for each."""
    directory = tmp_path_factory.mktemp("native")

    def build(*options: str, compiler: str = "c++") -> Path:
        program = directory / "_".join(["cases", compiler, *options]).replace("/", "_")
        if not program.exists():
            subprocess.run(
                [compiler, "-g", "-pthread", *options, _SOURCE, "-o", program], check=True
            )
        return program

    return build


def _plain(hearth: Hearth, program: Path, *arguments: str, **options: object) -> Finished:
    return hearth.run(str(program), *arguments, **options)


def _warm(hearth: Hearth, program: Path, *arguments: str, **options: object) -> Finished:
    return hearth.command("exec", "--", str(program), *arguments, **options)


def _assert_same(hearth: Hearth, program: Path, *arguments: str, **options: object) -> Finished:
    plain = _plain(hearth, program, *arguments, **options)
    warm = _warm(hearth, program, *arguments, **options)
    assert warm == plain, f"-- plain\n{plain}\n-- warm\n{warm}"
    return warm


def _served(hearth: Hearth) -> list[int]:
    return [served for _, stage, _, served in hearth.zygotes() if stage == "main"]


def test_a_command_ends_prints_and_finds_all_as_if_it_had_been_executed(
    hearth: Hearth, compiled: Compile
) -> None:
    program = compiled()
    cases = ["pass", "fail", "leave", "abort", "crash"]
    for case in cases:
        _assert_same(hearth, program, case)
    assert _served(hearth) == [len(cases)]

    for _ in range(2):  # the second is another directory
        (hearth.project / "below").mkdir()
        _assert_same(
            hearth, program, "show", "with a blank", "", directory=hearth.project / "below"
        )
        (hearth.project / "below").rmdir()
    done = _assert_same(hearth, program, "show", environment={"ADDED": "1"}, umask=0o027)
    assert "ADDED=1" in done.stdout
    assert "umask 27" in done.stdout
    assert "open 3" not in done.stdout
    reading, writing = os.pipe()
    done = _assert_same(hearth, program, "show", pass_fds=[reading])
    assert f"open {reading}" in done.stdout
    os.close(reading)
    os.close(writing)

    process = hearth.spawn(
        str(hearth.daemon.binary), "exec", str(program), "echo", stdin=subprocess.PIPE
    )
    assert process.communicate("what is said\n") == ("what is said\n", "done\n")
    assert _warm(hearth, Path("no-such-program")).exit_code == 127
    assert _warm(hearth, Path("sh"), "-c", "exit 5").exit_code == 5


def test_a_changed_program_or_file_is_seen_by_the_next_command(
    hearth: Hearth, compiled: Compile
) -> None:
    program = hearth.project / "program"
    shutil.copy(compiled("-DREADS_FILE"), program)
    hearth.write("configuration.txt", "first")
    assert _warm(hearth, program, "configuration").stdout == "<first>\n"
    assert _warm(hearth, program, "configuration").stdout == "<first>\n"
    hearth.write("configuration.txt", "second")
    assert _warm(hearth, program, "configuration").stdout == "<second>\n"
    program.unlink()
    shutil.copy(compiled(), program)
    assert _warm(hearth, program, "configuration").stdout == "passed\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-DASKS_PID"], "asks for the process id"),
        (["-DASKS_CLOCK"], "asks for the clock"),
        (["-DSTARTS_THREAD"], "2 threads"),
        (["-DKEEPS_FILE_OPEN"], "/etc/passwd"),
        (["-DWRITES_FILE"], "writes a file"),
        (["-DSTARTS_PROCESS"], "started a process"),
        (["-DLOCKS_MEMORY"], "memory was locked"),
        (["-DKEEPS_MEMORY"], "memory was kept from forks"),
        (["-DCRASHES"], "SIGSEGV"),
        (["-static"], "is linked statically"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_program_that_must_not_be_forked_is_executed_and_doctor_says_why(
    hearth: Hearth, compiled: Compile, options: list[str], reason: str
) -> None:
    program = compiled(*options)
    for case in ("same", "fail"):
        _assert_same(hearth, program, case)
    assert not any(_served(hearth))  # one that was tried may still be ending
    for question in ("why", "doctor"):
        answer = hearth.command(question)
        assert reason in answer.stdout, str(answer)


def test_what_is_declared_harmless_is_forked(hearth: Hearth, compiled: Compile) -> None:
    program = compiled("-DASKS_CLOCK")
    _warm(hearth, program, "pass", environment={"HEARTH_HARMLESS": "identity,clock"})
    assert _served(hearth) == [1]


@pytest.mark.parametrize("option", ["-DPRINTS", "-DWRITES_DIRECTLY"])
def test_what_is_printed_before_main_is_printed_by_each_command(
    hearth: Hearth, compiled: Compile, option: str
) -> None:
    for _ in range(2):
        _assert_same(hearth, compiled(option), "pass")
    assert _served(hearth) == [2]


def _sanitized(compiled: Compile, compiler: str, options: list[str]) -> Path:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    try:
        return compiled("-DHAS_BUGS", *options, compiler=compiler)
    except subprocess.CalledProcessError:
        pytest.skip(f"{compiler} has no such sanitizer here")


@pytest.mark.parametrize(
    ("compiler", "options"),
    [
        ("g++", ["-fsanitize=address"]),
        ("clang++", ["-fsanitize=address"]),
        ("g++", ["-fsanitize=thread"]),
        ("g++", ["-fsanitize=undefined"]),
    ],
)
def test_a_sanitizer_finds_what_it_finds_in_a_process_of_its_own(
    hearth: Hearth, compiled: Compile, compiler: str, options: list[str]
) -> None:
    program = _sanitized(compiled, compiler, options)
    is_for_memory = options != ["-fsanitize=undefined"]
    for case in ("pass", "use-after-free" if is_for_memory else "overflow", "leak", "fail"):
        plain = _plain(hearth, program, case)
        warm = _warm(hearth, program, case)
        assert warm.exit_code == plain.exit_code, f"{case}\n-- plain\n{plain}\n-- warm\n{warm}"
        for text in ("heap-use-after-free", "detected memory leaks", "signed integer overflow"):
            assert (text in warm.stderr) == (text in plain.stderr), case
    assert _served(hearth) == [4]


def test_a_command_dies_with_its_client_and_with_it_all_that_it_has_started(
    hearth: Hearth, compiled: Compile
) -> None:
    client = hearth.spawn(str(hearth.daemon.binary), "exec", str(compiled()), "child")
    child = find(int(hearth.read_until(client, "\n").split()[1]))
    assert child is not None
    client.kill()
    assert not wait_gone({child}, 10.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_the_commands(
    hearth: Hearth, compiled: Compile, number: signal.Signals
) -> None:
    client = hearth.spawn(str(hearth.daemon.binary), "exec", str(compiled()), "wait")
    running = find(int(hearth.read_until(client, "\n").split()[1]))
    assert running is not None
    client.send_signal(number)
    assert hearth.finish(client).exit_code == -number
    assert not wait_gone({running}, 10.0)


def test_a_daemon_that_dies_takes_the_command_with_it_and_nothing_passes(
    hearth: Hearth, compiled: Compile
) -> None:
    client = hearth.spawn(str(hearth.daemon.binary), "exec", str(compiled()), "wait")
    running = find(int(hearth.read_until(client, "\n").split()[1]))
    assert running is not None
    os.kill(hearth.daemon_process().pid, signal.SIGKILL)
    assert hearth.finish(client).exit_code == -signal.SIGKILL
    assert not wait_gone({running}, 10.0)


def test_a_project_that_finds_hearth_has_warm_programs_under_plain_ctest_and_any_has_under_hearths(
    hearth: Hearth,
) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("there is no cmake")
    hearth.write(
        "CMakeLists.txt",
        f"""
        cmake_minimum_required(VERSION 3.16)
        project(warm CXX)
        enable_testing()
        if(NOT PLAIN)
          find_package(hearth 0.1 REQUIRED)
        endif()
        add_executable(cases {_SOURCE})
        foreach(name a b)
          add_test(NAME ${{name}} COMMAND cases ${{name}})
        endforeach()
        add_test(NAME crash COMMAND cases crash)
        add_test(NAME late COMMAND cases wait)
        set_tests_properties(late PROPERTIES TIMEOUT 1)
        """,
    )
    prefix = hearth.daemon.binary.parent.parent
    for command in (("-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}"), ("--build", "build")):
        done = hearth.run("cmake", *command)
        assert done.exit_code == 0, str(done)
    done = hearth.run("ctest", "-j2", "--test-dir", "build")
    assert done.exit_code == 8, str(done)
    assert "50% tests passed" in done.stdout
    assert "crash (SEGFAULT)" in done.stdout
    assert "late (Timeout)" in done.stdout
    assert _served(hearth) == [4]

    done = hearth.run("cmake", "-B", "build", "-DCMAKE_CROSSCOMPILING_EMULATOR=", "-DPLAIN=1")
    assert done.exit_code == 0, str(done)
    (hearth.project / "build" / "Testing").rename(hearth.project / "before")
    own = hearth.command("ctest", "-j2", directory=hearth.project / "build")
    assert own.exit_code == 8, str(own)
    assert "50% tests passed" in own.stdout
    assert "crash (SEGFAULT)" in own.stdout
    assert "late (Timeout)" in own.stdout
    assert sum(_served(hearth)) == 8


def test_the_static_launcher_leaves_processes_to_libraries_of_the_users_own(
    hearth: Hearth, tmp_path: Path
) -> None:
    """What translates paths must find a process that it is loaded into."""
    source, library, marks = tmp_path / "mark.c", tmp_path / "mark.so", tmp_path / "marks"
    source.write_text(
        "#include <errno.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
        "__attribute__((constructor)) static void mark(void) {\n"
        '  FILE* file = fopen(getenv("MARKS"), "a");\n'
        '  if (file) { fprintf(file, "%s\\n", program_invocation_short_name); fclose(file); }\n}\n'
    )
    subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", source, "-o", library], check=True)
    launcher = f"{hearth.daemon.binary}-exec"
    done = hearth.run(
        launcher,
        "--",
        "sh",
        "-c",
        "exit 7",
        environment={"LD_PRELOAD": str(library), "MARKS": str(marks)},
    )
    assert done.exit_code == 7, str(done)
    assert "hearth" in marks.read_text().split()
    assert hearth.run(launcher, "--", "sh", "-c", "exit 8").exit_code == 8
