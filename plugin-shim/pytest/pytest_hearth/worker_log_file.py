"""pytest's `log_file`, of which each worker has one of its own: `tests.log` is the controller's, `tests.gw0.log` a worker's."""

from __future__ import annotations

import os
from typing import Any


class WorkerLogFile:
    """Made before pytest_configure."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._path = ""
        for implementation in config.hook.pytest_configure.get_hookimpls():
            if getattr(implementation.plugin, "__name__", "") == "_pytest.logging":
                self._configure = implementation.function
                implementation.function = self._without_file

    def open(self, worker: str, *, goes_on: bool) -> None:
        """In the worker itself. goes_on: it succeeds one of that name, and so does what it logs."""
        if not self._path:
            return
        stem, extension = os.path.splitext(self._path)
        plugin: Any = self._config.pluginmanager.get_plugin("logging-plugin")
        if plugin is None:
            return
        path = f"{stem}.{worker}{extension}"
        if not goes_on:
            plugin.set_log_path(path)
            return
        # pytest 7.4 would begin the file anew whatever it is told.
        replaced = plugin.log_file_handler.setStream(open(path, "a", encoding="UTF-8"))  # noqa: SIM115  the handler's
        if replaced:
            replaced.close()

    def _without_file(self, config: Any) -> None:
        """It would begin the controller's file anew."""
        given = config.getoption("log_file")
        path = given or config.getini("log_file")
        if not path:
            self._configure(config)
            return
        self._path = os.path.abspath(path)
        config.option.log_file = os.devnull
        try:
            self._configure(config)
        finally:
            config.option.log_file = given
