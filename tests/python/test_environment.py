"""What is read of the environment, by whatever way, and what is written, is known at the pause; nobody else notices."""

from __future__ import annotations

import copy
import functools
import os
import pickle
import posix
from pathlib import Path
from typing import Any, Callable, TypeVar
from unittest import mock

import pytest
from conftest import Builder, Project
from fake_daemon import plain_environment, spec_for

from _hearth_runtime import environment, watched_environment  # type: ignore[import-not-found]

GIVEN = [b"FIRST=1", b"SECOND=2", b"_=/bin/hearth", b"PWD=/somewhere", b"FIRST=again"]
GIVEN_NAMES = {b"FIRST", b"SECOND", b"_", b"PWD"}
LIBRARY = "/lib/python3/site-packages/library.py"


record: Any = watched_environment.record
Test = TypeVar("Test", bound=Callable[..., None])


def watched(test: Test) -> Test:
    """The test runs in a watched environment that consists of GIVEN (pytest sets a variable just before the call)."""

    @functools.wraps(test)
    def wrapped(*arguments: Any, **named: Any) -> None:
        before = [name + b"=" + value for name, value in os.environb.items()]
        record.__init__()
        watched_environment.watch()
        environment.adopt(GIVEN, None)
        try:
            test(*arguments, **named)
        finally:
            record.__init__()
            environment._native_writes.clear()
            environment.adopt(before, None)
            watched_environment.unwatch()

    return wrapped  # type: ignore[return-value]


def run(text: str, file: str = "/project/conftest.py") -> None:
    """Execute statements as if they stood in the file."""
    exec(compile(text, file, "exec"), {"os": os, "posix": posix, "copy": copy, "pickle": pickle})


@pytest.mark.parametrize(
    "reading",
    [
        "os.environ['FIRST']",
        "os.environ.get('FIRST')",
        "os.getenv('FIRST')",
        "os.environb[b'FIRST']",
        "os.environb.get(b'FIRST')",
        "os.getenvb(b'FIRST')",
        "'FIRST' in os.environ",
        "b'FIRST' in os.environb",
        "os.environ.setdefault('FIRST', 'x')",
        "os.environ.pop('FIRST')",
        "del os.environ['FIRST']",
        "os.path.expandvars('$FIRST')",
        "os.environ._data[b'FIRST']",
        "os.environ._data.get(b'FIRST')",
        "posix.environ[b'FIRST']",
        "'{FIRST}'.format_map(os.environ)",
    ],
)
@watched
def test_a_variable_is_read_by_name(reading: str) -> None:
    run(reading)
    assert record.reads == {b"FIRST"}
    assert record.swept is None
    [read] = environment.take_reads()
    assert (read.name, read.value, read.is_set) == (b"FIRST", b"1", True)


@pytest.mark.parametrize(
    "reading", ["os.environ.get('NONE')", "'NONE' in os.environ", "os.environ.pop('NONE', None)"]
)
@watched
def test_an_absence_is_read_too(reading: str) -> None:
    run(reading)
    [read] = environment.take_reads()
    assert (read.name, read.value, read.is_set) == (b"NONE", b"", False)


SWEEPS = [
    "list(os.environ)",
    "dict(os.environ)",
    "{**os.environ}",
    "os.environ.copy()",
    "os.environ.keys() == {1}",
    "list(os.environ.values())",
    "[value for name, value in os.environ.items()]",
    "len(os.environ)",
    "bool(os.environ)",
    "os.environ == {}",
    "os.environ != {}",
    "repr(os.environ)",
    "os.environ | {}",
    "{} | os.environ",
    "list(os.environb)",
    "dict(os.environ._data)",
    "{**os.environ._data}",
    "os.environ._data.copy()",
    "os.environ._data == {}",
    "os.environ._data != {}",
    "os.environ._data | {}",
    "{} | os.environ._data",
    "repr(os.environ._data)",
    "list(reversed(os.environ._data))",
    "list(os.environ._data.items())",
    "pickle.dumps(os.environ._data)",
    "dict(posix.environ)",
    "for name in os.environ: pass",
    # By code of the standard library, which might be called by anybody; and with a change.
    "copy.copy(os.environ._data)",
    "copy.deepcopy(os.environ._data)",
    "os.environ.popitem()",
    "os.environ.clear()",
]


@pytest.mark.parametrize("reading", SWEEPS)
@watched
def test_going_through_all_reads_all(reading: str) -> None:
    run(reading)
    assert record.reads == GIVEN_NAMES
    assert record.swept == frozenset()
    others = environment.take_reads()[-1]
    assert (others.name, others.value, others.is_set) == (b"", b"", True)


@pytest.mark.parametrize("reading", SWEEPS[:-4])
@watched
def test_a_library_that_goes_through_all_does_not_mean_the_shells_bookkeeping(reading: str) -> None:
    run(reading, LIBRARY)
    assert record.reads == {b"FIRST", b"SECOND"}
    assert record.swept == watched_environment.NOT_SWEPT


@watched
def test_a_library_that_asks_by_name_is_believed() -> None:
    run("dict(os.environ)\nos.environ['PWD']", LIBRARY)
    assert b"PWD" in record.reads


@watched
def test_a_library_that_puts_all_back_has_read_all() -> None:
    run("saved = dict(os.environ)\nos.environ.clear()\nos.environ.update(saved)", LIBRARY)
    assert record.reads == GIVEN_NAMES


@watched
def test_what_was_written_is_no_input() -> None:
    run(
        "os.environ['NEW'] = '1'; os.environ['NEW']; os.environ['SECOND'] = '3'; os.environ['SECOND']"
    )
    assert record.reads == set()
    run("dict(os.environ)")
    assert record.reads == GIVEN_NAMES - {b"SECOND"}
    assert record.swept == {b"NEW", b"SECOND"}


@watched
def test_what_was_read_before_it_was_written_was_read() -> None:
    run("os.environ['FIRST'] += 'x'")
    [read] = environment.take_reads()
    assert (read.name, read.value) == (b"FIRST", b"1")


@watched
def test_writes_are_done_again_on_another_environment() -> None:
    run(
        """
os.environ['NEW'] = 'new'
os.environb[b'SECOND'] = b'changed'
os.environ.pop('FIRST', None)
os.environ['GONE'] = 'x'
del os.environ['GONE']
os.environ.update(THIRD='3')
"""
    )
    environment.take_reads()
    held = os.environ
    environment.adopt([b"OTHER=o", b"SECOND=s", b"FIRST=f", b"GONE=g"], None)
    expected = [("OTHER", "o"), ("SECOND", "changed"), ("NEW", "new"), ("THIRD", "3")]
    assert list(os.environ.items()) == expected
    assert os.environ is held
    assert environment._native.environment() == [
        os.fsencode(f"{name}={value}") for name, value in expected
    ]


@watched
def test_what_c_code_sets_is_read_and_written() -> None:
    run("os.putenv('FIRST', 'native'); os.unsetenv('SECOND'); os.putenv('NATIVE', 'n')")
    assert [read.name for read in environment.take_reads()] == [b"FIRST", b"NATIVE", b"SECOND"]
    environment.adopt(GIVEN, None)
    assert os.environ["FIRST"] == "1"
    native = environment._native.environment()
    assert native == [b"FIRST=native", b"_=/bin/hearth", b"PWD=/somewhere", b"NATIVE=n"]


@watched
def test_a_run_finds_the_dict_that_python_made() -> None:
    os.environ["WRITTEN"] = "1"
    watched_environment.unwatch()
    storage: Any = os.environ._data  # type: ignore[attr-defined]
    assert type(storage) is dict
    assert storage is os.environb._data is posix.environ  # type: ignore[attr-defined]
    assert storage is watched_environment._plain
    assert storage[b"WRITTEN"] == b"1"
    watched_environment.watch()


@pytest.mark.parametrize(
    "of", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
@watched
def test_copies_of_the_storage_are_plain(of: Callable[[Any], Any]) -> None:
    copied = of(os.environ._data)  # type: ignore[attr-defined]
    assert type(copied) is dict
    assert copied == {b"FIRST": b"1", b"SECOND": b"2", b"_": b"/bin/hearth", b"PWD": b"/somewhere"}


@watched
def test_it_behaves_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"FIRST": "1", "SECOND": "2", "_": "/bin/hearth", "PWD": "/somewhere"}
    assert type(os.environ).__name__ == "_Environ"
    assert dict(os.environ) == os.environ.copy() == {**os.environ} == os.environ == plain
    assert repr(os.environ).startswith("environ({'FIRST': '1'")
    with mock.patch.dict(os.environ, {"FIRST": "x", "MORE": "y"}):
        assert os.environ == {**plain, "FIRST": "x", "MORE": "y"}
    assert os.environ == plain
    with mock.patch.dict(os.environ, clear=True):
        assert os.environ == {}
    assert os.environ == plain
    with monkeypatch.context() as patch:
        patch.setenv("FIRST", "x")
        patch.delenv("SECOND")
        assert os.environ == {"FIRST": "x", "_": "/bin/hearth", "PWD": "/somewhere"}
    assert os.environ == plain
    with pytest.raises(KeyError, match="NONE"):
        os.environ["NONE"]
    with pytest.raises(KeyError, match="NONE"):
        del os.environ["NONE"]
    storage: Any = os.environ._data  # type: ignore[attr-defined]
    storage |= {b"MORE": b"1"}
    assert storage.setdefault(b"MORE", b"2") == b"1"
    assert storage.pop(b"MORE") == b"1"
    with pytest.raises(TypeError):
        hash(storage)
    assert isinstance(storage, dict)


@watched
def test_a_child_process_of_the_project_reads_all() -> None:
    environment.note_child_process()
    assert record.reads == GIVEN_NAMES


def names(ready: Any) -> set[bytes]:
    return {read.name for read in ready.environment}


def test_a_stage_tells_what_it_read_and_not_what_those_below_it_did(
    project: Project, build: Builder
) -> None:
    project.write(
        conftest="import os; os.environ.get('CONFIGURED'); os.environ['WRITTEN'] = '1'",
        test_it="import os; os.environ.get('GATHERED'); os.environ['WRITTEN']\ndef test_it(): pass",
    )
    spec = project.spec()
    _, configured = build(spec, "configured")
    _, gathered = build(spec, "gathered")
    assert b"CONFIGURED" in names(configured)
    assert b"GATHERED" not in names(configured)
    assert b"GATHERED" in names(gathered)
    assert b"CONFIGURED" not in names(gathered)
    assert b"WRITTEN" not in names(configured) | names(gathered)


def test_a_fork_has_its_runs_environment_and_what_its_stages_wrote(
    project: Project, build: Builder, tmp_path: Path
) -> None:
    project.write(
        conftest="import os; os.environ['WRITTEN'] = 'conftest'; os.environ.pop('DELETED', None)",
        test_it="""
            import os, subprocess, sys
            os.environ['MODULE'] = 'module'
            WANTED = dict(NEW='new', WRITTEN='conftest', MODULE='module', OLD=None, DELETED=None)
            def test_it():
                assert {name: os.environ.get(name) for name in WANTED} == WANTED
                assert type(os.environ._data) is dict
                child = "import os, sys; print({name: os.environ.get(name) for name in %r})" % list(WANTED)
                assert subprocess.check_output([sys.executable, '-c', child], text=True) == f"{WANTED}\\n"
            """,
    )
    built = spec_for(
        project.directory, environment=plain_environment(OLD="1", DELETED="1", WRITTEN="1")
    )
    zygote, _ = build(built)
    run_spec = spec_for(
        project.directory, environment=plain_environment(NEW="new", DELETED="2", WRITTEN="2")
    )
    process = zygote.start(run_spec)
    assert process.exit_code() == 0, process.out()
