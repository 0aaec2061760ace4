"""`[tool.hearth]` in pyproject.toml: what is imported ahead of runs, and what is not."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth
from tests.support.events import TIMEOUT


class Packages:
    """Installed modules, each of which notes that it is executed."""

    def __init__(self, hearth: Hearth) -> None:
        code = "import sys; print('python%d.%d' % sys.version_info[:2])"
        python = subprocess.run(
            [hearth.daemon.python, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        base = hearth.daemon.directory / "user"
        self._directory = base / "lib" / python / "site-packages"
        self._directory.mkdir(parents=True)
        self._executed = hearth.daemon.directory / "executed"
        self._executed.touch()
        hearth.environment["PYTHONUSERBASE"] = str(base)
        hearth.environment["PYTHONPATH"] = str(self._directory)

    def install(self, name: str, text: str = "") -> None:
        note = f"with open({str(self._executed)!r}, 'a') as file: file.write(__name__ + '\\n')\n"
        (self._directory / f"{name}.py").write_text(note + text)

    def executed(self) -> list[str]:
        return self._executed.read_text().split()


@pytest.fixture
def packages(hearth: Hearth) -> Packages:
    return Packages(hearth)


def _stages(hearth: Hearth) -> list[str]:
    return [each["stage"] for each in hearth.daemon.status()["zygotes"] if each["state"] == "ready"]


def _wait_until(claim: Callable[[], bool]) -> None:
    """The claim asks the daemon, which takes a while."""
    deadline = time.monotonic() + TIMEOUT
    while not claim():
        assert time.monotonic() < deadline, "it never came true"


def _run(hearth: Hearth, conftest: str = "") -> None:
    hearth.write("conftest.py", conftest)
    hearth.write("test_a.py", "def test_a(): pass\n")
    done = hearth.pytest()
    assert done.counts == {"passed": 1}, str(done)


def _rejected(hearth: Hearth) -> list[str]:
    found = json.loads(hearth.command("doctor", "--json").stdout)
    return [each["aspect"] for each in found["complaints"] if each["cause"] == "preload"]


def _declare(hearth: Hearth, text: str) -> Path:
    return hearth.write("pyproject.toml", f"[tool.hearth]\n{text}\n")


def test_a_declared_module_is_imported_ahead_though_no_run_imports_it(
    hearth: Hearth, packages: Packages
) -> None:
    packages.install("heavy")
    _declare(hearth, 'preload = ["heavy"]')
    _run(hearth)
    _wait_until(lambda: "preloaded" in _stages(hearth))
    assert packages.executed() == ["heavy"]


def test_a_project_that_wants_nothing_to_be_imported_ahead_gets_its_wish_with_the_next_run(
    hearth: Hearth, packages: Packages
) -> None:
    packages.install("heavy")
    _run(hearth, "import heavy")
    _wait_until(lambda: "preloaded" in _stages(hearth))
    _run(hearth, "import heavy # again")
    _declare(hearth, "preload = false")
    before = packages.executed()
    _run(hearth, "import heavy # and again")
    assert packages.executed() != before
    _wait_until(lambda: "preloaded" not in _stages(hearth))


def test_a_module_that_cannot_be_imported_ahead_is_told_until_it_is_declared(
    hearth: Hearth, packages: Packages
) -> None:
    packages.install("loud", "import logging\nlogging.getLogger('a').warning('loud')\n")
    _run(hearth, "import loud")
    _wait_until(lambda: _rejected(hearth) == ["loud"])
    _declare(hearth, 'no_preload = ["loud"]')
    _run(hearth, "import loud")
    _wait_until(lambda: _rejected(hearth) == [])
