"""Random generators in a fork: as a cold run would have them.

A seed that the project set stays set in every fork, as it would be in every cold run. Anything else has to differ from
process to process, as entropy does: Python reseeds `random` after a fork by itself, numpy does not. Numbers that were drawn
without a seed on the way to a stage would be the same in each fork: findings.py says what follows from it.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import Any, Optional

from .shelf import shelf

_BLOCKS = 64

_random_at_start: Optional[object] = None
_random_at_pause: Optional[object] = None
_was_only_drawn_from = False
_numpy_was_only_drawn_from = False


def remember_start() -> None:
    """At the interpreter's pause: nothing of the project has run."""
    global _random_at_start
    _random_at_start = _random_state()


def remember_pause() -> None:
    """Just before a process that forks others begins to wait."""
    global _random_at_pause, _was_only_drawn_from, _numpy_was_only_drawn_from
    _numpy_was_only_drawn_from = _numpy() is _Numpy.drawn_unseeded
    _random_at_pause = _random_state()
    _was_only_drawn_from = (
        _random_at_pause is not None
        and _random_at_start is not None
        and _random_at_pause != _random_at_start
        and _follows_by_drawing()
    )


def after_fork(project_has_run: bool) -> None:
    """In the child, once Python's own fork handlers have run."""
    _reseed_numpy()
    if not project_has_run:
        # The generator that modules loaded from here on find is fresh; it is what later pauses compare with.
        remember_start()
        return
    random: Any = sys.modules.get("random")
    if random is None or _random_at_pause is None or _random_at_start is None:
        return
    if _random_at_pause == _random_at_start or _was_only_drawn_from:
        remember_start()
    else:
        random.setstate(_random_at_pause)  # seeded: it goes on from where it was


def unseeded_draws() -> list[str]:
    """The modules from which numbers were drawn, until the last pause, of which a cold run would have had others."""
    drawn = {"random": _was_only_drawn_from, "numpy.random": _numpy_was_only_drawn_from}
    return [name for name, is_so in drawn.items() if is_so]


def _follows_by_drawing() -> bool:
    """Whether the state at the pause follows from the one at the start by drawing alone.

    A Mersenne Twister is 624 words and a position in them; at their end comes the next block of 624. Whoever has drawn more
    than _BLOCKS blocks is taken for seeded.
    """
    random: Any = sys.modules["random"]
    generator = random.Random(0)
    generator.setstate(_random_at_start)
    words = _words(_random_at_pause)
    for _ in range(_BLOCKS):
        if _words(generator.getstate()) == words:
            return True
        generator.getrandbits(32 * 624)
    return False


def _words(state: Any) -> Any:
    return state[1][:-1]


class _Numpy(Enum):
    """How numpy's global generator came to its state."""

    absent = "absent"
    fresh = "fresh"
    drawn_unseeded = "drawn unseeded"
    seeded = "seeded"


def _numpy() -> _Numpy:
    """A Mersenne Twister that was filled from entropy (numpy's MT19937) begins with the highest bit alone, and stands at its last
    word until the first number is drawn. A seed takes the place of the entropy that it was made with.
    """
    random: Any = shelf.find("numpy.random.mtrand")
    if random is None:
        return _Numpy.absent
    try:
        state = random.get_state(legacy=False)["state"]
        if state["pos"] == 623 and int(state["key"][0]) == 0x8000_0000:
            return _Numpy.fresh
        entropy = getattr(random._rand._bit_generator, "_seed_seq", None)
    except Exception:
        # Another bit generator was put in its place: that is the project's doing, and stays.
        return _Numpy.seeded
    return _Numpy.seeded if entropy is None else _Numpy.drawn_unseeded


def _reseed_numpy() -> None:
    """Fresh entropy for numpy's global generator, unless somebody seeded it."""
    if _numpy() in (_Numpy.fresh, _Numpy.drawn_unseeded):
        random: Any = shelf.find("numpy.random.mtrand")
        # Not by seed(), after which nobody could tell what is drawn later from what a seed made.
        random.set_state(random.RandomState().get_state(legacy=False))


def _random_state() -> Optional[object]:
    random: Any = sys.modules.get("random")
    return None if random is None else random.getstate()
