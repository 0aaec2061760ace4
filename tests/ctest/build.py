"""Projects with compiled tests: configured and built by the cmake of the ctest that will run them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.ctest.ctests import Ctest
from tests.support.environments import clean_environment

NATIVE = Path(__file__).parent / "native"


def build(
    ctest: Ctest,
    source: Path,
    directory: Path,
    targets: Sequence[str] = (),
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> None:
    """Build the targets (none: all) below `directory`; what is up to date is left as it is. RuntimeError with what was said."""
    environment = environment or clean_environment()
    configure = [str(ctest.cmake), "-S", str(source), "-B", str(directory), *options]
    configure.append("-DCMAKE_BUILD_TYPE=Release")
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    if shutil.which("ccache"):
        configure.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    _run(configure, environment)
    make = [str(ctest.cmake), "--build", str(directory), "-j", str(os.cpu_count() or 1)]
    _run([*make, "--target", *targets] if targets else make, environment)


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-5000:]}")
