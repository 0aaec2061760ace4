"""--pdb, --trace and breakpoint() at a terminal: alone as in plain pytest; with workers, one debugger at a time has it."""

from __future__ import annotations

import re

from tests.e2e.conftest import TWO_WORKERS
from tests.e2e.hearth import Hearth
from tests.terminal.terminal import PROMPT, Terminal, Terminals

Mode = tuple[str, ...]

STOPS = """
    def test_stops():
        total = 0
        breakpoint()
        for number in range(3):
            total += number
        print("the total is", total)
        assert total == 10
"""


def debug(terminal: Terminal) -> int:
    """Set, step, set a breakpoint, run into it, clear it, run into the failure, look at it, go on."""
    terminal.wait_for(PROMPT)
    terminal.answer("!total = 7")
    assert "-> total += number" in terminal.answer("n") + terminal.answer("s")
    terminal.answer("b 7")
    assert "-> print(" in terminal.answer("c")
    assert "10" in terminal.answer("p total")
    terminal.answer("!total = 11")
    terminal.answer("cl 1")
    assert "entering PDB" in terminal.answer("c")
    assert "11" in terminal.answer("p total")
    terminal.type("c")
    return terminal.wait()


def test_a_debugger_is_the_one_of_plain_pytest(hearth: Hearth, terminals: Terminals) -> None:
    hearth.write("test_a.py", STOPS)
    plain = terminals.plain("--pdb")
    assert debug(plain) == 1
    for _ in range(2):
        warm = terminals.hearth("--pdb")
        assert debug(warm) == 1
        assert warm.normal_text == plain.normal_text


def test_a_worker_that_stops_has_the_terminal(hearth: Hearth, terminals: Terminals) -> None:
    hearth.write("test_a.py", STOPS)
    hearth.write("test_b.py", "def test_b():\n    pass\n")
    for _ in range(2):
        terminal = terminals.hearth("--pdb", *TWO_WORKERS)
        assert debug(terminal) == 1
        assert "PDB set_trace (IO-capturing turned off)" in terminal.words
        assert "captured stdout" in terminal.words
        assert "1 failed, 1 passed" in terminal.words


def test_quit_ends_the_run(hearth: Hearth, terminals: Terminals, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        """
        import pytest
        @pytest.fixture(scope="session", autouse=True)
        def resource():
            yield
            open("was_torn_down", "w").close()
        def test_stops():
            breakpoint()
        def test_fails():
            assert 0
        def test_c(): pass
        """,
    )
    for options in ((), ("--pdb", "-k", "fails")):
        terminal = terminals.hearth(*options, *mode)
        terminal.wait_for(PROMPT)
        terminal.type("q")
        assert terminal.wait() == 2
        assert "Exit: Quitting debugger" in terminal.words
        (hearth.project / "was_torn_down").unlink()


def test_an_interrupt_at_the_prompt_is_the_debuggers(
    hearth: Hearth, terminals: Terminals, mode: Mode
) -> None:
    hearth.write("test_a.py", "def test_a():\n    breakpoint()\n")
    terminal = terminals.hearth(*mode)
    terminal.wait_for(PROMPT)
    for _ in range(3):
        terminal.press_interrupt()
        assert "--KeyboardInterrupt--" in terminal.wait_for(PROMPT)
    terminal.type("c")
    assert terminal.wait() == 0


def test_one_debugger_at_a_time_and_the_others_are_silent(
    hearth: Hearth, terminals: Terminals
) -> None:
    hearth.write_gate()
    hearth.write(
        "test_a.py",
        """
        import sys, gate, pytest
        @pytest.mark.parametrize("name", ["one", "two"])
        def test_stops(name):
            gate.reach(name)
            breakpoint()
        def test_prints():
            gate.reach("three")
            gate.hold()
            print("printed\\nby a test")
            print("an error", file=sys.stderr)
            gate.reach("printed")
        """,
    )
    terminal = terminals.hearth("-s", "-v", "-n", "3")
    assert {hearth.gate.wait()[0] for _ in range(3)} == {"one", "two", "three"}
    terminal.wait_for(PROMPT)
    hearth.gate.release()
    assert hearth.gate.wait()[0] == "printed"
    assert "name = " in terminal.answer("args")
    assert "printed" not in terminal.words
    terminal.answer("c")
    terminal.type("c")
    assert terminal.wait() == 0
    assert re.search(r"^\[gw\d\] printed\r\n\[gw\d\] by a test\r$", terminal.words, re.MULTILINE)
    assert re.search(r"^\[gw\d\] an error\r$", terminal.words, re.MULTILINE)
    assert "3 passed" in terminal.words


def test_a_worker_that_is_killed_at_the_prompt_gives_the_terminal_back(
    hearth: Hearth, terminals: Terminals
) -> None:
    hearth.write(
        "test_a.py",
        "def test_a():\n    breakpoint()\ndef test_b():\n    breakpoint()\n",
    )
    terminal = terminals.hearth(*TWO_WORKERS)
    for _ in range(2):
        terminal.wait_for(PROMPT)
        terminal.type("import os; os.kill(os.getpid(), 9)")
    assert terminal.wait() == 1
    assert terminal.words.count("node down: Not properly terminated") == 2


def test_the_failure_that_ends_the_run_is_the_last_that_is_looked_at(
    hearth: Hearth, terminals: Terminals
) -> None:
    hearth.write_gate()
    hearth.write(
        "test_a.py",
        """
        import gate, pytest
        @pytest.mark.parametrize("name", ["one", "two"])
        def test_fails(name):
            gate.reach(name)
            assert 0
        """,
    )
    terminal = terminals.hearth("-x", "--pdb", *TWO_WORKERS)
    assert {hearth.gate.wait()[0] for _ in range(2)} == {"one", "two"}
    terminal.wait_for(PROMPT)
    terminal.type("c")
    assert terminal.wait() == 1
    assert terminal.words.count("entering PDB") == 1


def test_trace_and_another_debugger_work(hearth: Hearth, terminals: Terminals, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_a():\n    first = 1\n    assert first\n")
    hearth.write(
        "mine.py",
        """
        import pdb
        class Debugger(pdb.Pdb):
            def __init__(self, *arguments, **options):
                super().__init__(*arguments, **options)
                self.prompt = "(mine) "
        """,
    )
    terminal = terminals.hearth("--trace", "--pdbcls=mine:Debugger", *mode)
    terminal.wait_for(r"\(mine\) ")
    assert "-> assert first" in terminal.answer("n", r"\(mine\) ")
    terminal.type("c")
    assert terminal.wait() == 0


def test_a_script_on_standard_input_serves_all_debuggers(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.parametrize("number", range(3))
        def test_a(number):
            breakpoint()
        """,
    )
    for _ in range(2):
        client = hearth.start_pytest(*mode, stdin=-1)
        stdout, stderr = client.communicate("p 'value', number\nc\n" * 3, timeout=90)
        assert client.returncode == 0, stdout + stderr
        assert sorted(re.findall(r"\('value', (\d)\)", stdout)) == ["0", "1", "2"]
        assert "3 passed" in stdout


def test_a_question_while_tests_are_collected_is_asked_at_the_terminal(
    hearth: Hearth, terminals: Terminals
) -> None:
    hearth.write("test_a.py", "value = 1\nbreakpoint()\ndef test_a():\n    assert value == 2\n")

    def answer(terminal: Terminal) -> str:
        terminal.wait_for(PROMPT)
        terminal.answer("!value = 2")
        terminal.type("c")
        assert terminal.wait() == 0
        return terminal.normal_text

    plain = answer(terminals.plain())
    for _ in range(2):
        assert answer(terminals.hearth()) == plain

    hearth.write("test_a.py", "import does_not_exist\n")

    def look(terminal: Terminal) -> str:
        terminal.wait_for(PROMPT)
        assert "CollectError" in terminal.answer("w")
        terminal.type("q")
        assert terminal.wait() == 2
        return terminal.normal_text

    plain = look(terminals.plain("--pdb"))
    for _ in range(2):
        assert look(terminals.hearth("--pdb")) == plain

    done = hearth.pytest("--pdb", *TWO_WORKERS)  # which collect where nobody can be asked
    assert "No module named 'does_not_exist'" in done.stdout, str(done)
    assert "there is no debugger while tests are collected" in done.stdout, str(done)


def test_the_plugins_workers_debug_at_its_terminal(hearth: Hearth, terminals: Terminals) -> None:
    package = hearth.daemon.binary.parent.parent / "lib" / "hearth"
    hearth.environment["PYTHONPATH"] = str(package)
    hearth.write("test_a.py", STOPS)
    terminal = terminals.plain("-p", "pytest_hearth.plugin", "--hearth", "--pdb", *TWO_WORKERS)
    assert debug(terminal) == 1
