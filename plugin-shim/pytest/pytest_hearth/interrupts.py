"""Ctrl-C in a fork that becomes a run: held back until its streams are the run's and pytest can say that it was interrupted."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import time
from typing import Any


def hold() -> bool:
    """From now on. Whether SIGINT had been blocked before, which is somebody else's wish."""
    return _signal.SIGINT in _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT,))


def release() -> None:
    """What has come meanwhile raises KeyboardInterrupt here."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGINT,))


def release_when_configured(config: Any) -> None:
    """Where pytest first takes KeyboardInterrupt for the end of the session; a moment earlier it would be a crash.

    Until it has its terminal reporter it would end without a word: then its words are said here.
    """
    configure = config._do_configure
    begin = time.monotonic()

    def release_and_configure() -> None:
        del config._do_configure
        try:
            release()
            configure()
        except KeyboardInterrupt:
            if not config.pluginmanager.has_plugin("terminalreporter"):
                _say_interrupted(config, time.monotonic() - begin)
            raise

    config._do_configure = release_and_configure


def _say_interrupted(config: Any, seconds: float) -> None:
    from _pytest.config import create_terminal_writer

    writer = create_terminal_writer(config)
    writer.line()
    writer.sep("!", "KeyboardInterrupt")
    writer.sep("=", f"no tests ran in {seconds:.2f}s")
