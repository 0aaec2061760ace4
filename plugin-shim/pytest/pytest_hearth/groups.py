"""pytest-xdist's mark `xdist_group`: which tests `--dist loadgroup` keeps together.

pytest-xdist writes the group into the node id; here it travels beside it, and no report, cache or log shows it: only the lines
of `-v` do.
"""

from __future__ import annotations

from typing import Any

from .xdists_plugin import xdists_plugin

_DEFAULT = "default"


def register_mark(config: Any) -> None:
    """Where pytest-xdist does not: so that --strict-markers knows it."""
    if xdists_plugin(config.pluginmanager) is None:
        config.addinivalue_line(
            "markers",
            "xdist_group(name): tests of one group run in one worker with --dist loadgroup.",
        )


def group_of(item: Any) -> str:
    """Empty: none. Several marks make one group of all their names."""
    names = {
        str(mark.args[0] if mark.args else mark.kwargs.get("name", _DEFAULT))
        for mark in item.iter_markers("xdist_group")
    }
    return "_".join(sorted(names))
