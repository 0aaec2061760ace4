"""How many workers `-n auto` and `-n logical` are: pytest-xdist's order of who is asked."""

from __future__ import annotations

import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import fake_daemon  # noqa: F401  makes _hearth_runtime importable
import pytest

from _hearth_runtime import number_of_workers  # type: ignore[import-not-found]


@pytest.fixture
def psutil(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One that knows of three physical cores, where this process may use eight processors."""
    module: Any = ModuleType("psutil")
    module.cpu_count = lambda logical: 8 if logical else 3
    monkeypatch.setitem(sys.modules, "psutil", module)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    for name in ("PYTEST_XDIST_AUTO_NUM_WORKERS", "PYTHON_CPU_COUNT"):
        monkeypatch.delenv(name, raising=False)
    return module


def asked(number: str = "auto", hook: Any = None) -> Any:
    manager = SimpleNamespace(
        get_plugin=lambda name: None, subset_hook_caller=lambda name, without: lambda config: hook
    )
    config = SimpleNamespace(option=SimpleNamespace(numprocesses=number), pluginmanager=manager)
    return number_of_workers.asked_of_others(config, "hearth_options")


def test_each_one_is_asked_before_the_next(psutil: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked() == 3
    monkeypatch.setenv("PYTHON_CPU_COUNT", "5")
    assert asked() == 5
    monkeypatch.setitem(sys._xoptions, "cpu_count", "6")
    assert asked() == 6
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "7")
    assert asked() == 7
    assert asked(hook=9) == 9


def test_a_variable_that_is_no_number_is_ignored_with_a_warning(
    psutil: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "many")
    with pytest.warns(UserWarning, match="'many'"):
        assert asked() == 3


def test_the_warning_is_left_to_who_is_asked_once_more(
    psutil: Any, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "many")
    assert asked("logical") is None
    assert len(recwarn) == 0
    number_of_workers.preset(SimpleNamespace(option=SimpleNamespace(numprocesses="logical")))
    assert len(recwarn) == 1


def test_logical_asks_for_no_physical_cores(psutil: Any) -> None:
    assert asked("logical") is None


def test_physical_cores_count_only_where_they_are_fewer_than_what_may_be_used(
    psutil: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    assert asked() is None
