"""The command lines whose output must be plain pytest's, byte by byte."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Line:
    """`pytest WORDS` in a world. after: a command line that is executed before it, from an empty cache, so that there is one."""

    world: str
    words: str = ""
    after: Optional[str] = None
    stdin: Optional[bytes] = None
    writes: tuple[str, ...] = ()  # files to be compared as well
    quick: bool = False  # executed in continuous integration

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.words)

    def __str__(self) -> str:
        return f"{self.world}: pytest {self.words}"


_SETTER = "tests/test_setattr.py"
_RECIPES = "tests/test_recipes.py -k 'Tail or Flatten or Take'"
_GRAPH = "--pyargs networkx.classes.tests.test_graph"

LINES = (
    # attrs
    Line("attrs", _SETTER, quick=True),
    Line("attrs", f"{_SETTER} -v"),
    Line("attrs", f"{_SETTER} -q --co"),
    Line("attrs", f"{_SETTER} tests/test_hooks.py -rA -k 'hook or pipe'"),
    Line("attrs", f"{_SETTER} -p no:hypothesispytest --strict-markers"),
    Line("attrs", f"{_SETTER} --setup-plan"),
    Line("attrs", f"{_SETTER} -c pyproject.toml --rootdir=tests --no-header"),
    Line("attrs", f"{_SETTER} --hypothesis-show-statistics"),
    Line("attrs", "-n 2 -q tests/test_hooks.py"),
    # more-itertools
    Line("more-itertools", _RECIPES, quick=True),
    Line("more-itertools", f"{_RECIPES} -vv"),
    Line("more-itertools", f"{_RECIPES} -qq"),
    Line("more-itertools", f"{_RECIPES} --collect-only"),
    Line("more-itertools", f"{_RECIPES} --setup-show"),
    Line("more-itertools", "--doctest-modules more_itertools/recipes.py"),
    Line("more-itertools", f"{_RECIPES} --junitxml=out.xml", writes=("out.xml",)),
    # packaging
    Line("packaging", "tests/test_structures.py"),
    Line("packaging", "tests/test_markers.py -x -q -k 'node or operator'"),
    Line("packaging", "tests/test_structures.py -W error -ra --import-mode=importlib"),
    Line(
        "packaging", "tests/test_elffile.py tests/test_musllinux.py -o console_output_style=times"
    ),
    # networkx
    Line("networkx", _GRAPH),
    Line("networkx", f"{_GRAPH} -v --tb=short -k neighbors"),
    Line("networkx", f"{_GRAPH} --collect-only -q -k edge_subgraph"),
    Line("networkx", "--pyargs networkx.no_such_package"),
    Line("networkx", f"{_GRAPH} -m slow"),
    # what the terminal shows
    Line("odd", "", quick=True),
    Line("odd", "-v"),
    Line("odd", "-vv"),
    Line("odd", "-q"),
    Line("odd", "-qq"),
    Line("odd", "-rA -s", quick=True),
    Line("odd", "-ra --tb=short"),
    Line("odd", "--tb=line"),
    Line("odd", "--tb=long -l -k fails"),
    Line("odd", "--tb=native -k fails"),
    Line("odd", "--tb=no --no-header --no-summary -q"),
    Line("odd", "--color=yes -k 'fails or warns'"),
    Line("odd", "--color=no -k 'fails or warns'"),
    Line("odd", "--code-highlight=no -k fails"),
    Line("odd", "--capture=sys"),
    Line("odd", "--capture=tee-sys -k fails"),
    Line("odd", "--show-capture=no --verbosity=1"),
    Line("odd", "-o log_cli=true -k 'logs or fails'", quick=True),
    Line("odd", "--log-cli-level=INFO --log-file=log.txt -k logs", writes=("log.txt",)),
    Line("odd", "--durations=1 -k slow"),
    Line("odd", "-o console_output_style=count"),
    Line("odd", "-o console_output_style=classic --full-trace -k deep"),
    Line("odd", "-W error -k warns"),
    Line("odd", "--disable-warnings"),
    Line("odd", "--setup-show -k 'logs or capture'", quick=True),
    Line("odd", "--setup-only -k logs"),
    Line("odd", "--setup-plan"),
    Line("odd", "-p no:terminal"),
    Line("odd", "-p no:logging -p no:warnings"),
    Line("odd", "--trace-config -k slow"),
    Line("odd", "--debug -k slow"),
    Line("odd", "--force-short-summary -v --tb=no"),
    Line("odd", "--pastebin=failed --pastebin=none"),
    # what is chosen
    Line("odd", "--collect-only", quick=True),
    Line("odd", "--co -q"),
    Line("odd", "--co -qq -k passes"),
    Line("odd", "--co -v deeper"),
    Line("odd", "-k nothing_at_all"),
    Line("odd", "-m 'slow or fast'"),
    Line("odd", "-m 'fast('"),
    Line("odd", "-k 'and and'"),
    Line("odd", "--deselect test_mixed.py::test_fails --deselect test_mixed.py::TestUnit"),
    Line("odd", "--ignore=test_mixed.py -v"),
    Line("odd", "--ignore-glob=*/deep*"),
    Line("odd", "test_mixed.py::test_passes[3] test_mixed.py::TestClass"),
    Line("odd", "test_mixed.py::no_such_test", quick=True),
    Line("odd", "no_such_file.py"),
    Line("odd", "deeper/.. --rootdir=deeper"),
    Line("odd", "-x"),
    Line("odd", "--maxfail=2 -v"),
    Line("odd", "--import-mode=importlib deeper"),
    Line("odd", "@words.txt"),
    Line("odd", "--doctest-glob=*.txt --doctest-modules deeper notes.txt"),
    Line("odd", "--doctest-modules --doctest-continue-on-failure --doctest-report=udiff deeper"),
    Line("odd", "--strict-config --strict-markers -o no_such_setting=1"),
    Line("odd", "-p no_such_plugin"),
    Line("odd", "--basetemp=base -k capture"),
    Line("odd", "--junitxml=out.xml -o junit_logging=all", writes=("out.xml",), quick=True),
    Line(
        "odd", "--junit-xml=deep/er/out.xml --junit-prefix=pre -k slow", writes=("deep/er/out.xml",)
    ),
    # what only tells something
    Line("odd", "--version", quick=True),
    Line("odd", "-VV"),
    Line("odd", "-h"),
    Line("odd", "--fixtures", quick=True),
    Line("odd", "--fixtures -v test_mixed.py"),
    Line("odd", "--fixtures-per-test -k logs"),
    Line("odd", "--markers"),
    Line("odd", "--no-such-option", quick=True),
    Line("odd", "--maxfail=many"),
    Line("odd", "-c no_such.ini"),
    Line("odd", "--rootdir=no_such_directory"),
    # the cache
    Line("odd", "--lf", after="-q", quick=True),
    Line("odd", "--ff --nf", after="-q"),
    Line("odd", "--lf --lfnf=none", after="-k slow"),
    Line("odd", "--sw", after="--sw"),
    Line("odd", "--stepwise-skip", after="--sw"),
    Line("odd", "--cache-show", after="-q"),
    Line("odd", "--cache-show=*failed", after="-q"),
    Line("odd", "--cache-clear -k slow", after="-q"),
    # a debugger that finds the end of its input
    Line("odd", "--pdb -k fails", stdin=b""),
    Line("odd", "--pdb -k test_fails", stdin=b"p left['b'][:3]\nc\nq\n", quick=True),
    Line("odd", "--trace -k slow", stdin=b"n\nc\n"),
    # what is broken
    Line("broken", "", quick=True),
    Line("broken", "--continue-on-collection-errors -rs -v"),
    Line("broken", "--co"),
    Line("broken", "-x"),
    Line("broken", "--keep-duplicates test_fine.py test_fine.py test_fine.py"),
    Line("conftest", "", quick=True),
    Line("conftest", "--noconftest"),
    Line("interrupted", "test_a.py", quick=True),
    Line("interrupted", "test_a.py --full-trace -v"),
    Line("interrupted", "test_exit.py"),
    Line("internal"),
    Line("empty"),
    Line("empty", "--fixtures -q"),
    Line("writing", "", stdin=b"given\n"),
    Line("writing", "-s", stdin=b"given\n", quick=True),
    Line("writing", "-s -q --capture=fd"),
)
