"""What ctest has said of a build directory is remembered, and forgotten as soon as it could say something else."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.hearth import Finished, Hearth

_CTEST = shutil.which("ctest")

pytestmark = pytest.mark.skipif(_CTEST is None, reason="there is no ctest")

_START = """\
    add_test(first "/bin/true")
    subdirs("sub")
    include("{directory}/included.cmake")
    if(EXISTS "{directory}/later.cmake")
      include("{directory}/later.cmake")
    endif()
    if("$ENV{{MORE_TESTS}}" STREQUAL "yes")
      add_test(more "/bin/true")
    endif()
    if(CTEST_CONFIGURATION_TYPE MATCHES "^Debug$")
      add_test(debug "/bin/true")
    endif()
    add_test(own "{directory}/program")
"""


class Project:
    """A build directory, and what `hearth ctest` remembers of it."""

    def __init__(self, hearth: Hearth) -> None:
        self.hearth = hearth
        self.directory = hearth.project
        self.state = Path(hearth.environment["HEARTH_STATE_DIR"])
        self.write("CTestTestfile.cmake", _START)
        self.write("sub/CTestTestfile.cmake", 'add_test(below "/bin/true")\n')
        self.write("included.cmake", 'add_test(included "/bin/true")\n')
        shutil.copy("/bin/true", self.directory / "program")

    def write(self, name: str, text: str) -> Path:
        directory = str(self.directory)
        return self.hearth.write(
            name,
            textwrap.dedent(text)
            .replace("{directory}", directory)
            .replace("{{", "{")
            .replace("}}", "}"),
        )

    def answers(self) -> dict[str, int]:
        """The files, and their inodes: an answer that is given anew is a new file."""
        return {
            path.name: path.stat().st_ino
            for path in self.state.glob("listings/*")
            if path.is_file()
        }

    def run(self, *options: str, **settings: str) -> Finished:
        return self.hearth.command("ctest", *options, environment=settings)

    def assert_as_ctest_says(self, *options: str, **settings: str) -> None:
        assert _CTEST is not None
        ours = self.run(*options, **settings)
        plain = self.hearth.run(_CTEST, *options, environment=settings)
        assert _tests(ours) == _tests(plain), f"{ours}\n{plain}"
        assert ours.exit_code == plain.exit_code, f"{ours}\n{plain}"

    def remember(self, *options: str, **settings: str) -> None:
        """What a run has asked is not asked by the next one."""
        # What has just been written may change again without its times.
        for tries in itertools.count(1):
            before = self.answers()
            self.run(*options, **settings)
            if before and self.answers() == before:
                return
            assert tries < 20, before


def _tests(finished: Finished) -> list[tuple[str, str]]:
    return re.findall(r"Test +#\d+: (.*?) \.*(?: +|\*+)(\w.*?) +[\d.]+ sec", finished.stdout)


@pytest.fixture
def project(hearth: Hearth) -> Project:
    return Project(hearth)


def _keep_times(path: Path, change: Callable[[Path], object]) -> None:
    """Change a file and put its modification time back."""
    before = path.stat()
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _add_test(project: Project) -> None:
    with (project.directory / "CTestTestfile.cmake").open("a") as file:
        file.write('add_test(another "/bin/false")\n')


def _same_size_and_time(project: Project) -> None:
    path = project.directory / "included.cmake"
    _keep_times(
        path, lambda file: file.write_text(file.read_text().replace("included", "excluded"))
    )


def _another_file(project: Project) -> None:
    path = project.directory / "included.cmake"

    def replace(file: Path) -> None:
        other = file.with_name("other")
        other.write_text(file.read_text().replace("included", "excluded"))
        other.rename(file)

    _keep_times(path, replace)


def _subdirectory(project: Project) -> None:
    project.write("sub/CTestTestfile.cmake", "")


def _what_was_not_there(project: Project) -> None:
    project.write("later.cmake", 'add_test(later "/bin/true")\n')


def _program_goes(project: Project) -> None:
    (project.directory / "program").unlink()


def _program_is_another(project: Project) -> None:
    path = project.directory / "program"
    path.unlink()
    shutil.copy("/bin/false", path)


def _tests_are_ignored(project: Project) -> None:
    project.write("CTestCustom.cmake", "set(CTEST_CUSTOM_TESTS_IGNORE first)\n")


def _link_leads_elsewhere(project: Project) -> None:
    (project.directory / "sub").rename(project.directory / "below")
    project.write("instead/CTestTestfile.cmake", 'add_test(instead "/bin/true")\n')
    (project.directory / "sub").symlink_to("instead")


@pytest.mark.parametrize(
    "change",
    [
        _add_test,
        _same_size_and_time,
        _another_file,
        _subdirectory,
        _what_was_not_there,
        _program_goes,
        _program_is_another,
        _tests_are_ignored,
        _link_leads_elsewhere,
    ],
)
@pytest.mark.parametrize("options", [(), ("-R", "e")], ids=["all", "selected"])
def test_a_change_is_seen(
    project: Project, change: Callable[[Project], None], options: tuple[str, ...]
) -> None:
    project.remember(*options)
    change(project)
    project.assert_as_ctest_says(*options)
    project.assert_as_ctest_says(*options)


def test_other_variables_options_and_directories_are_other_questions(project: Project) -> None:
    project.remember()
    project.assert_as_ctest_says(MORE_TESTS="yes")
    project.assert_as_ctest_says("-C", "Debug")
    project.assert_as_ctest_says("-C", "Debug", MORE_TESTS="yes")
    project.assert_as_ctest_says()
    project.assert_as_ctest_says("--test-dir", "sub")


def test_what_failed_is_asked_for_anew(project: Project) -> None:
    _add_test(project)
    project.remember()
    project.assert_as_ctest_says("--rerun-failed")
    project.write(
        "CTestTestfile.cmake", 'add_test(first "/bin/false")\nadd_test(two "/bin/true")\n'
    )
    project.assert_as_ctest_says()
    project.run()
    project.assert_as_ctest_says("--rerun-failed")


@pytest.mark.parametrize(
    "script",
    [
        'execute_process(COMMAND cat "{directory}/name" OUTPUT_VARIABLE name)\n',
        'file(READ "{directory}/name" name)\n',
        'file(GLOB found "{directory}/name*")\nlist(LENGTH found name)\n',
        "string(RANDOM LENGTH 20 name)\n",
        'string(TIMESTAMP name "%s%f")\n',
        'set(name x)\nif("{directory}/name.py" IS_NEWER_THAN "{directory}/b.py")\n  set(name y)\nendif()\n',
    ],
    ids=["process", "file", "glob", "random", "time", "newer"],
)
def test_a_script_that_does_more_is_asked_each_time(project: Project, script: str) -> None:
    (project.directory / "name").write_text("one")
    (project.directory / "b.py").write_text("")
    project.write("CTestTestfile.cmake", script + 'add_test("t${name}" "/bin/true")\n')
    for _ in range(3):
        project.run()
    listed = {answer for answer in project.answers() if _is_of_tests(project, answer)}
    assert not listed
    (project.directory / "name").write_text("two")
    (project.directory / "name.py").write_text("")
    if "RANDOM" not in script and "TIMESTAMP" not in script:
        project.assert_as_ctest_says()


def _is_of_tests(project: Project, answer: str) -> bool:
    return b'"ctestInfo"' in (project.state / "listings" / answer).read_bytes()


def test_what_ctest_complains_of_is_said_each_time(project: Project) -> None:
    with (project.directory / "CTestTestfile.cmake").open("a") as file:
        file.write('message(WARNING "beware of the tests")\n')
    for _ in range(3):
        assert "beware of the tests" in project.run().stderr


@pytest.mark.parametrize("damage", [b"", b"\0" * 300, b"\xff" * 3000, None])
def test_a_damaged_answer_is_none(project: Project, damage: bytes | None) -> None:
    project.remember()
    for path in project.state.glob("listings/*"):
        old = path.read_bytes()
        path.write_bytes(
            old[:-2] if damage is None else damage + old[len(damage) :] if damage else b""
        )
    project.assert_as_ctest_says()
    project.remember()


def test_nothing_is_needed_to_remember(project: Project) -> None:
    project.state.mkdir(exist_ok=True)
    (project.state / "listings").write_text("in the way")
    project.assert_as_ctest_says()
    project.assert_as_ctest_says()
    (project.state / "listings").unlink()


def test_a_ctest_that_is_called_by_a_script_is_asked_each_time(
    project: Project, tmp_path: Path
) -> None:
    script = tmp_path / "ctest"
    script.write_text(f'#!/bin/sh\necho asked >> "{tmp_path}/asked"\n{_CTEST} "$@"\n')
    script.chmod(0o755)
    for times in (1, 2, 3):
        assert project.run(HEARTH_CTEST=str(script)).exit_code == 0
        assert (tmp_path / "asked").read_text().count("asked") == 2 * times
    assert not project.answers()


def test_a_library_of_the_users_own_stays(project: Project) -> None:
    found = subprocess.run(
        ["c++", "-print-file-name=libasan.so"], capture_output=True, text=True, check=False
    )
    library = Path(found.stdout.strip()).resolve()
    if not library.is_file():
        pytest.skip("there is no library to be loaded")
    for _ in range(2):
        assert project.run(LD_PRELOAD=str(library), ASAN_OPTIONS="detect_leaks=0").exit_code == 0
    assert not project.answers()


def test_old_answers_give_way(project: Project) -> None:
    project.remember()
    for number in range(200):
        path = project.state / "listings" / f"old{number}"
        path.write_text("of no use")
        os.utime(path, (number, number))
    project.assert_as_ctest_says(MORE_TESTS="yes")
    left = project.answers()
    assert len(left) <= 128
    assert "old199" in left
    assert "old0" not in left
    project.assert_as_ctest_says()


def test_runs_side_by_side_do_not_disturb_one_another(project: Project) -> None:
    _add_test(project)
    runs = [
        project.hearth.spawn(str(project.hearth.daemon.binary), "ctest", "-R", str(n % 3))
        for n in range(9)
    ]
    finished = [project.hearth.finish(run) for run in runs]
    assert {run.exit_code for run in finished} == {0}, finished
    assert all("." not in name for name in project.answers())


def _install(project: Project, copy: Path) -> Path:
    """Another installation of the same build."""
    prefix = project.hearth.daemon.binary.parent.parent
    (copy / "bin").mkdir(parents=True)
    shutil.copytree(prefix / "lib" / "hearth", copy / "lib" / "hearth", symlinks=True)
    for name in ("hearth", "hearthd"):
        shutil.copy(prefix / "bin" / name, copy / "bin")
    return copy


def test_a_ctest_that_cannot_be_watched_is_asked_without(project: Project, tmp_path: Path) -> None:
    copy = _install(project, tmp_path / "prefix")
    (copy / "lib" / "hearth" / "libhearth_zygote.so").write_text("of another libc")
    for _ in range(2):
        done = project.hearth.run(str(copy / "bin" / "hearth"), "ctest", "--hearth-strict")
        assert done.exit_code == 0, str(done)
        assert "libhearth_zygote" not in done.stderr
    assert not project.answers()


def test_tests_that_a_configuration_does_not_have_are_not_forgotten(project: Project) -> None:
    project.write(
        "sub/CTestTestfile.cmake", 'add_test(lacking NOT_AVAILABLE)\nadd_test(there "/bin/true")\n'
    )
    for _ in range(2):
        project.assert_as_ctest_says()
        assert project.run().exit_code == 8


def test_a_script_is_one_wherever_it_is(project: Project) -> None:
    below = "Testing/Temporary/build"
    script = 'execute_process(COMMAND cat "{directory}/name" OUTPUT_VARIABLE n)\nadd_test(t${n} "/bin/true")\n'
    project.write(f"{below}/CTestTestfile.cmake", script)
    (project.directory / "name").write_text("one")
    project.run("--test-dir", below)
    project.run("--test-dir", below)
    (project.directory / "name").write_text("two")
    project.assert_as_ctest_says("--test-dir", below)


def test_a_program_that_calls_ctest_is_asked_each_time(project: Project, tmp_path: Path) -> None:
    source, wrapper = tmp_path / "wrapper.c", tmp_path / "ctest"
    source.write_text(
        "#include <spawn.h>\n#include <sys/wait.h>\n#include <unistd.h>\n"
        "int main(int n, char** words) {\n  pid_t pid; int status;\n"
        f'  posix_spawn(&pid, "{_CTEST}", 0, 0, words, environ);\n'
        "  waitpid(pid, &status, 0);\n  return WEXITSTATUS(status);\n}\n"
    )
    subprocess.run(["cc", "-D_GNU_SOURCE", source, "-o", wrapper], check=True)
    time.sleep(2.5)  # what is younger is not trusted for that alone
    for _ in range(3):
        assert project.run(HEARTH_CTEST=str(wrapper)).exit_code == 0
    assert not [answer for answer in project.answers() if _is_of_tests(project, answer)]


def test_pythons_rules_for_byte_code_are_not_ctests(project: Project) -> None:
    names = ["x", "x.pyc", "__pycache__/x", ".pytest_cache/x"]
    script = "".join(
        f'if(EXISTS "{{directory}}/{name}")\n  add_test("{name}" "/bin/true")\nendif()\n'
        for name in names
    )
    project.write("CTestTestfile.cmake", script + 'add_test(last "/bin/true")\n')
    settings = {"PYTHONPYCACHEPREFIX": str(project.directory)}
    project.remember(**settings)
    for name in names:
        path = project.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        project.assert_as_ctest_says(**settings)


def test_what_ctest_finds_open_is_what_it_would_find(project: Project) -> None:
    script = (
        'execute_process(COMMAND sh -c "cat <&3" OUTPUT_VARIABLE n)\nadd_test(t${n} "/bin/true")\n'
    )
    project.write("CTestTestfile.cmake", script)
    (project.directory / "data").write_text("abc")
    run = f"exec '{project.hearth.daemon.binary}' ctest 3<data"
    done = project.hearth.run("sh", "-c", run)
    assert [name for name, _ in _tests(done)] == ["tabc"], str(done)


def test_runs_side_by_side_leave_nothing(project: Project) -> None:
    for _ in range(3):
        shutil.rmtree(project.state / "listings", ignore_errors=True)
        binary = str(project.hearth.daemon.binary)
        for run in [project.hearth.spawn(binary, "ctest") for _ in range(6)]:
            project.hearth.finish(run)
    left = [path.name for path in project.directory.glob("Testing/Temporary/*kept*")]
    assert not left


def test_a_number_is_that_of_no_other_test(project: Project) -> None:
    """One that is left out of the list for machines counts in that for people."""
    project.write(
        "CTestTestfile.cmake",
        'add_test(x NOT_AVAILABLE)\nadd_test(foo_long "/bin/false")\nadd_test(foo "/bin/true")\n',
    )
    for _ in range(2):
        project.assert_as_ctest_says("-R", "foo_long")
        project.assert_as_ctest_says("-R", "^foo$")
        project.assert_as_ctest_says("-E", "x")
        project.assert_as_ctest_says("-I", "3,3")


def test_a_library_whose_name_the_loader_does_not_understand_is_not_loaded(
    project: Project, tmp_path: Path
) -> None:
    copy = _install(project, tmp_path / "with a blank:and a colon")
    for _ in range(2):
        done = project.hearth.run(str(copy / "bin" / "hearth"), "ctest")
        assert done.exit_code == 0, str(done)
        assert "ld.so" not in done.stderr
    assert not project.answers()
