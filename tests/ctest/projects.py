"""Real projects: where they come from, how their tests are built, and how each case becomes a test of ctest."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.ctest.build import build
from tests.ctest.ctests import Ctest
from tests.ctest.packages import Archive, Package


@dataclass(frozen=True)
class Framework:
    """How a binary tells its cases, and how it is told to execute one."""

    name: str
    listing: tuple[str, ...]
    cases: Callable[[str], list[str]]
    selection: Callable[[str], str]


def _google_cases(text: str) -> list[str]:
    cases, suite = [], ""
    for line in text.splitlines():
        name = line.partition("#")[0].rstrip()
        if line.startswith("  "):
            cases.append(suite + name.strip())
        elif name.endswith("."):
            suite = name
    return cases


def _doctest_cases(text: str) -> list[str]:
    lines = [
        line for line in text.splitlines() if line and not line.startswith(("[doctest]", "=="))
    ]
    return list(dict.fromkeys(lines))


def _boost_cases(text: str) -> list[str]:
    """Leaves of a tree that is shown by indentation, with a star behind what is enabled."""
    cases: list[str] = []
    path: list[str] = []
    entries = [
        (len(line) - len(line.lstrip()), line.strip().rstrip("*")) for line in text.splitlines()
    ]
    for (depth, name), following in zip(entries, [*entries[1:], (0, "")]):
        path[depth // 4 :] = [name.partition(":")[0]]
        if following[0] <= depth:
            cases.append("/".join(path))
    return cases


def _escaped(name: str, what: str) -> str:
    return re.sub(f"([{what}])", r"\\\1", name)


GOOGLE_TEST = Framework(
    "GoogleTest", ("--gtest_list_tests",), _google_cases, lambda name: f"--gtest_filter={name}"
)
CATCH2 = Framework(
    "Catch2",
    ("--list-test-names-only",),
    lambda text: text.splitlines(),
    lambda name: _escaped(name, ",\\[\\]"),
)
DOCTEST = Framework(
    "doctest",
    ("--list-test-cases", "--no-colors"),
    _doctest_cases,
    lambda name: f"--test-case={_escaped(name, ',')}",
)
BOOST_TEST = Framework(
    "Boost.Test", ("--list_content",), _boost_cases, lambda name: f"--run_test={name}"
)


@dataclass(frozen=True)
class Project:
    """`binaries`: built targets, by their paths below the build directory."""

    package: Package
    framework: Framework
    binaries: tuple[str, ...]
    options: tuple[str, ...] = ()
    directory: str = "."  # of its CMakeLists.txt
    needs: tuple[Package, ...] = ()
    # The tests that it registers with ctest itself; without: each case of its binaries is registered.
    own_tests: bool = False
    includes: tuple[str, ...] = ()  # below what it needs
    # A regular expression for cases that would get in each other's way: they get a lock.
    alone: str = "$^"

    @property
    def name(self) -> str:
        return self.package.name


PROJECTS = (
    Project(
        Package(
            "fastcdr",
            "1.0.26-1",
            "fastcdr_1.0.26.orig.tar.gz",
            "f1131d5a153f93d58b2e8eb77d86cfb99a544b65df3b961f41055aa7f61ed1ed",
        ),
        GOOGLE_TEST,
        ("test/UnitTests",),
        ("-DEPROSIMA_BUILD_TESTS=ON", "-DGTEST_INDIVIDUAL=ON"),
        own_tests=True,
    ),
    Project(
        Package(
            "cli11",
            "2.1.2+ds-1",
            "cli11_2.1.2+ds.orig.tar.xz",
            "8143d20b688e98ccce8e24562d3b68e5f47c12e896c42c7ca8553dbde5bed55d",
        ),
        CATCH2,
        ("tests/HelpersTest", "tests/OptionTypeTest"),
        ("-DCLI11_BUILD_EXAMPLES=OFF",),
        alone="Validators|AppHelper",  # one file, of the same name for all of them
    ),
    Project(
        Package(
            "argagg",
            "0.4.7-1",
            "argagg_0.4.7.orig.tar.gz",
            "5e740b904128eb2716750c72f19d33da49d904d34f1734f7e9113e9943cf3f7c",
        ),
        DOCTEST,
        ("bin/argagg_test",),
        ("-DARGAGG_BUILD_TESTS=ON", "-DARGAGG_BUILD_DOCS=OFF", "-DARGAGG_BUILD_EXAMPLES=OFF"),
        needs=(
            Package(
                "doctest-dev",
                "2.4.9~ds-1",
                "doctest-dev_2.4.9~ds-1_all.deb",
                "b1b43598b8e7f347af1c00f2263f0a19af4c632c808a6fc78a0617eb494c2c94",
            ),
        ),
        includes=("usr/include", "usr/include/doctest"),
    ),
    Project(
        Package(
            "ordered-map",
            "1.0.0-1",
            "ordered-map_1.0.0.orig.tar.gz",
            "49cd436b8bdacb01d5f4afd7aab0c0d6fa57433dfc29d65f08a5f1ed1e2af26b",
        ),
        BOOST_TEST,
        ("tsl_ordered_map_tests",),
        ("-DBoost_NO_BOOST_CMAKE=ON",),
        directory="tests",
        needs=(
            Package(
                "libboost-test1.74-dev",
                "1.74.0+ds1-21",
                "libboost-test1.74-dev_1.74.0+ds1-21_amd64.deb",
                "78bed3e06db51c641fccae4338306e42f0390efd43749efdc361941a20fe91dd",
            ),
            Package(
                "libboost-test1.74.0",
                "1.74.0+ds1-21",
                "libboost-test1.74.0_1.74.0+ds1-21_amd64.deb",
                "4130fa233660cebc0f7fbfbbcb61f39876d8b752caf84aa1bfe95926abb0ab60",
            ),
        ),
    ),
)


def prepare(project: Project, ctest: Ctest, directory: Path) -> Path:
    """Fetch, unpack and build below `directory`; return where ctest finds its tests."""
    archive = Archive(directory / "apt")
    source, built = directory / project.name / "source", directory / project.name / "build"
    needed = directory / project.name / "needed"
    if not source.exists():
        for package in project.needs:
            archive.unpack(package, needed)
        archive.unpack(project.package, source)
    # Where warnings are errors, this one is of the compiler's and not of the project's making.
    flags = " ".join(["-Wno-array-bounds", *(f"-I{needed / one}" for one in project.includes)])
    libraries = f"-DBOOST_LIBRARYDIR={needed / 'usr/lib/x86_64-linux-gnu'}"
    options = [*project.options, f"-DCMAKE_CXX_FLAGS={flags}", libraries]
    targets = [binary.rpartition("/")[2] for binary in project.binaries]
    build(ctest, source / project.directory, built, targets, options)
    if project.own_tests:
        return built
    cases = directory / project.name / "cases"
    cases.mkdir(exist_ok=True)
    lines = [line for binary in project.binaries for line in _registration(project, built / binary)]
    (cases / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")
    return cases


def _registration(project: Project, binary: Path) -> Iterator[str]:
    """As the framework's own CMake module registers each case."""
    framework = project.framework
    done = subprocess.run(
        [binary, *framework.listing],
        check=False,  # Catch2 tells the number of cases by its exit code
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    names = [name for name in framework.cases(done.stdout) if name]
    if not names:
        raise RuntimeError(
            f"{binary} {' '.join(framework.listing)} names no cases:{os.linesep}{done.stdout[:1000]}"
        )
    for name in names:
        test = f"[==[{binary.name}.{name}]==]"
        yield f"add_test({test} [==[{binary}]==] [==[{framework.selection(name)}]==])"
        properties = f"WORKING_DIRECTORY [==[{binary.parent}]==]"
        if re.search(project.alone, name):
            properties += " RESOURCE_LOCK alone"
        yield f"set_tests_properties({test} PROPERTIES {properties})"
