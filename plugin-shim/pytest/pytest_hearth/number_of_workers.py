"""How many workers `-n auto` and `-n logical` are, as far as that is not hearth's to say.

In pytest-xdist's order: a hook of the project, PYTEST_XDIST_AUTO_NUM_WORKERS, what Python was told of the number of
processors (`-X cpu_count`, PYTHON_CPU_COUNT), and with psutil, for `auto`, the number of physical cores.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from contextlib import suppress
from typing import Any, Optional

from .xdists_plugin import NAMES

_VARIABLE = "PYTEST_XDIST_AUTO_NUM_WORKERS"


def asked_of_others(config: Any, own_plugin: str) -> Optional[int]:
    """None: nobody says anything, so it is a share of the machine. own_plugin: the name of ours, which has the hook, too."""
    manager = config.pluginmanager
    own = [manager.get_plugin(name) for name in (*NAMES, own_plugin)]
    caller = manager.subset_hook_caller(
        "pytest_xdist_auto_num_workers", [plugin for plugin in own if plugin is not None]
    )
    answer = caller(config=config)
    return preset(config, is_asked_again=True) if answer is None else int(answer)


def preset(config: Any, is_asked_again: bool = False) -> Optional[int]:
    """Without the hook. is_asked_again: somebody else looks for it once more when this is None, and warns then."""
    text = os.environ.get(_VARIABLE)
    if text:
        with suppress(ValueError):
            return int(text)
    found = _otherwise(config)
    if text and (found is not None or not is_asked_again):
        warnings.warn(f"{_VARIABLE} is not a number: {text!r}. Ignoring it.", stacklevel=2)
    return found


def _otherwise(config: Any) -> Optional[int]:
    told = sys._xoptions.get("cpu_count") or os.environ.get("PYTHON_CPU_COUNT")
    if isinstance(told, str) and told.isdigit() and int(told) > 0:
        return int(told)
    return None if config.option.numprocesses == "logical" else _physical_cores()


def _physical_cores() -> Optional[int]:
    """Where they are fewer than the processors that this process may use."""
    try:
        psutil: Any = importlib.import_module("psutil")
    except ImportError:
        return None
    count: Optional[int] = psutil.cpu_count(logical=False)
    return count if count and count < len(os.sched_getaffinity(0)) else None
