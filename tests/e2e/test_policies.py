"""How tests are distributed: by each policy the results of pytest-xdist's, and together what it keeps together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.hearth import Finished, Hearth

_MODULE = """
import pytest

class TestOne:
    @pytest.mark.parametrize("number", range(3))
    def test_passes(self, number): pass

    def test_fails(self): assert 0

@pytest.mark.xdist_group("b")
class TestTwo:
    def test_passes(self): pass

    @pytest.mark.xdist_group("a")
    def test_of_two_groups(self): pass

    @pytest.mark.skip(reason="because")
    def test_is_skipped(self): pass

@pytest.mark.xdist_group(name="b")
def test_function(): pass

def test_alone(): pass
"""
_LINE = re.compile(r"\[(gw\d+)\]\s*(?:\[\s*\d+%\])?\s(\S+)\s(\S+::[^\s@]+)")


def _lines(done: Finished) -> list[tuple[str, str, str]]:
    """Worker, outcome and node id of every test that was executed."""
    return sorted(_LINE.findall(done.stdout))


def _scopes(policy: str, node_ids: set[str]) -> Iterator[set[str]]:
    scopes: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for node_id in node_ids:
        file, _, name = node_id.partition("::")
        if policy == "loadfile":
            scopes[(file,)].add(node_id)
        elif policy == "loadscope":
            scopes[file, name.rpartition("::")[0]].add(node_id)
        elif policy == "loadgroup" and name in (
            "TestTwo::test_passes",
            "TestTwo::test_is_skipped",
            "test_function",
        ):
            scopes[("b",)].add(node_id)
        elif policy == "loadgroup" and name == "TestTwo::test_of_two_groups":
            scopes["a", "b"].add(node_id)
    yield from scopes.values()


@pytest.mark.parametrize(
    "policy", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each"]
)
def test_a_policy_gives_what_it_gives_with_pytest_xdist(hearth: Hearth, policy: str) -> None:
    for name in ("test_a.py", "test_b.py"):
        hearth.write(name, _MODULE)
    options = ("-n", "2", "--dist", policy, "-v")
    cold = hearth.plain(*options)
    (scheduling,) = re.findall(r"scheduling tests via \w+", cold.stdout)
    for _ in range(2):
        warm = hearth.pytest(*options)
        assert (warm.exit_code, warm.counts) == (cold.exit_code, cold.counts), str(warm)
        assert scheduling in warm.stdout
        # pytest-xdist 3.8 finds no groups with pytest 9.2.
        for done in (warm,) if policy == "loadgroup" else (cold, warm):
            found = _lines(done)
            for scope in _scopes(policy, {node_id for _, _, node_id in found}):
                workers = {worker for worker, _, node_id in found if node_id in scope}
                assert len(workers) == 1, (policy, scope, str(done))
        outcomes = [sorted(each[1:] for each in _lines(done)) for done in (cold, warm)]
        assert outcomes[0] == outcomes[1]
        if policy == "each":
            assert _lines(warm) == _lines(cold)
        else:
            assert len(_lines(warm)) == len({node_id for _, _, node_id in _lines(warm)}) == 18


@pytest.mark.parametrize("policy", ["loadscope", "loadgroup", "worksteal"])
def test_a_crash_costs_its_test_under_every_policy(hearth: Hearth, policy: str) -> None:
    dying = "class TestOne:\n    def test_dies(self): os.abort()\n"
    module = _MODULE.replace("class TestOne:\n", dying)
    for name in ("test_a.py", "test_b.py"):
        hearth.write(name, "import os\n" + module)
    for _ in range(2):
        done = hearth.pytest("-n", "2", "--dist", policy)
        expected = {"failed": 4, "passed": 14, "skipped": 2}
        assert (done.exit_code, done.counts) == (1, expected), str(done)
        assert done.stdout.count("SIGABRT") >= 2


def test_workers_that_take_turns_at_a_lock_come_to_an_end_under_worksteal(hearth: Hearth) -> None:
    """One has a single test left and the lock; what would come after it is the other's, who waits for the lock."""
    classes = "".join(
        f"class Test{name}(Locked):\n"
        + "".join(f"    def test_{n}(self): pass\n" for n in range(3))
        for name in "ABCD"
    )
    hearth.write(
        "test_a.py",
        """
        import fcntl

        class Locked:
            @classmethod
            def setup_class(cls):
                cls.lock = open("lock", "w")
                fcntl.flock(cls.lock, fcntl.LOCK_EX)

            @classmethod
            def teardown_class(cls):
                cls.lock.close()

        """,
    )
    with (hearth.project / "test_a.py").open("a") as file:
        file.write(classes)
    done = hearth.pytest("-n", "2", "--dist=worksteal")
    assert (done.exit_code, done.counts) == (0, {"passed": 12}), str(done)


def test_a_group_stays_out_of_node_ids(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py", _MODULE.replace("def test_function(): pass", "def test_b(): assert 0")
    )
    done = hearth.pytest("-n", "2", "--dist=loadgroup", "-v", "--junitxml=out.xml")
    assert done.counts == {"failed": 2, "passed": 6, "skipped": 1}, str(done)
    assert re.search(r"^\[gw\d\] \[.*\] PASSED .*::test_of_two_groups@a_b $", done.stdout, re.M), (
        str(done)
    )
    others = [
        line for line in done.stdout.splitlines() if not line.startswith(("[gw", "test_a.py"))
    ]
    assert not re.search(r"::\S*@", "\n".join(others)), str(done)
    assert not re.search(r'name="[^"]*@', (hearth.project / "out.xml").read_text())
    again = hearth.plain("--lf")
    assert again.counts["failed"] == 2, str(again)
    assert "passed" not in again.counts, str(again)


def test_groups_need_no_pytest_xdist(hearth: Hearth, interpreter: Callable[[str], Path]) -> None:
    hearth.use_python(interpreter("without-xdist"))
    hearth.write("test_a.py", _MODULE)
    done = hearth.pytest("-n", "2", "--dist=loadgroup", "--strict-markers")
    assert done.counts == {"failed": 1, "passed": 7, "skipped": 1}, str(done)


@pytest.mark.parametrize("more", [(), ("-p", "no:xdist")])
def test_what_only_pytest_xdist_has_is_refused_with_what_to_use_instead(
    hearth: Hearth, more: tuple[str, ...]
) -> None:
    hearth.write("test_a.py", _MODULE)
    for options, instead in (
        (("-d", "--tx", "2*popen"), "-n N"),
        (("--looponfail",), "`hearth watch`"),
        (("-n", "1", "--px", "id=x//popen"), "need no proxy"),
        (("-n", "1", "--rsyncdir", "."), "where they are"),
    ):
        done = hearth.pytest(*more, *options)
        assert done.exit_code == 4, str(done)
        assert instead in done.stdout + done.stderr, str(done)
    assert hearth.pytest(*more, "--dist", "loadscope").counts["passed"] == 7


def test_workers_begin_one_after_the_other_within_the_time_of_ramp(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a(): pass\n")
    done = hearth.pytest("-p", "no:xdist", "-n", "2", "--dist=each", "--ramp=1s")
    assert done.counts == {"passed": 2}, str(done)
    (seconds,) = re.findall(r"2 passed in ([\d.]+)s", done.stdout)
    assert float(seconds) >= 0.5
    assert hearth.pytest("-p", "no:xdist", "-n", "2", "--ramp=-1s").exit_code == 4


_OWN_SCHEDULER = """
from xdist.scheduler import LoadScopeScheduling

class Own(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return nodeid[-2]

def pytest_xdist_make_scheduler(config, log):
    return Own(config, log)
"""


def test_a_scheduler_of_the_projects_own_decides_and_what_it_cannot_do_is_refused(
    hearth: Hearth,
) -> None:
    hearth.write("conftest.py", _OWN_SCHEDULER)
    hearth.write(
        "test_a.py",
        """
        import os
        import pytest
        @pytest.mark.parametrize("first", range(3))
        @pytest.mark.parametrize("second", range(3))
        def test_it(first, second):
            with open("ran", "a") as file:
                file.write(f"{first} {os.environ['PYTEST_XDIST_WORKER']}\\n")
        """,
    )
    done = hearth.pytest("-n", "3")
    assert (done.exit_code, done.counts) == (0, {"passed": 9}), str(done)
    ran = {tuple(line.split()) for line in (hearth.project / "ran").read_text().splitlines()}
    assert len(ran) == 3, "the tests of one scope have one worker"
    for option in ("--hearth-isolate=test", "--hearth-timeout=0"):
        done = hearth.pytest("-n", "3", option)
        assert (done.exit_code, "pytest-xdist distributes" in done.stderr) == (4, True), str(done)
