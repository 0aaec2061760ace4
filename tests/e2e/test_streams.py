"""Standard streams are the client's own: pipes, closed ones, large output, what a reader that goes away does."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.e2e.hearth import Hearth

Mode = tuple[str, ...]


def test_a_test_reads_the_clients_standard_input(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        "import sys\ndef test_a():\n    assert sys.stdin.read() == 'from the pipe\\n'\n",
    )
    for _ in range(2):
        client = hearth.start_pytest("-s", stdin=subprocess.PIPE)
        stdout, stderr = client.communicate("from the pipe\n", timeout=90)
        assert client.returncode == 0, stdout + stderr


def test_captured_tests_do_not_find_the_clients_standard_input(hearth: Hearth) -> None:
    """But a debugger does (tests/terminal), in the middle of the same run."""
    hearth.write(
        "test_a.py",
        """
        import os
        def test_a(request):
            assert os.read(0, 10) == b""
            capture = request.config.pluginmanager.get_plugin("capturemanager")
            capture.suspend(in_=True)
            assert os.read(0, 14) == b"from the pipe\\n"
            capture.resume()
            assert os.read(0, 10) == b""
        """,
    )
    for _ in range(2):
        client = hearth.start_pytest(stdin=subprocess.PIPE)
        stdout, stderr = client.communicate("from the pipe\nand more", timeout=90)
        assert client.returncode == 0, stdout + stderr


def test_a_closed_standard_input_is_as_in_a_plain_run(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "import sys\ndef test_a():\n    assert sys.stdin is not None\n")
    options = " ".join(mode)
    plain = hearth.run("/bin/sh", "-c", f"{hearth.daemon.python.parent}/pytest {options} <&-")
    for _ in range(2):
        done = hearth.run("/bin/sh", "-c", f"{hearth.daemon.binary} pytest {options} <&-")
        assert (done.exit_code, done.counts) == (plain.exit_code, plain.counts), str(done)


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_output_keeps_no_test_from_running(hearth: Hearth, mode: Mode, closed: str) -> None:
    """Plain pytest ends with an internal error of its own then; there is no sense in copying that."""
    hearth.write("test_a.py", "def test_a():\n    open('ran', 'w').close()\n    assert 0\n")
    for _ in range(2):
        command = f"{hearth.daemon.binary} pytest {' '.join(mode)} {closed}"
        assert hearth.run("/bin/sh", "-c", command).exit_code == 1
        (hearth.project / "ran").unlink()


def test_streams_that_are_one_file_keep_their_order(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py",
        """
        import os
        def test_a():
            for number in range(50):
                os.write(1, f"out {number}\\n".encode())
                os.write(2, f"err {number}\\n".encode())
        """,
    )
    for _ in range(2):
        done = hearth.run("/bin/sh", "-c", f"{hearth.daemon.binary} pytest -s 2>&1")
        lines = [line for line in done.stdout.splitlines() if line.startswith(("out ", "err "))]
        wanted = [f"{name} {number}" for number in range(50) for name in ("out", "err")]
        assert lines == wanted[1:], str(done)  # the first follows "test_a.py " on its line


def test_a_file_is_appended_to_where_it_stands(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    out = hearth.project / "out.txt"
    out.write_text("before\n")
    for _ in range(2):
        with out.open("a") as file:
            done = subprocess.run(
                [str(hearth.daemon.binary), "pytest", *mode],
                check=False,
                cwd=hearth.project,
                env=hearth.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
            )
        assert done.returncode == 0
    text = out.read_text()
    assert text.startswith("before\n")
    assert text.count("1 passed") == 2


def test_much_output_arrives_whole(hearth: Hearth, mode: Mode) -> None:
    hearth.write(
        "test_a.py",
        "def test_a():\n    print('x' * 79 + '\\n', end='')\n    print(('y' * 79 + '\\n') * 100_000)\n    assert 0\n",
    )
    for _ in range(2):
        done = hearth.pytest(*mode)
        assert done.exit_code == 1
        assert done.stdout.count("y" * 79) == 100_000


def test_a_reader_that_goes_away_ends_the_run_as_it_ends_plain_pytest(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py", "def test_a():\n    print(('y' * 79 + '\\n') * 100_000)\n    assert 0\n"
    )
    for _ in range(2):
        client = hearth.start_pytest()
        assert client.stdout and client.stderr
        client.stdout.readline()
        client.stdout.close()
        client.stderr.read()
        assert client.wait(90) != 0
        client.stderr.close()
    hearth.write("test_a.py", "def test_a():\n    pass\n")
    assert hearth.pytest().exit_code == 0


def test_print_with_s_goes_to_the_clients_output(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    print('seen by the user')\n")
    for _ in range(2):
        assert "seen by the user" in hearth.pytest("-s").stdout
        assert "seen by the user" not in hearth.pytest().stdout


def test_a_run_on_a_terminal_looks_like_a_plain_one(hearth: Hearth) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    assert 0\n")
    plain = _on_terminal(hearth, str(hearth.daemon.python.parent / "pytest"))
    assert "\x1b[31m" in plain
    for _ in range(2):
        assert _on_terminal(hearth, str(hearth.daemon.binary), "pytest") == plain


def _on_terminal(hearth: Hearth, *command: str) -> str:
    """What the command wrote to a pseudo terminal of 80 columns, durations replaced."""
    leader, follower = os.openpty()
    environment = {**hearth.environment, "TERM": "xterm"}
    with subprocess.Popen(
        [*command, "-p", "no:cacheprovider"],
        cwd=hearth.project,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        data = b""
        while True:
            try:
                more = os.read(leader, 65536)
            except OSError:  # the last writer has closed it
                break
            data += more
        os.close(leader)
        process.wait(90)
    return re.sub(r"in \d+\.\d+s", "in N s", data.decode())
