"""Checks that scheduler/ can do no more than compute: what it includes, and that it asks no clock.

    python scheduler_is_pure.py FOLDER     prints what is not allowed; exit status 1 if there is any
    python scheduler_is_pure.py --self-test

An include is a file of scheduler/ or one of the standard headers below. <chrono> is there for
durations: reading a clock is found by its name.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ALLOWED_HEADERS = frozenset(
    """
    algorithm array bit chrono compare concepts cstddef cstdint cstdlib deque functional iterator
    limits list map memory numeric optional queue ranges set span string string_view tuple
    type_traits unordered_map unordered_set utility variant vector
    """.split()
)
OWN_INCLUDE = re.compile(r"scheduler/[a-z_]+\.h")
INCLUDE = re.compile(r"^\s*#\s*include\s*(?:<(?P<standard>[^>]*)>|\"(?P<own>[^\"]*)\"|(?P<odd>.*))")
# What the allowed headers offer, or what needs no header, and is not computing.
FORBIDDEN_NAMES = re.compile(
    r"::now\s*\(|\b(?:system|steady|high_resolution|utc|file)_clock\b|\bthread_local\b|\basm\b"
    r"|\b(?:getenv|system|atexit|printf|puts|time|rand|random|fork|getpid)\s*\("
)
COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)


def without_comments(text: str) -> str:
    """The text with comments and string literals blanked out, line by line the same."""
    return COMMENTS.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def complaints_about(path: Path) -> Iterator[str]:
    """One line for each thing in this file that is not allowed."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        standard, own = match.group("standard"), match.group("own")
        if standard is not None and standard not in ALLOWED_HEADERS:
            yield f"{path}:{number}: includes <{standard}>, which is not on the list"
        elif own is not None and not OWN_INCLUDE.fullmatch(own):
            yield f'{path}:{number}: includes "{own}", which is not in scheduler/'
        elif standard is None and own is None:
            yield f"{path}:{number}: includes something computed"
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        name = FORBIDDEN_NAMES.search(line)
        if name is not None:
            yield f"{path}:{number}: uses {name.group().strip()}"


def complaints(folder: Path) -> list[str]:
    """All complaints about the C++ files below this folder, which must have some."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".h", ".cc"})
    if not files:
        return [f"{folder}: no C++ files here"]
    found = [line for path in files for line in complaints_about(path)]
    links = (folder / "CMakeLists.txt").read_text(encoding="utf-8")
    for linked in re.findall(r"target_link_libraries\(([^)]*)\)", links):
        for word in linked.split()[1:]:
            if word not in {"PUBLIC", "PRIVATE", "hearth_settings", "hearth_warnings"}:
                found.append(f"{folder}/CMakeLists.txt: links {word}")
    return found


GOOD = """
#include <chrono>
#include <vector>

#include "scheduler/events.h"
// std::chrono::steady_clock::now() is what nobody may call here; nor #include <thread>
const char* reason = "printf(time)";
std::chrono::nanoseconds time_passed(std::chrono::nanoseconds a) { return a; }
"""
BAD = {
    "#include <thread>": "<thread>",
    "#include <iostream>": "<iostream>",
    "  #  include <fstream>": "<fstream>",
    "#include <filesystem>": "<filesystem>",
    "#include <sys/socket.h>": "<sys/socket.h>",
    "#include <spdlog/spdlog.h>": "<spdlog/spdlog.h>",
    '#include "protocol/messages.gen.h"': '"protocol/messages.gen.h"',
    '#include "../daemon/daemon.h"': '"../daemon/daemon.h"',
    "#include HEADER": "computed",
    "auto t = std::chrono::steady_clock::now();": "steady_clock",
    "auto t = Clock::now();": "::now(",
    'auto home = std::getenv("HOME");': "getenv(",
    'int x = 0; /* fine */ std::printf("%d", x);': "printf",
    "thread_local int x;": "thread_local",
}


def self_test() -> list[str]:
    """What the check overlooks, or finds where nothing is."""
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "CMakeLists.txt").write_text("target_link_libraries(x PUBLIC hearth_settings)")
        sample = folder / "sample.cc"
        if not complaints(folder):
            wrong.append("an empty folder passes")
        sample.write_text(GOOD)
        wrong += [f"finds fault with good code: {line}" for line in complaints(folder)]
        for line, expected in BAD.items():
            sample.write_text(f"{GOOD}\n{line}\n")
            found = complaints(folder)
            if len(found) != 1 or expected not in found[0]:
                wrong.append(f"{line!r} gives {found}")
        sample.write_text(GOOD)
        (folder / "CMakeLists.txt").write_text("target_link_libraries(x PUBLIC\n  libzmq)")
        if complaints(folder) != [f"{folder}/CMakeLists.txt: links libzmq"]:
            wrong.append("a linked library passes")
    return wrong


def main() -> int:
    found = self_test() if sys.argv[1] == "--self-test" else complaints(Path(sys.argv[1]))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
