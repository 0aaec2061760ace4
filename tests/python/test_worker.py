"""A worker executes the items that it is told to, and tells of each at once."""

from __future__ import annotations

import os
from typing import Any

import pytest
from conftest import GW0, Builder, Project
from fake_daemon import StageReady, spec_for
from fake_distribution import TESTRUN, FakeWorker, start_worker

from _hearth_runtime import _native  # type: ignore[import-not-found]
from _hearth_runtime.messages import (  # type: ignore[import-not-found]
    Doorbell,
    EnvironmentRead,
    ItemFinished,
    ItemsRevoked,
    ItemStarted,
    LastWords,
    NoMoreItems,
    Pause,
    Paused,
    Resume,
    RevokeItems,
    RunItems,
    StopWorker,
    WorkerFinished,
    WorkerIdentity,
    WorkerValue,
)

FIVE = "".join(f"def test_{i}(): pass\n" for i in range(5))


def worker_of(project: Project, build: Builder, *args: str) -> tuple[FakeWorker, StageReady]:
    spec = project.spec("-n", "2", *args)
    zygote, ready = build(spec, flavour="worker")
    assert ready.refusal == ""
    return start_worker(zygote, spec, "gw0", 2), ready


def sequence(worker: FakeWorker) -> list[tuple[str, int]]:
    return [
        ("started" if isinstance(message, ItemStarted) else "finished", message.item)
        for message in worker.said
        if isinstance(message, (ItemStarted, ItemFinished))
    ]


def test_selected_tells_the_items_in_order(project: Project, build: Builder) -> None:
    project.write(test_it=FIVE)
    _, ready = build(project.spec("-n", "2", "-k", "not test_3"), flavour="worker")
    assert ready.items == [f"test_it.py::test_{i}" for i in (0, 1, 2, 4)]


def test_selected_tells_the_groups_of_items_and_leaves_node_ids_alone(
    project: Project, build: Builder
) -> None:
    project.write(
        test_it="""
            import pytest
            group = pytest.mark.xdist_group
            @group("b")
            @group(name="a")
            @group("a")
            def test_a(): pass
            def test_b(): pass
            @group
            def test_c(): pass
        """
    )
    _, ready = build(project.spec("-n", "2", "--dist", "loadgroup"), flavour="worker")
    assert ready.groups == ["a_b", "", "default"]
    assert ready.items == [f"test_it.py::test_{name}" for name in "abc"]
    project.write(test_it=FIVE)
    _, ready = build(project.spec("-n", "2", "--dist", "loadgroup"), flavour="worker")
    assert ready.groups == []


def test_an_item_waits_for_a_slot_and_for_the_next_to_be_known(
    project: Project, build: Builder
) -> None:
    project.write(test_it=FIVE)
    worker, _ = worker_of(project, build)
    control = worker.process.control
    control.send(RunItems([0]))
    control.send(RunItems([1]))
    control.send(Pause())
    worker.wait_for(Paused)
    assert sequence(worker) == []
    control.send(Resume())
    assert worker.wait_for(ItemFinished).item == 0
    control.send(Pause())
    worker.wait_for(Paused)
    assert sequence(worker) == [("started", 0), ("finished", 0)]
    control.send(NoMoreItems())
    control.send(Pause())
    worker.wait_for(Paused)
    assert sequence(worker) == [("started", 0), ("finished", 0)], "the end needs a slot as well"
    control.send(Resume())
    assert worker.wait_for(WorkerFinished).exit_status == 0
    assert sequence(worker) == [("started", 0), ("finished", 0), ("started", 1), ("finished", 1)]
    assert worker.process.exit_code() == 0


def test_fixtures_stay_while_the_next_item_needs_them(project: Project, build: Builder) -> None:
    for name in ("a", "b"):
        project.write(
            **{
                f"test_{name}": f"""
                    import pytest
                    @pytest.fixture(scope="module")
                    def module():
                        open("log", "a").write("+{name}")
                        yield
                        open("log", "a").write("-{name}")
                    def test_1(module): pass
                    def test_2(module): pass
                """
            }
        )
    worker, _ = worker_of(project, build)
    worker.run(0, 1, 2)
    worker.wait_for(WorkerFinished)
    assert (project.directory / "log").read_text() == "+a-a+b-b"


def test_revoked_items_come_back_except_the_promised_one(project: Project, build: Builder) -> None:
    project.write(test_it=FIVE)
    worker, _ = worker_of(project, build)
    control = worker.process.control
    control.send(Resume())
    control.send(RunItems([0, 1, 2, 3]))
    control.send(Pause())
    worker.wait_for(Paused)
    done = len([entry for entry in sequence(worker) if entry[0] == "finished"])
    control.send(RevokeItems([0, 1, 2, 3]))
    revoked = worker.wait_for(ItemsRevoked).items
    assert revoked == list(range(done + 1 if done else 0, 4))
    control.send(NoMoreItems())
    worker.wait_for(WorkerFinished)
    assert [index for what, index in sequence(worker) if what == "finished"] == [
        index for index in range(4) if index not in revoked
    ]


def test_a_stopped_worker_starts_nothing_more(project: Project, build: Builder) -> None:
    project.write(test_it=FIVE)
    worker, _ = worker_of(project, build)
    worker.process.control.send(RunItems([0, 1, 2, 3, 4]))
    worker.process.control.send(StopWorker())
    worker.process.control.send(Resume())
    worker.wait_for(WorkerFinished)
    assert sequence(worker) == []


def test_after_a_failure_maxfail_waits_for_the_daemons_word(
    project: Project, build: Builder
) -> None:
    project.write(test_it="def test_0(): assert 0\n" + FIVE.replace("test_0", "test_5"))
    worker, _ = worker_of(project, build, "--maxfail=2")
    control = worker.process.control
    control.send(RunItems([0, 1, 2, 3]))
    control.send(Resume())
    worker.wait_for(Paused)
    assert sequence(worker) == [("started", 0), ("finished", 0)]
    control.send(Pause())  # has crossed the worker's own
    control.send(Resume())
    assert worker.wait_for(ItemFinished).item == 1
    control.send(NoMoreItems())
    worker.wait_for(WorkerFinished)
    assert [type(message) for message in worker.said].count(Paused) == 1


def test_a_failure_rings_the_doorbell(project: Project, build: Builder) -> None:
    project.write(
        test_it="""
            import time
            def test_0(): assert 0
            def test_1(): time.sleep(60)
            def test_2(): pass
            def test_3(): pass
        """
    )
    worker, _ = worker_of(project, build, "-p", "no:faulthandler")
    worker.run(0, 1, 2, 3, last=False)
    finished = worker.wait_for(ItemFinished)
    assert (finished.item, finished.failures) == (0, 1)
    worker.process.control.receive(LastWords)
    worker.process.control.receive(Doorbell)
    os.kill(worker.process.pid, 9)
    assert worker.process.wait() == 9


def test_the_identity_is_xdists(project: Project, build: Builder) -> None:
    project.write(
        test_it="""
            import os
            def test_it(request, worker_id, testrun_uid, tmp_path_factory, record_property):
                config = request.config
                record_property("seen", [
                    os.environ["PYTEST_XDIST_WORKER"], os.environ["PYTEST_XDIST_WORKER_COUNT"],
                    os.environ["PYTEST_XDIST_TESTRUNUID"], worker_id, testrun_uid,
                    dict(config.workerinput), type(config.workeroutput).__name__,
                    config.option.dist, config.option.numprocesses, str(tmp_path_factory.getbasetemp())])
        """
    )
    spec = project.spec("-n", "2", "--dist", "loadfile")
    zygote, ready = build(spec, flavour="worker")
    assert not {read.name for read in ready.environment} & {
        b"PYTEST_XDIST_WORKER",
        b"PYTEST_XDIST_WORKER_COUNT",
    }
    base = project.directory.parent / "popen-gw1"
    worker = start_worker(zygote, spec, "gw1", 2, os.fsencode(base))
    worker.run(0)
    _, [_, call, _] = _native.loads(worker.wait_for(ItemFinished).reports)
    mainargv = [os.fsdecode(spec.script), "-n", "2", "--dist", "loadfile"]
    workerinput = {"mainargv": mainargv, "workerid": "gw1", "workercount": 2, "testrunuid": TESTRUN}
    expected = ["gw1", "2", TESTRUN, "gw1", TESTRUN, workerinput, "dict", "no", None, str(base)]
    assert call[-1] == [("seen", expected)]


def environment_of(project: Project, build: Builder) -> list[EnvironmentRead]:
    spec = project.spec("-n", "2")
    _, configured = build(spec, "configured", flavour="worker")
    _, gathered = build(spec, "gathered", flavour="worker")
    _, selected = build(spec, flavour="worker")
    return [*configured.environment, *gathered.environment, *selected.environment]


WORKER_READ = EnvironmentRead(b"PYTEST_XDIST_WORKER", b"gw0", True)


def test_reading_the_worker_variable_at_import_is_noticed(project: Project, build: Builder) -> None:
    project.write(
        conftest="import os; NAME = os.environ.get('PYTEST_XDIST_WORKER', 'none')", test_it=FIVE
    )
    assert WORKER_READ in environment_of(project, build)


def test_reading_the_workerinput_while_configuring_is_noticed(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="def pytest_configure(config): config.workerinput['workerid']", test_it=FIVE
    )
    assert WORKER_READ in environment_of(project, build)


def test_other_variables_are_not_the_identity(project: Project, build: Builder) -> None:
    project.write(
        conftest="import os; os.environ['HOME']; os.environ.get('X'); os.environ['Y'] = '1'",
        test_it=FIVE,
    )
    assert WORKER_READ not in environment_of(project, build)


@pytest.mark.parametrize(
    "sweep",
    [
        "dict(os.environ)",
        "os.environ.copy()",
        "{name: value for name, value in os.environ.items()}",
        "[os.environ[name] for name in os.environ]",
        "list(os.environb.values())",
    ],
)
def test_a_project_that_goes_through_all_variables_reads_the_identity(
    project: Project, build: Builder, sweep: str
) -> None:
    project.write(conftest=f"import os; ALL = {sweep}", test_it=FIVE)
    assert WORKER_READ in environment_of(project, build)


@pytest.mark.parametrize(
    "sweep", ["dict(os.environ)", "{name: value for name, value in os.environ.items()}"]
)
def test_an_installed_package_that_goes_through_all_variables_does_not(
    project: Project, build: Builder, sweep: str
) -> None:
    library = project.directory / "lib" / "site-packages"
    library.mkdir(parents=True)
    (library / "looks_for_settings.py").write_text(f"import os; ALL = {sweep}")
    importing = f"import sys; sys.path.append({str(library)!r}); import looks_for_settings"
    project.write(conftest=importing, test_it=FIVE)
    assert WORKER_READ not in environment_of(project, build)


def test_an_installed_package_that_asks_by_name_reads_the_identity(
    project: Project, build: Builder
) -> None:
    library = project.directory / "lib" / "site-packages"
    library.mkdir(parents=True)
    asking = "import os; dict(os.environ); NAME = os.environ.get('PYTEST_XDIST_WORKER')"
    (library / "asks.py").write_text(asking)
    importing = f"import sys; sys.path.append({str(library)!r}); import asks"
    project.write(conftest=importing, test_it=FIVE)
    assert WORKER_READ in environment_of(project, build)


def test_a_collection_that_fails_is_a_result(project: Project, build: Builder) -> None:
    project.write(test_it="import no_such_module_anywhere", test_ok=FIVE)
    _, ready = build(project.spec("-n", "2"), flavour="worker")
    assert (ready.refusal, ready.items) == ("", [])
    [report] = _native.loads(ready.collected)["reports"]
    assert "no_such_module_anywhere" in str(report["longrepr"])


def test_a_missing_argument_is_a_result(project: Project, build: Builder) -> None:
    _, ready = build(project.spec("-n", "2", "missing_test.py"), flavour="worker")
    error: Any = _native.loads(ready.collected)["error"]
    assert error["kind"] == "usage_error"
    assert "missing_test.py" in error["args"][0]
    _, configured = build(
        project.spec("-n", "2", "missing_test.py"), "configured", flavour="worker"
    )
    path = os.fsencode(project.directory / "missing_test.py")
    assert [file.kind for file in configured.files if file.path == path] == ["absent"]


def test_options_are_there_without_xdist(project: Project, build: Builder) -> None:
    project.write(test_it="def test_it(worker_id): assert worker_id == 'gw0'")
    spec = spec_for(project.directory, "-n", "2", "-p", "no:xdist")
    zygote, _ = build(spec, flavour="worker", identity=GW0)
    worker = start_worker(zygote, spec, "gw0", 2)
    worker.run(0)
    assert worker.wait_for(ItemFinished).failures == 0


def _told(**values: object) -> WorkerIdentity:
    told = [WorkerValue(name, _native.dumps(value, repr)) for name, value in sorted(values.items())]
    return WorkerIdentity("gw0", 2, TESTRUN, told)


def test_what_plugins_tell_is_an_input_as_far_as_it_is_read(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="""
            def pytest_configure(config):
                config.early = config.workerinput["early"]
                config.other = "other" in config.workerinput, config.workerinput.get("late?")
        """,
        test_it="""
            def test_it(pytestconfig, record_property):
                told = pytestconfig.workerinput
                assert pytestconfig.early is told["early"] and pytestconfig.other == (False, None)
                record_property("seen", [told["early"], told.get("late"), "gone" in told])
        """,
    )
    spec = project.spec("-n", "2")
    identity = _told(early=[1, "a"], late=1, gone=2)
    _, ready = build(spec, "gathered", flavour="worker", identity=identity)
    reads = {read.name: (read.value, read.is_set) for read in ready.environment}
    assert {name: reads[name] for name in reads if name.startswith(b"=")} == {
        b"=early": (_native.dumps([1, "a"], repr), True),
        b"=other": (b"", False),
        b"=late?": (b"", False),
    }
    zygote, _ = build(spec, flavour="worker", identity=identity)
    process = zygote.start(spec, flavour="worker", identity=_told(early=[1, "a"], late=3))
    worker = FakeWorker(process, "gw0")
    worker.run(0)
    _, [_, call, _] = _native.loads(worker.wait_for(ItemFinished).reports)
    assert call[-1] == [("seen", [[1, "a"], 3, False])]


def test_going_through_all_that_plugins_tell_reads_all(project: Project, build: Builder) -> None:
    project.write(
        conftest="def pytest_configure(config): config.kept = dict(config.workerinput)",
        test_it="def test_it(): pass",
    )
    identity = _told(a=1, b=None)
    _, ready = build(project.spec("-n", "2"), "gathered", flavour="worker", identity=identity)
    names = {read.name for read in ready.environment}
    assert names >= {b"=", b"=a", b"=b", b"PYTEST_XDIST_WORKER", b"PYTEST_XDIST_TESTRUNUID"}
    assert [read.value for read in ready.environment if read.name == b"="] == [b"a\0b"]
