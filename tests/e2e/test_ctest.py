"""`hearth ctest` beside other runs, and when somebody is killed: tests share the machine's slots, and nothing is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth
from tests.support.events import TIMEOUT
from tests.support.processes import find, wait_gone

_SOURCE = Path(__file__).parent / "native" / "cases.cc"

pytestmark = pytest.mark.skipif(shutil.which("ctest") is None, reason="there is no ctest")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("native") / "cases"
    subprocess.run(["c++", "-g", "-pthread", _SOURCE, "-o", path], check=True)
    return path


def _write_tests(directory: Path, tests: Sequence[tuple[str, ...]], *properties: str) -> Path:
    """A build directory; a test is its name, its program, and what follows."""
    directory.mkdir(exist_ok=True)
    lines = [f"add_test({test[0]} " + " ".join(f'"{word}"' for word in test[1:]) for test in tests]
    (directory / "CTestTestfile.cmake").write_text(")\n".join([*lines, ""]) + "\n".join(properties))
    return directory


def _reaching(hearth: Hearth, program: Path, *names: str) -> list[tuple[str, ...]]:
    """Tests that tell hearth.gate, and wait for its release."""
    pipes = [str(hearth.daemon.directory / name) for name in ("reached", "released-first")]
    return [(name, str(program), "reach", name, *pipes) for name in names]


def _start(hearth: Hearth, directory: Path, *options: str) -> subprocess.Popen[str]:
    return hearth.spawn(str(hearth.daemon.binary), "ctest", *options, directory=directory)


def _await_state(hearth: Hearth, directory: Path, state: str) -> None:
    """Until the run of that directory is so; there is nothing that would tell."""
    deadline = time.monotonic() + TIMEOUT
    while state not in [
        run["state"] for run in hearth.daemon.status()["runs"] if run["directory"] == str(directory)
    ]:
        assert time.monotonic() < deadline, hearth.daemon.status()


def test_a_run_inside_a_test_does_not_wait_for_that_tests_slot(
    hearth: Hearth, program: Path
) -> None:
    inner = _write_tests(hearth.project / "inner", [("case", str(program), "pass")])
    command = [str(hearth.daemon.binary), "ctest", "--test-dir", str(inner)]
    outer = _write_tests(hearth.project / "outer", [("nested", *command)])
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        done = hearth.command("ctest", directory=outer)
    finally:
        os.sched_setaffinity(0, before)
    assert done.exit_code == 0, str(done)


def test_a_run_that_is_alone_has_as_many_tests_at_once_as_it_asked_for(
    hearth: Hearth, program: Path
) -> None:
    names = [f"t{number}" for number in range(2 * (os.cpu_count() or 1) + 1)]
    directory = _write_tests(hearth.project, _reaching(hearth, program, *names))
    client = _start(hearth, directory, f"-j{len(names)}")
    assert sorted(hearth.gate.wait()[0] for _ in names) == sorted(names)
    hearth.gate.release(len(names))
    done = hearth.finish(client)
    assert done.exit_code == 0, str(done)


def test_runs_share_the_slots_and_one_that_is_killed_frees_its(
    hearth: Hearth, program: Path
) -> None:
    one = min(os.sched_getaffinity(0))
    first = _write_tests(
        hearth.project / "first", _reaching(hearth, program, *(f"first{n}" for n in range(999)))
    )
    second = _write_tests(hearth.project / "second", _reaching(hearth, program, "second", "last"))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {one})  # of which the daemon's slots follow
    try:
        clients = [_start(hearth, first, "-j1")]
        assert hearth.gate.wait()[0] == "first0"
        clients.append(_start(hearth, second, "-j4"))
        _await_state(hearth, second, "waiting")
        reached = ""
        while reached != "second":
            hearth.gate.release()
            reached, _ = hearth.gate.wait()
        status = hearth.daemon.status()
        assert status["slots_busy"] == 1
        assert [run["slots"] for run in status["runs"]] == [0, 1]
        assert [run["args"] for run in status["runs"]] == [["ctest", "-j1"], ["ctest", "-j4"]]
        _await_state(hearth, first, "waiting")

        clients[1].kill()
        assert hearth.gate.wait()[0].startswith("first")
        hearth.gate.release(
            2
        )  # also what the killed one had executed itself goes on, as ctest's would
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_run_that_is_ended(
    hearth: Hearth, program: Path, number: signal.Signals
) -> None:
    script = hearth.write("script", "#!/bin/sh\nexec " + f'{program} "$@"\n')
    script.chmod(0o755)
    warm, plain = _reaching(hearth, program, "warm"), _reaching(hearth, script, "plain")
    later = _reaching(hearth, program, "later")  # for which the program is kept warm
    client = _start(hearth, _write_tests(hearth.project, warm + plain + later), "-j2")
    running = [find(hearth.gate.wait()[1]) for _ in range(2)]
    client.send_signal(number)
    assert hearth.finish(client).exit_code == -number
    if number != signal.SIGKILL:  # what it executed itself dies with it as ctest's does: not at all
        assert not wait_gone({each for each in running if each}, 10.0)
    hearth.gate.release(2)


@pytest.mark.parametrize("who", ["zygote", "daemon"])
def test_a_test_whose_zygote_is_killed_fails_and_the_others_pass(
    hearth: Hearth, program: Path, who: str
) -> None:
    tests = [
        *_reaching(hearth, program, "lost"),
        *((f"t{n}", str(program), "pass") for n in range(9)),
    ]
    client = _start(hearth, _write_tests(hearth.project, tests), "-j1")
    running = find(hearth.gate.wait()[1])
    zygotes = hearth.zygotes()
    os.kill(hearth.daemon_process().pid if who == "daemon" else zygotes[0][0], signal.SIGKILL)
    done = hearth.finish(client)
    assert done.exit_code == 8
    assert "1 tests failed out of 10" in done.stdout, str(done)
    assert "lost (" in done.stdout
    assert running is None or not wait_gone({running}, 10.0)


def _writing(program: Path, journal: Path, count: int) -> list[tuple[str, ...]]:
    """Tests that write when they begin and end; they take up to 6 ms, and each ninth fails."""
    return [
        (
            f"t{n}",
            str(program),
            "journal",
            f"t{n}",
            str(journal),
            str(n % 7 * 1000),
            str(n % 9 // 8),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_each_test_is_executed_once_and_no_more_at_once_than_asked_for(
    hearth: Hearth, program: Path, jobs: int
) -> None:
    journal = hearth.project / "journal"
    tests = _writing(program, journal, 99)
    done = hearth.command("ctest", f"-j{jobs}", directory=_write_tests(hearth.project, tests))
    assert "89% tests passed, 11 tests failed out of 99" in done.stdout, str(done)
    running, most, begun = 0, 0, []
    for line in journal.read_text().splitlines():
        what, name = line.split()
        running += 1 if what == "begin" else -1
        most = max(most, running)
        begun += [name] if what == "begin" else []
    assert sorted(begun) == sorted(test[0] for test in tests)
    assert most == jobs
    assert [served for *_, served in hearth.zygotes()] == [99]


def test_what_a_test_changes_is_seen_by_the_next_one(hearth: Hearth) -> None:
    program = hearth.daemon.directory / "reader"
    subprocess.run(["c++", "-DREADS_FILE", _SOURCE, "-o", program], check=True)
    hearth.write("configuration.txt", "none")
    tests: list[tuple[str, ...]] = []
    properties: list[str] = []
    for n in range(12):
        tests += [(f"write{n}", str(program), "configure", f"{n}")]
        tests += [(f"read{n}{m}", str(program), "configuration") for m in range(3)]
        properties += [
            f'set_tests_properties(read{n}{m} PROPERTIES PASS_REGULAR_EXPRESSION "^<{n}>")'
            for m in range(3)
        ]
    _write_tests(hearth.project, tests, *properties)
    for _ in range(2):
        done = hearth.command("ctest", "-j1", directory=hearth.project)
        assert "100% tests passed" in done.stdout, str(done)


def test_what_a_test_leaves_behind_is_waited_for_as_without_warmth(
    hearth: Hearth, program: Path
) -> None:
    made = str(hearth.project / "made")
    tests = [
        ("first", str(program), "pass"),
        ("later", str(program), "makes-later", made),
        ("needs", str(program), "needs", made),
        ("leaves", str(program), "leaves-child"),
        ("slow", str(program), "sleep", "900000"),
        ("last", str(program), "pass"),
    ]
    directory = _write_tests(
        hearth.project,
        tests,
        'set_tests_properties(later PROPERTIES PASS_REGULAR_EXPRESSION "made")',
        "set_tests_properties(slow PROPERTIES TIMEOUT 0.2)",
    )
    for _ in range(2):
        done = hearth.command("ctest", "-j1", directory=directory)
        assert "1 tests failed out of 6" in done.stdout, str(done)
        assert "5 - slow (Timeout)" in done.stdout, str(done)
        Path(made).unlink()


@pytest.mark.parametrize("who", ["zygote", "daemon"])
def test_no_test_is_executed_twice_when_somebody_is_killed(
    hearth: Hearth, program: Path, who: str
) -> None:
    journal = hearth.write("journal", "")
    tests = _writing(program, journal, 300)
    client = _start(hearth, _write_tests(hearth.project, tests), "-j2")
    for count in (20, 120, 220):
        while journal.read_text().count("begin") < count:
            time.sleep(0.001)
        if who == "daemon":
            os.kill(hearth.daemon_process().pid, signal.SIGKILL)
            break
        for zygote, *_ in hearth.zygotes():
            with suppress(ProcessLookupError):
                os.kill(zygote, signal.SIGKILL)
    done = hearth.finish(client)
    lines = journal.read_text().splitlines()
    assert len(lines) == len(set(lines))
    ended = {line.split()[1] for line in lines if line.startswith("end")}
    failing = {test[0] for test in tests if test[-1] != "0"}
    for name, *_ in tests:
        passed = re.search(rf" {name} \.+   Passed", done.stdout) is not None
        assert not passed or name in ended - failing, name
    passed_count = done.stdout.count("   Passed")
    # Those that were running are lost, and those at the begin that were not ordered ahead.
    assert passed_count >= len(tests) - len(failing) - 3 * 6, str(done)


def test_a_program_that_is_replaced_during_a_run_is_another_one_from_then_on(
    hearth: Hearth, program: Path
) -> None:
    own = hearth.project / "program"
    shutil.copy(program, own)
    tests = [*_reaching(hearth, own, "first"), ("second", str(own), "pass")]
    client = _start(hearth, _write_tests(hearth.project, tests), "-j1")
    hearth.gate.wait()
    other = hearth.write("other", "#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    other.rename(own)
    hearth.gate.release()
    done = hearth.finish(client)
    assert "1/2 Test #1: first ............................   Passed" in done.stdout, str(done)
    assert "2/2 Test #2: second ...........................***Failed" in done.stdout, str(done)


def test_two_thousand_cases_of_a_program_are_forks_of_one_process(
    hearth: Hearth, program: Path
) -> None:
    tests = [(f"case{number}", str(program), f"case{number}") for number in range(2000)]
    done = hearth.command("ctest", "-j2", directory=_write_tests(hearth.project, tests))
    assert done.exit_code == 0, str(done)
    assert "out of 2000\n" in done.stdout
    assert [served for *_, served in hearth.zygotes()] == [2000]


def test_a_program_of_a_single_test_is_executed_until_it_is_repeated(
    hearth: Hearth, program: Path
) -> None:
    directory = _write_tests(hearth.project, [("only", str(program), "pass")])
    assert hearth.command("ctest", directory=directory).exit_code == 0
    assert not hearth.zygotes()
    done = hearth.command("ctest", "--repeat", "until-fail:3", directory=directory)
    assert done.exit_code == 0, str(done)
    assert [served for *_, served in hearth.zygotes()] == [2]


def test_a_test_that_leaves_a_child_passes_and_is_told_of(hearth: Hearth, program: Path) -> None:
    tests = [("leaves", str(program), "leaves-child"), ("next", str(program), "pass")]
    done = hearth.command("ctest", directory=_write_tests(hearth.project, tests))
    assert done.exit_code == 0, str(done)
    assert "LEAK" in done.stdout, str(done)
    # As with ctest it goes on; here it ends with the daemon.


def test_line_counts_are_those_of_processes_of_their_own(hearth: Hearth) -> None:
    if shutil.which("gcov") is None:
        pytest.skip("there is no gcov")
    program = hearth.project / "counted"
    shutil.copy(_SOURCE, hearth.project / "counted.cc")
    compiled = hearth.run("c++", "--coverage", "-pthread", "counted.cc", "-o", str(program))
    assert compiled.exit_code == 0, str(compiled)
    tests = [(case, str(program), case) for case in ("pass", "fail", "abort", "more")]
    directory = _write_tests(hearth.project, tests)
    counts = []
    for command in ("ctest", str(hearth.daemon.binary) + " ctest"):
        hearth.run(*command.split(), "-j2", directory=directory)
        done = hearth.run("gcov", "-t", *(str(path) for path in hearth.project.glob("*.gcda")))
        counts.append(done.stdout)
        for path in hearth.project.glob("*.gcda"):
            path.unlink()
    assert "#####" in counts[0]
    assert counts[1] == counts[0]
    assert [served for *_, served in hearth.zygotes()] == [4]
