"""Virtual environments with pinned content, and the process environment in which everything under test runs."""

from __future__ import annotations

import fcntl
import hashlib
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
    """Make (or find) a virtual environment; return its interpreter.

    Its name is `directory` with a suffix that stands for interpreter and requirements, so that one that is in use is never
    changed. `requirements` pins everything that is installed; None leaves the environment without even pip. Safe to call
    from several processes at once: one makes it, the others wait.
    """
    content = requirements.read_bytes() if requirements else b""
    key = hashlib.sha256(os.path.realpath(python).encode() + b"\0" + content).hexdigest()[:8]
    directory = directory.with_name(f"{directory.name}-{key}")
    interpreter = directory / "bin" / "python"
    stamp = directory / "complete"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists():
            return interpreter
        shutil.rmtree(directory, ignore_errors=True)  # cut off while it was made
        options = [] if requirements else ["--without-pip"]
        _run([python, "-m", "venv", *options, str(directory)])
        if requirements:
            pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--no-deps"]
            _run([*pip, "-r", str(requirements)])
        stamp.touch()
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
