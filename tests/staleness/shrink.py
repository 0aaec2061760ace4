"""Makes a history that ends in a difference shorter: fewer runs first, then fewer edits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.staleness.steps import Edit, Step

Fails = Callable[[Sequence[Step], int], bool]


def shrunken(steps: Sequence[Step], fails: Fails, seconds: float) -> tuple[list[Step], int]:
    """`fails(steps, first)` tells whether the last of these steps still differs when those before the step number `first` are
    edits without runs. Gives up at the best that it has after so many seconds. Returns steps and the first that is run.
    """
    deadline = time.monotonic() + seconds
    best, first = list(steps), steps[0].number
    window = 1
    while window < len(steps) and time.monotonic() < deadline:
        if fails(steps, steps[-1 - window].number):
            first = steps[-1 - window].number
            break
        window *= 2
    # In ever smaller pieces; what does no harm to the failure goes.
    size = max(1, _count(best) // 2)
    while time.monotonic() < deadline:
        position = 0
        while position < _count(best) and time.monotonic() < deadline:
            fewer = _without(best, position, size)
            if fails(fewer, first):
                best = fewer
            else:
                position += size
        if size == 1:
            break
        size //= 2
    return best, first


def _count(steps: Sequence[Step]) -> int:
    return sum(len(step.edits) for step in steps)


def _without(steps: Sequence[Step], position: int, size: int) -> list[Step]:
    """All but `size` edits from `position` on, counted over all steps."""
    left: list[Step] = []
    count = 0
    for step in steps:
        kept: list[Edit] = []
        for edit in step.edits:
            if not position <= count < position + size:
                kept.append(edit)
            count += 1
        left.append(replace(step, edits=tuple(kept)))
    return left
