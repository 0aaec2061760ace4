"""What a shell does with standard streams: the run has them as plain pytest would."""

from __future__ import annotations

from tests.e2e.hearth import Finished, Hearth
from tests.terminal.normal import normal

# Prints more than a pipe holds, so that a reader that goes away is noticed.
_TESTS = """
import os, sys
def test_reads():
    print("read:", None if sys.stdin is None else sys.stdin.readline())
def test_prints():
    print("printed")
    os.write(2, b"written to standard error\\n")
def test_prints_much():
    for _ in range(30):
        print("x" * 10_000)
def test_fails():
    assert 0
"""


_SCRIPTS = (
    "PYTEST -s </dev/null",
    "PYTEST -s <lines.txt",
    "{ read first; PYTEST -s; } <lines.txt",
    "echo one | PYTEST -s | cat",
    "PYTEST -s >out.txt 2>&1 </dev/null",
    "echo before >out.txt; PYTEST -s >>out.txt 2>>out.txt </dev/null",
    "PYTEST -s >/dev/null </dev/null",
    "PYTEST -s 2>/dev/null </dev/null",
    "PYTEST -s 1<>out.txt </dev/null",
    "PYTEST -s 3>&1 >&2 2>&3 3>&- </dev/null",
    "PYTEST 0<&-",
    "PYTEST -q </dev/null | head -n 1",
    "PYTEST -s -k much </dev/null | head -n 3",
    "PYTEST -k reads >/dev/full",
)


def test_redirected_it_is_as_plain_pytest(hearth: Hearth) -> None:
    hearth.use_python(hearth.daemon.python.parent.resolve() / "python")  # as its script names it
    hearth.write("test_a.py", _TESTS)
    hearth.write("lines.txt", "first\nsecond\nthird\n")
    # The first finds nothing, the last finds what those before have left.
    for script in (*_SCRIPTS, _SCRIPTS[0]):
        wanted = _run(hearth, script, f"{hearth.daemon.python.parent}/pytest")
        assert _run(hearth, script, f"{hearth.daemon.binary} pytest") == wanted, script


def _run(hearth: Hearth, script: str, pytest_command: str) -> tuple[int, str, str, str]:
    """Exit code (of a pipe: of each command), standard output, standard error, and the file."""
    out = hearth.project / "out.txt"
    out.write_text("")
    script = script.replace("PYTEST", f"{pytest_command} -p no:cacheprovider")
    done: Finished = hearth.run("/bin/bash", "-c", script + '; echo "ended: ${PIPESTATUS[*]}" >&2')
    return done.exit_code, normal(done.stdout), normal(done.stderr), normal(out.read_text())
