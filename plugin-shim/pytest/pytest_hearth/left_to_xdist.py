"""A distributed run whose plugins have a say in what is executed: pytest-xdist's own, for now.

`pytest_xdist_make_scheduler` brings a scheduler of its own, Python code that holds xdist's workers. Here the daemon decides what
runs where; such a run is what it is without hearth.
"""

from __future__ import annotations

from typing import Any

import pytest

from . import own_options
from .xdists_plugin import xdists_plugin

_HOOK = "pytest_xdist_make_scheduler"


def leave_where_needed(config: Any, controller: Any) -> None:
    """Beside a controller that was just registered: pytest-xdist's session takes its place if it has to."""
    first = _First()
    config.pluginmanager.register(first)
    config.pluginmanager.register(_Last(first, controller))


class _First:
    tx: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: Any) -> None:
        """Keep pytest-xdist from distributing the run as well."""
        self.tx, config.option.tx = config.option.tx, []


class _Last:
    """All plugins have been configured, and may have registered others."""

    def __init__(self, first: _First, controller: Any) -> None:
        self._first = first
        self._controller = controller

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: Any) -> None:
        if not getattr(config.hook, _HOOK).get_hookimpls():
            return
        config.pluginmanager.unregister(self._controller)
        if self._controller.uses_debugger:
            raise pytest.UsageError(
                "--pdb is incompatible with distributing tests by pytest-xdist, which one of the plugins needs; try using -n0."
            )
        ours = own_options.given(config)
        if ours:
            raise pytest.UsageError(
                f"hearth: {', '.join(ours)}: not where pytest-xdist distributes the tests, which one of the plugins needs"
            )
        config.option.tx = self._first.tx
        xdists_plugin(config.pluginmanager).pytest_configure(config)
