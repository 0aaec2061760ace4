"""pytest-xdist's own plugin, under either of the names by which pytest loads it."""

from __future__ import annotations

from typing import Any

NAMES = ("xdist", "xdist.plugin")  # an installed plugin, or `-p xdist`; `-p xdist.plugin`


def xdists_plugin(manager: Any) -> Any:
    """None: it is not there."""
    found = (manager.get_plugin(name) for name in NAMES)
    return next((plugin for plugin in found if plugin is not None), None)
