"""The last line of `hearth ctest` on a terminal: it tells what runs, and is gone before anything else is written."""

from __future__ import annotations

import os
import re

from tests.e2e.hearth import Hearth
from tests.terminal.screen import shown
from tests.terminal.terminal import Terminals

_LIST = """
add_test(bad "false")
add_test(held "sh" "-c" "read line <gate")
set_tests_properties(held PROPERTIES DEPENDS bad)
"""


def test_it_tells_what_runs_and_for_how_long_and_leaves_nothing(
    hearth: Hearth, terminals: Terminals
) -> None:
    hearth.write("CTestTestfile.cmake", _LIST)
    gate = hearth.project / "gate"
    os.mkfifo(gate)
    terminal = terminals.run(str(hearth.daemon.binary), "ctest")
    terminal.wait_for(re.escape("hearth: 1 of 2, 1 failed; running: held"))
    terminal.wait_for(re.escape("hearth: 1 of 2, 1 failed; running: held (1 s)"))
    gate.write_text("go on\n")
    assert terminal.wait() == 8
    lines = shown(terminal.text, 80)
    assert "held .............................   Passed" in lines
    assert "hearth:" not in lines


def test_with_progress_there_is_none(hearth: Hearth, terminals: Terminals) -> None:
    hearth.write("CTestTestfile.cmake", _LIST)
    os.mkfifo(hearth.project / "gate")
    terminal = terminals.run(str(hearth.daemon.binary), "ctest", "--progress")
    terminal.wait_for("held")
    (hearth.project / "gate").write_text("go on\n")
    assert terminal.wait() == 8
    assert "hearth:" not in terminal.text
