"""Save, then run, at once: never the old code. And a save while a run is being loaded is seen by the run after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.e2e.hearth import Hearth, hearth_world
from tests.staleness.__main__ import base_interpreter

SAVES = int(os.environ.get("HEARTH_TEST_SAVES", "100"))
HELD_SAVES = max(5, SAVES // 10)

_TEST = """
import os
from pathlib import Path
import conftest, helper
HERE = Path(__file__).parent
OWN = {number}  {padding}
DATA = int((HERE / "data.txt").read_text())
def test_a():
    (HERE.parent / "ran").write_text(f"{{OWN}} {{helper.NUMBER}} {{conftest.NUMBER}} {{DATA}}")
"""
_MODULE = "NUMBER = {number}  {padding}\n"
_FILES = {
    "test_a.py": _TEST,
    "helper.py": _MODULE,
    "conftest.py": _MODULE,
    "data.txt": "{number} {padding}",
}


@pytest.fixture
def world() -> Iterator[Hearth]:
    with hearth_world(base_interpreter()) as hearth:
        yield hearth


class Saved:
    """The files as they were saved last, and what a run of them must have read."""

    def __init__(self, hearth: Hearth) -> None:
        self._hearth = hearth
        self._numbers = dict.fromkeys(_FILES, 1000)
        for name in _FILES:
            self.save(name, 1000)

    def save(self, name: str, number: int, padding: str = "#", by_replacing: bool = False) -> None:
        """Sizes are equal unless the padding is not."""
        padding = padding if name.endswith(".py") else " " * len(padding)
        text = _FILES[name].format(number=number, padding=padding)
        path = self._hearth.project / name
        if by_replacing:
            new = self._hearth.daemon.directory / "new"
            new.write_text(text)
            os.replace(new, path)
        else:
            path.write_text(text)
        self._numbers[name] = number

    def expect(self) -> None:
        ran = (self._hearth.daemon.directory / "ran").read_text()
        assert ran == " ".join(map(str, self._numbers.values()))


@pytest.mark.parametrize("bytecode", [True, False])
def test_a_run_right_after_a_save_runs_what_was_saved(world: Hearth, bytecode: bool) -> None:
    """Without bytecode files sizes stay equal; Python itself would take old bytecode for such a file within a second."""
    if not bytecode:
        world.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    saved = Saved(world)
    names = list(_FILES)
    for number in range(1001, 1001 + SAVES // 2):
        padding = "#" * (1 + number // len(names) % 2) if bytecode else "#"
        saved.save(names[number % len(names)], number, padding, by_replacing=number % 3 == 0)
        done = world.pytest("-q", "-n", "2") if number % 10 == 0 else world.pytest("-q")
        assert done.exit_code == 0, str(done)
        saved.expect()


@pytest.mark.parametrize("place", ["conftest.py", "test_a.py"])
def test_a_save_while_a_run_is_loaded_is_seen_by_the_next(
    world: Hearth, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved right after the file was read, at the same size: mostly within one tick of the file system's clock."""
    world.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    world.write_gate()
    held = "import gate, helper\nopen(__file__.rpartition('/')[0] + '/data.txt').close()\ngate.reach('read')\ngate.hold()\n"
    monkeypatch.setitem(_FILES, place, _FILES[place] + held)
    saved = Saved(world)
    for number in range(1001, 1001 + HELD_SAVES):
        name = ("helper.py", "data.txt", place)[number % 3]
        saved.save(name, number)
        _run(world, partial(saved.save, name, number + 5000))
        _run(world)
        saved.expect()


def _run(hearth: Hearth, edit: Callable[[], None] | None = None) -> None:
    """One run; `edit` is called when it is held for the first time."""
    process = hearth.start_pytest("-q")
    while process.poll() is None:
        try:
            hearth.gate.wait(0.02)
        except TimeoutError:
            continue
        if edit:
            edit()
            edit = None
        hearth.gate.release()
    done = hearth.finish(process)
    assert done.exit_code == 0, str(done)
