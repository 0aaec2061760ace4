"""The arguments of this process's run: an input like a file.

While stages are built, what is read of them is noted (watched_options.py). A fork may get other arguments than its zygote
had, if they come to the same in all that was read (parsed_arguments.py). In a run itself, everything is pytest's own again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, Optional

from . import options
from .messages import ArgumentsTried, OptionDifference, OptionRead
from .order import Order
from .parsed_arguments import (
    CannotParse,
    History,
    Parsed,
    is_parsed_by_the_project,
    options_of,
    parse,
    text_of,
)
from .watched_options import (
    ARGUMENTS,
    CONFIG_ARGS,
    CONFIG_ARGS_SOURCE,
    Reads,
    WatchedArguments,
    WatchedNamespace,
    attributes,
    watch_config,
    watch_invocation,
    watch_parsing,
)


class Arguments:
    """One for the process, handed on through forks."""

    def __init__(self, order: Order) -> None:
        self._given = [os.fsdecode(argument) for argument in order.spec.args]
        self._is_worker = order.is_worker
        self._reads = Reads()
        self._is_watching = False
        self._config: Any = None
        self._history: Optional[History] = None
        self._option: Optional[WatchedNamespace] = None
        self._known: Optional[WatchedNamespace] = None
        self._restore: list[Callable[[], None]] = []

    def watch(self) -> None:
        """Before pytest's script runs, in a process that is to be paused."""
        self._is_watching = True
        sys.argv = WatchedArguments(sys.argv, self._reads)
        if hasattr(sys, "orig_argv"):
            sys.orig_argv = WatchedArguments(sys.orig_argv, self._reads)

    def begin(self, config: Any) -> None:
        """Before pytest parses the arguments."""
        self._config = config
        if not self._is_watching:
            return
        self._history = History(config)
        self._restore.append(watch_invocation(config.invocation_params, self._reads))
        watch_parsing(config, self._on_known, self._on_parsed)

    def take_reads(self) -> list[OptionRead]:
        """Since the last time."""
        return self._reads.take()

    def note_all(self) -> None:
        """Somebody has looked at the list by another way."""
        self._reads.note(ARGUMENTS)

    def option(self) -> argparse.Namespace:
        """The options as they are, without reading them."""
        if self._option is None:
            return argparse.Namespace(**attributes(self._config.option))
        return argparse.Namespace(**self._option.values())

    def go_on(self, order: Order) -> None:
        """In a fork: with the order's arguments, and unwatched if it is a run."""
        given = [os.fsdecode(argument) for argument in order.spec.args]
        if given != self._given:
            self._adopt(given)
        if order.stage is None:
            self._unwatch()

    def try_others(self, request: int, given: list[bytes]) -> ArgumentsTried:
        """What differs with these arguments. For a fork that ends after this; the files that it reads are for others to add."""
        answer = ArgumentsTried(request, "", False, [], [])
        try:
            others = [os.fsdecode(argument) for argument in given]
            other = self._parse(others)
            answer.differences = [
                OptionDifference(ARGUMENTS, repr(self._given), repr(others)),
                *self._differences(self._parse(self._given), other),
            ]
            answer.distributed = not self._is_worker and options.ends_at_configured(
                other.config.option
            )
        except CannotParse as error:
            answer.refusal = str(error)
        except BaseException as error:  # whatever a cold run would have ended with
            answer.refusal = f"{type(error).__name__}: {error}"
        return answer

    # ---- following pytest's parsing

    def _on_known(self, known: argparse.Namespace) -> None:
        assert self._history is not None

        self._history.plugin_options = options_of(self._config)
        self._known = WatchedNamespace(known, self._reads, parsing_may_read=("file_or_dir",))

    def _on_parsed(self, before: dict[str, Any]) -> None:
        assert self._history is not None
        self._history.before = dict(before)
        self._option = WatchedNamespace(self._config.option, self._reads)
        self._restore.append(watch_config(self._config, self._reads))

    # ---- other arguments

    def _parse(self, given: list[str]) -> Parsed:
        if self._history is None or self._option is None or self._known is None:
            raise CannotParse("pytest has not parsed its arguments in the way that is known")
        return parse(self._config, self._history, given)

    def _differences(self, own: Parsed, other: Parsed) -> list[OptionDifference]:
        """Raises CannotParse where no fork could be given the other ones."""
        self._check(own)
        for name, value in own.consumed.items():
            if other.consumed[name] != value:
                raise CannotParse(
                    f"{name}: {value!r}, and with these arguments {other.consumed[name]!r}"
                )
        found = self._differing(own.option, other.option)
        named = {each.name for each in found}
        found += [
            each for each in self._differing(own.known, other.known) if each.name not in named
        ]
        if own.args != other.args:
            found.append(OptionDifference(CONFIG_ARGS, repr(own.args), repr(other.args)))
        sources = str(own.args_source), str(other.args_source)
        if sources[0] != sources[1]:
            found.append(OptionDifference(CONFIG_ARGS_SOURCE, *sources))
        for each in found:
            if is_parsed_by_the_project(self._config, each.name):
                raise CannotParse(f"{each.name}: parsed by code of the project")
        return found

    def _check(self, own: Parsed) -> None:
        """Raises CannotParse unless parsing the process's own arguments again came to what the process has."""
        assert self._option is not None and self._known is not None
        config = self._config
        conftests = [
            name
            for name, _ in config.pluginmanager.list_name_plugin()
            if name.endswith("conftest.py")
        ]
        facts: list[tuple[str, Any, Any]] = [
            ("the root directory", str(config.rootpath), own.consumed["the root directory"]),
            ("the configuration file", str(config.inipath), own.consumed["the configuration file"]),
            ("the initial conftests", conftests, own.consumed["the initial conftests"]),
        ]
        for watched, again in ((self._option, own.option), (self._known, own.known)):
            for name, value in watched.unread().items():
                if not (self._is_worker and name in options.SET_FOR_WORKERS):
                    facts.append((name, text_of(value), text_of(again.get(name))))
        for what, real, parsed_again in facts:
            if parsed_again != real:
                raise CannotParse(f"{what}: {real!r}, and parsed again {parsed_again!r}")

    def _differing(self, own: dict[str, Any], other: dict[str, Any]) -> list[OptionDifference]:
        names = [*own, *(name for name in other if name not in own)]
        found = []
        for name in names:
            if self._is_worker and name in options.SET_FOR_WORKERS:
                continue
            if name in own and name in other and own[name] is other[name]:
                continue
            before, after = text_of(own.get(name)), text_of(other.get(name))
            if before is None or before != after:
                found.append(
                    OptionDifference(name, before or "(an object)", after or "(an object)")
                )
        return found

    def _adopt(self, given: list[str]) -> None:
        parsed = self._parse(given)
        assert self._option is not None and self._known is not None
        config = self._config
        count = len(self._given)
        self._given = given
        self._option.replace(parsed.option)
        self._known.replace(parsed.known)
        for name in ("args", "args_source"):
            config.__dict__[name] = getattr(parsed.config, name)
        config.invocation_params.__dict__["args"] = tuple(given)
        for arguments in (sys.argv, getattr(sys, "orig_argv", None)):
            if isinstance(arguments, WatchedArguments):
                arguments.replace_tail(count, given)

    def _unwatch(self) -> None:
        for namespace in (self._option, self._known):
            if namespace is not None:
                namespace.restore()
        for restore in self._restore:
            restore()
        if isinstance(sys.argv, WatchedArguments):
            sys.argv = sys.argv.plain()
        if isinstance(getattr(sys, "orig_argv", None), WatchedArguments):
            sys.orig_argv = sys.orig_argv.plain()  # type: ignore[attr-defined]
