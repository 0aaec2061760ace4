"""What was done on the way to a stage that is no file, and what follows from it.

It is judged by the code that did it (native/culprit.h). A child process has inputs that nobody sees, and so has what a socket was
connected or bound to: an installed package's looks at the machine, a project's refuses the stage. An identity (process id, random
bytes, a uuid; of a plugin: the seed of a generator; of a package on a project's behalf: the process id) would be the same in
every fork: the stage serves once. So it does with a
temporary file or directory, whoever made it: a fork's exit handler removes it. The clock cannot be seen everywhere: a stage in
which project code has run is fresh until midnight, or for as long as hearthd says. A question to the user (`input`, a debugger)
refuses a session's stage; a worker has nobody to ask.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Optional

from . import _native, randomness
from .declaration import Declaration, read
from .messages import Consequence, Finding


class Findings:
    """One for the process, handed on through forks."""

    def __init__(self) -> None:
        self.declaration = Declaration()
        # What may be there at the pause still, and where it came to be: by kind ("open", "thread").
        self._made: dict[str, list[tuple[str, bytes, int]]] = {"open": [], "thread": []}
        # A project's tests may put others in their places in the module.
        self._now: Callable[[], float] = time.time
        self._local: Callable[[float], time.struct_time] = time.localtime
        self._of_epoch: Callable[[tuple[int, ...]], float] = time.mktime  # type: ignore[assignment]
        self._begun = 0.0

    def begin(self) -> None:
        """On the way to a stage."""
        _native.take_findings()
        self._begun = self._now()

    def read_declaration(self, rootdir: str) -> None:
        """While what is read is recorded."""
        self.declaration = read(rootdir)

    def take(self, *, is_worker: bool, config: Optional[Any]) -> list[Finding]:
        """Those of this stage, once nothing is recorded any more. config: pytest's, once there is one."""
        found, self.declaration.errors = self.declaration.errors, []
        for kind, what, file, line, whose in _native.take_findings():
            subject = what.partition(": ")[2]
            if kind in self._made:
                self._made[kind].append((what, file, line))
            elif kind == "input":
                if not is_worker:
                    found.append(Finding(kind, what, file, line, Consequence.refused))
            elif kind == "removal":
                if whose == "project" or _is_in_project(subject, what, config):
                    found.append(Finding(kind, what, file, line, Consequence.accepted))
            elif kind == "identity" and whose == "installed":
                if _is_plugins(file, config):
                    found.append(
                        Finding(kind, what, file, line, self._consequence(kind, "project"))
                    )
            elif whose == "project" or kind != "temporary" or os.path.lexists(subject):
                found.append(Finding(kind, what, file, line, self._consequence(kind, whose)))
        for module in randomness.unseeded_draws():
            what = f"numbers of `{module}`, without a seed"
            consequence = self._consequence("identity", "project")  # nobody can see whose
            found.append(Finding("identity", what, b"", 0, consequence))
        return found

    def at_the_pause(self, kind: str, what: str) -> Finding:
        """What the audit has found, with the last place where it perhaps came to be."""
        places = [(file, line) for _, file, line in self._made_of(kind) if file]
        file, line = places[-1] if places else (b"", 0)
        return Finding(kind, what, file, line, Consequence.refused)

    def made(self, kind: str) -> str:
        """Where what the audit has found was perhaps opened or started, for a refusal's text."""
        texts = [
            f"{what} at {os.fsdecode(file)}:{line}" if file else what
            for what, file, line in self._made_of(kind)[-3:]
        ]
        return f" ({'; '.join(texts)})" if texts else ""

    def _made_of(self, kind: str) -> list[tuple[str, bytes, int]]:
        is_open = kind in ("descriptor", "lock", "database")
        return self._made["open"] if is_open else self._made.get(kind, [])

    def fresh_until(self) -> int:
        """The midnight that followed the beginning of this stage; 0: the clock is of no importance."""
        if "clock" in self.declaration.harmless:
            return 0
        day = self._local(self._begun)
        return int(self._of_epoch((day.tm_year, day.tm_mon, day.tm_mday + 1, 0, 0, 0, 0, 0, -1)))

    def _consequence(self, kind: str, whose: str) -> str:
        if kind in self.declaration.harmless:
            return Consequence.accepted
        if kind == "temporary":
            return Consequence.serves_once
        if whose == "project":
            unseen = kind in ("subprocess", "socket")
            return Consequence.refused if unseen else Consequence.serves_once
        return Consequence.accepted


def _is_in_project(path: str, what: str, config: Optional[Any]) -> bool:
    """Whether a plugin removes something of the project's (pytest-cov the last run's data). Modules' caches are renamed."""
    if config is None or what.startswith("os.rename"):
        return False
    root = os.fspath(config.rootpath)
    return os.path.abspath(path).startswith(os.path.join(root, ""))


def _is_plugins(file: bytes, config: Optional[Any]) -> bool:
    """Whether it is a plugin of this run: what it draws when it is loaded, the run may hang on (pytest-randomly's seed)."""
    plugins = config.pluginmanager.get_plugins() if config is not None else ()
    return os.fsdecode(file) in {getattr(plugin, "__file__", None) for plugin in plugins}


def refusal(found: list[Finding]) -> str:
    """One line: what refuses the stage; empty: nothing does."""
    for finding in found:
        if finding.consequence == Consequence.refused:
            return f"{finding.what} at {os.fsdecode(finding.file)}:{finding.line}"
    return ""
