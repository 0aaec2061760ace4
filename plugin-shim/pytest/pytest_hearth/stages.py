"""The stages, and how a real pytest run is stopped at one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from . import _native
from .messages import Stage

# The stage, and the hook call that it is paused before. Those that are not here are reached before there are hooks.
PAUSED_BEFORE: tuple[tuple[str, str], ...] = (
    (Stage.configured, "pytest_cmdline_main"),
    (Stage.started, "pytest_collection"),
    (Stage.gathered, "pytest_collection_modifyitems"),
    (Stage.selected, "pytest_runtestloop"),
)


def before_next_call(
    pluginmanager: Any, hook: str, function: Callable[[dict[str, Any]], None]
) -> None:
    """Call the function with the hook call's arguments just before the next call of the hook, once.

    Neither has a frame of ours below it: the hook call may end with an exception, whose traceback a user sees.
    """
    caller = getattr(pluginmanager.hook, hook)
    original = type(caller)

    class OneShot(original):  # type: ignore[misc,valid-type]
        """Steps aside at its first call. It is a class, since a HookCaller's instances take no attributes."""

        __slots__ = ()

        @property
        def __call__(self) -> Any:  # Python looks it up for a call of the instance
            self.__class__ = original
            return partial(_native.call_in_turn, function, self)

    caller.__class__ = OneShot


def ask_for_kinds(pluginmanager: Any) -> None:
    """pytest asks of each file in a directory that it collects whether it is a directory; pytest 7 asserts first that it is a
    file, and asks once more when it looks for the file's conftests. That a log or a report among them changes from run to
    run is then no reason to collect anew."""
    for impl in pluginmanager.hook.pytest_ignore_collect.get_hookimpls():
        is_pytests = getattr(impl.plugin, "__name__", "") == "_pytest.main"
        if is_pytests and "collection_path" in impl.argnames:
            position = impl.argnames.index("collection_path")
            impl.function = partial(_native.call_for_kind, impl.function, position)
    modules: list[Any] = [sys.modules.get(f"_pytest.{name}") for name in ("main", "python")]
    if __debug__ and hasattr(modules[0], "visit"):
        for module in filter(None, modules):
            module.visit = partial(_visit, module.visit)
        find = pluginmanager._get_directory
        pluginmanager._get_directory = partial(_native.call_for_kind, find, 0)


def _visit(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """An iterator without a frame of ours, whose every entry is looked at next by that assertion."""
    return map(_native.expect_kind, original(*arguments, **named))


def on_next_config(function: Callable[[Any], None]) -> None:
    """Call the function with the next configuration that pytest makes, before it is used, once.

    Runs that tests start in the same process make theirs later and are left alone.
    """
    from _pytest import config

    original = config.get_config

    def get_config(*arguments: Any, **named: Any) -> Any:
        config.get_config = original
        made = original(*arguments, **named)
        function(made)
        return made

    config.get_config = get_config
