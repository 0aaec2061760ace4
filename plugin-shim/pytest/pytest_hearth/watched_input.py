"""config.workerinput: who a worker is, and what plugins in the controller tell it (`pytest_configure_node`).

What of it is read on the way to a stage is an input of the stage, which serves only workers of which the same would be read.
What is not read is simply another in each fork. What the worker itself writes stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from . import _native, environment
from .messages import EnvironmentRead, WorkerIdentity
from .watched_dict import WatchedDict

_ARGUMENTS = "mainargv"
_PREFIX = b"="  # no variable's name begins with it
_ALL_KEYS = _PREFIX


class WatchedInput(WatchedDict):
    """Behaves as the dict that xdist has."""

    _VARIABLES: ClassVar[dict[str, bytes]] = {
        "workerid": environment.WORKER,
        "workercount": environment.COUNT,
        "testrunuid": environment.TESTRUN,
    }

    def __init__(self, note_arguments: Callable[[], None]) -> None:
        """note_arguments: called when somebody reads the command line."""
        super().__init__()
        self._note_arguments = note_arguments
        self._told: dict[str, bytes] = {}
        self._written: set[str] = set()
        self._reads: dict[bytes, EnvironmentRead] = {}

    def adopt(self, identity: WorkerIdentity, arguments: list[str]) -> None:
        """Hold what this worker is told."""
        before, self._told = self._told, {each.name: each.value for each in identity.input}
        own = {
            _ARGUMENTS: arguments,
            "workerid": identity.id,
            "workercount": identity.count,
            "testrunuid": identity.testrun,
        }
        for name in before.keys() - self._told.keys() - self._written:
            dict.pop(self, name, None)
        for name, value in own.items():
            if name not in self._written and name not in self._told:
                dict.__setitem__(self, name, value)
        for name, packed in self._told.items():
            # An equal value may have been read, and is that very object then.
            if name not in self._written and before.get(name) != packed:
                dict.__setitem__(self, name, _native.loads(packed))

    def take_reads(self) -> list[EnvironmentRead]:
        """What was read of what plugins tell, since the last time. The rest is told by variables and arguments."""
        taken = list(self._reads.values())
        self._reads.clear()
        return taken

    def _note(self, key: object) -> None:
        if not isinstance(key, str) or key in self._written:
            return
        if key in self._VARIABLES and key not in self._told:
            environment.note_read(self._VARIABLES[key])
        elif key == _ARGUMENTS and key not in self._told:
            self._note_arguments()
        else:
            self._note_as(_PREFIX + key.encode(errors="replace"), self._told.get(key))

    def _note_as(self, name: bytes, value: Any) -> None:
        self._reads[name] = EnvironmentRead(name, value or b"", value is not None)

    def _note_all(self) -> None:
        for key in (*self._VARIABLES, _ARGUMENTS, *self._told):
            self._note(key)
        self._note_as(_ALL_KEYS, "\0".join(self._told).encode(errors="replace"))

    def __setitem__(self, key: str, value: Any) -> None:
        self._written.add(key)
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: str) -> None:
        self._note(key)
        self._written.add(key)
        dict.__delitem__(self, key)
