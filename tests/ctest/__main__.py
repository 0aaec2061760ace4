"""`python -m tests.ctest [--ctest system|current] [--world NAME] [--quick] [TEXT]`: compare `hearth ctest` with ctest.

Each line of tests/ctest/lines.py is executed by plain ctest and by `hearth ctest` in the same build directory. TEXT chooses the
lines that contain it. Differences are printed; exit code 1 when there are any. With `--with plain`, plain ctest is compared with
itself: what is then told is what this comparison cannot judge. What hearth left to plain ctest is counted, and named by -v.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from tests.ctest.additions import was_left_to_ctest, without_additions, without_launcher
from tests.ctest.comparison import differences
from tests.ctest.ctests import NAMES, find_ctest
from tests.ctest.execution import Worlds
from tests.ctest.lines import LINES, Line
from tests.ctest.schedule import list_tests
from tests.support.command import Daemon


def main() -> int:
    options = _options()
    chosen = [line for line in LINES if _is_chosen(line, options)]
    compared = found = left = 0
    with Daemon(Path(sys.executable)) as daemon:
        for name in options.ctest or NAMES:
            ctest = find_ctest(name, options.python)
            worlds = Worlds(ctest, daemon.directory / name, daemon.environment)
            plain = [str(ctest.path)]
            other, launcher = [str(daemon.binary), "ctest"], []
            if options.launcher:
                other, launcher = plain, [f"{daemon.binary}-exec", "--"]
            if options.other:
                other = plain if options.other == "plain" else shlex.split(options.other)
            for line in chosen:
                if ctest.version < line.since:
                    continue
                compared += 1
                build = worlds.world(line.world).build
                tests = list_tests(ctest.path, build, worlds.environment)
                try:
                    wanted, got = worlds.run(line, plain), worlds.run(line, other, launcher)
                    if any(was_left_to_ctest(each.stderr) for each in got.executions):
                        left += 1
                        if options.verbose:
                            print(f"left to ctest: {line}", flush=True)
                    got = without_additions(got)
                    if launcher:
                        wanted, got = without_launcher(wanted), without_launcher(got)
                    told = differences(line, wanted, got, tests)
                except TimeoutError as error:
                    told = [str(error)]
                found += bool(told)
                if told:
                    shown = told[: options.lines]
                    if len(told) > len(shown):
                        shown.append(f"… and {len(told) - len(shown)} lines more")
                    version = ".".join(map(str, ctest.version))
                    print(f"== {version}: {line}\n" + "\n".join(shown), flush=True)
    print(f"{compared} comparisons, {found} with a difference, {left} left to ctest")
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ctest", description=__doc__)
    parser.add_argument("text", nargs="?", default="", help="of the lines to execute")
    parser.add_argument("--ctest", action="append", choices=NAMES, help="default: both")
    parser.add_argument("--world", help="default: all")
    parser.add_argument("--quick", action="store_true", help="continuous integration's lines only")
    parser.add_argument("--lines", type=int, default=60, help="of each difference (default 60)")
    parser.add_argument(
        "--with", dest="other", metavar="COMMAND", help="instead of hearth's; `plain`: ctest itself"
    )
    parser.add_argument(
        "--python", default=sys.executable, help="makes the environment of `current`"
    )
    parser.add_argument(
        "--launcher", action="store_true", help="plain ctest, with `hearth-exec` before each test"
    )
    parser.add_argument("-v", "--verbose", action="store_true")
    return parser.parse_args()


def _is_chosen(line: Line, options: argparse.Namespace) -> bool:
    return (
        options.text in str(line)
        and options.world in (None, line.world)
        and (line.quick or not options.quick)
        # Where commands are told, the launcher is told.
        and not (options.launcher and any(word in str(line) for word in ("show-only", " -T ")))
    )


if __name__ == "__main__":
    sys.exit(main())
