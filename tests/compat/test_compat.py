"""Quick parts of the comparisons with pytest-xdist; whole: `python -m tests.compat.xdist`, `python -m tests.compat.plugins`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.environments import REPOSITORY

_PLUGINS = ("pytest-cov", "pytest-django", "pytest-randomly", "pytest-rerunfailures")
_OF_XDISTS_TESTS = ("TestNodeFailure", "TestLoadScope", "test_newhooks", "test_worker_id_fixture")


def _compare(module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.compat.{module}", *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("plugin", _PLUGINS)
def test_a_plugin_does_and_writes_what_it_does_with_xdist(plugin: str) -> None:
    _compare("plugins", plugin)


def test_what_xdist_demands_of_itself_is_met() -> None:
    _compare("xdist", *_OF_XDISTS_TESTS)
