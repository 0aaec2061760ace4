"""What a paused process tells of itself besides its trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

from .messages import EnvironmentRead, ImportsObserved, OptionRead


class StageReport:
    """Of a session at `configured`: whether it is distributed. Of a worker at `selected`: what it collected.

    options: those that were read. inputs: likewise, of what the controller's plugins tell a worker.
    observe_imports: at `selected`; it touches a good part of the memory.
    """

    def __init__(
        self,
        *,
        distributed: bool = False,
        items: Optional[list[str]] = None,
        groups: Sequence[str] = (),
        collected: bytes = b"",
        options: Sequence[OptionRead] = (),
        inputs: Sequence[EnvironmentRead] = (),
        observe_imports: Optional[Callable[[], ImportsObserved]] = None,
    ) -> None:
        self.distributed = distributed
        self.items = items or []
        self.groups = groups
        self.collected = collected
        self.options = options
        self.inputs = inputs
        self.observe_imports = observe_imports

    def forget(self) -> None:
        """It has been told."""
        self.__init__()  # type: ignore[misc]
