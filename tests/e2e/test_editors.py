"""What editors start, with HEARTH=1 in their environment: the same results as without, through pipes and messages of their own.

The command lines are those of the VS Code Python extension and of PyCharm; `editors/` stands in for what they bring along.
"""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.hearth import Finished, Hearth

_ANY_WORKER = re.compile(r"\[gw\d\]")
_EDITORS = Path(__file__).parent / "editors"
_TESTS = """
import sys
import unittest
import pytest

@pytest.mark.parametrize("number", [1, 2, 3])
def test_number(number):
    print("printed by", number)
    assert number != 2

class TestClass(unittest.TestCase):
    def test_method(self):
        pass

@pytest.mark.skip(reason="not now")
def test_skipped():
    pass

@pytest.fixture
def broken():
    raise LookupError("nothing there")

def test_broken(broken):
    pass
"""


@pytest.fixture
def own(hearth: Hearth) -> Hearth:
    """A project with the plugin installed, as far as an import tells."""
    package = hearth.daemon.binary.parent.parent / "lib" / "hearth"
    hearth.environment["PYTHONPATH"] = str(package)
    hearth.environment["PYTEST_PLUGINS"] = "pytest_hearth.plugin"
    hearth.write("tests/test_it.py", _TESTS)
    hearth.write("tests/test_other.py", "def test_other():\n    pass\n")
    return hearth


class VsCode:
    """The extension: a pipe with a new name for each command, JSON-RPC messages from it."""

    def __init__(self, hearth: Hearth) -> None:
        self._hearth = hearth
        self._number = 0

    def discover(self, *arguments: str, **environment: str) -> list[Any]:
        command = ("-m", "pytest", "-p", "vscode_pytest", "--collect-only")
        return self._messages_of(*command, *self._with_root(arguments), **environment)

    def run(self, ids: list[str], *arguments: str, **environment: str) -> list[Any]:
        chosen = self._hearth.daemon.temporary / "python-test-ids"
        chosen.write_text("\n".join(ids))
        try:
            return self._messages_of(
                str(_EDITORS / "vscode" / "vscode_pytest" / "run_pytest_script.py"),
                *self._with_root(arguments),
                RUN_TEST_IDS_PIPE=str(chosen),
                **environment,
            )
        finally:
            chosen.unlink()

    def _with_root(self, arguments: tuple[str, ...]) -> list[str]:
        return [f"--rootdir={self._hearth.project}", *arguments]

    def _messages_of(self, *command: str, **environment: str) -> list[Any]:
        self._number += 1
        pipe = self._hearth.daemon.temporary / f"python-test-{self._number}.sock"
        os.mkfifo(pipe)
        received: list[bytes] = []
        # Kept open for writing until the command has ended, so that a command that never opens it is no hang.
        reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
        reader.start()
        writer = os.open(pipe, os.O_WRONLY)
        try:
            path = f"{_EDITORS / 'vscode'}:{self._hearth.environment['PYTHONPATH']}"
            done = self._hearth.run(
                str(self._hearth.daemon.python),
                *command,
                environment={"PYTHONPATH": path, "TEST_RUN_PIPE": str(pipe), **environment},
            )
        finally:
            os.close(writer)
            reader.join()
            pipe.unlink()
        messages = re.split(rb"content-length: \d+\r\ncontent-type: [a-z/]+\r\n\r\n", received[0])
        assert messages[0] == b"" and len(messages) > 1, str(done)
        return [json.loads(message)["params"] for message in messages[1:]]


def _served(hearth: Hearth) -> set[str]:
    """The flavours of zygotes that the daemon has made, if it runs at all."""
    if hearth.command("status").exit_code:
        return set()
    return {zygote["flavour"] for zygote in hearth.daemon.status()["zygotes"]}


def test_vs_code_discovers_the_same_tests(own: Hearth) -> None:
    editor = VsCode(own)
    plain = editor.discover("tests")
    assert len(plain) == 1 and len(plain[0]["tests"]) == 7
    assert _served(own) == set()
    for _ in range(2):
        assert editor.discover("tests", HEARTH="1") == plain
    assert _served(own) == {"session"}
    own.write("tests/test_other.py", "import no_such_module\n")
    found = editor.discover("tests", HEARTH="1")
    assert found == editor.discover("tests")
    assert found[0]["status"] == "error" and "no_such_module" in str(found[0]["error"])


def test_vs_code_runs_the_chosen_tests_with_the_same_results(own: Hearth) -> None:
    editor = VsCode(own)
    ids = [f"{own.project}/tests/test_it.py", f"{own.project}/tests/test_other.py::test_other"]
    plain = editor.run(ids)
    assert next(iter(plain[0]["result"].values()))["outcome"] == "success" and len(plain) == 7
    assert editor.run(ids, HEARTH="1") == plain
    assert (
        _served(own) == set()
    )  # a program that calls pytest.main(): its own process runs the tests

    def by_test(messages: list[Any]) -> list[str]:
        return sorted(_ANY_WORKER.sub("[gw]", json.dumps(message)) for message in messages)

    by_xdist = by_test(editor.run(ids, "-n", "2"))
    assert by_test(editor.run(ids, "-n", "2", HEARTH="1")) == by_xdist
    assert "worker" in _served(own)


def _pycharm(hearth: Hearth, *arguments: str, **environment: str) -> Finished:
    path = f"{_EDITORS / 'pycharm'}:{hearth.environment['PYTHONPATH']}"
    return hearth.run(
        str(hearth.daemon.python),
        str(_EDITORS / "pycharm" / "_jb_pytest_runner.py"),
        *arguments,
        environment={"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **environment},
    )


def test_pycharm_sees_the_same_messages(own: Hearth) -> None:
    for arguments in (
        ("--path", str(own.project / "tests")),
        ("--target", "tests/test_it.py::test_number", "--", "-v"),
    ):
        plain = _pycharm(own, *arguments)
        done = _pycharm(own, *arguments, HEARTH="1")
        assert "##teamcity[testStarted" in plain.stdout, str(plain)
        assert (done.exit_code, done.normal_stdout) == (plain.exit_code, plain.normal_stdout)
    assert _served(own) == set()

    def messages(done: Finished) -> list[str]:
        text = _ANY_WORKER.sub("[gw]", done.stdout)
        return sorted(line for line in text.splitlines() if line.startswith("##teamcity"))

    arguments = ("--path", str(own.project / "tests"), "-n", "2")
    by_xdist = _pycharm(own, *arguments)
    done = _pycharm(own, *arguments, HEARTH="1")
    assert (done.exit_code, messages(done)) == (by_xdist.exit_code, messages(by_xdist))
    assert "worker" in _served(own)
