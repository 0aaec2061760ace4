"""Edits at random until warm and cold differ, or as often as asked.

python -m tests.staleness [--edits N] [--seed S] [--from STEP] [--upto STEP] [--without-verification] [-v]

A difference is printed with the steps that lead to it, as few as were found in the time for shrinking. Exit code 1.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.staleness import campaign
from tests.staleness.generator import Generator
from tests.staleness.shrink import shrunken
from tests.staleness.steps import Step
from tests.staleness.warmth import describe, share_of_warm
from tests.support.environments import BUILD, REPOSITORY, make_environment

_REQUIREMENTS = REPOSITORY / "tests" / "e2e" / "requirements" / "current.txt"


def base_interpreter() -> Path:
    """Of the environment that the end-to-end tests use too."""
    python = os.environ.get("HEARTH_TEST_PYTHON", sys.executable)
    return make_environment(BUILD / "e2e" / "current", _REQUIREMENTS, python)


def steps_of(seed: int, edits: int) -> list[Step]:
    """As many steps as it takes to make so many edits."""
    made = 0
    steps = []
    for step in Generator(seed).steps():
        if made >= edits:
            break
        steps.append(step)
        made += len(step.edits)
    return steps


def explain(
    seed: int, steps: Sequence[Step], result: campaign.Result, verifies: bool, seconds: float
) -> str:
    """The difference, how to have it again, and the fewest steps that lead to it."""
    assert result.failed
    number = result.failed.number
    text = f"seed {seed}, step {number}: warm differs from cold\n{result.difference}\n"
    text += f"again: python -m tests.staleness --seed {seed} --upto {number}\n"

    def fails(candidate: Sequence[Step], first: int) -> bool:
        again = campaign.run(base_interpreter(), candidate, verifies, first)
        return again.failed is not None and again.failed.number == number

    history = list(itertools.takewhile(lambda step: step.number <= number, steps))
    best, first = shrunken(history, fails, seconds)
    shown = [step for step in best if step.edits or step.number >= first]
    steps_text = "\n".join(str(step) for step in shown)
    return f"{text}shrunken: edits without runs up to step {first - 1}, then a run after each step\n{steps_text}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.staleness", description=__doc__)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument(
        "--from", type=int, default=0, dest="first", metavar="STEP", help="do not run before it"
    )
    parser.add_argument("--upto", type=int, metavar="STEP", help="end after it")
    parser.add_argument(
        "--without-verification", action="store_true", help="hearthd trusts every trace"
    )
    parser.add_argument("--shrink", type=float, default=120, metavar="SECONDS")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the daemon is stopped then too
    print(f"seed {options.seed}", flush=True)
    if options.upto is None:
        steps = steps_of(options.seed, options.edits)
    else:
        steps = list(itertools.islice(Generator(options.seed).steps(), options.upto + 1))
    verifies = not options.without_verification
    tell = print if options.verbose else lambda _: None
    result = campaign.run(base_interpreter(), steps, verifies, options.first, tell)
    print(f"{result.edits} edits, {result.steps} runs: {describe(result.stages)}")
    print(f"{share_of_warm(result.stages):.0%} served from configured or deeper", flush=True)
    if result.failed is None:
        return 0
    print(explain(options.seed, steps, result, verifies, options.shrink))
    return 1


if __name__ == "__main__":
    sys.exit(main())
