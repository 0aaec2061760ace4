"""What pytest tells without workers, and pytest-xdist leaves out, is told with workers."""

from __future__ import annotations

import re

from tests.e2e.hearth import Hearth

_FIXTURES = """
import pytest
@pytest.fixture(scope="module")
def whole():
    yield
@pytest.fixture
def single(whole):
    yield
def test_passes(single):
    print("captured")
def test_fails(single):
    assert 0
"""


def _fixture_lines(stdout: str) -> list[str]:
    found = re.findall(r"^ +(?:SETUP|TEARDOWN|test_a\.py::).*$", stdout, re.MULTILINE)
    return [re.sub(r"\) ?[.F]?$", ")", line) for line in found]


def test_setup_show_and_its_kind_show_the_same(hearth: Hearth) -> None:
    hearth.write("test_a.py", _FIXTURES)
    for option in ("--setup-show", "--setup-plan", "--setup-only"):
        expected = _fixture_lines(hearth.plain("-p", "no:xdist", option).stdout)
        assert expected
        done = hearth.pytest("-n", "1", option)
        assert _fixture_lines(done.stdout) == expected, str(done)
        assert "captured\n" not in done.stdout


def test_live_logs_are_shown(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import logging
        def test_a():
            print("captured")
            logging.getLogger().warning("told at once")
        """,
    )
    for options in (("-o", "log_cli=true"), ("--log-cli-level=INFO",)):
        done = hearth.pytest("-n", "1", *options)
        assert "live log call" in done.stdout, str(done)
        assert done.stdout.count("told at once") == 1
        assert "captured\n" not in done.stdout


def test_the_reasons_of_skips_and_expected_failures_are_shown(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.skip(reason="no moon")
        def test_skipped(): pass
        @pytest.mark.skip
        def test_plainly(): pass
        @pytest.mark.xfail(reason="no sun " + "and no stars " * 20)
        def test_expected(): assert 0
        """,
    )
    for options in (("-v",), ("-vv",)):
        plain = hearth.plain("-p", "no:xdist", *options).stdout
        done = hearth.pytest("-n", "1", *options)
        assert "test_a.py::test_skipped (no moon)\n" in done.stdout, str(done)
        assert "test_a.py::test_plainly (unconditional skip)\n" in done.stdout
        line = next(line for line in done.stdout.splitlines() if "XFAIL" in line)
        assert line.endswith("...)") == (options == ("-v",)), line
        assert ("stars )" in line) == ("stars )" in plain)


def test_what_is_deselected_is_told_when_tests_are_collected(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a(): pass\ndef test_b(): pass\n")
    done = hearth.pytest("-n", "1", "-k", "test_a and not test_b")
    assert "1 worker [1 item] / 1 deselected" in done.stdout, str(done)


def test_each_worker_has_a_log_file_of_its_own(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import logging, pytest
        @pytest.mark.parametrize("number", range(8))
        def test_a(worker_id, number):
            logging.getLogger().warning("%s runs %s", worker_id, number)
        """,
    )
    hearth.write(
        "conftest.py",
        """
        import logging
        def pytest_testnodedown(node):
            logging.getLogger().warning("the controller knows of %s", node.gateway.id)
        """,
    )
    for _ in range(2):
        done = hearth.pytest("-n", "2", "--log-file=logs/tests.log")
        assert done.counts == {"passed": 8}, str(done)
        logs = {path.name: path.read_text() for path in hearth.project.glob("logs/*")}
        assert set(logs) == {"tests.log", "tests.gw0.log", "tests.gw1.log"}
        told = re.findall(r"(gw\d) runs (\d)", logs["tests.gw0.log"] + logs["tests.gw1.log"])
        assert sorted(number for _, number in told) == [str(number) for number in range(8)]
        assert logs["tests.log"].count("the controller knows of") == 2
        assert "gw1 runs" not in logs["tests.gw0.log"]
    option = hearth.pytest("-n", "1", "-o", "log_file=of-ini.log")
    assert option.exit_code == 0
    assert "gw0 runs" in (hearth.project / "of-ini.gw0.log").read_text()
