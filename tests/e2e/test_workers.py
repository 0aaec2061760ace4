"""Runs with workers: xdist's options and plain pytest's numbers."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth

Mode = tuple[str, ...]
_TWENTY = (
    "import pytest\n@pytest.mark.parametrize('number', range(20))\ndef test_a(number):\n    pass\n"
)
_VERBOSE = re.compile(r"\[(gw\d+)\]\s*(?:\[\s*\d+%\])?\s(\S+)\s(\S+::\S+)")


def _workers_of_files(stdout: str) -> dict[str, set[str]]:
    found = defaultdict(set)
    for worker, _, nodeid in _VERBOSE.findall(stdout):
        found[nodeid.partition("::")[0]].add(worker)
    return found


def test_loadfile_keeps_the_tests_of_a_file_together(hearth: Hearth) -> None:
    for number in range(6):
        hearth.write(f"test_{number}.py", _TWENTY)
    for _ in range(2):
        done = hearth.pytest("-n", "2", "--dist=loadfile", "-v")
        assert done.counts == {"passed": 120}, str(done)
        files = _workers_of_files(done.stdout)
        assert len(files) == 6
        assert all(len(workers) == 1 for workers in files.values()), files
        assert set.union(*files.values()) == {"gw0", "gw1"}


def test_load_uses_all_workers(hearth: Hearth) -> None:
    hearth.write("test_a.py", _TWENTY)
    done = hearth.pytest("-n", "2", "-v")
    assert done.counts == {"passed": 20}
    assert _workers_of_files(done.stdout) == {"test_a.py": {"gw0", "gw1"}}
    assert "scheduling tests via LoadScheduling" in done.stdout


@pytest.mark.parametrize("number", ["0", "1", "3", "auto", "logical"])
def test_any_number_of_workers_gives_the_same_result(hearth: Hearth, number: str) -> None:
    hearth.write("test_a.py", _TWENTY + "def test_b():\n    assert 0\n")
    for _ in range(2):
        done = hearth.pytest("-n", number)
        assert (done.exit_code, done.counts) == (1, {"failed": 1, "passed": 20}), str(done)


def test_a_number_that_is_none_is_a_usage_error(hearth: Hearth) -> None:
    hearth.write("test_a.py", _TWENTY)
    done = hearth.pytest("-n", "many")
    assert done.exit_code == 4, str(done)
    assert "numprocesses" in done.stderr


def test_more_workers_than_tests(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    assert hearth.pytest("-n", "4").counts == {"passed": 1}


def test_no_tests_at_all(hearth: Hearth, mode: Mode) -> None:
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.exit_code == 5, str(done)
        assert "no tests ran" in done.stdout


def test_deselected_tests_are_counted(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _TWENTY)
    for _ in range(2):
        assert hearth.pytest(*mode, "-k", "a and 7").counts == {"passed": 2, "deselected": 18}


def test_warnings_are_counted_and_shown(hearth: Hearth, mode: Mode) -> None:
    hearth.write("helper.py", "import warnings\nwarnings.warn('at import', UserWarning)\n")
    hearth.write("conftest.py", "")
    hearth.write(
        "test_a.py",
        """
        import warnings, helper
        class Own(UserWarning):
            pass
        def test_a():
            warnings.warn("old", DeprecationWarning)
        def test_b():
            warnings.warn(Own("mine"))
        """,
    )
    plain = hearth.plain()
    assert plain.counts == {"passed": 2, "warning": 3}
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.counts == plain.counts, str(done)
        for text in ("UserWarning: at import", "DeprecationWarning: old", "Own: mine"):
            assert text in done.stdout
            assert text in plain.stdout


@pytest.mark.parametrize("options", [(), ("-p", "no:xdist")])
@pytest.mark.parametrize("name", ["without-xdist", "current", "pytest-7.4"])
def test_workers_need_no_xdist(
    hearth: Hearth, interpreter: Callable[[str], Path], name: str, options: tuple[str, ...]
) -> None:
    hearth.use_python(interpreter(name))
    hearth.write(
        "test_a.py", "def test_a(worker_id, testrun_uid):\n    assert worker_id == 'gw0'\n"
    )
    for _ in range(2):
        done = hearth.pytest(*options, "-n", "1")
        assert (done.exit_code, done.counts) == (0, {"passed": 1}), str(done)


def test_options_in_the_ini_file_count(hearth: Hearth) -> None:
    hearth.write("pytest.ini", "[pytest]\naddopts = -n 2 --dist loadfile -v\n")
    hearth.write("test_a.py", _TWENTY)
    hearth.write("test_b.py", _TWENTY)
    done = hearth.pytest()
    assert done.counts == {"passed": 40}, str(done)
    files = _workers_of_files(done.stdout)
    assert sorted(len(workers) for workers in files.values()) == [1, 1]


def test_two_runs_at_once_do_not_mix(hearth: Hearth) -> None:
    hearth.write_gate()
    hearth.write("test_a.py", "import gate\ndef test_a():\n    gate.reach('a')\n    gate.hold()\n")
    hearth.write(
        "test_b.py",
        "import gate\ndef test_b():\n    gate.reach('b')\n    gate.hold()\n    assert 0\n",
    )
    first = hearth.start_pytest("-n", "1", "test_a.py")
    second = hearth.start_pytest("-n", "1", "test_b.py")
    assert {hearth.gate.wait()[0], hearth.gate.wait()[0]} == {"a", "b"}
    assert len(hearth.daemon.status()["runs"]) == 2
    hearth.gate.release(2)
    assert hearth.finish(first).exit_code == 0
    assert hearth.finish(second).exit_code == 1


def test_two_equal_runs_at_once_have_their_own_results(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _TWENTY)
    clients = [hearth.start_pytest(*mode) for _ in range(4)]
    for client in clients:
        done = hearth.finish(client)
        assert (done.exit_code, done.counts) == (0, {"passed": 20}), str(done)


def test_each_item_is_executed_once_and_with_the_right_nextitem(hearth: Hearth) -> None:
    """Module fixtures are torn down when the next item of that worker needs them no more, and not before."""
    hearth.write(
        "conftest.py",
        """
        import json, os, pathlib, pytest
        LOG = pathlib.Path(__file__).parent / "log"
        def note(*what):
            with LOG.open("a") as file:
                file.write(json.dumps([os.getpid(), *what]) + "\\n")
        @pytest.fixture(scope="module")
        def module(request):
            note("setup", request.module.__name__)
            yield
            note("teardown", request.module.__name__)
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            note("item", item.nodeid, nextitem.nodeid if nextitem else None)
        """,
    )
    for number in range(5):
        hearth.write(
            f"test_{number}.py",
            "import pytest\n@pytest.mark.parametrize('n', range(8))\ndef test_a(module, n): pass\n",
        )
    log = hearth.project / "log"
    for policy in ("load", "loadfile"):
        log.unlink(missing_ok=True)
        assert hearth.pytest("-n", "2", f"--dist={policy}").counts == {"passed": 40}
        events = defaultdict(list)
        for line in log.read_text().splitlines():
            pid, *event = json.loads(line)
            events[pid].append(event)
        items = [event[1] for own in events.values() for event in own if event[0] == "item"]
        assert len(items) == len(set(items)) == 40
        for own in events.values():
            mine = [event for event in own if event[0] == "item"]
            following = [event[1] for event in mine[1:]] + [None]
            assert [event[2] for event in mine] == following
            assert own[-1][0] == "teardown"
            open_now: set[str] = set()
            for event in own:
                if event[0] == "setup":
                    open_now.add(event[1])
                    assert len(open_now) == 1
                if event[0] == "teardown":
                    open_now.remove(event[1])


def test_collect_only_with_workers_lists_the_tests(hearth: Hearth) -> None:
    hearth.write("test_a.py", _TWENTY)
    done = hearth.pytest("-n", "2", "--collect-only", "-q")
    assert done.exit_code == 0
    assert done.stdout.count("test_a.py::test_a") == 20
