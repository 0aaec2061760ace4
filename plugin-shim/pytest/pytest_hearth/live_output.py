"""What pytest writes in a worker while a test is executed (of fixtures by --setup-show, live logs) goes where tests print."""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import Any, Optional

import pytest


class _Gate(io.TextIOBase):
    """In the place of the file that the terminal reporter writes to."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.is_open = False

    def write(self, text: str) -> int:
        if self.is_open:
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        self._file.flush()


class LiveOutput:
    """A plugin of a worker. All but the results is written, between an item's beginning and its end."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._gate = writer._file = _Gate(writer._file)

    @classmethod
    def install(cls, config: Any) -> Optional[LiveOutput]:
        """Before anything is executed. None: nobody has asked for it."""
        writer: Any = getattr(config.pluginmanager.get_plugin("terminalreporter"), "_tw", None)
        if not is_asked_for(config) or not hasattr(writer, "_file"):
            return None
        plugin = cls(writer)
        config.pluginmanager.register(plugin, "hearth_live_output")
        return plugin

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, None]:
        self._gate.is_open = True
        yield
        if self._writer.width_of_current_line:
            self._writer.line()
        self._gate.is_open = False
        self._gate.flush()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Generator[None, Any, None]:
        yield from self._closed()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, Any, None]:
        yield from self._closed()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self) -> Generator[None, Any, None]:
        yield from self._closed()

    def _closed(self) -> Generator[None, Any, None]:
        was_open, self._gate.is_open = self._gate.is_open, False
        yield
        self._gate.is_open = was_open


def is_asked_for(config: Any) -> bool:
    """--setup-show (--setup-only and --setup-plan include it), or log_cli."""
    option = config.option
    if getattr(option, "setupshow", False) or getattr(option, "log_cli_level", None) is not None:
        return True
    return config.pluginmanager.hasplugin("logging") and bool(config.getini("log_cli"))
