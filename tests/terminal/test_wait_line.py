"""The line that says what a run waits for: on a terminal, while it waits for long, and gone before anything else is written."""

from __future__ import annotations

import re

import pytest

from tests.e2e.hearth import Hearth
from tests.terminal.terminal import Terminals

Mode = tuple[str, ...]

_ERASE = "\r\x1b[K"


@pytest.mark.parametrize("columns", [80, 12])
def test_it_is_shown_while_a_stage_is_built_and_erased_before_the_output(
    hearth: Hearth, terminals: Terminals, mode: Mode, columns: int
) -> None:
    hearth.write_gate()
    hearth.write("conftest.py", "import gate\ngate.reach('conftest')\ngate.hold()\n")
    hearth.write("test_a.py", "def test_a(): pass\n")
    line = "hearth: loading plugins and conftests"[: columns - 1]
    terminal = terminals.run(str(hearth.daemon.binary), "pytest", *mode, columns=columns)
    hearth.gate.wait()
    terminal.wait_for(re.escape(_ERASE + line))
    hearth.gate.release(8)  # workers load it once more
    assert terminal.wait() == 0
    before, _, header = terminal.text.partition("=")
    first, *shown, last = before.split(_ERASE)
    assert (first, last) == ("", "\x1b[1m")  # then the header, which is bold
    assert "starts" in header
    assert all(text.startswith("hearth: ") and len(text) < columns for text in shown), shown


def test_it_is_not_shown_where_it_could_not_be_erased(hearth: Hearth, terminals: Terminals) -> None:
    hearth.write_gate()
    hearth.write("conftest.py", "import gate\ngate.reach('conftest')\ngate.hold()\n")
    hearth.write("test_a.py", "def test_a(): pass\n")
    binary = str(hearth.daemon.binary)
    to_pipe = hearth.start_pytest()
    hearth.gate.wait()
    to_dumb = terminals.run("/usr/bin/env", "TERM=dumb", binary, "pytest")
    hearth.gate.wait()
    with_line = terminals.run(binary, "pytest")
    with_line.wait_for("hearth: ")  # so the others, which came before, would have one too
    hearth.gate.release(8)
    done = hearth.finish(to_pipe)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "hearth:" not in done.stdout
    assert to_dumb.wait() == with_line.wait() == 0
    assert "hearth:" not in to_dumb.text
