"""`python -m tests.terminal [--shape NAME] [--world NAME] [TEXT]`: compare the output of every command line with plain pytest's.

Each line is executed by plain pytest and twice by `hearth pytest`, on pipes and on terminals of two widths with and without
colours. TEXT chooses the lines that contain it. Differences are printed; exit code 1 when there are any.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.support.command import Daemon
from tests.terminal.command_lines import LINES
from tests.terminal.comparison import Comparison
from tests.terminal.execution import SHAPES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.terminal", description=__doc__)
    parser.add_argument("text", nargs="?", default="", help="of the command lines to execute")
    parser.add_argument("--shape", choices=[shape.name for shape in SHAPES], help="default: all")
    parser.add_argument("--world", help="default: all")
    options = parser.parse_args()
    differing = compared = 0
    with Daemon(Path(sys.executable)) as daemon:
        comparison = Comparison(daemon, daemon.directory / "worlds")
        for line in LINES:
            if options.text not in line.words or options.world not in (None, line.world):
                continue
            for shape in SHAPES:
                if options.shape in (None, shape.name):
                    found = comparison.differences(line, shape)
                    compared += 1
                    differing += bool(found)
                    for text in found:
                        print(text, flush=True)
    print(f"{compared} comparisons, {differing} with a difference")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
