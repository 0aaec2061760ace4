"""A worker as plugins see it in the controller: what they use of xdist's node objects."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any, Optional


class Spec:
    """node.gateway.spec: what is not specified is None."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.popen = True

    def __getattr__(self, name: str) -> None:
        if name.startswith("_"):
            raise AttributeError(name)

    def __repr__(self) -> str:
        return "<XSpec 'popen'>"

    def __str__(self) -> str:
        return "popen"


class Gateway:
    """node.gateway"""

    def __init__(self, name: str) -> None:
        self.id = name
        self.spec = Spec(name)

    def _rinfo(self) -> Any:
        return SimpleNamespace(
            executable=sys.executable,
            version_info=tuple(sys.version_info),
            platform=sys.platform,
            cwd=os.getcwd(),
            pid=None,
        )

    def __repr__(self) -> str:
        return f"<Gateway id={self.id!r}>"


class NodeManager:
    """node.nodemanager, the same for all workers of a run."""

    def __init__(self, config: Any, testrun: str) -> None:
        self.config = config
        self.testrunuid = testrun
        self.roots: list[Any] = []
        self.specs: list[Any] = []


class Node:
    """One worker. `workeroutput` is there once the worker has ended in order."""

    def __init__(self, name: str, config: Any, manager: NodeManager, workers: int) -> None:
        self.gateway = Gateway(name)
        self.config = config
        self.nodemanager = manager
        self.workerinput: dict[str, Any] = {
            "workerid": name,
            "workercount": workers,
            "testrunuid": manager.testrunuid,
            "mainargv": sys.argv,
        }
        self.told = dict(self.workerinput)  # the worker knows this much by itself
        self.shutting_down = False
        self._info: Optional[dict[str, Any]] = None

    @property
    def workerinfo(self) -> dict[str, Any]:
        """It is the controller's own interpreter on the controller's own machine."""
        if self._info is None:
            import platform

            self._info = {
                "version": sys.version,
                "version_info": tuple(sys.version_info),
                "sysplatform": sys.platform,
                "platform": platform.platform(),
                "executable": sys.executable,
                "cwd": os.getcwd(),
                "id": self.gateway.id,
                "spec": self.gateway.spec,
            }
        return self._info

    def __repr__(self) -> str:
        return f"<Node {self.gateway.id}>"
