"""What pytest's cache plugins read while they are configured, although this run does not use it.

Each run writes these files, and a stage that had read them would be stale after each run. While --lf, --ff, --nf or --sw is
off, all that its plugin does with what it read is to write it back, changed, at the end: so a fork lets it read again, which
is what a cold run would have done, and the file is not in the stage's trace.
"""

from __future__ import annotations

import os
from typing import Any, Optional

# Which file is of use to which options; --cache-show shows them all.
_USED_BY = {
    "cache/lastfailed": ("lf", "failedfirst", "cacheshow"),
    "cache/nodeids": ("newfirst", "cacheshow"),
    "cache/stepwise": ("stepwise", "stepwise_skip", "stepwise_reset", "cacheshow"),
}


class CacheFiles:
    """Those that need not be in the trace of this process: what they held when the plugins read them. Handed on through forks."""

    def __init__(self) -> None:
        self._copies: dict[str, _Copy] = {}

    def leave_out(self, config: Any, option: Any) -> list[str]:
        """Their paths, with these options. Before pytest_configure, so pytest's own objects are not there yet."""
        directory = _cache_directory(config)
        if directory:
            unused = [value for value in _USED_BY if not _is_used(value, option)]
            self._copies = {value: _Copy(f"{directory}/v/{value}") for value in unused}
        return [copy.path for copy in self._copies.values()]

    def read(self) -> None:
        """Once they are left out."""
        for copy in self._copies.values():
            copy.read()

    def settle(self) -> None:
        """At a pause: a copy counts if the file has been the same since before the plugin read it."""
        for copy in self._copies.values():
            copy.settle()

    def begin_anew(self, config: Any, option: Any, *, is_selected: bool) -> None:
        """In a fork of a session that was configured: with the cache as it is now.

        is_selected: what the plugins do after the collection is done.
        """
        cache = getattr(config, "cache", None)
        if cache is None:
            return
        if getattr(option, "cacheclear", False):
            type(cache).for_config(config, _ispytest=True)
        # A plugin made anew reads anew; only what it read is taken over, since it is registered and may have done more since.
        failed = config.pluginmanager.get_plugin("lfplugin")
        if self._has_changed("cache/lastfailed") and hasattr(failed, "lastfailed"):
            failed.lastfailed = type(failed)(config).lastfailed
            _apply_collection(config, failed)
        new = config.pluginmanager.get_plugin("nfplugin")
        if self._has_changed("cache/nodeids") and hasattr(new, "cached_nodeids"):
            selected = set(new.cached_nodeids)
            new.cached_nodeids = type(new)(config).cached_nodeids
            session = config.pluginmanager.get_plugin("session")
            items = (getattr(session, "items", None) or []) if is_selected else []
            # Those that this session's collection added to what the plugin had read.
            new.cached_nodeids.update(key for key in _keys(items) if key in selected)

    def _has_changed(self, value: str) -> bool:
        copy = self._copies.get(value)
        return copy is not None and copy.has_changed()


class _Copy:
    """A file's content, once it is certain that a plugin that read the file meanwhile has read the same."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._status: Optional[tuple[int, ...]] = None
        self._content: Optional[bytes] = None
        self._is_certain = False

    def read(self) -> None:
        self._status = _status(self.path)
        self._content = _content(self.path)

    def settle(self) -> None:
        self._is_certain = self._is_certain or _status(self.path) == self._status

    def has_changed(self) -> bool:
        """Asked once in each process: what is read then is its own."""
        is_same = self._is_certain and _content(self.path) == self._content
        if not is_same:
            self._is_certain = False
            self.read()
        return not is_same


def _status(path: str) -> tuple[int, ...]:
    """Empty: there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _content(path: str) -> Optional[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


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


def _is_used(value: str, option: Any) -> bool:
    return any(getattr(option, name, False) for name in _USED_BY[value])


def _cache_directory(config: Any) -> str:
    try:
        from _pytest.cacheprovider import Cache

        return str(Cache.cache_dir_from_config(config, _ispytest=True))
    except Exception:
        return ""  # the cache plugin is off, or another release: the files then count as any other
