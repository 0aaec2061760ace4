"""Internal errors, values that cannot travel, lost workers: never exit code 0, and a line that says why."""

from __future__ import annotations

import pytest

from tests.e2e.hearth import Hearth

Mode = tuple[str, ...]
_PASSES = "def test_a():\n    pass\ndef test_b():\n    pass\ndef test_c():\n    pass\n"


@pytest.mark.parametrize(
    "hook",
    [
        "pytest_runtest_setup(item)",
        "pytest_runtest_protocol(item, nextitem)",
        "pytest_runtest_makereport(item, call)",
        "pytest_runtest_logreport(report)",
        "pytest_collection_modifyitems(items)",
        "pytest_sessionstart(session)",
        "pytest_sessionfinish(session)",
        "pytest_configure(config)",
        "pytest_unconfigure(config)",
    ],
)
def test_an_error_in_any_hook_gives_no_success(hearth: Hearth, mode: Mode, hook: str) -> None:
    hearth.write("test_a.py", _PASSES)
    hearth.write("conftest.py", f"def {hook}:\n    raise RuntimeError('a hook is broken')\n")
    plain = hearth.plain()
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.exit_code == plain.exit_code != 0, str(done)
        assert "a hook is broken" in done.stdout + done.stderr
    hearth.write("conftest.py", "")
    assert hearth.pytest(*mode).counts == {"passed": 3}


def test_an_error_in_the_loop_gives_no_success(hearth: Hearth) -> None:
    """Without workers only: with them, xdist's loop comes first, and a project's own is never called."""
    hearth.write("test_a.py", _PASSES)
    hearth.write("conftest.py", "def pytest_runtestloop():\n    raise RuntimeError('broken')\n")
    for _ in range(2):
        done = hearth.pytest()
        assert done.exit_code == 3, str(done)
        assert "broken" in done.stdout


@pytest.mark.parametrize(
    "when", ["pytest_sessionstart", "pytest_sessionfinish", "pytest_runtest_protocol"]
)
def test_an_error_in_a_hook_of_workers_only_gives_no_success(hearth: Hearth, when: str) -> None:
    arguments = "item" if when == "pytest_runtest_protocol" else "session"
    hearth.write("test_a.py", _PASSES)
    hearth.write(
        "conftest.py",
        f"""
        def {when}({arguments}):
            if hasattr({arguments}.config, "workerinput"):
                raise RuntimeError("a hook is broken")
        """,
    )
    for _ in range(2):
        done = hearth.pytest("-n", "2")
        assert done.exit_code not in (0, 5), str(done)
        assert "a hook is broken" in done.stdout + done.stderr


@pytest.mark.parametrize("value", ["object()", "lambda: 0", "open(__file__)"])
def test_a_property_that_cannot_travel_becomes_its_repr_with_a_warning(
    hearth: Hearth, value: str
) -> None:
    hearth.write(
        "test_a.py",
        f"""
        def test_a():
            pass
        def test_odd(record_property):
            record_property("key", {value})
        def test_z():
            pass
        """,
    )
    for _ in range(2):
        done = hearth.pytest("-n", "2")
        assert (done.exit_code, done.counts) == (0, {"passed": 3, "warning": 1}), str(done)
        assert "only the repr of what cannot be sent from a worker" in done.stdout
        assert "test_a.py::test_odd" in done.stdout


def test_ordinary_properties_travel_as_they_are(hearth: Hearth) -> None:
    hearth.write(
        "conftest.py",
        """
        def pytest_runtest_logreport(report):
            if report.when == "call" and hasattr(report, "node"):
                wanted = {"a": [1, 2.5, None, True], "b": (1, "ü\\udc80"), "c": {"k": b"v"}, 7: 2**70}
                assert dict(report.user_properties) == wanted
                print("seen in the controller")
        """,
    )
    hearth.write(
        "test_a.py",
        """
        def test_a(record_property):
            record_property("a", [1, 2.5, None, True])
            record_property("b", (1, "ü\\udc80"))
            record_property("c", {"k": b"v"})
            record_property(7, 2**70)
        """,
    )
    done = hearth.pytest("-n", "2", "-s")
    assert done.exit_code == 0, str(done)
    assert "seen in the controller" in done.stdout


def test_an_exit_asked_for_by_a_test_ends_the_run_with_its_code(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        "import pytest\ndef test_0():\n    pytest.exit('enough', returncode=7)\n" + _PASSES,
    )
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.exit_code == hearth.plain().exit_code == 7, str(done)
        assert "enough" in done.stdout + done.stderr


def test_a_keyboard_interrupt_in_a_test_ends_the_run_with_2(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_0():\n    raise KeyboardInterrupt\n" + _PASSES)
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.exit_code == hearth.plain().exit_code == 2, str(done)


def test_a_session_stopped_by_a_test_is_no_success(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        "def test_0(request):\n    request.session.shouldstop = 'stop here'\n" + _PASSES,
    )
    plain = hearth.plain()
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.exit_code == plain.exit_code == 2, str(done)
        assert "stop here" in done.stdout


def test_a_collection_error_stops_the_run_as_in_plain_pytest(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _PASSES)
    hearth.write("test_b.py", "import no_such_module\n")
    plain = hearth.plain()
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.exit_code == plain.exit_code == 2, str(done)
        assert done.counts == plain.counts == {"error": 1}, str(done)
        assert "no_such_module" in done.stdout
        assert "1 error during collection" in done.stdout


def test_a_run_may_go_on_in_spite_of_collection_errors(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _PASSES)
    hearth.write("test_b.py", "import no_such_module\n")
    option = "--continue-on-collection-errors"
    plain = hearth.plain(option)
    for _ in range(2):
        done = hearth.pytest(*mode, option)
        assert done.exit_code == plain.exit_code == 1, str(done)
        assert done.counts == plain.counts == {"error": 1, "passed": 3}, str(done)


def test_an_error_of_a_session_fixtures_teardown_is_reported(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        """
        import pytest
        @pytest.fixture(scope="session")
        def resource():
            yield
            raise ValueError("teardown is broken")
        def test_a(resource):
            pass
        """,
    )
    plain = hearth.plain()
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert (
            (done.exit_code, done.counts)
            == (plain.exit_code, plain.counts)
            == (1, {"passed": 1, "error": 1})
        )
