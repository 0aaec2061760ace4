"""What a fork takes over from its run's client, besides descriptors, environment and directory."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]

from . import _native
from .messages import ProcessContext


def take_over(context: ProcessContext) -> None:
    """Make it this process's. Raises OSError for what may not be had."""
    limits = [(limit.resource, limit.soft, limit.hard) for limit in context.limits]
    _native.set_context(context.nice, context.io_priority, context.processors, limits)
    for number in _signals(context.ignored_signals):
        try:
            _signal.signal(number, _signal.SIG_IGN)
        except (OSError, ValueError):
            pass  # one that libc keeps for itself
    # Interrupts are held back in a fork that is not ready for one.
    blocked = (*_signals(context.blocked_signals), _signal.SIGINT)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, blocked)


def blocks_interrupts(context: ProcessContext) -> bool:
    """Whether the run is to be without them."""
    return _signal.SIGINT in _signals(context.blocked_signals)


def _signals(bits: int) -> list[int]:
    return [number for number in range(1, _signal.NSIG) if bits >> (number - 1) & 1]
