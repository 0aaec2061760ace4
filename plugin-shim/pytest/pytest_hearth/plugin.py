"""The pytest plugin `hearth` (entry point pytest11): `pytest --hearth` is carried out by the daemon's warm processes.

An ordinary command line is handed over as a whole (`handover`). In any other pytest process (a program that calls
pytest.main(), an IDE's runner) the user's own process is the controller: with `-n N` its tests run in warm workers, without
it is a plain run. Without `--hearth` (or HEARTH=1) nothing is done but to offer the options, and likewise in the processes
that hearth or pytest-xdist made: there `--hearth` is among the arguments, and has been obeyed.
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
# The launcher, which could do nothing for this very process, has told it to be plain pytest.
_IS_PLAIN = _PRIVATE_COPY not in sys.modules and os.environ.pop("HEARTH_PLAIN", "") == str(
    os.getpid()
)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("hearth")
    group.addoption(
        "--hearth",
        action="store_true",
        default=False,
        help="Run the tests in warm processes of the hearth daemon, which is started if it does not run (also: HEARTH=1). "
        "Where pytest is called by another program, only with -n.",
    )
    group.addoption(
        "--hearth-strict",
        action="store_true",
        default=False,
        help="With --hearth: fail where hearth cannot be used, instead of running plainly (also: HEARTH_STRICT=1).",
    )
    config: Any = pluginmanager.get_plugin("pytestconfig")
    if config is None or _is_ours():
        return
    words = _words_of(config)
    if "--hearth" in words or _is_on("HEARTH"):
        if not _IS_PLAIN:
            from .handover import hand_over

            hand_over(config, "--hearth-strict" in words)
        from . import options

        options.add_when_plugins_are_loaded(config)


@pytest.hookimpl(hookwrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, None, None]:
    # A wrapper is called before every plain implementation: pytest-xdist's changes the options that are looked at here.
    if not _IS_PLAIN and not _is_ours() and (config.getoption("hearth") or _is_on("HEARTH")):
        _distribute(config)
    yield


def _distribute(config: Any) -> None:
    from . import options

    options.refuse(config.option)
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
        if config.getoption("hearth_strict") or _is_on("HEARTH_STRICT"):
            raise pytest.UsageError(f"--hearth: {error}") from None
        sys.stderr.write(f"hearth: {error} (so this is plain pytest)\n")
        return
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


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "0") not in ("", "0")


def _words_of(config: Any) -> list[str]:
    """All that will be parsed as the command line, which has not been yet: plugins are still being loaded."""
    arguments = [os.fspath(argument) for argument in config.invocation_params.args]
    try:
        from_environment = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
        return [*from_environment, *config.getini("addopts"), *arguments]
    except (ValueError, KeyError):
        return arguments  # pytest itself will say what is wrong with the others
