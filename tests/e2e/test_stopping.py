"""-x and --maxfail: plain pytest's exit code and words, and nothing is started once the failure is known."""

from __future__ import annotations

import pytest

from tests.e2e.hearth import Hearth

Mode = tuple[str, ...]


@pytest.mark.parametrize("options", [("-x",), ("--maxfail=1",), ("--maxfail=3",)])
def test_the_run_stops_with_plain_pytests_exit_code_and_banner(
    hearth: Hearth, mode: Mode, options: tuple[str, ...]
) -> None:
    hearth.write(
        "test_a.py", "".join(f"def test_{number}():\n    assert 0\n" for number in range(40))
    )
    plain = hearth.plain(*options)
    for _ in range(2):
        done = hearth.pytest(*mode, *options)
        assert done.exit_code == plain.exit_code == 1, str(done)
        wanted, failed = plain.counts["failed"], done.counts["failed"]
        assert f"stopping after {failed} failures" in done.stdout, str(done)
        # One worker may be within a test when the other's failure is the last.
        assert failed == wanted or (mode and failed == wanted + 1), str(done)


def test_maxfail_counts_the_failures_of_all_workers_together(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py", "".join(f"def test_{number}():\n    assert 0\n" for number in range(200))
    )
    done = hearth.pytest("-n", "2", "--maxfail=4")
    assert done.exit_code == 1, str(done)
    assert done.counts["failed"] in (4, 5), str(done)
    assert f"stopping after {done.counts['failed']} failures" in done.stdout


def test_no_test_is_started_after_the_failure_is_known(hearth: Hearth) -> None:
    """The first test fails while the other worker is within a test, which ends when the failure was shown to the user."""
    hearth.write_gate()
    hearth.write("conftest.py", "")
    hearth.write(
        "test_a.py",
        """
        import pytest, gate
        @pytest.mark.parametrize("number", range(100))
        def test_fails(number):
            gate.reach("fails")
            gate.hold("first")
            assert 0
        """,
    )
    hearth.write(
        "test_b.py",
        """
        import pytest, gate
        def test_holds():
            gate.reach("holds")
            gate.hold("second")
        @pytest.mark.parametrize("number", range(99))
        def test_later(number):
            gate.reach("later")
        """,
    )
    process = hearth.start_pytest("-n", "2", "-x", "-v", "--dist=loadfile")
    assert {hearth.gate.wait()[0], hearth.gate.wait()[0]} == {"fails", "holds"}
    hearth.gate.release(gate="first")
    seen = hearth.read_until(process, "FAILED")  # shown after the daemon has passed it on
    hearth.gate.release(gate="second")
    done = hearth.finish(process)
    assert done.exit_code == 1, seen + str(done)
    with pytest.raises(TimeoutError):
        hearth.gate.wait(timeout=0)
    assert "stopping after 1 failures" in done.stdout
    assert done.counts == {"failed": 1, "passed": 1}


def test_a_usage_error_of_maxfail_is_plain_pytests(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    done = hearth.pytest(*mode, "--maxfail=many")
    assert done.exit_code == hearth.plain("--maxfail=many").exit_code == 4
    assert "--maxfail" in done.stderr


def test_a_plugin_of_the_controller_that_ends_the_run_lets_tests_in_progress_complete(
    hearth: Hearth,
) -> None:
    hearth.write_gate()
    hearth.write(
        "conftest.py",
        """
        def pytest_runtest_logreport(report):
            if report.failed and hasattr(report, "node"):
                report.node.config.pluginmanager.get_plugin("session").shouldstop = "enough"
        """,
    )
    hearth.write("test_a.py", "import gate\ndef test_fails():\n    gate.reach('a')\n    assert 0\n")
    hearth.write(
        "test_b.py",
        """
        import gate, pytest
        @pytest.fixture
        def prepared():
            yield
            print("taken down")
        def test_holds(prepared):
            gate.reach("b")
            gate.hold()
        def test_later():
            pass
        """,
    )
    process = hearth.start_pytest("-n", "2", "-v", "-rP", "--dist=loadfile")
    hearth.gate.wait()
    hearth.gate.wait()
    seen = hearth.read_until(process, "FAILED")
    hearth.gate.release()
    done = hearth.finish(process)
    assert done.exit_code == 2, seen + str(done)
    assert "Interrupted: enough" in done.stdout
    assert "PASSED test_b.py::test_holds" in done.stdout
    assert "taken down" in done.stdout
