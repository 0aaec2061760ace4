"""What `hearth ctest` says and ctest does not, on purpose: taken away before both are compared."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from tests.ctest.execution import Result

_LEFT = re.compile(r"^hearth: not taken over: .*\n", re.M)
# The last line on a terminal, which is taken off again.
_STATUS = re.compile(r"hearth: \d+ of \d+[^\r\n]*\r\x1b\[K")
# After the summary: tests that `--repeat until-pass` saw failing at first.
_FLAKY = re.compile(r"\nThe following tests are FLAKY: .*\n(?:\t.*\n)+")
# Tests whose child outlived them and held their output; hearth does not wait for it.
_LEAK = re.compile(r"\nThe following tests LEAK: .*\n(?:\t.*\n)+")
# What is flaky, in JUnit.
_FLAKY_PROPERTY = re.compile(r'\s*<property name="flaky" value="[^"]*"/>')
_ADDITIONS = (_LEFT, _STATUS, _FLAKY, _LEAK, _FLAKY_PROPERTY)
# A test that is started by the launcher has it before its command, and ctest itself has not looked for that on PATH.
_LAUNCHED = (
    (re.compile(r'(Test command: )\S*/hearth-exec "--" "([^"]*)"'), r"\1\2"),
    (re.compile(r'(Command: )"\S*/hearth-exec" "--" '), r"\1"),
    (re.compile(r'((?:Test c|C)ommand: "?)(?:\S*/)?(\w+)\b'), r"\1\2"),
)


def was_left_to_ctest(stderr: str) -> bool:
    """Whether hearth said that this is plain ctest's run."""
    return bool(_LEFT.search(stderr))


def without_additions(result: Result) -> Result:
    def change(text: str) -> str:
        for pattern in _ADDITIONS:
            text = pattern.sub("", text)
        return text

    return _changed(result, change)


def without_launcher(result: Result) -> Result:
    """For both that are compared, where the tests of one had the launcher before their commands."""

    def change(text: str) -> str:
        for pattern, by in _LAUNCHED:
            text = pattern.sub(by, text)
        return text

    return _changed(result, change)


def _changed(result: Result, change: Callable[[str], str]) -> Result:
    executions = [
        dataclasses.replace(each, stdout=change(each.stdout), stderr=change(each.stderr))
        for each in result.executions
    ]
    files = {
        path: change(content.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        for path, content in result.files.items()
    }
    return dataclasses.replace(result, executions=executions, files=files)
