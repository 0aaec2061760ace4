"""Ctrl-C in a fork that becomes a run: held back until its streams are the run's and pytest can say that it was interrupted."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
from typing import Any


def hold() -> bool:
    """From now on. Whether SIGINT had been blocked before, which is somebody else's wish."""
    return _signal.SIGINT in _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT,))


def release() -> None:
    """What has come meanwhile raises KeyboardInterrupt here."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGINT,))


def release_when_configured(config: Any) -> None:
    """Where pytest first takes KeyboardInterrupt for the end of the session; a moment earlier it would be a crash."""
    configure = config._do_configure

    def release_and_configure() -> None:
        del config._do_configure
        release()
        configure()

    config._do_configure = release_and_configure
