"""What `hearth ctest` says and ctest does not, on purpose: taken away before both are compared."""

from __future__ import annotations

import re

_LEFT = re.compile(r"^hearth: not taken over: .*\n", re.M)
# After the summary: tests that `--repeat until-pass` saw failing at first.
_FLAKY = re.compile(r"\nThe following tests are FLAKY: .*\n(?:\t.*\n)+")


def was_left_to_ctest(stderr: str) -> bool:
    """Whether hearth said that this is plain ctest's run."""
    return bool(_LEFT.search(stderr))


def without_additions(text: str) -> str:
    return _FLAKY.sub("", _LEFT.sub("", text))
