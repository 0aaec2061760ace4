"""Step after step: edit the world, run warm and cold, compare. The first difference ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.staleness.comparison import differences
from tests.staleness.steps import Step
from tests.staleness.warmth import stage_of
from tests.staleness.world import World


@dataclass
class Result:
    """`failed`: the step after which warm and cold differed, and how."""

    steps: int = 0
    edits: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    failed: Step | None = None
    difference: str = ""


def run(
    base: Path,
    steps: Iterable[Step],
    verifies: bool = True,
    first: int = 0,
    tell: Callable[[str], object] = lambda _: None,
) -> Result:
    """In a world of its own. Before step `first` edits are made and nothing is run."""
    result = Result()
    with World(base, verifies) as world:
        world.daemon.start()
        before = world.daemon.status()
        for step in steps:
            if step.number < first:
                world.edit(step)
                continue
            if step.held_at:
                world.edit_while_held(step)
                before = world.daemon.status()
            else:
                world.edit(step)
            warm, cold = world.run_both(step.command)
            after = world.daemon.status()
            stage = stage_of(before, after, step.command.workers)
            before = after
            result.steps += 1
            result.edits += len(step.edits)
            result.stages[stage] += 1
            tell(f"{step}\n  served from {stage}, exit code {warm.exit_code}")
            result.difference = differences(step.command, warm, cold)
            if result.difference:
                result.failed = step
                break
    return result
