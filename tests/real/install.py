"""Installs a suite below build/real/: an environment with pinned packages, and the unpacked source distribution."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.real.suites import Suite
from tests.support.environments import BUILD, clean_environment, make_environment


@dataclass(frozen=True)
class Installation:
    """Where an installed suite is executed, and by which interpreter."""

    suite: Suite
    python: Path
    directory: Path


def install(
    suite: Suite, python: str = sys.executable, below: Path = BUILD / "real"
) -> Installation:
    """Install the suite, or find it installed. Needs the package registry the first time."""
    interpreter = make_environment(below / suite.name / "venv", suite.requirements, python)
    # Ends pytest's search for a configuration, for suites that have none: it would find that of this repository.
    (below / suite.name / "pytest.ini").touch()
    directory = below / suite.name / "suite"
    if suite.source is None:
        directory.mkdir(exist_ok=True)
    else:
        unpack_source(suite.source, interpreter, directory)
    return Installation(suite, interpreter, directory)


def unpack_source(requirements: Path, interpreter: Path, directory: Path) -> None:
    """Make `directory` the content of the one source distribution that is pinned by hash, or leave it if it is that."""
    stamp = directory / ".hearth-source"
    if stamp.exists() and stamp.read_text() == requirements.read_text():
        return
    downloads = directory.parent / "downloads"
    for old in (directory, downloads):
        shutil.rmtree(old, ignore_errors=True)
    command = [
        str(interpreter),
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
    ]
    command += ["-r", str(requirements), "-d", str(downloads)]
    done = subprocess.run(
        command,
        check=False,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
    (archive,) = downloads.iterdir()
    unpacked = downloads / "unpacked"
    with tarfile.open(archive) as source:
        source.extractall(unpacked)
    (top,) = unpacked.iterdir()
    top.rename(directory)
    stamp.write_text(requirements.read_text())
