"""What a distributed run adds to a terminal: the line of what it waits for leaves nothing behind."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from _pytest.terminal import TerminalReporter

from _hearth_runtime.controller_terminal import (  # type: ignore[import-not-found]
    ControllerTerminal,
)
from _hearth_runtime.messages import RunWaits, Stage  # type: ignore[import-not-found]
from tests.terminal.screen import shown

COLLECTING = RunWaits(1, Stage.selected, 12_345, False)
WAITING = RunWaits(1, Stage.selected, 700, True)
_COLOURS = re.compile(r"<\w*>")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        return _COLOURS.sub("", shown(self.getvalue(), 80)).splitlines()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    return Screen()


def terminal_on(file: io.StringIO, config: pytest.Config, columns: int = 80) -> ControllerTerminal:
    reporter = TerminalReporter(config, file)
    reporter._tw.fullwidth = columns
    manager = SimpleNamespace(get_plugin=lambda name: reporter)
    return ControllerTerminal(
        SimpleNamespace(pluginmanager=manager, option=SimpleNamespace(verbose=0))
    )


def test_it_stands_behind_the_last_line_until_that_goes_on(
    screen: Screen, pytestconfig: pytest.Config
) -> None:
    terminal = terminal_on(screen, pytestconfig)
    terminal.created(2)
    terminal.waits(COLLECTING)
    assert screen.lines()[-1] == "created: 2/2 workers, collecting tests (12 s)"
    terminal.waits_no_more()
    assert screen.lines()[-1] == "created: 2/2 workers"
    terminal.collected(2, 10, "load")
    terminal.waits(WAITING)
    assert screen.lines()[-2:] == ["2 workers [10 items]", "other runs have the processors"]
    terminal.waits_no_more()
    writer = terminal._reporter._tw
    writer.write("..")  # the progress begins at the start of the line
    assert screen.lines()[-2:] == ["2 workers [10 items]", ".."]
    assert writer.width_of_current_line == 2


def test_it_is_never_longer_than_the_line(screen: Screen, pytestconfig: pytest.Config) -> None:
    terminal = terminal_on(screen, pytestconfig, columns=20)
    terminal.waits(COLLECTING)
    assert screen.lines()[-1] == "collecting tests (1"


@pytest.mark.parametrize("name", ["dumb", ""])
def test_it_is_not_written_where_it_could_not_be_taken_back(
    screen: Screen, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    to_pipe = io.StringIO()
    terminal_on(to_pipe, pytestconfig).waits(COLLECTING)
    assert to_pipe.getvalue() == ""
    monkeypatch.setenv("TERM", name)
    terminal = terminal_on(screen, pytestconfig)
    terminal.waits(COLLECTING)
    terminal.waits_no_more()
    assert screen.getvalue() == ""
