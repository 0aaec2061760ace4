"""The library before libc: what it sees, and that nobody sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional

import pytest
from fake_daemon import PACKAGE, RECORDER, plain_environment

# Runs the code while a stage is recorded; prints what was recorded of the working directory, by name.
_PROGRAM = """
import importlib.util, json, os, sys
spec = importlib.util.spec_from_file_location("_native", {native!r})
native = importlib.util.module_from_spec(spec)
spec.loader.exec_module(native)
import ctypes, subprocess, threading
native.recorder_begin(False)
native.take_native_environment_reads()
native.take_native_environment_writes()
{code}
native.recorder_stop()
here = os.getcwdb() + b"/"
print(json.dumps({{
    "looks": [[os.fsdecode(file[0][len(here):]), file[9], file[1]]
              for file in native.recorder_take() if file[0].startswith(here)],
    "read": [os.fsdecode(name) for name in native.take_native_environment_reads()],
    "written": [os.fsdecode(name) for name in native.take_native_environment_writes()],
}}))
"""


def record(directory: Path, code: str, preload: Optional[str] = None) -> Any:
    program = _PROGRAM.format(native=str(PACKAGE / "_native.abi3.so"), code=code)
    environment = plain_environment(LD_PRELOAD=str(RECORDER) if preload is None else preload)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("code", "look", "kind"),
    [
        ("open('f').close()", "content", "file"),
        ("ctypes.CDLL(None).open(b'f', 0)", "content", "file"),
        ("ctypes.CDLL(None).fopen(b'f', b'r')", "content", "file"),
        ("ctypes.CDLL(None).openat(os.open('.', os.O_PATH), b'f', 0)", "content", "file"),
        ("os.stat('f')", "status", "file"),
        ("os.access('f', os.R_OK)", "status", "file"),
        ("os.stat('f', dir_fd=os.open('.', os.O_PATH))", "status", "file"),
        ("os.lstat('f')", "link", "file"),
        ("os.path.islink('f')", "link", "file"),
        ("ctypes.CDLL(None).__xstat(1, b'f', ctypes.create_string_buffer(256))", "status", "file"),
        ("os.open('f', os.O_PATH)", "status", "file"),
        ("open('f', 'a').close()", "written", "file"),
        ("open('f', 'r+').close()", "content", "file"),
        ("t = threading.Thread(target=open, args=('f',)); t.start(); t.join()", "content", "file"),
    ],
)
def test_a_look_is_recorded_as_what_it_is(tmp_path: Path, code: str, look: str, kind: str) -> None:
    (tmp_path / "f").write_text("text")
    assert ["f", look, kind] in record(tmp_path, code)["looks"]


def test_what_is_not_there_is_recorded_too(tmp_path: Path) -> None:
    seen = record(
        tmp_path, "os.path.exists('a'); os.path.lexists('b')\ntry: open('c')\nexcept OSError: pass"
    )
    assert sorted(seen["looks"]) == [
        ["a", "status", "absent"],
        ["b", "link", "absent"],
        ["c", "content", "absent"],
    ]


def test_links_are_recorded_themselves_and_for_where_they_lead(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    seen = record(tmp_path, "os.readlink('link'); os.path.exists('link')")
    assert seen["looks"] == [["link", "link", "link"], ["link", "status", "absent"]]


def test_the_content_covers_the_status_before_and_after(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    seen = record(tmp_path, "os.stat('f'); open('f').close(); os.stat('f'); open('f').close()")
    assert seen["looks"] == [["f", "content", "file"]]


def test_what_it_wrote_first_is_no_input(tmp_path: Path) -> None:
    code = "open('f', 'w').close(); open('f').read(); os.stat('f'); os.mkdir('d', 0o700)"
    assert record(tmp_path, code)["looks"] == [
        ["d", "written", "directory"],
        ["f", "written", "file"],
    ]


def test_a_write_that_fails_is_none(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    code = "try: open('f', 'w')\nexcept OSError: os.rmdir('f'); KEPT = open('f', 'w')"
    assert record(tmp_path, code)["looks"] == [["f", "status", "directory"]]


def test_what_is_open_for_writing_goes_on_changing(tmp_path: Path) -> None:
    assert record(tmp_path, "LOG = open('log', 'w')")["looks"] == []


def test_byte_code_and_the_cache_directory_are_nobodys_input(tmp_path: Path) -> None:
    (tmp_path / ".pytest_cache").mkdir()
    (tmp_path / "m.py").write_text("")
    code = """
os.stat('.pytest_cache'); os.path.exists('.pytest_cache/README.md'); os.path.exists('__pycache__')
sys.path.insert(0, os.getcwd()); import m
"""
    looks = record(tmp_path, code)["looks"]
    assert ["m.py", "content", "file"] in looks
    assert not [name for name, _, _ in looks if "cache" in name]
    (tmp_path / ".pytest_cache" / "lastfailed").write_text("{}")
    read = record(tmp_path, "open('.pytest_cache/lastfailed').read()")["looks"]
    assert read == [[".pytest_cache/lastfailed", "content", "file"]]


def test_a_later_stage_repeats_only_what_has_changed(tmp_path: Path) -> None:
    for name in ("same", "changed"):
        (tmp_path / name).write_text("text")
    code = """
open('same').read(); open('changed').read()
native.recorder_stop(); native.recorder_take(); native.recorder_begin(False)
subprocess.run(['touch', 'changed'])
open('same').read(); open('changed').read(); os.stat('same')
"""
    assert record(tmp_path, code)["looks"] == [["changed", "content", "file"]]


def test_a_forked_child_records_nothing(tmp_path: Path) -> None:
    code = """
pid = os.fork()
if pid == 0:
    os.path.exists('child')
    native.recorder_stop()
    os._exit(bool([file for file in native.recorder_take() if file[0].endswith(b'/child')]))
assert os.waitpid(pid, 0)[1] == 0
"""
    assert record(tmp_path, code)["looks"] == []


def test_errors_are_those_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    code = """
import errno
libc = ctypes.CDLL(None, use_errno=True)
for expected, call in [
    (errno.EEXIST, lambda: libc.open(b'f', os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)),
    (errno.ENOENT, lambda: libc.open(b'', 0)),
    (errno.EFAULT, lambda: libc.open(None, 0)),
    (errno.ENOTDIR, lambda: libc.opendir(b'f')),
    (0, lambda: libc.access(b'f', 4)),
    (0, lambda: libc.open(b'made', os.O_CREAT | os.O_WRONLY, 0o640)),
]:
    ctypes.set_errno(0)
    call()
    assert ctypes.get_errno() == expected, (expected, ctypes.get_errno())
assert os.stat('made').st_mode & 0o777 == 0o640 & ~0o22
"""
    record(tmp_path, code)


def test_native_reads_and_writes_of_variables_are_named(tmp_path: Path) -> None:
    code = "libc = ctypes.CDLL(None); libc.getenv(b'READ'); libc.setenv(b'SET', b'1', 1); libc.unsetenv(b'UNSET')"
    seen = record(tmp_path, code)
    assert "READ" in seen["read"]
    assert seen["written"] == ["SET", "UNSET"]


@pytest.mark.parametrize(("preload", "expected"), [("", None), (":libm.so.6", "libm.so.6")])
def test_it_takes_itself_out_of_the_environment(
    tmp_path: Path, preload: str, expected: Optional[str]
) -> None:
    code = f"assert os.environ.get('LD_PRELOAD') == {expected!r}"
    record(tmp_path, code, preload=f"{RECORDER}{preload}")


def test_without_it_a_process_knows_that_it_is_not_there(tmp_path: Path) -> None:
    environment = plain_environment()
    code = (
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('_native', {str(PACKAGE / '_native.abi3.so')!r})\n"
        "native = importlib.util.module_from_spec(spec)\n"
        "native.recorder_begin(False); open('/etc/passwd'); native.recorder_stop()\n"
        "assert not native.recorder_available() and native.recorder_take() == []\n"
    )
    code = code.replace(
        "native.recorder_begin", "spec.loader.exec_module(native)\nnative.recorder_begin"
    )
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)


def test_it_shows_nothing_but_the_wrappers() -> None:
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", os.fspath(RECORDER)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = {line.split()[-1] for line in listed.splitlines()}
    assert {"open", "hearth_recorder_table"} <= names
    assert not [name for name in names if name.startswith("_Z")]
