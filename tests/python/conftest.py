"""Fixtures of the tests of the Python side: a zygote, and small projects for it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

import pytest
from fake_daemon import (
    RESOURCES,
    Interpreter,
    ProcessSpec,
    StageReady,
    WorkerIdentity,
    Zygote,
    plain_environment,
    spec_for,
)
from fake_distribution import TESTRUN

GW0 = WorkerIdentity("gw0", 2, TESTRUN, [])


class Project:
    """A directory with tests in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, **files: str) -> None:
        """NAME=text writes NAME.py."""
        for name, text in files.items():
            (self.directory / f"{name}.py").write_text(textwrap.dedent(text))

    def spec(self, *args: str, script: Optional[str] = None) -> ProcessSpec:
        return spec_for(self.directory, *args, script=script)


def run_plainly(project: Project, *args: str) -> subprocess.CompletedProcess[str]:
    """`python -m pytest ARGS…` in the project, without hearth."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *args],
        cwd=project.directory,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(autouse=True)
def close_channels() -> Iterator[None]:
    """Each test's processes see the end of their channels, and end."""
    before = len(RESOURCES)
    yield
    while len(RESOURCES) > before:
        RESOURCES.pop().close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    directory = tmp_path / "project"
    directory.mkdir()
    return Project(directory)


@pytest.fixture(scope="session")
def interpreter() -> Iterator[Interpreter]:
    """One for all tests: each forks from it."""
    zygote = Interpreter()
    ready = zygote.ready()
    assert ready.refusal == ""
    yield zygote
    zygote.stop()


STAGES = {
    "session": ("configured", "started", "gathered", "selected"),
    "worker": ("configured", "gathered", "selected"),
}

Builder = Callable[..., tuple[Zygote, StageReady]]


@pytest.fixture
def build(interpreter: Interpreter) -> Builder:
    """build(spec, stage, flavour, identity): the paused zygote and its report; built through the stages below it."""

    def build_stage(
        spec: ProcessSpec,
        stage: str = "selected",
        flavour: str = "session",
        identity: WorkerIdentity = GW0,
    ) -> tuple[Zygote, StageReady]:
        if flavour == "session":
            identity = WorkerIdentity("", 0, "", [])
        zygote: Zygote = interpreter
        for each in STAGES[flavour]:
            zygote = zygote.build(spec, each, flavour, identity)
            ready = zygote.ready()
            if stage in (each, ready.stage):
                break
        return zygote, ready

    return build_stage
