"""What may differ between two runs of one command: times, addresses, temporary names."""

from __future__ import annotations

import re

_DURATION = r"\d+\.\d+s(?: \(\d+:\d\d:\d\d\))?"
_REPLACEMENTS = (
    (re.compile(r"collecting \d+ items?\b[^\r\n]*\r"), ""),  # written over twice a second
    (re.compile(rf"\bin {_DURATION}"), "in N s"),
    (re.compile(rf"^ *{_DURATION} (call|setup|teardown)", re.MULTILINE), r"N s \1"),
    # console_output_style=times
    (re.compile(r" +\d+\.\d+(us|ms|s|m)(?=\x1b\[0m|\r?$)", re.MULTILINE), " N s"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x…"),
    (re.compile(r"\.\.\.[0-9a-f]{5,}>"), "...…>"),  # the end of one that was shortened
    (re.compile(r"\bpytest-of-[\w-]+/pytest-\d+"), "pytest-of-user/pytest-N"),
    (re.compile(r"\b(id=|pid |PID: )\d{3,}"), r"\1N"),
    (re.compile(r"^    \d{9,} +: ", re.MULTILINE), "    N : "),  # a plugin without a name
    (re.compile(r'\b(time)="\d+\.\d+"'), r'\1="N"'),
    (re.compile(r'\b(timestamp)="[^"]+"'), r'\1="N"'),
)
# A longer duration leaves less room for the line that it stands in.
_RULE = re.compile(r"={2,}")


def normal(text: str) -> str:
    for pattern, by in _REPLACEMENTS:
        text = pattern.sub(by, text)
    return "".join(
        _RULE.sub("==", line) if "in N s" in line else line
        for line in text.splitlines(keepends=True)
    )
