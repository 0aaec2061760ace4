"""A distributed run says what a plain one says."""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree

import pytest
from conftest import GW0, Builder, Project, run_plainly
from fake_distribution import Distribution

MANY_OUTCOMES = """
    import pytest, warnings

    @pytest.fixture
    def broken(): raise ValueError("in setup")

    @pytest.fixture
    def breaks():
        yield
        raise ValueError("in teardown")

    class TestClass:
        def test_method(self): pass

    def test_passes(): pass
    def test_fails(): print("captured"); assert [1, 2] == [1, 3]
    def test_error(broken): pass
    def test_teardown(breaks): pass
    @pytest.mark.skip(reason="by mark")
    def test_skip_mark(): pass
    def test_skip_call(): pytest.skip("by call")
    @pytest.mark.xfail(reason="known")
    def test_xfail(): assert 0
    @pytest.mark.xfail
    def test_xpass(): pass
    @pytest.mark.xfail(strict=True)
    def test_xpass_strict(): pass
    @pytest.mark.parametrize("value", ["a", "b::c", "\\u00fc"])
    def test_parametrized(value, record_property): record_property("value", value)
    def test_warns(): warnings.warn(UserWarning("careful", 5))
    def test_chain():
        try: 1 / 0
        except ZeroDivisionError as e: raise KeyError("x") from e
"""


def distributed(project: Project, build: Builder, *args: str, count: int = 2) -> Distribution:
    spec = project.spec("-n", str(count), *args)
    sessions, configured = build(spec, "configured")
    assert configured.distributed
    workers, ready = build(spec, flavour="worker", identity=GW0)
    assert ready.refusal == ""
    distribution = Distribution(sessions.start(spec), workers, ready, spec, count)
    distribution.serve()
    distribution.controller.wait()
    return distribution


def summary(text: str) -> list[str]:
    """The numbers of the last line."""
    return sorted(
        re.findall(r"\d+ (?!second)[a-z]+", text.strip().splitlines()[-1].split(" in ")[0])
    )


def cases(path: os.PathLike[str]) -> list[tuple[object, ...]]:
    root = ElementTree.parse(path).getroot()
    return sorted(
        (
            case.attrib["classname"],
            case.attrib["name"],
            [(child.tag, child.attrib.get("message"), child.attrib.get("type")) for child in case],
        )
        for case in root.iter("testcase")
    )


def short_summary(text: str) -> list[str]:
    kinds = ("FAILED ", "ERROR ", "SKIPPED ", "XFAIL ", "XPASS ", "PASSED ")
    return sorted(line for line in text.splitlines() if line.startswith(kinds))


def test_all_outcomes_are_those_of_a_plain_run(project: Project, build: Builder) -> None:
    project.write(test_it=MANY_OUTCOMES)
    args = ["-rA", "-k", "not method", "-o", "junit_family=xunit1", "--junitxml"]
    cold = run_plainly(project, *args, "plain.xml", "-p", "no:xdist")
    warm = distributed(project, build, *args, "hearth.xml").controller
    assert warm.exit_code() == cold.returncode == 1
    assert summary(warm.out()) == summary(cold.stdout)
    assert short_summary(warm.out()) == short_summary(cold.stdout)
    assert cases(project.directory / "hearth.xml") == cases(project.directory / "plain.xml")
    assert (
        "UserWarning: ('careful', 5)" in cold.stdout and "UserWarning: ('careful', 5)" in warm.out()
    )


def test_the_lines_are_xdists(project: Project, build: Builder) -> None:
    project.write(test_it="def test_a(): pass\ndef test_b(): pass\n")
    out = distributed(project, build).controller.out()
    assert out.index("test session starts") < out.index(
        "created: 2/2 workers\n2 workers [2 items]\n\n"
    )
    out = distributed(project, build, "-v", count=1).controller.out()
    assert "created: 1/1 worker\n1 worker [2 items]\n\nscheduling tests via LoadScheduling\n" in out
    assert re.search(r"\[gw0\] \[ 50%\] PASSED test_it.py::test_a", out)


def test_reports_carry_their_worker(project: Project, build: Builder) -> None:
    project.write(
        conftest="""
            def pytest_runtest_logreport(report):
                if hasattr(report, "node"):
                    n = report.node
                    print("SEEN", report.nodeid, report.when, report.worker_id == n.gateway.id == n.workerinput["workerid"],
                          len(report.testrun_uid), report.item_index, n.config is not None)
        """,
        test_it="def test_a(): pass\ndef test_b(): pass\n",
    )
    out = distributed(project, build, "-s").controller.out()
    assert sorted(re.findall("SEEN (.*)", out)) == sorted(
        f"test_it.py::test_{name} {when} True 32 {index} True"
        for index, name in enumerate("ab")
        for when in ("setup", "call", "teardown")
    )


def test_a_collection_error_runs_nothing(project: Project, build: Builder) -> None:
    project.write(test_bad="import no_such_module", test_ok="def test_it(): open('ran', 'w')")
    cold = run_plainly(project, "-p", "no:xdist", "-rA")
    (project.directory / "ran").unlink(missing_ok=True)
    warm = distributed(project, build, "-rA").controller
    assert warm.exit_code() == cold.returncode == 2
    assert summary(warm.out()) == summary(cold.stdout)
    assert short_summary(warm.out()) == short_summary(cold.stdout)
    assert "Interrupted: 1 error during collection" in warm.out()
    assert not (project.directory / "ran").exists()


def test_a_collection_error_may_be_passed_over(project: Project, build: Builder) -> None:
    project.write(test_bad="import no_such_module", test_ok="def test_it(): pass")
    warm = distributed(project, build, "--continue-on-collection-errors").controller
    assert warm.exit_code() == 1
    assert summary(warm.out()) == ["1 error", "1 passed"]


@pytest.mark.parametrize(
    ("files", "args", "code", "text"),
    [
        (
            {"test_it": "def test_it(): pass"},
            ["missing.py"],
            4,
            "ERROR: file or directory not found: missing.py",
        ),
        ({"test_it": "x = 1"}, [], 5, "no tests ran"),
        ({"test_it": "def test_it(): pass"}, ["-k", "nothing"], 5, "1 deselected"),
        (
            {"conftest": "def pytest_collection_modifyitems(): raise RuntimeError('oops')"},
            [],
            3,
            "RuntimeError: oops",
        ),
        ({"test_it": "import pytest; pytest.exit('enough', 7)"}, [], 2, "enough"),
        (
            {"test_it": "import pytest\ndef test_it(): pytest.exit('enough', 7)"},
            [],
            7,
            "Exit: enough",
        ),
        ({"test_it": "def test_it(): raise KeyboardInterrupt"}, [], 2, "Interrupt"),
        ({"conftest": "def pytest_runtest_teardown(): raise SystemExit"}, [], 5, "no tests ran"),
        (
            {
                "conftest": "def pytest_runtest_logfinish(nodeid): raise RuntimeError('log')",
                "test_it": "def test_it(): pass",
            },
            [],
            3,
            "RuntimeError: log",
        ),
        (
            {
                "test_it": "def test_it(request): request.session.shouldstop = 'asked to'\ndef test_2(): pass"
            },
            [],
            2,
            "asked to",
        ),
        (
            {
                "test_it": "def test_it(request): request.session.shouldfail = 'asked to'\ndef test_2(): pass"
            },
            [],
            1,
            "asked to",
        ),
    ],
)
def test_it_ends_as_a_plain_run_ends(
    project: Project, build: Builder, files: dict[str, str], args: list[str], code: int, text: str
) -> None:
    project.write(**files)
    cold = run_plainly(project, "-p", "no:xdist", *args)
    warm = distributed(project, build, *args, count=1).controller
    assert cold.returncode == code
    assert warm.exit_code() == code, warm.out() + warm.err()
    assert text in cold.stdout + cold.stderr
    assert text in warm.out() + warm.err()


def test_exitfirst_stops_with_the_plain_banner_and_status(project: Project, build: Builder) -> None:
    project.write(
        test_it="def test_0(): assert 0\n" + "".join(f"def test_{i}(): pass\n" for i in range(1, 9))
    )
    warm = distributed(project, build, "-x", count=1)
    assert warm.controller.exit_code() == 1
    assert "stopping after 1 failures" in warm.controller.out()
    assert summary(warm.controller.out()) == ["1 failed"]


def test_an_interrupt_stops_the_workers_and_ends_as_usual(project: Project, build: Builder) -> None:
    project.write(
        conftest="""
            import os, signal
            def pytest_runtest_logfinish(nodeid):
                if "PYTEST_XDIST_WORKER" not in os.environ:
                    os.kill(os.getpid(), signal.SIGINT)
        """,
        test_it="".join(f"def test_{i}(): pass\n" for i in range(200)),
    )
    warm = distributed(project, build)
    assert warm.outcome == "cancelled"
    assert warm.controller.exit_code() == 2
    assert "! KeyboardInterrupt !" in warm.controller.out()
    assert all(worker.output is not None for worker in warm.workers)


def test_what_only_pytest_xdist_has_is_a_usage_error_of_a_session_that_is_no_deeper_than_configured(
    project: Project, build: Builder
) -> None:
    project.write(test_it="def test_it(): pass")
    spec = project.spec("-d", "--tx", "popen", "-p", "no:xdist")
    zygote, ready = build(spec, "configured")
    assert ready.distributed
    process = zygote.start(spec)
    assert process.exit_code() == 4
    assert "hearth: --tx" in process.err()


def test_what_a_plugin_sees_does_not_depend_on_who_else_is_there(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="""
            def pytest_runtest_logreport(report): pass
        """,
        test_it="def test_a(): pass\ndef test_b(): assert 0\n",
    )
    args = ["--durations=0", "-vv"]

    def durations(text: str) -> list[str]:
        return sorted(re.findall(r"s (setup|call|teardown) +(\S+)", text))

    seen = durations(distributed(project, build, *args).controller.out())
    (project.directory / "conftest.py").unlink()
    assert durations(distributed(project, build, *args).controller.out()) == seen
    assert len(seen) == 6


def test_a_crash_is_reported_with_its_signal(project: Project, build: Builder) -> None:
    project.write(
        test_it="""
            import os, signal
            def test_crashes(): os.kill(os.getpid(), signal.SIGSEGV)
            def test_passes(): pass
        """
    )
    warm = distributed(project, build, "-p", "no:faulthandler").controller
    assert warm.exit_code() == 1
    assert (
        "worker 'gw0' crashed while running 'test_it.py::test_crashes': killed by SIGSEGV"
        in warm.out()
    )
    assert "[gw0] node down: Not properly terminated" in warm.out()
    assert summary(warm.out()) == ["1 failed", "1 passed"]


def test_a_value_that_cannot_be_sent_becomes_its_repr_with_a_warning(
    project: Project, build: Builder
) -> None:
    project.write(
        test_it="""
            class Odd:
                def __repr__(self): return "<an odd value>"
            def test_it(record_property): record_property("odd", Odd())
        """
    )
    warm = distributed(project, build).controller
    assert warm.exit_code() == 0
    assert summary(warm.out()) == ["1 passed", "1 warning"]
    assert (
        "only the repr of what cannot be sent from a worker is in the report of test_it.py::test_it: <an odd value>"
        in warm.out()
    )


def test_zero_workers_are_a_single_run(project: Project, build: Builder) -> None:
    project.write(test_it="def test_it(): pass")
    _, ready = build(project.spec("-n", "0"), "configured")
    assert not ready.distributed


@pytest.mark.parametrize(
    "args", [["--collect-only"], ["--pdb"], ["--version", "--version"], ["--help"], ["--fixtures"]]
)
def test_what_cannot_be_distributed_is_not(
    project: Project, build: Builder, args: list[str]
) -> None:
    project.write(test_it="def test_it(): pass")
    _, ready = build(project.spec("-n", "auto", *args), "configured")
    assert not ready.distributed


def test_a_distribution_of_xdists_own_begins_at_configured(
    project: Project, build: Builder
) -> None:
    """It starts processes and threads: nothing that could be forked, and nothing to do in a stage."""
    pytest.importorskip("xdist")
    project.write(test_it="def test_it(): pass")
    _, ready = build(project.spec("-n", "2", "--dist", "loadscope"), "configured")
    assert ready.distributed


def test_auto_takes_an_explicit_answer_from_the_project(project: Project, build: Builder) -> None:
    project.write(
        conftest="def pytest_xdist_auto_num_workers(config): return 3",
        test_it="def test_it(): pass",
    )
    spec = project.spec("-n", "auto", "--maxprocesses", "2")
    sessions, _ = build(spec, "configured")
    workers, ready = build(spec, flavour="worker")
    distribution = Distribution(sessions.start(spec), workers, ready, spec, 2)
    distribution.serve()
    assert (distribution.opened.workers, distribution.opened.auto_workers) == (0, 2)
    assert distribution.controller.exit_code() == 0


def test_workers_have_directories_below_the_controllers(project: Project, build: Builder) -> None:
    project.write(test_it="def test_it(tmp_path): (tmp_path / 'f').touch()")
    base = project.directory.parent / "base"
    warm = distributed(project, build, f"--basetemp={base}", count=1)
    assert warm.controller.exit_code() == 0
    assert (base / "popen-gw0" / "test_it0" / "f").exists()
