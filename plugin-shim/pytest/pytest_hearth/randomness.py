"""Random generators in a fork: as a cold run would have them.

A seed that the project set stays set in every fork, as it would be in every cold run. Anything else has to differ from
process to process, as entropy does: Python reseeds `random` after a fork by itself, numpy does not.
"""

from __future__ import annotations

import sys
from typing import Any, Optional

from .shelf import shelf

_random_at_start: Optional[object] = None
_random_at_pause: Optional[object] = None


def remember_start() -> None:
    """At the interpreter's pause: nothing of the project has run."""
    global _random_at_start
    _random_at_start = _random_state()


def remember_pause() -> None:
    """Just before a process that forks others begins to wait."""
    global _random_at_pause
    _random_at_pause = _random_state()


def after_fork(project_has_run: bool) -> None:
    """In the child, once Python's own fork handlers have run."""
    _reseed_numpy()
    if not project_has_run:
        # The generator that modules loaded from here on find is fresh; it is what later pauses compare with.
        remember_start()
        return
    random = sys.modules.get("random")
    if random is not None and _random_at_pause is not None and _random_at_start is not None:
        if _random_at_pause != _random_at_start:
            # Somebody seeded it or drew from it: a seeded one must go on from where it was. One that was only drawn from
            # would differ from run to run when cold; it cannot be told apart, and a repeated value is the lesser evil.
            random.setstate(_random_at_pause)
        else:
            remember_start()


def _reseed_numpy() -> None:
    """Fresh entropy for numpy's global generator, unless somebody seeded it or drew from it.

    A Mersenne Twister that was seeded by an int begins with that int; one that was filled from entropy begins with its
    highest bit alone, and stands at the end of its block until the first number is drawn.
    """
    random: Any = shelf.find("numpy.random.mtrand")
    if random is None:
        return
    try:
        state = random.get_state(legacy=False)
        if state["state"]["pos"] == 624 and int(state["state"]["key"][0]) == 0x8000_0000:
            random.seed()
    except Exception:
        # Another bit generator was put in its place: that is the project's doing, and stays.
        pass


def _random_state() -> Optional[object]:
    random: Any = sys.modules.get("random")
    return None if random is None else random.getstate()
