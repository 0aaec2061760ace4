"""pytest-xdist's options, where pytest-xdist is not there; and what a run's options ask for in either case."""

from __future__ import annotations

import os
import sys
from typing import Any, Optional, Union

import pytest

from . import hook_specs, number_of_workers, own_options, worker_fixtures
from .messages import Distribution

_POLICIES = ("each", "load", "loadscope", "loadfile", "loadgroup", "worksteal")
_NOT_HERE = "Not with hearth; so that it can be said what to use instead."
_PLUGIN_NAME = "hearth_options"
_FIXTURES_NAME = "hearth_worker_fixtures"

# What a worker has in place of its run's options: it distributes nothing itself.
SET_FOR_WORKERS = (
    "dist",
    "distload",
    "loadgroup",
    "looponfail",
    "maxprocesses",
    "numprocesses",
    "tx",
)

# Options with which pytest prints something and runs no test.
_INFORMATION = (
    "help",
    "version",
    "collectonly",
    "showfixtures",
    "show_fixtures_per_test",
    "markers",
    "cacheshow",
)


def add_when_plugins_are_loaded(config: Any, arguments: list[str]) -> None:
    """Register the options just before the command line is parsed with all plugins' options, unless somebody has them.

    arguments: of that command line.
    """
    if _is_loading_from_environment(config):
        _add_before_parsing(config, arguments)
        return
    manager = config.pluginmanager
    original = manager.consider_env

    def consider_env() -> None:
        # The last thing that pytest loads plugins from before it parses.
        del manager.consider_env
        original()
        add(config, arguments)

    manager.consider_env = consider_env


def _is_loading_from_environment(config: Any) -> bool:
    """Whether it is PYTEST_PLUGINS that our plugin is just being loaded from, and maybe others after it."""
    code = type(config.pluginmanager).consider_env.__code__
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame.f_code is code


def _add_before_parsing(config: Any, given: list[str]) -> None:
    parser = config._parser
    original = parser.parse_known_args

    def parse_known_args(*arguments: Any, **options: Any) -> Any:
        del parser.parse_known_args
        add(config, given)
        return original(*arguments, **options)

    parser.parse_known_args = parse_known_args


def add(config: Any, arguments: list[str]) -> None:
    """Register the options, unless pytest-xdist (or somebody else) has registered them."""
    # What has been parsed so far does not tell: before pytest 8 it holds no defaults yet.
    names = _names_in(config._parser)
    words = own_options.words_of(config, arguments)
    if "--hearth-isolate" not in names and own_options.are_named(words):
        own_options.add_to(config._parser, is_effective=True)
    if "--numprocesses" in names:
        return
    config.pluginmanager.register(OptionsPlugin(), _PLUGIN_NAME)
    config.pluginmanager.register(worker_fixtures, _FIXTURES_NAME)


def _names_in(parser: Any) -> set[str]:
    return {
        name
        for group in (*parser._groups, parser._anonymous)
        for option in group.options
        for name in option.names()
    }


def _number_of_processes(text: str) -> Union[int, str]:
    return text if text in ("auto", "logical") else int(text)


def _seconds(text: str) -> float:
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
    seconds = float(text[:-1]) * unit if unit else float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


class OptionsPlugin:
    """The same names, destinations and semantics as pytest-xdist's."""

    def pytest_addhooks(self, pluginmanager: pytest.PytestPluginManager) -> None:
        pluginmanager.add_hookspecs(hook_specs)

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        group = parser.getgroup("hearth", "running tests in several workers")
        # pytest keeps short lower-case options for itself, except by this way.
        group._addoption(
            "-n",
            "--numprocesses",
            dest="numprocesses",
            metavar="numprocesses",
            action="store",
            type=_number_of_processes,
            help="Number of workers; 'auto' or 'logical': a share of this machine's cores.",
        )
        group.addoption(
            "--maxprocesses",
            dest="maxprocesses",
            metavar="maxprocesses",
            action="store",
            type=int,
            help="Limit the number of workers.",
        )
        group.addoption(
            "--max-worker-restart",
            dest="maxworkerrestart",
            action="store",
            default=None,
            help="How many workers may be replaced when they crash (0: none).",
        )
        group.addoption(
            "--dist",
            dest="dist",
            metavar="distmode",
            action="store",
            choices=[*_POLICIES, "no"],
            default="no",
            help="How tests are distributed: load (any test to any worker), worksteal (in equal parts; workers that have "
            "finished take over from others), loadscope, loadfile, loadgroup (classes and the functions of a module, files, "
            "or tests with the same mark xdist_group stay together), each (every test to every worker).",
        )
        group.addoption(
            "--loadscope-reorder",
            dest="loadscopereorder",
            action="store_true",
            default=True,
            help="Where scopes stay together, those with most tests come first (the default).",
        )
        group.addoption(
            "--no-loadscope-reorder",
            dest="loadscopereorder",
            action="store_false",
            help="Scopes come in the order of the collection.",
        )
        group._addoption(
            "-d",
            dest="distload",
            action="store_true",
            default=False,
            help="Shortcut for '--dist=load'.",
        )
        group.addoption(
            "--testrunuid",
            action="store",
            help="The value of the 'testrun_uid' fixture (default: a new one for every run).",
        )
        group.addoption(
            "--maxschedchunk",
            action="store",
            type=int,
            help="Maximum number of tests scheduled in one step for --dist=load.",
        )
        group.addoption(
            "--ramp",
            dest="ramp",
            metavar="DURATION",
            type=_seconds,
            default=0.0,
            help="Let the workers begin one after the other, within this time (10, 10s, 5m, 1h).",
        )
        for name in ("tx", "px", "rsyncdir", "rsyncignore"):
            group.addoption("--" + name, dest=name, action="append", default=[], help=_NOT_HERE)
        # With `-p no:xdist` the other one of pytest-xdist's plugins is still there.
        if "--looponfail" not in _names_in(parser):
            group._addoption(
                "-f",
                "--looponfail",
                dest="looponfail",
                action="store_true",
                default=False,
                help=_NOT_HERE,
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        option = config.option
        if option.distload:
            option.dist = "load"
        usepdb = config.getoption("usepdb", False)
        if option.numprocesses in ("auto", "logical"):
            if usepdb:
                option.numprocesses = 0
            else:
                option.numprocesses = config.hook.pytest_xdist_auto_num_workers(config=config)
        if option.numprocesses == 0:
            option.dist = "no"
        elif option.numprocesses and option.dist == "no":
            option.dist = "load"

    @pytest.hookimpl(trylast=True)
    def pytest_xdist_auto_num_workers(self, config: pytest.Config) -> int:
        return number_of_workers.preset(config) or len(os.sched_getaffinity(0))


def _runs_in_one_process(option: Any) -> bool:
    """Whether the options are for looking, or a debugger meets a number of workers that is ours to choose: one, as in xdist."""
    if getattr(option, "usepdb", False) and not isinstance(
        getattr(option, "numprocesses", None), int
    ):
        return True
    return any(getattr(option, name, False) for name in _INFORMATION)


def asks_for_workers(option: Any) -> bool:
    """Whether hearth is to distribute this run: asked before pytest_cmdline_main."""
    if _runs_in_one_process(option):
        return False
    limits = (getattr(option, name, None) for name in ("numprocesses", "maxprocesses"))
    if any(isinstance(limit, int) and limit < 0 for limit in limits):
        return False
    return bool(getattr(option, "numprocesses", None))


def refusal(option: Any) -> str:
    """Why hearth cannot carry out a run with these options, and what does instead. Empty: it can."""
    if _runs_in_one_process(option):
        return ""
    if getattr(option, "looponfail", False):
        return "-f/--looponfail is pytest-xdist's alone: `hearth watch` runs the tests after each change"
    has_number = getattr(option, "numprocesses", None) is not None
    is_named = getattr(option, "distload", False) or getattr(option, "dist", "no") != "no"
    wants_specs = bool(getattr(option, "tx", None)) and is_named and not has_number
    if wants_specs:
        return "--tx is pytest-xdist's alone: hearth's workers are processes of this machine, -n N starts them"
    if not asks_for_workers(option):
        if _isolates(option):
            return "--hearth-isolate and --hearth-max-tests-per-worker need a worker: -n 1, or no -n at all"
        return ""
    if not _is_number(getattr(option, "maxworkerrestart", None) or 0):
        return f"--max-worker-restart needs a number, not {option.maxworkerrestart!r}"
    if getattr(option, "px", None):
        return "--px is pytest-xdist's alone: hearth's workers are processes of this machine and need no proxy"
    if getattr(option, "rsyncdir", None):
        return "--rsyncdir is pytest-xdist's alone: hearth's workers read the files where they are"
    return ""


def _is_number(text: object) -> bool:
    try:
        int(str(text))
    except ValueError:
        return False
    return True


def _isolates(option: Any) -> bool:
    names = ("hearth_isolate", "hearth_max_tests_per_worker")
    return any(getattr(option, name, None) is not None for name in names)


def refuse(option: Any) -> None:
    """A usage error where there is a reason."""
    reason = refusal(option)
    if reason:
        raise pytest.UsageError(f"hearth: {reason}")


def ends_at_configured(option: Any) -> bool:
    """Whether a session with these options has no stage beyond `configured`: a controller collects nothing."""
    return asks_for_workers(option) or bool(refusal(option))


def distribution_of(config: Any, basetemp: bytes) -> Optional[Distribution]:
    """What the options ask for: called before pytest_cmdline_main. None: `auto` came out as no workers."""
    option = config.option
    most = getattr(option, "maxprocesses", None)
    workers = auto_workers = 0
    if isinstance(option.numprocesses, int):
        workers = min(option.numprocesses, most) if most else option.numprocesses
    else:
        answer = number_of_workers.asked_of_others(config, _PLUGIN_NAME)
        if answer is not None:
            # Asked once: nobody need ask again.
            option.numprocesses = answer
            if answer <= 0:
                refuse(option)
                return None
        auto_workers = min(answer, most) if answer and most else answer or most or 0
    restarts = getattr(option, "maxworkerrestart", None) or None  # "": not given
    most_at_once = getattr(option, "maxschedchunk", None)
    max_failures = config.getvalue("maxfail") or 0
    isolated = getattr(option, "hearth_isolate", None)
    most_tests = getattr(option, "hearth_max_tests_per_worker", None)
    return Distribution(
        workers=_capped(workers),
        auto_workers=_capped(auto_workers),
        policy=_policy(option),
        max_failures=_capped(max_failures)
        if max_failures >= 0
        else 1,  # to pytest, -1 is reached at once
        max_worker_restarts=-1 if restarts is None else _capped(max(0, int(restarts))),
        max_chunk=0 if most_at_once is None else _capped(max(1, most_at_once)),
        testrun=getattr(option, "testrunuid", None) or os.urandom(16).hex(),
        basetemp=basetemp,
        reorder_scopes=getattr(option, "loadscopereorder", True),
        ramp_ms=_capped(1000 * getattr(option, "ramp", 0.0)),
        configures_workers=False,  # not known before all plugins are there
        judges_lost_items=False,  # likewise
        max_items_per_worker=1 if isolated == "test" else _capped(most_tests or 0),
        isolates_files=isolated == "file",
    )


def _capped(number: float) -> int:
    """What a message can hold; nobody means a greater one."""
    return round(min(number, 2**31 - 1))


def _policy(option: Any) -> str:
    if getattr(option, "distload", False) or option.dist == "no":
        return "load"
    return str(option.dist)
