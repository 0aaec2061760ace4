"""The ctests that hearth is compared with: the machine's own, and a current one from the package registry."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.environments import BUILD, make_environment

_REQUIREMENTS = Path(__file__).parent / "requirements" / "current.txt"
NAMES = ("system", "current")


@dataclass(frozen=True)
class Ctest:
    """A directory with a cmake and a ctest of one version."""

    name: str
    directory: Path

    @property
    def path(self) -> Path:
        return self.directory / "ctest"

    @property
    def cmake(self) -> Path:
        return self.directory / "cmake"

    @property
    def version(self) -> tuple[int, ...]:
        output = subprocess.run(
            [self.path, "--version"], check=True, capture_output=True, text=True
        ).stdout
        found = re.match(r"ctest version (\d+)\.(\d+)\.(\d+)", output)
        if not found:
            raise RuntimeError(f"{self.path} says: {output}")
        return tuple(map(int, found.groups()))


def find_ctest(name: str, python: str) -> Ctest:
    """`system`: the first on PATH. `current`: made with `python`, below build/."""
    if name == "system":
        found = shutil.which("ctest")
        if not found:
            raise FileNotFoundError("there is no ctest on PATH")
        return Ctest(name, Path(found).resolve().parent)
    interpreter = make_environment(BUILD / "ctest" / "current", _REQUIREMENTS, python)
    # Not the environment's own commands: these are scripts of Python's, which cost more than the program behind them.
    (binaries,) = interpreter.parent.parent.glob("lib/python*/site-packages/cmake/data/bin")
    return Ctest(name, binaries)
