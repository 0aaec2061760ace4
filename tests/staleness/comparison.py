"""Says in which way a warm run differs from a cold one."""

from __future__ import annotations

import difflib

from tests.staleness.steps import Command
from tests.staleness.world import Outcome

_SHOWN = 40  # lines


def differences(command: Command, warm: Outcome, cold: Outcome) -> str:
    """Readable text, empty when the runs are one. With workers the tests have no order, and lines of the terminal differ."""
    parts = [_text("exit code", str(cold.exit_code), str(warm.exit_code))]
    parts.append(_text("reports", "\n".join(cold.reports()), "\n".join(warm.reports())))
    if not command.workers:
        parts.append(_text("stdout", cold.stdout, warm.stdout))
        parts.append(_text("stderr", cold.stderr, warm.stderr))
        parts.append(_text("cache", str(cold.cache), str(warm.cache)))
    return "".join(parts)


def _text(name: str, cold: str, warm: str) -> str:
    if cold == warm:
        return ""
    lines = list(
        difflib.unified_diff(cold.splitlines(), warm.splitlines(), "cold", "warm", n=0, lineterm="")
    )
    shown = "\n".join(line[:300] for line in lines[:_SHOWN])
    return f"{name} differs:\n{shown}\n"
