"""What a command has from its parent, its tests have too, warm or cold; what no fork can be given makes a plain run."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.hearth import Hearth

Mode = tuple[str, ...]

_LOOK = """
import json, os, resource, signal
def test_a():
    processors = sorted(os.sched_getaffinity(0))
    seen = {
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "processors": processors,
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")},
        "ignored": [number for number in range(1, 65) if number not in (32, 33) and signal.getsignal(number) == signal.SIG_IGN],
        "interrupt": str(signal.getsignal(signal.SIGINT)).split(" at ")[0],
        "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "umask": os.umask(0o22),
    }
    with open("seen.json", "w") as file:
        json.dump(seen, file)
"""


def _seen(hearth: Hearth) -> Any:
    path = hearth.project / "seen.json"
    seen = json.loads(path.read_text())
    path.unlink()
    return seen


def _limit(number: int, soft: int, hard: int | None = None) -> Callable[[], None]:
    return lambda: resource.setrlimit(
        number, (soft, resource.getrlimit(number)[1] if hard is None else hard)
    )


def _ignore(*numbers: int) -> Callable[[], None]:
    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return ignore


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])


def _one_processor() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _nicer() -> None:
    os.nice(3)


def _umask() -> None:
    os.umask(0o27)


_CHANGES: dict[str, Callable[[], None]] = {
    "descriptors": _limit(resource.RLIMIT_NOFILE, 500),
    "hard-limit": _limit(resource.RLIMIT_NOFILE, 400, 600),
    "core": _limit(resource.RLIMIT_CORE, 4096),
    "nice": _nicer,
    "processor": _one_processor,
    "nohup": _ignore(signal.SIGHUP),
    "background": _ignore(signal.SIGINT, signal.SIGQUIT),
    "blocked": _block,
    "umask": _umask,
}


def _all() -> None:
    for change in _CHANGES.values():
        change()


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_a_fork_has_what_its_client_has(hearth: Hearth, change: Callable[[], None]) -> None:
    hearth.write("test_a.py", _LOOK)
    hearth.plain(preexec_fn=change)
    plain = _seen(hearth)
    done = hearth.pytest(preexec_fn=change)
    assert done.exit_code == 0, str(done)
    assert _seen(hearth) == plain
    assert hearth.daemon.status()["runs_finished"] == 1


def test_a_daemon_serves_clients_that_have_other_things(hearth: Hearth, mode: Mode) -> None:
    hearth.write("test_a.py", _LOOK)
    assert hearth.pytest(*mode).exit_code == 0
    usual = _seen(hearth)
    before = hearth.daemon.status()
    assert hearth.plain(preexec_fn=_all).exit_code == 0
    plain = _seen(hearth)
    for _ in range(2):
        done = hearth.pytest(*mode, preexec_fn=_all)
        assert done.exit_code == 0, str(done)
        assert _seen(hearth) == plain
    after = hearth.daemon.status()
    assert after["runs_finished"] == before["runs_finished"] + 2
    assert after["interpreters_started"] == before["interpreters_started"]
    assert hearth.pytest(*mode).exit_code == 0
    assert _seen(hearth) == usual != plain


def test_what_a_conftest_changes_of_it_stays_changed(hearth: Hearth, mode: Mode) -> None:
    hearth.write("conftest.py", "import os\nos.umask(0o2)\nos.nice(1)\n")
    hearth.write("test_a.py", _LOOK)
    assert hearth.plain().exit_code == 0
    plain = _seen(hearth)
    for _ in range(2):
        assert hearth.pytest(*mode).exit_code == 0
        assert _seen(hearth) == plain


def _no_new_privileges() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)


def _small_stacks() -> None:
    resource.setrlimit(
        resource.RLIMIT_STACK, (4 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1])
    )


@pytest.mark.parametrize(
    "change",
    [_no_new_privileges, _small_stacks, _ignore(signal.SIGCHLD)],
    ids=["no-new-privileges", "stack", "children-ignored"],
)
@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("--no-such-option",)], ids=str)
def test_what_no_fork_can_be_given_makes_a_plain_run(
    hearth: Hearth, change: Callable[[], None], arguments: tuple[str, ...]
) -> None:
    hearth.write("test_a.py", "def test_a():\n    pass\ndef test_b():\n    assert 0\n")
    hearth.command("start")
    plain = hearth.plain(*arguments, preexec_fn=change)
    done = hearth.pytest(*arguments, preexec_fn=change)
    assert done.exit_code == plain.exit_code
    assert done.stderr == plain.stderr
    if plain.exit_code != 4:
        assert done.counts == plain.counts
    status = hearth.daemon.status()
    assert (status["runs_finished"], status["zygotes"]) == (0, [])


def test_the_plain_run_has_the_clients_signals_and_descriptors(hearth: Hearth) -> None:
    hearth.write("test_a.py", _LOOK)
    hearth.command("start")
    hearth.plain(preexec_fn=_small_stacks)
    plain = _seen(hearth)
    hearth.pytest(preexec_fn=_small_stacks)
    assert _seen(hearth) == plain
    hearth.write(
        "test_a.py",
        """
        import os
        def test_a():
            names = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
            assert not [name for name in names if "socket:" in name or "hearth" in os.path.basename(name)]
        """,
    )
    done = hearth.pytest(preexec_fn=_small_stacks)
    assert done.exit_code == 0, str(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace needs the superuser")
def test_another_network_is_another_world(hearth: Hearth) -> None:
    hearth.write(
        "test_a.py", "import os\ndef test_a():\n    print(os.readlink('/proc/self/ns/net'))\n"
    )

    def unshare() -> None:
        import ctypes

        if ctypes.CDLL(None).unshare(0x4000_0000) != 0:
            os._exit(77)

    hearth.command("start")
    done = hearth.pytest("-s", preexec_fn=unshare)
    if done.exit_code == 77:
        pytest.skip("no namespaces here")
    assert "net:[" in done.stdout
    assert os.readlink("/proc/self/ns/net") not in done.stdout
    assert hearth.daemon.status()["runs_finished"] == 0
