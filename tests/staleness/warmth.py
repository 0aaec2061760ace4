"""How warm runs were: from the daemon's status before and after, the deepest stage that was there already and served."""

from __future__ import annotations

from collections import Counter
from typing import Any

_ORDER = ("cold", "interpreter", "preloaded", "configured", "started", "gathered", "selected")
WARM = frozenset({"configured", "started", "gathered", "selected"})


def stage_of(before: dict[str, Any], after: dict[str, Any], workers: bool) -> str:
    """With workers it is the worse of the session's stage and the workers'."""
    session = _deepest(before, after, "session")
    return min(session, _deepest(before, after, "worker"), key=_ORDER.index) if workers else session


def _deepest(before: dict[str, Any], after: dict[str, Any], flavour: str) -> str:
    served = {zygote["pid"]: zygote["served"] for zygote in before["zygotes"]}
    stages = [
        zygote["stage"]
        for zygote in after["zygotes"]
        if zygote["pid"] in served
        and zygote["served"] > served[zygote["pid"]]
        and (zygote["flavour"] == flavour or zygote["stage"] == "interpreter")
    ]
    return max(stages, key=_ORDER.index, default="cold")


def share_of_warm(stages: Counter[str]) -> float:
    return sum(stages[stage] for stage in WARM) / max(1, sum(stages.values()))


def describe(stages: Counter[str]) -> str:
    return ", ".join(f"{stages[stage]} from {stage}" for stage in _ORDER if stages[stage])
