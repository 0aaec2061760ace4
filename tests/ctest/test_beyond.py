"""What `hearth ctest` tells and ctest does not: tests that take long, leave a process behind, or pass only when repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.support.command import Daemon
from tests.support.events import TIMEOUT

_LIST = """
add_test(flaky "sh" "-c" "test -e second || { touch second; exit 1; }")
add_test(leaks "sh" "-c" "sleep 1000 & echo $! >left")
add_test(slow "sh" "-c" "read line <gate")
"""
_OPTIONS = ("--repeat", "until-pass:2", "--hearth-slow", "2", "--output-junit", "junit.xml")


def test_slow_leaking_and_flaky_tests_are_named(tmp_path: Path) -> None:
    (tmp_path / "CTestTestfile.cmake").write_text(_LIST)
    os.mkfifo(tmp_path / "gate")
    with Daemon(Path(sys.executable)) as daemon:
        process = subprocess.Popen(
            [daemon.binary, "ctest", *_OPTIONS],
            cwd=tmp_path,
            env=daemon.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = threading.Timer(TIMEOUT, process.kill)
        deadline.start()
        try:
            assert process.stderr
            # A loaded machine may be slow at the others, too.
            told = next((line for line in process.stderr if "slow" in line), "")
            assert told == "hearth: test 3 (slow) has been running for 2 s\n"
            (tmp_path / "gate").write_text("go on\n")
            output, _ = process.communicate()
        finally:
            deadline.cancel()
            os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)
    assert process.returncode == 0
    assert output.endswith(
        "\nThe following tests are FLAKY: they passed when repeated:\n"
        "\t  1 - flaky (in attempt 2)\n"
        "\nThe following tests LEAK: a process that they left behind held their output:\n"
        "\t  2 - leaks\n"
    )
    properties = {
        case.get("name"): [(each.get("name"), each.get("value")) for each in case.iter("property")]
        for case in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
    }
    assert properties == {
        "flaky": [("flaky", "passed in attempt 2")],
        "leaks": [],
        "slow": [],
    }
