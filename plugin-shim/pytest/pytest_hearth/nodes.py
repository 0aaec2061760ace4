"""The workers as plugins of the controller know them: their nodes, and the hooks of pytest-xdist that tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional

import pytest

from . import _native
from .messages import Distribution, WorkerInput, WorkerValue
from .node import Node, NodeManager
from .reports import Plain

# Called before a worker is started; what the last one is told (node.workerinput) the worker finds in config.workerinput.
_BEFORE_START = ("pytest_xdist_setupnodes", "pytest_xdist_newgateway", "pytest_configure_node")
_WITHOUT_EFFECT = "pytest_xdist_getremotemodule"


def is_implemented(config: Any, hook: str) -> bool:
    """Whether anybody implements a hook, whether or not anybody has specified it."""
    caller = getattr(config.hook, hook, None)
    return caller is not None and bool(caller.get_hookimpls())


class Nodes:
    """All of one run."""

    def __init__(self, config: Any, distribution: Distribution) -> None:
        self._config = config
        self._manager = NodeManager(config, distribution.testrun)
        self._nodes: dict[str, Node] = {}
        self._ready: set[str] = set()

    def begin(self) -> bool:
        """When all plugins are there. Returns whether one of them wants to know of workers before they are started."""
        if is_implemented(self._config, _WITHOUT_EFFECT):
            warning = pytest.PytestWarning(
                f"hearth: {_WITHOUT_EFFECT} has no effect: a worker is a fork of a warm pytest"
            )
            self._config.issue_config_time_warning(warning, stacklevel=2)
        return any(is_implemented(self._config, hook) for hook in _BEFORE_START)

    def configure(self, workers: Iterable[str], count: int) -> list[WorkerInput]:
        """These are going to be started. Returns what plugins tell them."""
        nodes = [self._make(worker, count) for worker in workers]
        specs = [node.gateway.spec for node in nodes]
        if not self._manager.specs:
            self._manager.specs = specs
            self._call("pytest_xdist_setupnodes", config=self._config, specs=specs)
        for node in nodes:
            self._call("pytest_xdist_newgateway", gateway=node.gateway)
            self._call("pytest_configure_node", node=node)
        return [self._input_of(node) for node in nodes]

    def ready(self, worker: str, count: int, items: list[str]) -> Node:
        """It is up, if that was not known yet."""
        node = self._nodes.get(worker) or self._make(worker, count)
        if worker not in self._ready:
            self._ready.add(worker)
            self._call("pytest_testnodeready", node=node)
            self._call("pytest_xdist_node_collection_finished", node=node, ids=items)
        return node

    def down(self, node: Node, error: Optional[str], output: bytes) -> None:
        """It has ended."""
        if output:
            node.workeroutput = _native.loads(output)  # type: ignore[attr-defined]
        node.shutting_down = True
        self._call("pytest_testnodedown", node=node, error=error)
        self._ready.discard(node.gateway.id)  # a worker that succeeds it has its name

    def _make(self, worker: str, count: int) -> Node:
        node = self._nodes[worker] = Node(worker, self._config, self._manager, count)
        return node

    def _input_of(self, node: Node) -> WorkerInput:
        values = []
        for name in sorted(node.workerinput):
            value = node.workerinput[name]
            if name in node.told and node.told[name] == value:
                continue
            plain = Plain()
            values.append(WorkerValue(name, _native.dumps(value, plain)))
            if plain.lost:
                warning = pytest.PytestWarning(
                    f"node.workerinput[{name!r}] cannot be sent to a worker, which gets its repr: {', '.join(plain.lost)}"
                )
                self._config.issue_config_time_warning(warning, stacklevel=2)
        return WorkerInput(node.gateway.id, values)

    def _call(self, hook: str, **arguments: Any) -> None:
        caller = getattr(self._config.hook, hook, None)
        if caller is not None:  # nobody has specified or implemented it
            caller(**arguments)
