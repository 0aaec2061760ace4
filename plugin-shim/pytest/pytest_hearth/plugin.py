"""The pytest plugin `hearth` (entry point pytest11): `pytest --hearth -n N` runs its tests in the daemon's warm workers.

The user's own pytest process is the controller. Without `--hearth` (or HEARTH=1) nothing is done but to offer the option,
and likewise in the processes that hearth or pytest-xdist made: there `--hearth` is among the arguments, and has been obeyed.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

_SYS_PATH = list(sys.path)
_PRIVATE_COPY = "_hearth_runtime"  # the name that zygote_main loads this package under


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("hearth")
    group.addoption(
        "--hearth",
        action="store_true",
        default=False,
        help="With -n: run the tests in warm workers of the hearth daemon, which is started if it does not run "
        "(also: HEARTH=1). Without -n there is no difference yet; `hearth pytest` is warm in that case too.",
    )
    config: Any = pluginmanager.get_plugin("pytestconfig")
    if config is not None and _is_mentioned(config) and not _is_ours():
        from . import options

        options.add_when_plugins_are_loaded(config)


@pytest.hookimpl(hookwrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, None, None]:
    # A wrapper is called before every plain implementation: pytest-xdist's changes the options that are looked at here.
    if (config.getoption("hearth") or _is_asked_by_environment()) and not _is_ours():
        _distribute(config)
    yield


def _distribute(config: pytest.Config) -> None:
    from . import options

    if not options.asks_for_workers(config.option):
        return
    from .client_transport import ClientTransport
    from .controller import Controller
    from .invocation import spec_of
    from .transport import TransportError

    try:
        with _standard_input_of_the_user(config):
            transport = ClientTransport.connect(spec_of(config, _SYS_PATH))
    except TransportError as error:
        raise pytest.UsageError(f"--hearth: {error}") from None
    if transport is None:
        return  # the result of a plain run is the same
    config.add_cleanup(transport.close)
    Controller.install(config, transport)


@contextmanager
def _standard_input_of_the_user(config: pytest.Config) -> Generator[None, None, None]:
    """At this point pytest has suspended the capture of output only; a worker's debugger needs the input, too."""
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    if capture is None:
        yield
        return
    capture.suspend_global_capture(in_=True)
    try:
        yield
    finally:
        capture.resume_global_capture()
        capture.suspend_global_capture(in_=False)


def _is_ours() -> bool:
    """Whether this process was made by hearth, or is a worker of pytest-xdist."""
    return _PRIVATE_COPY in sys.modules or "PYTEST_XDIST_WORKER" in os.environ


def _is_asked_by_environment() -> bool:
    return os.environ.get("HEARTH", "0") not in ("", "0")


def _is_mentioned(config: Any) -> bool:
    """Whether `--hearth` will be found when the command line is parsed, which is not yet: plugins are still being loaded."""
    if _is_asked_by_environment():
        return True
    try:
        from_environment = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
        from_file = list(config.getini("addopts"))
    except (ValueError, KeyError):
        return False  # pytest itself will say what is wrong with them
    arguments = [os.fspath(argument) for argument in config.invocation_params.args]
    return "--hearth" in [*from_environment, *from_file, *arguments]
