"""What pytest's own parsing makes of an argument list, found out in a process that has been configured with another one.

`Config.parse` does many things; this is what it derives from the arguments, in 7.4 to 9.2, and what becomes of it when a
fork of a paused process is given other arguments:

- the list itself, PYTEST_ADDOPTS and `addopts` before it: parsed as a whole, as at the start
- root directory, configuration file, `-o`, `-p`, `-c`, `--rootdir`, `--import-mode`, `--confcutdir`, `--noconftest`, `--pyargs`,
  `--assert`, the initial conftests in their order, warnings about arguments: consumed, so they must be the same
  (`extra_info`, `_inicfg`, `_inicache`, `_override_ini`, `_confcutdir`, … follow from these)
- `known_args_namespace`, `option`: their values are exchanged, each unless it was read
- `args`, `args_source`, `invocation_params.args`, `sys.argv`: likewise
- `--help`, `--version`, `@FILE`: another way altogether; such a list needs a start of its own

The parsing is `Config.parse` itself, called on a copy of the configuration whose plugin manager loads nothing. At each
step it knows the options that the real one knew (plugins and conftests add theirs on the way), since the value of an
unknown option looks like a path. Whether a copy does what the real one did is checked with the process's own
arguments, so that a pytest that does something else is found out, and every list then needs a start of its own.
"""

from __future__ import annotations

import argparse
import copy
import enum
import functools
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, Optional

import _pytest.config

from .installation import is_installed

# What decides on what is loaded, and from where.
_CONSUMED = (
    "assertmode",
    "confcutdir",
    "disable_plugin_autoload",
    "importmode",
    "inifilename",
    "noconftest",
    "override_ini",
    "plugins",
    "pyargs",
    "rootdir",
)
_OTHER_WAYS = ("-h", "--help", "-V", "--version")


class CannotParse(Exception):
    """These arguments need a start of their own; the text says why."""


class History:
    """What the real parsing knew at its steps. Filled while it goes on."""

    def __init__(self, config: Any) -> None:
        self.first_options = options_of(config)  # when it began: those of pytest's default plugins
        self.plugin_options: list[Any] = []  # with those of all plugins, but not of the conftests
        self.before: dict[str, Any] = {}  # config.option, before the last step


class Parsed:
    """What an argument list comes to."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.option: dict[str, Any] = vars(config.option)
        self.known: dict[str, Any] = vars(config.known_args_namespace)
        self.args: list[str] = config.args
        self.args_source: Any = config.args_source
        manager = config.pluginmanager
        self.consumed: dict[str, Any] = {
            "the root directory": str(config.rootpath),
            "the configuration file": str(config.inipath),
            "the initial conftests": manager.conftests,
            "-p": manager.plugin_arguments,
            "warnings about the arguments": config.warnings_given,
            **{name: [self.option.get(name), self.known.get(name)] for name in _CONSUMED},
        }


def options_of(config: Any) -> list[Any]:
    """All options that its parser has."""
    parser = config._parser
    groups = [group for group in parser._groups if group is not parser._anonymous]
    return [option for group in (*groups, parser._anonymous) for option in group.options]


def parse(config: Any, history: History, arguments: list[str]) -> Parsed:
    """Raises CannotParse, and what pytest raises (a usage error)."""
    if any(argument in _OTHER_WAYS or argument.startswith("@") for argument in arguments):
        raise CannotParse("--help, --version and @FILE need a start of their own")
    manager = _Manager.__new__(_Manager)
    manager.__dict__.update(vars(config.pluginmanager))
    copied = _Config.__new__(_Config)
    copied.__dict__.update(vars(config))
    copied.__dict__.pop("known_args_namespace", None)
    copied.__dict__.update(
        option=argparse.Namespace(**history.before),
        pluginmanager=manager,
        hook=_Hook(copied, history),
        invocation_params=_pytest.config.Config.InvocationParams(
            args=arguments,
            plugins=config.invocation_params.plugins,
            dir=config.invocation_params.dir,
        ),
        args=[],
        _inicache={},
        _parser=_restricted(config._parser, history.first_options),
        real_parser=config._parser,
        warnings_given=[],
    )
    manager.begin(copied, history)
    manager.consider_preparse(arguments, exclude_only=True)
    copied.parse(list(arguments))
    if not copied.args or not manager.is_complete:
        raise CannotParse("this pytest parses its arguments in a way of its own")
    if copied.option.help or copied.option.version:
        raise CannotParse("--help and --version need a start of their own")
    return Parsed(copied)


class _Config(_pytest.config.Config):  # type: ignore[misc]
    """Parses, and does nothing else."""

    real_parser: Any
    warnings_given: list[str]

    def _nothing(self, *arguments: Any, **named: Any) -> None:
        """What a real configuration has done already."""

    _checkversion = _configure_python_path = _consider_importhook = _nothing
    _validate_plugins = _warn_about_skipped_plugins = _nothing

    def issue_config_time_warning(self, warning: Warning, stacklevel: int) -> None:
        self.warnings_given.append(f"{type(warning).__name__}: {warning}")


class _Manager(_pytest.config.PytestPluginManager):  # type: ignore[misc]
    """Loads nothing, and says what it would have loaded."""

    def begin(self, config: Any, history: History) -> None:
        self._config = config
        self._history = history
        self.conftests: list[str] = []
        self.plugin_arguments: list[str] = []
        self.is_complete = False
        self._dirpath2confmods = {}
        self._conftest_plugins = set()
        # The real one's remembers what was there.
        self._get_directory = functools.lru_cache(_pytest.config._get_directory)

    def consider_pluginarg(self, arg: str) -> None:
        self.plugin_arguments.append(arg)

    def load_setuptools_entrypoints(self, group: str, name: Optional[str] = None) -> int:
        return 0

    def consider_env(self) -> None:
        """The last step that adds plugins."""
        self._config._parser = _restricted(self._config.real_parser, self._history.plugin_options)

    def load_initial_conftests(self) -> None:
        self._config.pytest_load_initial_conftests(self._config)
        self._config._parser = copy.copy(self._config.real_parser)
        self.is_complete = True

    def _importconftest(self, conftestpath: Any, *arguments: Any, **named: Any) -> Any:
        if str(conftestpath) not in self.conftests:
            self.conftests.append(str(conftestpath))
        return SimpleNamespace(__file__=str(conftestpath))


class _Hook:
    """The hooks that parsing calls."""

    def __init__(self, config: Any, history: History) -> None:
        self._config = config
        self.pytest_addhooks = SimpleNamespace(call_historic=self._nothing)
        self.pytest_cmdline_preparse = self._nothing

    def _nothing(self, **arguments: Any) -> None:
        """Plugins have been asked already."""

    def pytest_load_initial_conftests(self, **arguments: Any) -> None:
        self._config.pluginmanager.load_initial_conftests()


def _restricted(parser: Any, options: Sequence[Any]) -> Any:
    """A copy of a parser that knows only some of its options."""
    known = set(map(id, options))
    restricted = copy.copy(parser)
    if hasattr(parser, "_getparser"):  # makes argparse's own parser from its groups, each time
        restricted._anonymous = _restricted_group(parser._anonymous, known)
        restricted._groups = [
            _restricted_group(group, known)
            for group in parser._groups
            if group is not parser._anonymous
        ]
        return restricted
    own = copy.copy(parser.optparser)
    actions = {id(option._action) for option in options}
    own._actions = [a for a in own._actions if not a.option_strings or id(a) in actions]
    own._option_string_actions = {
        name: action for name, action in own._option_string_actions.items() if id(action) in actions
    }
    restricted.optparser = own
    return restricted


def _restricted_group(group: Any, known: set[int]) -> Any:
    restricted = copy.copy(group)
    restricted.options = [option for option in group.options if id(option) in known]
    return restricted


def is_parsed_by_the_project(config: Any, name: str) -> bool:
    """Whether the option has a type or an action of a conftest's: nobody knows what else it does."""
    for option in options_of(config):
        if option.dest != name:
            continue
        attributes = option.attrs()
        for made in (attributes.get("type"), _class_of(attributes.get("action"), option)):
            if made is not None and not _is_installed(made):
                return True
    return False


def _class_of(action: Any, option: Any) -> Any:
    own = getattr(option, "_action", None)
    if own is not None:
        return type(own)
    return action if isinstance(action, type) else None


def _is_installed(made: Any) -> bool:
    while isinstance(made, functools.partial):
        made = made.func
    module = sys.modules.get(getattr(made, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return module is not None
    return is_installed(file) or os.path.dirname(file) == os.path.dirname(__file__)


def text_of(value: Any) -> Optional[str]:
    """The same text for the same value, and no other; None for what only its own class could compare."""
    if value is None or type(value) in (bool, int, float, str, bytes):
        return repr(value)
    if isinstance(value, (enum.Enum, PurePath)):
        return f"{type(value).__module__}.{value!r}"
    if type(value) in (list, tuple):
        return _joined(type(value).__name__, value)
    if type(value) in (set, frozenset):
        texts = [text_of(each) for each in value]
        known = [text for text in texts if text is not None]
        return (
            f"{type(value).__name__}({', '.join(sorted(known))})"
            if len(known) == len(texts)
            else None
        )
    if type(value) is dict:
        return _joined("dict", [part for item in value.items() for part in item])
    return None


def _joined(kind: str, values: Iterable[Any]) -> Optional[str]:
    texts = [text_of(value) for value in values]
    known = [text for text in texts if text is not None]
    return f"{kind}({', '.join(known)})" if len(known) == len(texts) else None
