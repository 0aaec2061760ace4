"""Which modules of a run can be imported ahead of the next one: those that are installed, and that nobody treats specially."""

from __future__ import annotations

import os
import sys
from typing import Any

from .installation import is_installed
from .messages import ModuleOrigin
from .shelf import LOADERS

# Libraries that patch others when they are imported: with them the order of imports matters.
_PATCHING = ("gevent", "eventlet")

# Every run with pytest's capturing imports it, and it sets LINES and COLUMNS: known without trying.
_NEVER_AHEAD = ("readline",)


def patching_library() -> str:
    """The name of one that this process has imported, or nothing."""
    return next((name for name in _PATCHING if name in sys.modules), "")


def observed(
    config: Any, base: set[str], imports: list[str]
) -> tuple[list[ModuleOrigin], list[str]]:
    """The installed modules that this process has imported beyond base, in their order; and what must not be imported ahead.

    imports: names in the order in which their imports began. Both are empty where it cannot be known what would be the same
    ahead.
    """
    hook = getattr(config.pluginmanager, "rewrite_hook", None)
    marked = getattr(hook, "_must_rewrite", None)
    if marked is None or patching_library() or is_measured():
        return [], []
    excluded = {name for name in (*marked, *_plugin_modules(config)) if _is_text(name)}
    modules = []
    for name, module in list(sys.modules.items()):
        if name in base or name in _NEVER_AHEAD or module is None or not _is_text(name):
            continue
        spec = getattr(module, "__spec__", None)
        loader = getattr(spec, "loader", None)
        if loader is hook:
            if is_installed(spec.origin):  # type: ignore[union-attr]
                excluded.add(name)
        elif (
            type(loader) in LOADERS
            and getattr(spec, "name", None) == name
            and is_installed(spec.origin)  # type: ignore[union-attr]
            and not _lies_in_namespace(name)
        ):
            modules.append(ModuleOrigin(name, os.fsencode(spec.origin)))  # type: ignore[union-attr]
    modules = [each for each in modules if not is_in(each.name, excluded)]
    return _in_order(modules, imports), sorted(excluded)


def is_measured() -> bool:
    """Whether somebody looks at each line that is executed: a coverage tool would miss those of what was imported ahead."""
    monitoring = getattr(sys, "monitoring", None)
    return (
        sys.gettrace() is not None
        or sys.getprofile() is not None
        or (monitoring is not None and any(monitoring.get_tool(tool) for tool in range(6)))
    )


def _in_order(modules: list[ModuleOrigin], imports: list[str]) -> list[ModuleOrigin]:
    """sys.modules has them by the end of their imports; what counts is the beginning."""
    position = {name: index for index, name in enumerate(imports)}
    for index, name in enumerate(imports):
        # A package that importlib.import_module was asked for began before what it consists of.
        while name := name.rpartition(".")[0]:
            position.setdefault(name, index)
    return sorted(
        modules, key=lambda module: (position.get(module.name, len(imports)), module.name)
    )


def _is_text(name: str) -> bool:
    """A file whose name is no UTF-8 makes a module that can only be loaded by its path."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plugin_modules(config: Any) -> list[str]:
    return [
        plugin.__name__
        for plugin in config.pluginmanager.get_plugins()
        if isinstance(plugin, type(sys))
    ]


def is_in(name: str, packages: set[str]) -> bool:
    """Whether the module is one of these, or lies in one."""
    while name:
        if name in packages:
            return True
        name = name.rpartition(".")[0]
    return False


def _lies_in_namespace(name: str) -> bool:
    """A package without a file: another directory may come to be part of it."""
    parent = name.rpartition(".")[0]
    while parent:
        if getattr(sys.modules.get(parent), "__file__", None) is None:
            return True
        parent = parent.rpartition(".")[0]
    return False
