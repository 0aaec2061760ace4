"""What pytest's cache plugins read while they are configured, although this run does not use it.

Each run writes these files, and a stage that had read them would be stale after each run. While --lf, --ff, --nf and --sw
are off, all that the plugins do with what they read is to write it back, changed, at the end: so a fork lets them read
again, which is what a cold run would have done, and the files are not in the stage's trace.
"""

from __future__ import annotations

from typing import Any

_VALUES = ("cache/lastfailed", "cache/nodeids", "cache/stepwise")


def paths_to_ignore(config: Any, option: Any) -> list[str]:
    """The files that need not be in the trace, with these options.

    Asked for before pytest_configure, so pytest's own objects are not there yet.
    """
    if _are_used(option):
        return []
    directory = _cache_directory(config)
    return [f"{directory}/v/{value}" for value in _VALUES] if directory else []


def begin_anew(config: Any, option: Any, *, is_selected: bool) -> None:
    """In a fork of a session that was configured: with the cache as it is now.

    is_selected: what the plugins do after the collection is done.
    """
    cache = getattr(config, "cache", None)
    if cache is None:
        return
    if getattr(option, "cacheclear", False):
        type(cache).for_config(config, _ispytest=True)
    if _are_used(option):
        return
    # A plugin made anew reads anew; only what it read is taken over, since it is registered and may have done more since.
    failed = config.pluginmanager.get_plugin("lfplugin")
    if failed is not None and hasattr(failed, "lastfailed"):
        failed.lastfailed = type(failed)(config).lastfailed
        _apply_collection(config, failed)
    new = config.pluginmanager.get_plugin("nfplugin")
    if new is not None and hasattr(new, "cached_nodeids"):
        selected = set(new.cached_nodeids)
        new.cached_nodeids = type(new)(config).cached_nodeids
        session = config.pluginmanager.get_plugin("session")
        items = (getattr(session, "items", None) or []) if is_selected else []
        # Those that this session's collection added to what the plugin had read.
        new.cached_nodeids.update(key for key in _keys(items) if key in selected)


def _apply_collection(config: Any, plugin: Any) -> None:
    """What the plugin notes from this session's collect reports: errors are failures, and where a file that had failed to be
    collected was collected now, its tests count as failed until they pass."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    for report in getattr(terminal, "stats", {}).get("error", []):
        plugin.lastfailed[getattr(report, "id", report.nodeid)] = True
    session = config.pluginmanager.get_plugin("session")
    if not plugin.lastfailed or session is None:
        return
    collected: dict[Any, list[Any]] = {}
    for item in getattr(session, "items", None) or []:
        for node in item.listchain()[1:-1]:
            collected.setdefault(getattr(node, "id", node.nodeid), []).append(item)
    for key in [key for key in plugin.lastfailed if key in collected]:
        del plugin.lastfailed[key]
        for item in collected[key]:
            plugin.lastfailed[getattr(item, "id", item.nodeid)] = True


def _keys(items: list[Any]) -> list[Any]:
    """What the plugin calls an item: its node id, as an object in newer releases."""
    return [getattr(item, "id", item.nodeid) for item in items] + [item.nodeid for item in items]


def _are_used(option: Any) -> bool:
    return any(
        getattr(option, name, False)
        for name in (
            "lf",
            "failedfirst",
            "newfirst",
            "stepwise",
            "stepwise_skip",
            "stepwise_reset",
            "cacheshow",
        )
    )


def _cache_directory(config: Any) -> str:
    try:
        from _pytest.cacheprovider import Cache

        return str(Cache.cache_dir_from_config(config, _ispytest=True))
    except Exception:
        return ""  # the cache plugin is off, or another release: the files then count as any other
