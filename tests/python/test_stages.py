"""A zygote is a paused real run: what it forks is the run that a cold start would have been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Builder, Project
from fake_daemon import Interpreter, plain_environment, spec_for

DUMP = """
    import json, os, re, sys, signal

    def state():
        main = sys.modules["__main__"]
        return {
            "argv": sys.argv,
            "orig_argv": getattr(sys, "orig_argv", None),
            "path": sys.path,
            "main": {name: re.sub("0x[0-9a-f]+", "", repr(value)) for name, value in vars(main).items()
                     if name not in ("__loader__", "__spec__")},
            "main_loader": type(main.__loader__).__name__,
            "main_spec": getattr(main.__spec__, "name", None),
            "cwd": os.getcwd(),
            "umask": os.umask(0o022),
            "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_VERSION"},
            "order": [k for k in os.environ if k not in ("PYTEST_VERSION", "PYTEST_CURRENT_TEST")],
            "sigint": repr(signal.getsignal(signal.SIGINT)),
            "sigterm": repr(signal.getsignal(signal.SIGTERM)),
            "blocked": [int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
            "encodings": [sys.stdin.encoding, sys.__stdout__.encoding, sys.__stderr__.encoding],
            "buffering": [sys.__stdout__.line_buffering, sys.__stderr__.line_buffering],
            "modules": sorted(n for n in sys.modules if not n.startswith("_hearth_runtime")),
            "threads": len(os.listdir("/proc/self/task")),
            "fds": sorted(int(f) for f in os.listdir("/proc/self/fd") if int(f) < 60),
        }
"""


def plain_run(project: Project, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=project.directory,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def compare_dumps(project: Project, build: Builder, script: str) -> None:
    project.write(
        state=DUMP,
        conftest="""
            import json
            import state
            AT_CONFTEST = state.state()

            def pytest_sessionfinish(session):
                with open(session.config.getoption("basetemp") + ".json", "w") as file:
                    json.dump([AT_CONFTEST, state.state()], file)
        """,
        test_it="def test_it(): pass",
    )
    dump = project.directory.parent / "dump.json"
    args = ["--basetemp", str(dump)[: -len(".json")], "-p", "no:xdist"]
    plain_run(project, *([script] if script else ["-m", "pytest"]), *args)  # writes the .pyc files
    plain_run(project, *([script] if script else ["-m", "pytest"]), *args)
    cold = json.loads(dump.read_text())
    dump.unlink()
    spec = spec_for(project.directory, *args, script=script)
    zygote, _ = build(spec)
    assert zygote.start(spec).exit_code() == 0
    warm = json.loads(dump.read_text())
    for when in (0, 1):
        for key in cold[when]:
            assert warm[when][key] == cold[when][key], key


def test_the_console_script_finds_what_it_finds_in_a_cold_run(
    project: Project, build: Builder
) -> None:
    compare_dumps(project, build, os.path.join(os.path.dirname(sys.executable), "pytest"))


def test_python_m_pytest_finds_what_it_finds_in_a_cold_run(
    project: Project, build: Builder
) -> None:
    compare_dumps(project, build, "")


@pytest.mark.parametrize("stage", ["interpreter", "configured", "selected"])
def test_each_stage_forks_the_same_session(
    project: Project, build: Builder, interpreter: Interpreter, stage: str
) -> None:
    project.write(
        conftest="print('conftest says hello')",
        test_it="""
            def test_passes(): pass
            def test_fails(): print("seen"); assert 0
        """,
    )
    spec = project.spec("-p", "no:xdist")
    cold = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist"],
        cwd=project.directory,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    zygote = interpreter if stage == "interpreter" else build(spec, stage)[0]
    printed = (b"", b"")
    builder = zygote
    while builder.parent is not None:
        own = (builder.streams.out().encode(), builder.streams.err().encode())
        printed = (own[0] + printed[0], own[1] + printed[1])
        builder = builder.parent
    first, second = zygote.start(spec, printed=printed), zygote.start(spec, printed=printed)
    for process in (first, second):
        assert process.exit_code() == cold.returncode == 1
        assert without_time(process.out()) == without_time(cold.stdout)
        assert process.err() == cold.stderr


def without_time(text: str) -> str:
    return "\n".join(
        line.split(" in ")[0] if " passed" in line else line for line in text.splitlines()
    )


def test_a_session_that_never_pauses_just_ends(project: Project, interpreter: Interpreter) -> None:
    spec = project.spec("--no-such-option")
    zygote = interpreter.build(spec, "configured")
    status = interpreter.exit_of(zygote.pid).wait_status
    assert os.WEXITSTATUS(status) == 4
    assert "unrecognized arguments: --no-such-option" in zygote.streams.err()


def test_a_script_that_is_not_python_is_refused_in_one_line(
    project: Project, interpreter: Interpreter
) -> None:
    script = project.directory / "pytest"
    script.write_text("#!/bin/sh\nexec pytest $@\n")
    zygote = interpreter.build(spec_for(project.directory, script=str(script)), "configured")
    assert zygote.failed().message == f"{script} is not a Python script"


def test_a_directory_that_is_gone_is_named(project: Project, interpreter: Interpreter) -> None:
    spec = spec_for(project.directory / "gone")
    zygote = interpreter.build(spec, "configured")
    assert (
        zygote.failed().message
        == f"cannot enter {project.directory / 'gone'}: No such file or directory"
    )


def test_a_python_without_pytest_says_what_to_do(tmp_path: Path) -> None:
    import venv

    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    zygote = Interpreter(python)
    assert (
        zygote.failed().message
        == f"{python} has no pytest: install it with `{python} -m pip install pytest`"
    )
    zygote.stop()


def test_a_zygote_whose_daemon_is_gone_ends_with_all_its_forks(project: Project) -> None:
    project.write(test_it="def test_it(): pass")
    interpreter = Interpreter()
    interpreter.ready()
    spec = project.spec()
    zygote = interpreter.build(spec, "configured")
    zygote.ready()
    pidfd = os.pidfd_open(zygote.pid)
    interpreter.stop()
    assert interpreter.process.returncode == 1
    import select

    assert select.select([pidfd], [], [], 30)[0], "the fork outlived its zygote"


def test_a_retired_zygote_ends_when_its_last_child_has(project: Project, build: Builder) -> None:
    project.write(test_it="def test_it(): pass")
    spec = project.spec()
    zygote, _ = build(spec, "configured")
    child = zygote.build(spec, "selected")
    child.ready()
    zygote.retire()
    child.retire()
    assert zygote.exit_of(child.pid).wait_status == 0
    assert zygote.parent is not None
    assert zygote.parent.exit_of(zygote.pid).wait_status == 0


def test_what_capture_holds_is_not_shared_between_forks(project: Project, build: Builder) -> None:
    project.write(
        test_it="""
            import os
            def test_it(capfd):
                for _ in range(1000):
                    print("x" * 100)
                    os.system("echo from a child")
                out = capfd.readouterr().out
                assert out.count("from a child") == 1000
                assert out.count("x" * 100) == 1000
        """
    )
    spec = project.spec("-q")
    zygote, _ = build(spec)
    processes = [zygote.start(spec) for _ in range(3)]
    assert [process.exit_code() for process in processes] == [0, 0, 0]


def test_an_open_file_of_the_project_has_its_own_offset_in_each_fork(
    project: Project, build: Builder
) -> None:
    (project.directory / "data.txt").write_text("0123456789")
    project.write(
        conftest="""
            FILE = open("data.txt")
            FILE.read(1)
            FILE.seek(3)
        """,
        test_it="""
            import conftest, os
            def test_it():
                assert os.read(conftest.FILE.fileno(), 4) == b"3456"
        """,
    )
    spec = project.spec("-q")
    zygote, _ = build(spec)
    assert [zygote.start(spec).exit_code() for _ in range(2)] == [0, 0]


def test_a_log_file_begins_anew_in_each_run(project: Project, build: Builder) -> None:
    project.write(
        conftest="import logging; logging.getLogger().warning('from conftest')",
        test_it="""
            import logging, os
            def test_it(): logging.warning("x" * int(open("length").read()))
        """,
    )
    length, log = project.directory / "length", project.directory / "log.txt"
    spec = project.spec("-q", "--log-file", "log.txt")
    zygote, _ = build(spec)
    for size in (100, 10, 1000):
        length.write_text(str(size))
        assert zygote.start(spec).exit_code() == 0
        assert [len(line.split()[-1]) for line in log.read_text().splitlines()] == [size]
    log.unlink()
    assert zygote.start(spec).exit_code() == 0
    assert log.read_text().count("xxx") > 0


def test_the_session_time_begins_with_the_fork(
    project: Project, build: Builder, tmp_path: Path
) -> None:
    project.write(
        conftest="""
            import time
            def pytest_collection_modifyitems():
                time.sleep(1.2)
        """,
        test_it="def test_it(): pass",
    )
    report = tmp_path / "junit.xml"
    spec = project.spec("-q", f"--junitxml={report}")
    zygote, _ = build(spec)
    process = zygote.start(spec)
    assert process.exit_code() == 0
    assert "1 passed in 0." in process.out()
    from xml.etree import ElementTree

    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None and float(suite.attrib["time"]) < 1.0


def test_random_numbers_differ_between_forks_unless_the_project_seeded(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="import random",
        test_it="""
            import random
            def test_it():
                print("NUMBER", random.random())
        """,
    )
    spec = project.spec("-s")

    def numbers() -> list[str]:
        zygote, _ = build(spec)
        processes = [zygote.start(spec) for _ in range(2)]
        assert [process.exit_code() for process in processes] == [0, 0]
        return [process.out().split("NUMBER ")[1].split()[0] for process in processes]

    first, second = numbers()
    assert first != second
    project.write(conftest="import random; random.seed(7)")
    import random

    assert numbers() == [str(random.Random(7).random())] * 2


def test_a_rerun_after_a_failure_works_with_the_cache_of_now(
    project: Project, build: Builder
) -> None:
    project.write(
        test_it="""
            import os
            def test_fails(): assert not os.path.exists("broken")
            def test_passes(): pass
        """
    )
    cache = project.directory / ".pytest_cache" / "v" / "cache" / "lastfailed"
    spec = project.spec("-q")
    zygote, ready = build(spec)
    assert not [file for file in ready.files if b".pytest_cache" in file.path]
    assert zygote.start(spec).exit_code() == 0
    (project.directory / "broken").touch()
    assert zygote.start(spec).exit_code() == 1
    assert json.loads(cache.read_text()) == {"test_it.py::test_fails": True}
    (project.directory / "broken").unlink()
    assert zygote.start(spec).exit_code() == 0
    assert not cache.exists() or json.loads(cache.read_text()) == {}


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="older ones do not warn of a fork with threads"
)
def test_no_fork_warns(project: Project, build: Builder) -> None:
    project.write(test_it="def test_it(): pass")
    spec = project.spec("-W", "error")
    zygote, ready = build(spec)
    assert ready.refusal == ""
    process = zygote.start(spec)
    assert process.exit_code() == 0
    assert "warning" not in process.out() + process.err()
