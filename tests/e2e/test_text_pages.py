"""What commands find mapped of their program's code: it differs in what it costs, and in nothing else."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.hearth import Hearth

_SOURCE = Path(__file__).parent / "native" / "cases.cc"
_USERFAULTFD = {"x86_64": 323, "aarch64": 282}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("native") / "cases"
    subprocess.run(["c++", "-g", "-DPATCHES_CODE", _SOURCE, "-o", path], check=True)
    return path


def _assert_same(hearth: Hearth, program: Path, *arguments: str) -> None:
    plain = hearth.run(str(program), *arguments)
    warm = hearth.command("exec", "--", str(program), *arguments)
    assert warm == plain, f"-- plain\n{plain}\n-- warm\n{warm}"


# The first sixteen are.
@pytest.mark.parametrize(
    "cases",
    [
        ["show", "show", "show"],
        ["pass", "show"],
        ["abort", "leave", "crash", "show", "show"],
        ["leave"] * 30 + ["show"],
    ],
    ids=["show", "pass", "crash", "leave"],
)
def test_an_observed_command_is_as_any(hearth: Hearth, program: Path, cases: list[str]) -> None:
    for case in cases:
        _assert_same(hearth, program, case)


def test_code_that_was_changed_before_main_stays_changed(hearth: Hearth, program: Path) -> None:
    for _ in range(4):
        _assert_same(hearth, program, "answer")
    assert hearth.command("exec", "--", str(program), "answer").stdout == "42\n"


def _gives_userfaultfd() -> bool:
    number = _USERFAULTFD.get(platform.machine())
    release = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    if number is None or release < (6, 7):
        return False
    fd = ctypes.CDLL(None).syscall(number, os.O_CLOEXEC | 1)
    if fd >= 0:
        os.close(fd)
    return bool(fd >= 0)


def _code_in_memory(process: int, library: str) -> tuple[int, int]:
    """Of one library's code: how much of it this process has mapped, and all; in bytes."""
    size = resident = 0
    is_meant = False
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) .*?(\S*)$", line):
            is_meant = match[3] == "r-xp" and library in match[4]
            if is_meant:
                size += int(match[2], 16) - int(match[1], 16)
        elif is_meant and line.startswith("Rss:"):
            resident += int(line.split()[1]) * 1024
    return resident, size


@pytest.mark.skipif(not _gives_userfaultfd(), reason="the kernel does not tell pages apart")
def test_only_what_a_command_has_used_is_handed_on(hearth: Hearth, program: Path) -> None:
    for _ in range(20):
        _assert_same(hearth, program, "pass")
    ((zygote, *_),) = hearth.zygotes()
    resident, size = _code_in_memory(zygote, "libc.so")
    assert 0 < resident < size / 4, (resident, size)
    # Nothing that was needed to find that out is left.
    links = [os.readlink(entry) for entry in Path(f"/proc/{zygote}/fd").iterdir()]
    assert not [link for link in links if "userfaultfd" in link], links
