"""pytest-xdist's options, where pytest-xdist is not there; and what a run's options ask for in either case."""

from __future__ import annotations

import os
import warnings
from typing import Any, Optional, Union

import pytest

from . import worker_fixtures
from .messages import Distribution

SUPPORTED_POLICIES = ("load", "loadfile")
_XDIST_POLICIES = ("each", "load", "loadscope", "loadfile", "loadgroup", "worksteal", "no")
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


def add_when_plugins_are_loaded(config: Any) -> None:
    """Register the options just before the command line is parsed with all plugins' options, unless somebody has them."""
    manager = config.pluginmanager
    original = manager.consider_env

    def consider_env() -> None:
        # The last thing that pytest loads plugins from before it parses.
        del manager.consider_env
        original()
        add(config)

    manager.consider_env = consider_env


def add(config: Any) -> None:
    """Register the options, unless pytest-xdist (or somebody else) has registered them."""
    parser = config._parser
    # What has been parsed so far does not tell: before pytest 8 it holds no defaults yet.
    for group in (*parser._groups, parser._anonymous):
        if any(option.dest == "numprocesses" for option in group.options):
            return
    config.pluginmanager.register(OptionsPlugin(), _PLUGIN_NAME)
    config.pluginmanager.register(worker_fixtures, _FIXTURES_NAME)


class HookSpecs:
    """Of pytest-xdist's hooks, the one that decides on a number of workers."""

    @pytest.hookspec(firstresult=True)
    def pytest_xdist_auto_num_workers(self, config: pytest.Config) -> Optional[int]:
        """The number of workers for `-n auto` and `-n logical`."""


def _number_of_processes(text: str) -> Union[int, str]:
    return text if text in ("auto", "logical") else int(text)


class OptionsPlugin:
    """The same names, destinations and semantics as pytest-xdist's."""

    def pytest_addhooks(self, pluginmanager: pytest.PytestPluginManager) -> None:
        pluginmanager.add_hookspecs(HookSpecs)

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
            choices=list(_XDIST_POLICIES),
            default="no",
            help="How tests are distributed: load (any test to any worker), loadfile (files stay together).",
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
        elif option.numprocesses:
            if option.dist == "no":
                option.dist = "load"
            if option.dist not in SUPPORTED_POLICIES:
                raise pytest.UsageError(
                    f"--dist {option.dist} is not there yet without pytest-xdist; there are: "
                    + ", ".join(SUPPORTED_POLICIES)
                )

    @pytest.hookimpl(trylast=True)
    def pytest_xdist_auto_num_workers(self, config: pytest.Config) -> int:
        return _from_environment() or len(os.sched_getaffinity(0))


def _runs_in_one_process(option: Any) -> bool:
    """Whether the options are for looking, or a debugger meets a number of workers that is ours to choose: one, as in xdist."""
    if getattr(option, "usepdb", False) and not isinstance(
        getattr(option, "numprocesses", None), int
    ):
        return True
    return any(getattr(option, name, False) for name in _INFORMATION)


def asks_for_workers(option: Any) -> bool:
    """Whether hearth is to distribute this run: asked before pytest_cmdline_main.

    Where it says no although the options name a distribution (a policy that hearth has not), pytest-xdist does it if it is
    installed, and a usage error follows if it is not.
    """
    if _runs_in_one_process(option):
        return False
    wanted = getattr(option, "numprocesses", None)
    if not wanted or (isinstance(wanted, int) and wanted < 0):
        return False
    return _policy(option) in SUPPORTED_POLICIES


def is_left_to_xdist(option: Any) -> bool:
    """Whether pytest-xdist is going to distribute this run: asked before pytest_cmdline_main, when hearth does not."""
    if not hasattr(option, "tx") or _runs_in_one_process(option):
        return False
    names_a_distribution = option.dist != "no" or option.distload
    return bool(option.numprocesses or (option.tx and names_a_distribution))


def ends_at_configured(option: Any) -> bool:
    """Whether a session with these options has no stage beyond `configured`.

    A controller collects nothing. One of xdist's own starts processes and threads from there on.
    """
    return asks_for_workers(option) or is_left_to_xdist(option)


def distribution_of(config: Any, basetemp: bytes) -> Optional[Distribution]:
    """What the options ask for: called before pytest_cmdline_main. None: `auto` came out as no workers."""
    option = config.option
    most = getattr(option, "maxprocesses", None)
    workers = auto_workers = 0
    if isinstance(option.numprocesses, int):
        workers = min(option.numprocesses, most) if most else option.numprocesses
    else:
        answer = _explicit_number(config)
        if answer is not None:
            # Asked once: nobody need ask again.
            option.numprocesses = answer
            if answer <= 0:
                return None
        auto_workers = min(answer, most) if answer and most else answer or most or 0
    restarts = getattr(option, "maxworkerrestart", None)
    return Distribution(
        workers=workers,
        auto_workers=auto_workers,
        policy=_policy(option),
        max_failures=config.getvalue("maxfail") or 0,
        max_worker_restarts=-1 if restarts is None else int(restarts),
        max_chunk=getattr(option, "maxschedchunk", None) or 0,
        testrun=getattr(option, "testrunuid", None) or os.urandom(16).hex(),
        basetemp=basetemp,
    )


def _policy(option: Any) -> str:
    if getattr(option, "distload", False) or option.dist == "no":
        return "load"
    return str(option.dist)


def _explicit_number(config: Any) -> Optional[int]:
    """What the user's hook or environment says of `-n auto`; None: nothing, so it is hearth's to say."""
    manager = config.pluginmanager
    own = [manager.get_plugin(name) for name in ("xdist", "xdist.plugin", _PLUGIN_NAME)]
    caller = manager.subset_hook_caller(
        "pytest_xdist_auto_num_workers", [plugin for plugin in own if plugin is not None]
    )
    answer = caller(config=config)
    return _from_environment() if answer is None else int(answer)


def _from_environment() -> Optional[int]:
    text = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        warnings.warn(
            f"PYTEST_XDIST_AUTO_NUM_WORKERS is not a number: {text!r}. Ignoring it.", stacklevel=2
        )
        return None
