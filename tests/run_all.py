"""Runs every test of the repository against one build, and says how many passed and failed in its last line.

python tests/run_all.py [--build build/release] [-j 2]

The Python that runs this must have what packaging/requirements-test.txt names. JUnit files are left in <build>/reports.
Exit code: 0 when every part came to its end and nothing failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Of the end-to-end tests, those that also an old Python and an old pytest have to pass each time.
WITH_OTHER_VERSION = ("warm", "policies", "plugin_surface", "isolation", "timeouts")


@dataclass
class Part:
    """Tests that one command runs; it writes a JUnit file. With a daemon of hearth's own, which ends with them."""

    name: str
    command: list[str]
    report: Path
    environment: dict[str, str] = field(default_factory=dict)
    has_daemon: bool = False


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    # A shell's background job ignores these two, and its children would: tests interrupt what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    total = Counts()
    for part in parts(options.build.resolve(), options.jobs):
        print(f"==== {part.name}", flush=True)
        begin = time.monotonic()
        counts = run(part)
        print(
            f"==== {part.name}: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped "
            f"in {time.monotonic() - begin:.0f} s",
            flush=True,
        )
        total += counts
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


def parts(build: Path, jobs: int) -> list[Part]:
    """In the order in which a mistake is cheapest to understand."""
    reports = build / "reports"
    reports.mkdir(exist_ok=True)
    environment = {
        "HEARTH_BUILD": str(build),
        "HEARTH_BIN": str(build / "bin" / "hearth"),
        "HEARTH_PYTHON_PACKAGE": str(build / "lib" / "hearth" / "pytest_hearth"),
        "HEARTH_NATIVE": str(build / "lib" / "hearth" / "pytest_hearth" / "_native.abi3.so"),
    }

    def with_pytest(name: str, *arguments: str) -> Part:
        report = reports / f"{name}.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            f"--junitxml={report}",
            *arguments,
        ]
        return Part(name, command, report, environment)

    # Each of these tests has a daemon of its own, and waits for it most of the time.
    side_by_side = ("-n", str(jobs), "--dist", "worksteal")

    def with_ctest(name: str, *command: str, has_daemon: bool = False) -> Part:
        report = reports / f"{name}.xml"
        options = [f"-j{jobs}", "--output-on-failure", "--progress", "--output-junit", str(report)]
        command = (*command, "--test-dir", str(build), *options)
        return Part(name, list(command), report, environment, has_daemon)

    def other_version(*options: str) -> Part:
        """The oldest ones that are supported, of those that the machine has."""
        report = reports / "other-version.xml"
        versions = ("3.9-7.4", f"{sys.version_info.major}.{sys.version_info.minor}-7.4")
        command = [sys.executable, "-m", "tests.compat.versions", "--first", *versions, "--"]
        command += [f"--junitxml={report}", *options]
        command += [f"tests/e2e/test_{name}.py" for name in WITH_OTHER_VERSION]
        return Part("other-version", command, report, environment)

    return [
        with_ctest("cpp", "ctest"),
        with_ctest("cpp-by-hearth", environment["HEARTH_BIN"], "ctest", has_daemon=True),
        with_pytest("protocol", "tests/protocol"),
        with_pytest("python", "tests/python"),
        with_pytest("client", "tests/client"),
        with_pytest("ctest", "tests/ctest", *side_by_side),
        with_pytest("end-to-end", "tests/e2e", *side_by_side),
        other_version(*side_by_side),
        with_pytest("compat", "tests/compat", *side_by_side),
        with_pytest("terminal", "tests/terminal", *side_by_side),
        # Each has a test of two minutes: one worker's first, the other's last.
        with_pytest("staleness-and-real", "tests/staleness", "tests/real", *side_by_side),
        with_pytest("hazards", "tests/hazards", *side_by_side),
    ]


def run(part: Part) -> Counts:
    """A part whose command fails without a failed test to show for it counts as one failure."""
    part.report.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="hearth-", dir="/tmp") as directory:
        environment = {**os.environ, **part.environment}
        if part.has_daemon:
            environment["HEARTH_RUNTIME_DIR"] = f"{directory}/run"
            environment["HEARTH_STATE_DIR"] = f"{directory}/state"
        status = subprocess.run(part.command, cwd=ROOT, env=environment).returncode
        if part.has_daemon:
            stop = [environment["HEARTH_BIN"], "stop"]
            status = subprocess.run(stop, cwd=ROOT, env=environment).returncode or status
    counts = count(part.report) if part.report.exists() else Counts()
    if status and not counts.failed:
        print(f"==== {part.name}: {part.command[0]} ended with status {status}")
        counts.failed += 1
    return counts


def count(report: Path) -> Counts:
    counts = Counts()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
        elif case.find("skipped") is not None:
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


if __name__ == "__main__":
    sys.exit(main())
