"""`python -m tests.bench [name …]`: benchmarks beside their peers. Exit code 1: a target was missed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.bench.client import client
from tests.bench.edits import edits
from tests.bench.many import many
from tests.bench.measure import machine
from tests.bench.memory import memory
from tests.bench.native import native
from tests.bench.registered import registered
from tests.bench.rerun import rerun
from tests.bench.selections import selections
from tests.bench.sharing import sharing
from tests.bench.terminal import terminal
from tests.bench.verify import verify
from tests.support.environments import BUILD

_ALL = {
    "rerun": rerun,
    "edits": edits,
    "many": many,
    "selections": selections,
    "memory": memory,
    "sharing": sharing,
    "client": client,
    "terminal": terminal,
    "verify": verify,
    "native": native,
    "registered": registered,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(_ALL)}; default: all"
    )
    parser.add_argument("--pairs", type=int, default=5, help="alternating rounds (default 5)")
    parser.add_argument(
        "--python", default=sys.executable, help="makes the environments (3.11 or newer)"
    )
    parser.add_argument("--json", type=Path, default=BUILD / "bench" / "results.json")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(_ALL))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    where = machine()
    print(
        "{processor}, {cores} cores, Linux {kernel}, Python {python}, load {load_average:.1f}".format_map(
            where
        )
    )
    done = []
    for name in options.names or _ALL:
        benchmark = _ALL[name](options.pairs, options.python)
        done.append(benchmark)
        print("\n" + benchmark.as_table(), flush=True)
    results = {"machine": where, "benchmarks": [benchmark.as_json() for benchmark in done]}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n")
    missed = [target.claim for benchmark in done for target in benchmark.targets if not target.met]
    print(f"\ntargets missed: {', '.join(missed) or 'none'}; figures in {options.json}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
