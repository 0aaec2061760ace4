"""`hearth doctor`: what keeps a project from being warm, where, and what to do; and what `[tool.hearth]` imports ahead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.hearth import Hearth


def _complaints(hearth: Hearth) -> list[dict[str, Any]]:
    done = hearth.command("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["found"]
    assert done.exit_code == (1 if found["complaints"] else 0), str(done)
    complaints: list[dict[str, Any]] = found["complaints"]
    return complaints


def _run(hearth: Hearth, conftest: str = "", **options: Any) -> None:
    hearth.write("conftest.py", conftest)
    hearth.write("test_a.py", "def test_a(): pass\n")
    assert hearth.pytest(**options).counts == {"passed": 1}


def test_without_a_run_or_a_daemon_it_says_so(hearth: Hearth) -> None:
    done = hearth.command("doctor")
    assert done.exit_code == 3
    assert "no daemon is running" in done.stderr
    _run(hearth)
    done = hearth.command("doctor", directory=hearth.daemon.temporary)
    assert done.exit_code == 3
    assert "`hearth pytest` first" in done.stderr


def test_a_project_that_is_warm_has_nothing_to_complain_of(hearth: Hearth) -> None:
    _run(hearth)
    done = hearth.command("doctor")
    assert done.exit_code == 0, str(done)
    assert done.stdout.startswith("nothing keeps this project's runs from being warm")


@pytest.mark.parametrize(
    ("code", "cause", "kind", "advice"),
    [
        ("import subprocess\nsubprocess.run(['true'])", "refused", "subprocess", "harmless"),
        ("import os\nos.getpid()", "serves_once", "identity", "harmless"),
        (
            "import tempfile\nD = tempfile.TemporaryDirectory()",
            "serves_once",
            "temporary",
            "tmp_path",
        ),
        ("import socket\nS = socket.socket()", "refused", "descriptor", "fixture"),
    ],
)
def test_it_names_the_line_and_what_to_do(
    hearth: Hearth, code: str, cause: str, kind: str, advice: str
) -> None:
    _run(hearth, code)
    (complaint,) = _complaints(hearth)
    assert (complaint["cause"], complaint["aspect"]) == (cause, kind)
    assert complaint["stage"] == "configured"
    assert complaint["place"] == f"{hearth.project / 'conftest.py'}:2"
    assert advice in complaint["advice"]
    text = hearth.command("doctor").stdout
    assert f"conftest.py:2\n            {complaint['advice']}\n" in text


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (
            "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
            "thread",
        ),
        ("import multiprocessing\nLOCK = multiprocessing.Lock()", "memory"),
    ],
)
def test_it_tells_what_is_there_at_the_pause(hearth: Hearth, code: str, kind: str) -> None:
    _run(hearth, code)
    # (The name of a lock is made of random numbers: another thing.)
    (complaint,) = [each for each in _complaints(hearth) if each["cause"] == "refused"]
    assert complaint["aspect"] == kind
    assert "fixture" in complaint["advice"]
    if kind == "thread":
        assert complaint["place"] == f"{hearth.project / 'conftest.py'}:2"


def test_what_was_mended_is_complained_of_no_more(hearth: Hearth) -> None:
    _run(hearth, "import subprocess\nsubprocess.run(['true'])")
    assert _complaints(hearth)
    hearth.write("conftest.py", "x = 1\n")
    assert not _complaints(hearth)
    assert hearth.pytest().counts == {"passed": 1}
    assert not _complaints(hearth)


def test_an_error_of_the_declaration_is_told_and_fails_no_run(hearth: Hearth) -> None:
    path = hearth.write("pyproject.toml", "[tool.hearth]\nno_preload = 7\n")
    _run(hearth)
    (complaint,) = _complaints(hearth)
    assert complaint["cause"] == "declaration"
    assert complaint["place"] == str(path)
    assert "no_preload is not a list of names" in complaint["subject"]


def test_a_variable_that_differs_from_run_to_run_is_told(hearth: Hearth) -> None:
    for number in range(3):
        _run(hearth, "import os\nos.environ.get('NUMBER')\n", environment={"NUMBER": str(number)})
    (complaint,) = _complaints(hearth)
    assert (complaint["cause"], complaint["subject"]) == ("variable", "NUMBER")
    assert complaint["times"] == 2


def test_it_starts_no_daemon(hearth: Hearth) -> None:
    hearth.command("doctor")
    assert not hearth.runtime.exists()
