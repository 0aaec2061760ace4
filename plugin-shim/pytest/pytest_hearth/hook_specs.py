"""pytest-xdist's hooks, for where pytest-xdist is not there: they can be implemented as if it were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import pytest


@pytest.hookspec(firstresult=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> Optional[int]:
    """The number of workers for `-n auto` and `-n logical`."""


@pytest.hookspec
def pytest_xdist_setupnodes(config: pytest.Config, specs: Sequence[Any]) -> None:
    """Workers are going to be started."""


@pytest.hookspec
def pytest_xdist_newgateway(gateway: Any) -> None:
    """One worker is going to be started."""


@pytest.hookspec
def pytest_configure_node(node: Any) -> None:
    """Likewise; what is written to node.workerinput the worker finds in config.workerinput."""


@pytest.hookspec
def pytest_testnodeready(node: Any) -> None:
    """A worker is up."""


@pytest.hookspec
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """What a worker has collected."""


@pytest.hookspec(firstresult=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> Optional[bool]:
    """A worker has died of a test. sched.mark_test_pending(crashitem) has it executed again."""


@pytest.hookspec
def pytest_testnodedown(node: Any, error: Optional[object]) -> None:
    """A worker has ended: in order, then node.workeroutput is there, or by a crash."""
