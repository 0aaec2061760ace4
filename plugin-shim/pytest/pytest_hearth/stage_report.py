"""What a paused process tells of itself besides its trace."""

from __future__ import annotations

from typing import Optional


class StageReport:
    """Of a session at `configured`: whether it is distributed. Of a worker at `selected`: what it collected."""

    def __init__(
        self,
        *,
        distributed: bool = False,
        items: Optional[list[str]] = None,
        collected: bytes = b"",
    ) -> None:
        self.distributed = distributed
        self.items = items or []
        self.collected = collected
