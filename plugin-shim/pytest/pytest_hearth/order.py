"""What a process was forked for, and who it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from .channel import Channel
from .messages import ModuleOrigin, ProcessSpec, WorkerIdentity


class Order:
    """Set once, at the fork; a stage that is built deeper is given a new one at the next fork.

    stage: the stage to pause at, or None for a process of a run.
    data: the worker's data channel, or -1.
    wants_trace: somebody wants to know what this process of a run looks at.
    preload, no_preload: of the stage `preloaded` only: what to import, and what no import may load.
    """

    def __init__(
        self,
        *,
        control: Channel,
        stage: Optional[str],
        flavour: str,
        spec: ProcessSpec,
        identity: WorkerIdentity,
        distribution: str,
        basetemp: bytes = b"",
        data: int = -1,
        wants_trace: bool = False,
        preload: Sequence[ModuleOrigin] = (),
        no_preload: Sequence[str] = (),
    ) -> None:
        self.control = control
        self.stage = stage
        self.flavour = flavour
        self.spec = spec
        self.identity = identity
        self.distribution = distribution
        self.basetemp = basetemp
        self.data = data
        self.wants_trace = wants_trace
        self.preload = preload
        self.no_preload = no_preload

    @property
    def is_worker(self) -> bool:
        return self.flavour == "worker"

    def descriptors(self) -> list[int]:
        """Those that are hearth's own in this process."""
        return [fd for fd in (self.control.fd, self.data) if fd >= 0]
