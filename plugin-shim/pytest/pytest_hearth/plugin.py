"""The pytest plugin `hearth` (entry point pytest11): `pytest --hearth` is carried out by the daemon's warm processes.

An ordinary command line is handed over as a whole (`handover`). In any other pytest process (a program that calls
pytest.main(), an IDE's runner) the user's own process is the controller: with `-n N` its tests run in warm workers, without
it is a plain run. Without `--hearth` (or HEARTH=1) nothing is done but to offer the options, and likewise in the processes
that hearth or pytest-xdist made: there `--hearth` is among the arguments, and has been obeyed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Optional

import pytest

from . import own_options

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
        own_options.add_to(parser, is_effective=config is not None)
        return
    arguments = [os.fspath(argument) for argument in config.invocation_params.args]
    words = own_options.words_of(config, arguments)
    is_wanted = "--hearth" in words or _is_on("HEARTH")
    own_options.add_to(parser, is_effective=is_wanted and not _IS_PLAIN)
    if is_wanted:
        if not _IS_PLAIN:
            from .handover import hand_over

            hand_over(config, "--hearth-strict" in words)
        from . import options

        options.add_when_plugins_are_loaded(config, arguments)


def pytest_configure(config: pytest.Config) -> None:
    own_options.register_mark(config)


def pytest_report_header(config: pytest.Config) -> Optional[str]:
    """Nothing is ignored in silence."""
    if _is_ours() or _is_for_hearth(config):
        return None
    ignored = own_options.given(config)
    if config.getini("hearth_timeout"):
        ignored.append("hearth_timeout")
    return f"without hearth, no effect: {', '.join(ignored)}" if ignored else None


@pytest.hookimpl(hookwrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, None, None]:
    # A wrapper is called before every plain implementation: pytest-xdist's changes the options that are looked at here.
    if not _is_ours() and _is_for_hearth(config):
        _distribute(config)
    yield


def _is_for_hearth(config: pytest.Config) -> bool:
    return not _IS_PLAIN and bool(config.getoption("hearth") or _is_on("HEARTH"))


def _distribute(config: Any) -> None:
    from . import options

    options.refuse(config.option)
    if not options.asks_for_workers(config.option):
        if config.getoption("hearth_timeout", None):
            raise pytest.UsageError(
                "hearth: in this process --hearth-timeout needs workers: -n 1 or more, or no -n"
            )
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
