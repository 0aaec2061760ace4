"""What plugins see with workers is what they see with pytest-xdist's: values handed to and fro, hooks and their order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.hearth import Finished, Hearth

_HANDS = """
import os, pytest

class Controller:
    def pytest_configure_node(self, node):
        node.workerinput["given"] = [os.environ["GIVEN"], node.gateway.id]
        node.workerinput["same"] = {"of": "all"}
        node.workerinput["odd"] = object

    def pytest_testnodedown(self, node, error):
        print("DOWN", node.gateway.id, node.workeroutput["got"] if error is None else error)

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller())
    else:
        config.same = config.workerinput["same"]
        config.early = config.workerinput["given"] if os.environ.get("READS") else None

@pytest.hookimpl
def pytest_sessionfinish(session):
    config = session.config
    if hasattr(config, "workerinput"):
        config.workeroutput["got"] = "{} {}".format(*config.workerinput["given"])
"""


def _selected(hearth: Hearth) -> set[int]:
    return {
        pid
        for pid, stage, flavour, _ in hearth.zygotes()
        if flavour == "worker" and stage == "selected"
    }


@pytest.fixture
def handing(hearth: Hearth) -> Hearth:
    hearth.write("conftest.py", _HANDS)
    hearth.write(
        "test_a.py",
        """
        import os, pytest
        @pytest.mark.parametrize("number", range(4))
        def test_a(pytestconfig, worker_id, number):
            given = [os.environ["GIVEN"], worker_id]
            assert pytestconfig.workerinput["given"] == given
            assert pytestconfig.early == (given if os.environ.get("READS") else None)
            assert pytestconfig.same == {"of": "all"}
            assert pytestconfig.workerinput["odd"] == "<class 'object'>"
        """,
    )
    return hearth


def _passes(hearth: Hearth, given: str, **environment: str) -> Finished:
    done = hearth.pytest("-n", "2", "-s", environment={"GIVEN": given, **environment})
    assert (done.exit_code, done.counts["passed"]) == (0, 4), str(done)
    for worker in ("gw0", "gw1"):
        assert f"DOWN {worker} {given} {worker}" in done.stdout
    assert "node.workerinput['odd'] cannot be sent to a worker" in done.stdout
    return done


def test_what_a_plugin_hands_to_the_workers_arrives_and_costs_nothing_where_nobody_reads_it_early(
    handing: Hearth,
) -> None:
    _passes(handing, "first")
    built = _selected(handing)
    for given in ("first", "second"):
        _passes(handing, given)
        assert _selected(handing) == built


def test_what_is_read_before_the_fork_is_each_runs_own(handing: Hearth) -> None:
    _passes(handing, "first", READS="1")
    built = _selected(handing)
    _passes(handing, "first", READS="1")
    assert _selected(handing) == built, "equal values are served by the same stages"
    _passes(handing, "second", READS="1")
    assert _selected(handing) - built
    why = handing.command("why").stdout
    assert 'config.workerinput["given"] differs' in why


def test_a_worker_that_takes_a_lost_ones_place_is_told_its_own(handing: Hearth) -> None:
    handing.write("test_0.py", "import os\ndef test_0():\n    os._exit(1)\n")
    done = handing.pytest("-n", "1", "-s", environment={"GIVEN": "x"})
    assert (done.counts["failed"], done.counts["passed"]) == (1, 4), str(done)
    assert "DOWN gw0 Not properly terminated" in done.stdout
    assert "DOWN gw1 x gw1" in done.stdout


_LOGGING = """
import json, os

NAMES = [
    "pytest_xdist_setupnodes", "pytest_xdist_newgateway", "pytest_configure_node", "pytest_testnodeready",
    "pytest_xdist_node_collection_finished", "pytest_runtest_logstart", "pytest_runtest_logreport",
    "pytest_runtest_logfinish", "pytest_testnodedown", "pytest_sessionfinish", "pytest_terminal_summary",
    "pytest_configure", "pytest_sessionstart", "pytest_collection_modifyitems", "pytest_collection_finish",
    "pytest_unconfigure", "pytest_runtest_protocol",
]

def describe(name, values):
    node = values.get("node")
    if node is not None:
        import xdist
        config = node.config
        return [node.gateway.id, sorted(node.workerinput), sorted(node.workerinfo) if name != "pytest_configure_node" else None,
                sorted(getattr(node, "workeroutput", {})), config.pluginmanager.hasplugin("dsession"), len(values.get("ids", ())),
                str(values.get("error")), repr(node.gateway.spec)[:8], node.gateway._rinfo().platform]
    if "gateway" in values:
        return [values["gateway"].id]
    if "specs" in values:
        return [len(values["specs"])]
    report = values.get("report")
    if report is not None and hasattr(report, "node"):
        return [report.when, report.worker_id == report.node.gateway.id, len(report.testrun_uid), report.item_index]
    session = values.get("session")
    if session is not None:
        import xdist
        return [xdist.is_xdist_worker(session), xdist.is_xdist_controller(session), xdist.get_xdist_worker_id(session)]
    return []

def note(name, values):
    who = os.environ.get("PYTEST_XDIST_WORKER", "controller")
    with open(f"log-{who}", "a") as file:
        file.write(json.dumps([name, describe(name, values)]) + "\\n")

def make(name, arguments):
    scope = {"note": note}
    exec(f"def {name}({', '.join(arguments)}): note({name!r}, locals())", scope)
    return scope[name]

for name, arguments in zip(NAMES, [
    ["config", "specs"], ["gateway"], ["node"], ["node"], ["node", "ids"], ["nodeid"], ["report"], ["nodeid"], ["node", "error"],
    ["session"], ["terminalreporter"], ["config"], ["session"], ["items"], ["session"], ["config"], ["item"],
]):
    globals()[name] = make(name, arguments)
"""


def _logs(hearth: Hearth) -> dict[str, list[Any]]:
    found = {}
    for path in sorted(hearth.project.glob("log-*")):
        found[path.name] = [json.loads(line) for line in path.read_text().splitlines()]
        path.unlink()
    return found


def test_hooks_come_in_xdists_order_and_with_what_xdist_gives_them(hearth: Hearth) -> None:
    hearth.write("conftest.py", _LOGGING)
    hearth.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    pass\n")
    assert hearth.plain("-n", "1").exit_code == 0
    expected = _logs(hearth)
    for _ in range(2):
        assert hearth.pytest("-n", "1").exit_code == 0
        seen = _logs(hearth)
        assert seen["log-controller"] == expected["log-controller"]
    assert expected["log-gw0"]
    # A warm worker was configured and has collected before this run.
    executed = [name for name, _ in expected["log-gw0"]]
    executed = executed[executed.index("pytest_runtest_protocol") :]
    assert [name for name, _ in seen["log-gw0"]][-len(executed) :] == executed
