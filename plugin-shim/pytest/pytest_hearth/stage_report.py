"""What a paused process tells of itself besides its trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from .messages import ModuleOrigin, OptionRead


class StageReport:
    """Of a session at `configured`: whether it is distributed. Of a worker at `selected`: what it collected.

    options: those that were read.
    preload, no_preload: what may be imported ahead of the project's next run, and what must not be; declared_…: what it wishes.
    """

    def __init__(
        self,
        *,
        distributed: bool = False,
        items: Optional[list[str]] = None,
        collected: bytes = b"",
        preload: Sequence[ModuleOrigin] = (),
        no_preload: Sequence[str] = (),
        options: Sequence[OptionRead] = (),
        declared_preload: Sequence[str] = (),
        declared_no_preload: Sequence[str] = (),
    ) -> None:
        self.distributed = distributed
        self.items = items or []
        self.collected = collected
        self.preload = preload
        self.no_preload = no_preload
        self.options = options
        self.declared_preload = declared_preload
        self.declared_no_preload = declared_no_preload

    def forget(self) -> None:
        """It has been told."""
        self.__init__()  # type: ignore[misc]
