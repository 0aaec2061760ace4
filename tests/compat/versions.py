"""`python -m tests.compat.versions [PYTHON-PYTEST …]`: the end-to-end tests with other versions of Python and of pytest.

`3.9-7.4` stands for CPython 3.9 and pytest 7.4; `3.13` for CPython 3.13 and the newest pytest that it has. The interpreters
are those of pyenv, the one that runs this, and those on PATH; a version that the machine has not is said and left out.
`--first`: only the first one that it has. Arguments after `--` go to pytest (default: the whole of tests/e2e). Exit code 1:
something failed, or there was nothing to run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.environments import REPOSITORY

_DEFAULT = ("3.9-7.4", "3.9", "3.10-8.4", "3.10", "3.11-7.4", "3.12-8.4", "3.12", "3.13")


def find_python(version: str) -> Path | None:
    """The newest CPython of this minor version."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(
        root.glob(f"{version}.*/bin/python"), key=lambda path: int(path.parts[-3].split(".")[2])
    )
    if found:
        return found[-1]
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    return Path(on_path) if on_path else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat.versions", description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="PYTHON-PYTEST", default=_DEFAULT)
    parser.add_argument("--first", action="store_true", help="of those that there are")
    arguments = sys.argv[1:]
    place = arguments.index("--") if "--" in arguments else len(arguments)
    options, for_pytest = parser.parse_args(arguments[:place]), arguments[place + 1 :]
    for version in options.versions:
        pytest_version = version.partition("-")[2]
        requirements = REPOSITORY / f"tests/e2e/requirements/pytest-{pytest_version}.txt"
        if pytest_version and not requirements.exists():
            parser.error(f"{version}: there is no {requirements.relative_to(REPOSITORY)}")
    verdicts = {}
    for version in options.versions:
        python_version, _, pytest_version = version.partition("-")
        python = find_python(python_version)
        if python is None:
            verdicts[version] = "there is no such Python here"
            continue
        print(f"==== Python {python_version}, pytest {pytest_version or 'newest'}", flush=True)
        passed = _run(python, pytest_version, for_pytest or ["tests/e2e"])
        verdicts[version] = "passed" if passed else "failed"
        if options.first:
            break
    for version, verdict in verdicts.items():
        print(f"{version:10} {verdict}", flush=True)
    is_good = "passed" in verdicts.values() and "failed" not in verdicts.values()
    return 0 if is_good else 1


def _run(python: Path, pytest_version: str, arguments: list[str]) -> bool:
    environment = {**os.environ, "HEARTH_TEST_PYTHON": str(python)}
    if pytest_version:
        environment["HEARTH_TEST_PYTEST"] = pytest_version
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=environment).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
