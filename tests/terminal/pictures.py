"""`python -m tests.terminal.pictures [DIRECTORY]`: what a user sees, taken from a real terminal program, tmux.

A run, what a run says while it waits, a failing run and watching: one file each, for somebody to look at.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.e2e.hearth import Hearth, hearth_world
from tests.support.environments import BUILD, make_environment
from tests.support.events import TIMEOUT

_REQUIREMENTS = Path(__file__).parents[1] / "e2e" / "requirements" / "current.txt"
_WAITS = "hearth: waiting for a change"
_LONG_IMPORT = "import time\ntime.sleep(4)\n"  # long enough to be seen
_TEST = """
from value import VALUE

def test_value():
    assert VALUE == 2

def test_other():
    pass
"""
_SLOW = """
import pytest

@pytest.mark.parametrize("number", range({slots}))
def test_slow(number):
    import gate
    gate.reach("test")
    gate.hold()
"""


class Tmux:
    """A shell in a terminal of its own, in the project's directory."""

    def __init__(self, hearth: Hearth, directory: Path) -> None:
        self._socket = hearth.daemon.directory / "tmux"
        self._directory = directory
        environment = {**hearth.environment, "PS1": "$ "}
        environment["PATH"] = f"{hearth.daemon.binary.parent}:{environment['PATH']}"
        command = ["new-session", "-d", "-x", "90", "-y", "40", "bash", "--norc", "--noprofile"]
        subprocess.run(
            self._command("-f", "/dev/null", *command),
            env=environment,
            cwd=hearth.project,
            check=True,
        )

    def __enter__(self) -> Tmux:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        subprocess.run(self._command("kill-server"), check=True)

    def type(self, *words: str) -> None:
        """A command, on an empty screen."""
        self.press("clear; " + shlex.join(words), "Enter")

    def press(self, *keys: str) -> None:
        subprocess.run(self._command("send-keys", *keys), check=True)

    def wait_for(self, *texts: str) -> None:
        """Until they are there, each below the one before it."""
        deadline = time.monotonic() + TIMEOUT
        while not self._shows(texts):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{texts} never came, but:\n{self._screen()}")

    def take(self, name: str, *texts: str) -> None:
        """A picture of what is there when these texts are."""
        self.wait_for(*texts)
        (self._directory / f"{name}.txt").write_text(self._screen())

    def _shows(self, texts: tuple[str, ...]) -> bool:
        rest = self._screen()
        for text in texts:
            _, found, rest = rest.partition(text)
            if not found:
                return False
        return True

    def _screen(self) -> str:
        pane = self._command("capture-pane", "-p")
        shown = subprocess.run(pane, check=True, capture_output=True, text=True).stdout
        return shown.rstrip("\n") + "\n"

    def _command(self, *words: str) -> list[str]:
        return ["tmux", "-S", str(self._socket), *words]


def _take_all(hearth: Hearth, tmux: Tmux) -> None:
    hearth.write_gate()
    hearth.write("value.py", "VALUE = 2\n")
    hearth.write("test_a.py", _LONG_IMPORT + _TEST)
    hearth.write("conftest.py", _LONG_IMPORT)
    tmux.type("hearth", "pytest")
    tmux.take("waits-for-a-stage", "hearth: loading plugins and conftests (1 s)")
    tmux.take("waits-for-the-collection", "hearth: collecting tests (")
    tmux.take("run", "2 passed", "\n$")

    hearth.write("conftest.py", "")
    hearth.write("test_a.py", _TEST)
    tmux.type("hearth", "pytest", "-n", "auto", "test_a.py")
    tmux.take("run-with-workers", "2 passed", "\n$")
    slots = hearth.daemon.status()["slots"]
    hearth.write("slow/test_slow.py", _SLOW.format(slots=slots))
    other = hearth.start_pytest("-n", "auto", "slow")
    for _ in range(slots):
        hearth.gate.wait()
    tmux.type("hearth", "pytest", "-n", "auto", "test_a.py")
    tmux.take("waits-for-other-runs", "other runs have the processors (1 s)")
    hearth.gate.release(slots)
    hearth.finish(other)
    tmux.wait_for("2 passed", "\n$")

    hearth.write("value.py", "VALUE = 1\n")
    tmux.type("hearth", "pytest", "test_a.py")
    tmux.take("failing-run", "1 failed, 1 passed", "\n$")
    tmux.type("hearth", "watch", "pytest", "-q", "test_a.py")
    tmux.wait_for("1 failed, 1 passed", _WAITS)
    hearth.write("value.py", "VALUE = 333\n")
    tmux.wait_for("value.py changed", "1 failed", _WAITS)
    hearth.write("value.py", "VALUE = 1 + 1\n")
    tmux.wait_for("2 passed", _WAITS)
    tmux.press("q")
    tmux.take("watch", "2 passed", _WAITS, "\n$")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.terminal.pictures", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=BUILD / "pictures")
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    python = make_environment(BUILD / "e2e" / "current", _REQUIREMENTS, sys.executable)
    with hearth_world(python) as hearth, Tmux(hearth, directory) as tmux:
        _take_all(hearth, tmux)
    print(f"the pictures are in {directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
