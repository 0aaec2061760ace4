"""Fixtures: the hearth world of the end-to-end tests, and commands typed at a terminal there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import SINGLE, TWO_WORKERS, hearth, interpreter, mode
from tests.e2e.hearth import Hearth
from tests.terminal.terminal import Terminals

__all__ = ["SINGLE", "TWO_WORKERS", "hearth", "interpreter", "mode"]


@pytest.fixture
def terminals(hearth: Hearth) -> Iterator[Terminals]:
    """Where commands are typed in the project of `hearth`."""
    with Terminals(hearth) as opened:
        yield opened
