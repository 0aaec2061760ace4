"""Virtual environments with pinned content, and the process environment in which everything under test runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"

# What would make a run of pytest differ from the one that a user types: settings of Python (no bytecode files, unbuffered
# streams), of pytest and its plugins, and of hearth.
_FOREIGN = (
    "PYTHON",
    "PYTEST_",
    "HEARTH",
    "VIRTUAL_ENV",
    "COV_",
    "COVERAGE",
    "CI",
    "BUILD_NUMBER",
    "COLUMNS",
    "LINES",
)
_KEPT = ("PYTHONHASHSEED",)


def clean_environment() -> dict[str, str]:
    """The caller's environment without what changes how Python, pytest or hearth behave."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or not name.startswith(_FOREIGN)
    }


def make_environment(
    directory: Path, requirements: Path | None, python: str = sys.executable
) -> Path:
    """Make (or find, when nothing changed) a virtual environment; return its interpreter.

    `requirements` pins everything that is installed, None leaves the environment without even pip. Safe to call from
    several processes at once: one makes it, the others wait.
    """
    interpreter = directory / "bin" / "python"
    wanted = f"{python} {sys.version}\n" + (
        requirements.read_text() if requirements else "nothing\n"
    )
    stamp = directory / "hearth-requirements.txt"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return interpreter
        shutil.rmtree(directory, ignore_errors=True)
        options = [] if requirements else ["--without-pip"]
        _run([python, "-m", "venv", *options, str(directory)])
        if requirements:
            _run(
                [
                    str(interpreter),
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--no-deps",
                    "-r",
                    str(requirements),
                ]
            )
        stamp.write_text(wanted)
    return interpreter


def _run(command: list[str]) -> None:
    environment = clean_environment()
    done = subprocess.run(
        command,
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
