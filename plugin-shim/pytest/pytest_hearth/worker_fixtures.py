"""pytest-xdist's fixtures, where pytest-xdist is not there."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The id of this worker (gw0, gw1, …), or master where tests are not distributed."""
    workerinput = getattr(request.config, "workerinput", None)
    return "master" if workerinput is None else str(workerinput["workerid"])


@pytest.fixture(scope="session")
def testrun_uid(request: pytest.FixtureRequest) -> str:
    """The id of this run, the same in all its workers."""
    workerinput = getattr(request.config, "workerinput", None)
    return os.urandom(16).hex() if workerinput is None else str(workerinput["testrunuid"])
