"""Options that pytest-xdist does not have. Imported by every pytest that has the plugin, so it imports next to nothing.

Where the plugin is not installed they are there for whoever names them only: `--help`, a plugin that looks at all options, find
what they find without hearth. Likewise the mark and the ini option: who uses them without the plugin declares them.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable
from typing import Any

import pytest

_NAMES = ("--hearth-isolate", "--hearth-max-tests-per-worker", "--hearth-timeout")


def words_of(config: Any, arguments: Iterable[str]) -> list[str]:
    """All that will be parsed as the command line, which has not been yet: plugins are still being loaded."""
    try:
        from_environment = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
        return [*from_environment, *config.getini("addopts"), *arguments]
    except (ValueError, KeyError):
        return list(arguments)  # pytest itself will say what is wrong with the others


def are_named(words: Iterable[str]) -> bool:
    """Whether one of the options is among these."""
    return any(word.partition("=")[0] in _NAMES for word in words)


class _NeedsWorkers(argparse.Action):
    """Its option has the tests executed in workers: in one, where nobody says in how many."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Any = None,
    ) -> None:
        setattr(namespace, self.dest, values)
        if values and getattr(namespace, "numprocesses", None) is None:
            namespace.numprocesses = 1


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time")
    return seconds


def add_to(parser: pytest.Parser, *, is_effective: bool) -> None:
    """is_effective: else they are there so that a project can have them in its configuration, and do nothing."""
    action: Any = _NeedsWorkers if is_effective else "store"
    group = parser.getgroup("hearth")
    group.addoption(
        "--hearth-isolate",
        dest="hearth_isolate",
        action=action,
        choices=["file", "test"],
        default=None,
        help="A fresh process for each file, or for each test (with hearth; without -n in one worker at a time).",
    )
    group.addoption(
        "--hearth-max-tests-per-worker",
        dest="hearth_max_tests_per_worker",
        action=action,
        metavar="N",
        type=_positive,
        default=None,
        help="A fresh process after so many tests (with hearth; without -n in one worker at a time).",
    )
    group.addoption(
        "--hearth-timeout",
        dest="hearth_timeout",
        action=action,
        metavar="SECONDS",
        type=_seconds,
        default=None,
        help="How long a test may take, fixtures included; then it is ended, and has failed (with hearth; without -n in one "
        "worker). 0: no limit. "
        "Also: the mark hearth_timeout(seconds), the ini option hearth_timeout; pytest-timeout's where it is not installed.",
    )
    parser.addini("hearth_timeout", "As --hearth-timeout, which overrides it.", default=None)


def given(config: Any) -> list[str]:
    """Those that the run was given."""
    destinations = {name: name[2:].replace("-", "_") for name in _NAMES}
    return [name for name in _NAMES if config.getoption(destinations[name], None) is not None]


def register_mark(config: Any) -> None:
    """So that --strict-markers knows it."""
    line = "hearth_timeout(seconds): how long the test may take, fixtures included (with hearth)."
    if line not in config.getini("markers"):
        config.addinivalue_line("markers", line)
