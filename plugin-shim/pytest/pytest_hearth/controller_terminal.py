"""The lines that a distributed run adds to the terminal: xdist's words, which people and tools already read."""

from __future__ import annotations

import os
from typing import Any

from .messages import RunWaits, Stage

_SCHEDULINGS = {
    "each": "EachScheduling",
    "load": "LoadScheduling",
    "loadfile": "LoadFileScheduling",
    "loadgroup": "LoadGroupScheduling",
    "loadscope": "LoadScopeScheduling",
    "worksteal": "WorkStealingScheduling",
}


# In the client's words.
_WAITS = {
    Stage.interpreter: "starting python",
    Stage.preloaded: "importing modules",
    Stage.configured: "loading plugins and conftests",
    Stage.started: "starting the session",
    Stage.gathered: "collecting tests",
    Stage.selected: "collecting tests",
}


class _DeselectedItem:
    """In the place of an item that only the workers have: plugins go through all that the statistics hold."""

    def __init__(self, nodeid: str) -> None:
        self.nodeid = nodeid


class ControllerTerminal:
    """Writes through pytest's terminal reporter; silent where that plugin is off."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")
        self._last_length = 0
        self._line = ""  # what stands on the terminal's last line
        self._is_waiting = False
        if self._reporter is not None:
            self._reporter.showfspath = False

    def created(self, workers: int) -> None:
        """The number of workers is known."""
        self._status(f"created: {workers}/{workers} {_noun('worker', workers)}")

    def collected(self, workers: int, items: int, policy: str) -> None:
        """So is the number of items."""
        if self._reporter is None:
            return
        deselected = len(self._reporter.stats.get("deselected", ()))
        self._status(
            f"{workers} {_noun('worker', workers)} [{items} {_noun('item', items)}]"
            + (f" / {deselected} deselected" if deselected else "")
        )
        self._reporter.write_line("")
        self._line = ""
        if self._config.option.verbose > 0:
            self._reporter.write_line(f"scheduling tests via {_SCHEDULINGS[policy]}")

    def show_groups(self, groups: dict[str, str]) -> None:
        """Of node ids, behind them in the lines of `-v`, as xdist writes them; nothing else ever has the group."""
        if self._reporter is None or not groups:
            return
        original = self._reporter._locationline

        def with_group(nodeid: Any, *location: Any) -> str:
            line: str = original(nodeid, *location)
            group = groups.get(str(nodeid))
            return f"{line[:-1]}@{group} " if group else line

        self._reporter._locationline = with_group

    def waits(self, message: RunWaits) -> None:
        """On a terminal, behind what stands on its last line, until `waits_no_more`."""
        if self._reporter is None or not self._is_terminal() or not _can_go_back():
            return
        self._is_waiting = True
        what = "other runs have the processors" if message.for_slot else _WAITS[message.stage]
        text = f"{self._line}{', ' if self._line else ''}{what}"
        if message.waited_ms >= 1000:
            text += f" ({message.waited_ms // 1000} s)"
        self._write_over(text[: self._reporter._tw.fullwidth - 1])

    def waits_no_more(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self._write_over(self._line)

    def _write_over(self, text: str) -> None:
        # Not through the writer, which takes it for a part of the line and would misplace the progress.
        writer = self._reporter._tw
        writer._file.write(f"\r\x1b[K{writer.markup(text, bold=True)}")
        writer.flush()

    def line(self, text: str) -> None:
        """One that -q leaves out."""
        if self._reporter is not None and self._config.option.verbose >= 0:
            self._reporter.write_line(text)

    def output(self, text: str) -> None:
        """A line that is there with -q, too."""
        if self._reporter is not None:
            self._reporter.write_line(text)

    def node_down(self, worker: str, error: str) -> None:
        self.output(f"[{worker}] node down: {error}")

    def summary(self, text: str) -> None:
        """One of the last lines of the session."""
        if self._reporter is not None and self._config.option.verbose >= 0:
            self._reporter.write_sep("=", f"xdist: {text}")

    def add_deselected(self, node_ids: list[str]) -> None:
        """For the summary's `N deselected`."""
        if self._reporter is not None and node_ids:
            self._reporter._add_stats("deselected", [_DeselectedItem(each) for each in node_ids])

    def _status(self, text: str) -> None:
        if self._reporter is None:
            return
        if self._config.option.verbose < 0:
            text = "bringing up nodes..."
        if self._is_terminal():
            padding = " " * max(self._last_length - len(text), 0)
            self._last_length = len(text)
            self._line = text
            self._reporter.rewrite(text + padding, bold=True)
        else:
            self._reporter.write_line(text)

    def _is_terminal(self) -> bool:
        # A method in newer releases of pytest, a bool in older ones.
        isatty = self._reporter.isatty
        return bool(isatty() if callable(isatty) else isatty)


def _can_go_back() -> bool:
    return os.environ.get("TERM", "dumb") not in ("", "dumb")


def _noun(word: str, count: int) -> str:
    return word if count == 1 else word + "s"
