"""What workers print under -s reaches the user: by whole lines, whoever writes them, and also if the worker crashes."""

from __future__ import annotations

import re

from tests.e2e.hearth import Hearth

TESTS = """
    import os, subprocess, sys

    def test_print():
        print("by print")
        print("begun, ", end="")
        print("ended")

    def test_child():
        subprocess.run(["sh", "-c", "echo by a child; echo by a child, as an error >&2"], check=True)

    def test_error():
        print("by print, as an error", file=sys.stderr)

    def test_crash():
        print("last words, ", end="")
        os.write(1, b"unfinished")
        sys.stdout.flush()
        os.kill(os.getpid(), 9)

    def test_much():
        for number in range(20_000):
            print("much", number)
"""


def test_what_workers_print_with_s_is_shown(hearth: Hearth) -> None:
    hearth.write("test_a.py", TESTS)
    for _ in range(2):
        done = hearth.pytest("-s", "-n", "2")
        lines, errors = done.stdout.splitlines(), done.stderr.splitlines()
        for line in ("by print", "begun, ended", "by a child", "unfinishedlast words, "):
            assert lines.count(line) == 1, str(done)
        for line in ("by a child, as an error", "by print, as an error"):
            assert errors.count(line) == 1, str(done)
        assert [line for line in lines if line.startswith("much")] == [
            f"much {number}" for number in range(20_000)
        ]
        assert done.counts == {"passed": 4, "failed": 1}
        assert done.stdout.count("test session starts") == 1, str(done)

    done = hearth.pytest("-s", "-v", "-n", "2")
    output = re.findall(r"^\[gw\d\] by print$|^\[gw\d\] PASSED .*::test_print", done.stdout, re.M)
    assert [line.split()[1] for line in output] == ["by", "PASSED"], str(done)  # in this order
    assert re.search(r"^\[gw\d\] by a child, as an error$", done.stderr, re.M), str(done)

    done = hearth.pytest("-n", "2")
    assert "by print" not in done.stdout, str(done)
    assert "much 1" not in done.stdout, str(done)
