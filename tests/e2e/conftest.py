"""Fixtures: the interpreters with their pinned packages, and a hearth that must leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth, hearth_world
from tests.support.environments import BUILD, make_environment

_REQUIREMENTS = Path(__file__).parent / "requirements"

# A shell starts background jobs with these ignored, and what is ignored is inherited by every command under test.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

IS_PYTEST_7 = os.environ.get("HEARTH_TEST_PYTEST", "").startswith("7.")  # the current one

SINGLE: tuple[str, ...] = ()
TWO_WORKERS = ("-n", "2")


@pytest.fixture(scope="session")
def interpreter() -> Callable[[str], Path]:
    """The interpreter of an environment: current, without-xdist, pytest-7.4, pytest-8.4, or bare (nothing installed).

    $HEARTH_TEST_PYTEST says which pytest is the current one.
    """
    python = os.environ.get("HEARTH_TEST_PYTHON", sys.executable)
    version = os.environ.get("HEARTH_TEST_PYTEST")
    current = f"pytest-{version}" if version else "current"

    def find(name: str) -> Path:
        name = current if name == "current" else name
        requirements = None if name == "bare" else _REQUIREMENTS / f"{name}.txt"
        return make_environment(BUILD / "e2e" / name, requirements, python)

    return find


@pytest.fixture
def hearth(interpreter: Callable[[str], Path]) -> Iterator[Hearth]:
    """`hearth` with the current pytest and xdist, in a world of its own; anything that survives `hearth stop` is a failure."""
    with hearth_world(interpreter("current")) as world:
        yield world


@pytest.fixture
def only_what_runs_build(hearth: Hearth) -> None:
    """The daemon of `hearth` builds nothing ahead and nothing anew after a run: what the runs themselves build can be counted."""
    hearth.environment["HEARTH_REBUILD"] = "0"


@pytest.fixture(params=[SINGLE, TWO_WORKERS], ids=["single", "two_workers"])
def mode(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options of `hearth pytest` without and with workers."""
    options: tuple[str, ...] = request.param
    return options
