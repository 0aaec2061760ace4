"""The time at which a session began, for a session whose beginning was done ahead of it."""

from __future__ import annotations

from typing import Any

# (the plugin's name, its attributes that hold a start); pytest's releases differ in the names and in the type:
# seconds since the epoch, or an object made by the same class without arguments.
_STARTS = (
    ("terminalreporter", ("_session_start", "_sessionstarttime")),
    ("_junitxml", ("suite_start", "suite_start_time")),
)


# Objects with the names of attributes that hold a start: looked for once, since to look at all plugins touches a good part
# of the memory.
Starts = list[tuple[Any, str]]


def find(config: Any) -> Starts:
    """Before the pause."""
    plugins = dict(config.pluginmanager.list_name_plugin())
    plugins["_junitxml"] = _junit_plugin(config)
    return [
        (plugins[name], attribute)
        for name, attributes in _STARTS
        for attribute in attributes
        if hasattr(plugins.get(name), attribute)
    ]


def set_to_now(starts: Starts) -> None:
    """After it: as if the session had started now."""
    for plugin, attribute in starts:
        setattr(plugin, attribute, _now_like(getattr(plugin, attribute)))


def _junit_plugin(config: Any) -> Any:
    """It is registered without a name."""
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "LogXML" and type(plugin).__module__ == "_pytest.junitxml":
            return plugin
    return None


def _now_like(start: object) -> object:
    if isinstance(start, float):
        from _pytest import timing

        return timing.time()
    return type(start)()
