"""Another command line on a warm daemon prints and returns what plain pytest does, and imports no conftest again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import IS_PYTEST_7
from tests.e2e.hearth import Finished, Hearth, hearth_world

pytestmark = pytest.mark.usefixtures("only_what_runs_build")

Arguments = tuple[str, ...]

_TESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_one(number):
    print("one says", number)

@pytest.mark.slow
def test_slow():
    left = {"a": 1}
    assert left == {"a": 2}

def test_warns():
    import warnings
    warnings.warn("careful")

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

@pytest.mark.xfail
def test_known():
    assert 0

class TestClass:
    def test_method(self, tmp_path):
        assert tmp_path.is_dir()
"""
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_TIMES = re.compile(r"\b\d+\.\d+s\b")


@pytest.fixture(params=["current", "pytest-7.4"])
def world(request: pytest.FixtureRequest, interpreter: Callable[[str], Path]) -> Iterator[Hearth]:
    """hearth with each end of the supported releases of pytest."""
    with hearth_world(interpreter(request.param)) as made:
        made.environment["HEARTH_REBUILD"] = "0"  # what the runs themselves build is counted here
        yield made


def write_project(world: Hearth) -> None:
    """Conftests at two levels, tests in two files and in a directory with a conftest of its own."""
    write = world.write
    write("pytest.ini", "[pytest]\nmarkers = slow: takes long\naddopts = -p no:cacheprovider\n")
    write(
        "conftest.py",
        "import pytest\n"
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--colour', default='none')\n"
        "    parser.addoption('--many', action='append')\n"
        "@pytest.fixture\n"
        "def colour(request):\n"
        "    return request.config.getoption('--colour')\n",
    )
    write("test_first.py", _TESTS)
    write("test_second.py", "def test_second(colour):\n    print('colour', colour)\n    assert 0\n")
    write("plain/test_third.py", "def test_third():\n    pass\n")
    write("nested/conftest.py", "def pytest_report_header():\n    return 'nested was here'\n")
    write(
        "out.xml", ""
    )  # what runs make anew changes a listing that pytest looks at, and is no change of the second run
    write("temporary/.keep", "")
    write("nested/test_fourth.py", "def test_fourth():\n    pass\n")


def text(output: str) -> str:
    return _TIMES.sub("N s", _ADDRESS.sub("0x…", output))


def same_as_plain(world: Hearth, *arguments: str, **options: object) -> Finished:
    plain = world.plain(*arguments, **options)
    done = world.pytest(*arguments, **options)
    what = f"pytest {' '.join(arguments)}"
    assert text(done.normal_stdout) == text(plain.normal_stdout), what
    assert text(done.stderr) == text(plain.stderr), what
    assert done.exit_code == plain.exit_code, what
    return done


def stages(world: Hearth, stage: str) -> set[int]:
    return {
        zygote["pid"] for zygote in world.daemon.status()["zygotes"] if zygote["stage"] == stage
    }


# What differs is not read before `configured`.
WARM: list[Arguments] = [
    ("-k", "one"),
    ("-k", "not one and not slow"),
    ("-k", "nothing_at_all"),
    ("-m", "slow"),
    ("-m", "not slow"),
    ("--deselect", "test_first.py::test_slow"),
    ("-x",),
    ("--maxfail=2",),
    ("--tb=short",),
    ("--tb=line",),
    ("--tb=no", "-q"),
    ("-v",),
    ("-vv",),
    ("-q",),
    ("-qq",),
    ("-v", "-q"),
    ("-ra",),
    ("-rA",),
    ("-rfE", "--no-header"),
    ("--no-summary",),
    ("--durations=2", "--durations-min=100"),
    ("--showlocals",),
    ("--color=yes",),
    ("--collect-only",),
    ("--collect-only", "-q"),
    ("--fixtures", "-q"),
    ("--markers",),
    ("--setup-plan", "-k", "second"),
    ("--setup-show", "-k", "second"),
    ("--ignore=test_second.py",),
    ("--runxfail",),
    ("--disable-warnings",),
    ("test_first.py",),
    ("test_first.py::test_slow",),
    ("test_first.py::TestClass::test_method", "test_second.py"),
    ("test_second.py", "test_first.py", "-k", "method or second"),
    ("plain",),
    ("plain/test_third.py::test_third", "-v"),
    ("test_first.py::no_such_test",),
    ("no_such_file.py",),
    ("--colour=red", "-k", "second"),
    ("--colour", "blue", "--many=1", "--many=2", "test_second.py"),
    ("--junitxml=out.xml",),
    ("--basetemp=temporary", "-k", "method"),
    ("--log-level=INFO", "-k", "second"),
    ("--lf",),
    (),
]
# What differs is consumed by the start itself, or is an error of the start.
COLD: list[Arguments] = [
    ("-s", "-k", "one"),
    ("--capture=sys",),
    ("-W", "error"),
    ("-p", "no:skipping"),
    ("-o", "addopts="),
    ("-c", "other.ini"),
    ("--rootdir", "plain", "plain"),
    ("--import-mode=importlib",),
    ("nested",),
    ("test_first.py", "nested/test_fourth.py"),
    ("--noconftest", "test_first.py"),
    ("--pyargs", "os"),
    ("--no-such-option",),
    ("--maxfail=many",),
    ("-k",),
    ("--help",),
    ("--version",),
]


def test_what_was_not_read_is_served_by_the_stage_that_is_there(world: Hearth) -> None:
    write_project(world)
    same_as_plain(world)
    configured = stages(world, "configured")
    assert len(configured) == 1
    for arguments in WARM:
        same_as_plain(world, *arguments)
        assert stages(world, "configured") == configured, arguments
    assert world.daemon.status()["interpreters_started"] == 1


def test_what_the_start_consumes_starts_anew(world: Hearth) -> None:
    write_project(world)
    world.write("other.ini", "[pytest]\naddopts = -q\n")
    same_as_plain(world)
    for arguments in COLD:
        same_as_plain(world, *arguments)
    same_as_plain(world)


def test_any_selection_is_served_by_what_was_gathered(hearth: Hearth) -> None:
    write_project(hearth)
    same_as_plain(hearth)
    gathered = stages(hearth, "gathered")
    for arguments in (
        ("-k", "one"),
        ("-m", "slow"),
        ("--deselect=test_first.py::test_slow", "--tb=short"),
        ("-k", "second", "-x", "--durations=3", "--durations-min=60"),
    ):
        same_as_plain(hearth, *arguments)
        assert stages(hearth, "gathered") == gathered, arguments


def test_what_was_read_late_is_served_by_what_was_selected(hearth: Hearth) -> None:
    write_project(hearth)
    same_as_plain(hearth, "-k", "slow or second")
    selected = stages(hearth, "selected")
    for arguments in (
        ("--tb=short",),
        ("--maxfail=1",),
        ("--durations=1", "--durations-min=60"),
        *([] if IS_PYTEST_7 else [("--no-summary",)]),  # it asks all plugins for fixtures, by name
    ):
        same_as_plain(hearth, "-k", "slow or second", *arguments)
        assert stages(hearth, "selected") == selected, arguments


def test_workers_are_served_likewise(world: Hearth) -> None:
    write_project(world)
    world.pytest("-n", "2")
    configured = stages(world, "configured")
    for arguments in (("-k", "one"), ("--tb=short",), ("test_second.py",), ("-v",), ("-n3",)):
        plain = world.plain("-n", "2", *arguments)
        done = world.pytest("-n", "2", *arguments)
        counts = {name: count for name, count in done.counts.items() if name != "deselected"}
        assert (done.exit_code, counts) == (plain.exit_code, plain.counts), arguments
        assert stages(world, "configured") == configured, arguments
    same_as_plain(world, "-k", "second")
    sessions = [
        zygote
        for zygote in world.daemon.status()["zygotes"]
        if (zygote["stage"], zygote["flavour"]) == ("configured", "session")
    ]
    assert len(sessions) == 1, "a controller's stage serves a single session"


@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_configure(config):\n    if config.option.keyword: print('selecting')\n",
        "def pytest_configure(config):\n    print(sorted(vars(config.option).items(), key=str)[:0])\n"
        "    print(config.getoption('-k'))\n",
        "import sys\nSELECTING = '-k' in sys.argv\n"
        "def pytest_report_header():\n    return f'selecting: {SELECTING}'\n",
        "def pytest_report_header(config):\n    return str(config.invocation_params.args)\n",
        "def pytest_generate_tests(metafunc):\n"
        "    if 'level' in metafunc.fixturenames:\n"
        "        metafunc.parametrize('level', [metafunc.config.getoption('verbose')])\n",
        "def pytest_cmdline_main(config):\n    config.option.verbose += 1\n",
        "def pytest_configure(config):\n    config.args = [config.args[0]]\n",
    ],
)
def test_a_project_that_looks_at_its_options_sees_its_own(world: Hearth, conftest: str) -> None:
    world.write("conftest.py", conftest)
    world.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    pass\n")
    world.write("test_c.py", "def test_c(level=None):\n    pass\n")
    world.write("test_d.py", "import pytest\n@pytest.mark.usefixtures()\ndef test_d():\n    pass\n")
    before = ("-p", "no:cacheprovider")
    for arguments in ((), ("-k", "a"), ("-v",), ("-k", "b"), ("test_c.py",), ("-v", "-k", "a"), ()):
        same_as_plain(world, *before, *arguments)


def test_a_plugin_that_looks_at_the_arguments_early_sees_its_own(world: Hearth) -> None:
    world.write(
        "early.py",
        "def pytest_load_initial_conftests(early_config, args):\n"
        "    early_config.seen = [a for a in args if a.startswith('-k')], "
        "early_config.known_args_namespace.maxfail\n"
        "def pytest_report_header(config):\n    return f'seen: {config.seen}'\n",
    )
    world.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    pass\n")
    before = ("-p", "early", "-p", "no:cacheprovider")
    environment = {"PYTHONPATH": str(world.project)}
    for arguments in ((), ("-ka",), ("-x",), ("-kb", "-x"), ()):
        same_as_plain(world, *before, *arguments, environment=environment)


def test_addopts_of_file_and_environment_are_arguments(world: Hearth) -> None:
    world.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    pass\n")
    world.write("pytest.ini", "[pytest]\naddopts = -v -p no:cacheprovider\n")
    same_as_plain(world)
    same_as_plain(world, "-k", "a")
    same_as_plain(world, environment={"PYTEST_ADDOPTS": "-q -k b"})
    same_as_plain(world, "-k", "a", environment={"PYTEST_ADDOPTS": "-q -k b"})
    world.write("pytest.ini", "[pytest]\naddopts = -k a -p no:cacheprovider\n")
    same_as_plain(world)
    same_as_plain(world, "-v")


def test_a_conftest_or_ini_file_that_appears_for_a_path_is_seen(world: Hearth) -> None:
    world.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\n")
    world.write("test_a.py", "def test_a():\n    pass\n")
    world.write("sub/test_b.py", "def test_b():\n    pass\n")
    same_as_plain(world)
    for _ in range(2):
        same_as_plain(world, "sub/test_b.py")
    world.write("sub/conftest.py", "def pytest_report_header():\n    return 'the new conftest'\n")
    assert "the new conftest" in same_as_plain(world, "sub/test_b.py").stdout
    world.write("sub/pytest.ini", "[pytest]\naddopts = -q -p no:cacheprovider\n")
    same_as_plain(world, "sub/test_b.py")


def test_the_failures_of_the_last_run_are_found_by_whatever_asks_for_them(world: Hearth) -> None:
    world.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    assert 0\n")
    world.write("test_c.py", "def test_c():\n    pass\n")
    for arguments in (
        (),
        ("--lf",),
        ("--ff",),
        ("--nf",),
        ("--sw",),
        ("-k", "a"),
        ("--lf",),
        ("--cache-clear", "-k", "a"),
        ("--cache-clear", "-k", "a"),
        ("--lf",),
        ("--cache-show",),
    ):
        done = same_in_own_caches(world, *arguments)
        assert done.exit_code in (0, 1, 2), done  # 2: stopped by --sw


def same_in_own_caches(world: Hearth, *arguments: str) -> Finished:
    """Plain and hearth each go on with the cache that they left."""
    caches = {name: f"cache_of_{name}" for name in ("plain", "hearth")}
    (world.project / "pytest.ini").write_text("[pytest]\n")
    results = {}
    for name, run in (("plain", world.plain), ("hearth", world.pytest)):
        cache = world.project / ".pytest_cache"
        kept = world.project.parent / caches[name]
        if cache.exists():
            cache.rename(world.project.parent / "put_aside")
        if kept.exists():
            kept.rename(cache)
        results[name] = run(*arguments)
        if cache.exists():
            cache.rename(kept)
        aside = world.project.parent / "put_aside"
        if aside.exists():
            aside.rename(cache)
    assert text(results["hearth"].normal_stdout) == text(results["plain"].normal_stdout), arguments
    assert results["hearth"].exit_code == results["plain"].exit_code
    return results["hearth"]
