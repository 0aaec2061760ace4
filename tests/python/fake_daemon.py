"""hearthd's side of the zygote's conversation, for tests of the Python side alone."""

from __future__ import annotations

import array
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Optional, Union

PACKAGE = Path(
    os.environ.get("HEARTH_PYTHON_PACKAGE")
    or Path(__file__).resolve().parents[2] / "build" / "dev" / "lib" / "hearth" / "pytest_hearth"
)
RECORDER = PACKAGE.parent / "libhearth_recorder.so"
DEADLINE = 30.0


def load_package() -> ModuleType:
    """The package under test, by the name that it has in hearth's processes."""
    name = "_hearth_runtime"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
        )
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


load_package()
from _hearth_runtime import _native  # type: ignore[import-not-found]  # noqa: E402
from _hearth_runtime.channel import Channel, ChannelClosed  # type: ignore[import-not-found]  # noqa: E402
from _hearth_runtime.messages import (  # type: ignore[import-not-found]  # noqa: E402
    ArgumentsTried,
    BuildStage,
    ChildExited,
    Collecting,
    Forked,
    ImportsObserved,
    Message,
    ModuleOrigin,
    PreloadRejected,
    ProcessContext,
    ProcessSpec,
    Retire,
    SessionBegun,
    StageFailed,
    StageReady,
    StartProcess,
    TryArguments,
    WorkerIdentity,
)

__all__ = [
    "ArgumentsTried",
    "ChildExited",
    "ImportsObserved",
    "Interpreter",
    "Message",
    "ModuleOrigin",
    "Process",
    "ProcessSpec",
    "StageReady",
    "WorkerIdentity",
    "Zygote",
    "_native",
    "load_package",
    "plain_environment",
    "spec_for",
]

NOBODY = WorkerIdentity("", 0, "", [])


# What has been opened and is not closed yet; conftest closes what a test has left.
RESOURCES: list[Union[Peer, Streams]] = []


class Peer:
    """One channel, from the daemon's side."""

    def __init__(self) -> None:
        RESOURCES.append(self)
        ours, theirs = socket.socketpair()
        self._socket = ours
        self.theirs = theirs
        self.channel = Channel(ours.fileno())

    def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        frame = _native.pack_frame(message.to_wire())
        rights = (
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
            if descriptors
            else []
        )
        sent = self._socket.sendmsg([frame], rights)
        if sent < len(frame):
            self._socket.sendall(frame[sent:])

    def receive(self, kind: Any = None) -> Any:
        """The next message; fails the test when it is of another kind or does not come."""
        deadline = time.monotonic() + DEADLINE
        while True:
            message = self.channel.receive(1.0)
            if message is not None:
                assert kind is None or isinstance(message, kind), message
                return message
            assert time.monotonic() < deadline, f"no {kind} came"

    def at_end(self) -> bool:
        """Whether the other side is gone and has said nothing more."""
        try:
            return self.channel.receive(0.0) is None and False
        except ChannelClosed:
            return True

    def close(self) -> None:
        self._socket.close()
        self.theirs.close()


class Streams:
    """Three streams of a process: nothing to read, and two files to look into."""

    def __init__(self) -> None:
        RESOURCES.append(self)
        self.stdin = open(os.devnull, "rb")  # noqa: SIM115 (closed by close)
        self.stdout = tempfile.TemporaryFile()  # noqa: SIM115
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115

    def filenos(self) -> tuple[int, int, int]:
        return self.stdin.fileno(), self.stdout.fileno(), self.stderr.fileno()

    def close(self) -> None:
        for file in (self.stdin, self.stdout, self.stderr):
            file.close()

    def out(self) -> str:
        return self._content(self.stdout)

    def err(self) -> str:
        return self._content(self.stderr)

    @staticmethod
    def _content(file: Any) -> str:
        return os.pread(file.fileno(), 10_000_000, 0).decode()


class Zygote:
    """A paused process, and what it has forked."""

    def __init__(self, peer: Peer, streams: Streams, parent: Optional[Zygote], pid: int) -> None:
        self.peer = peer
        self.streams = streams
        self.parent = parent
        self.pid = pid
        self.exits: dict[int, ChildExited] = {}
        self._imports: Optional[ImportsObserved] = None
        self.collecting: list[str] = []
        self._request = 0

    def ready(self) -> StageReady:
        message: StageReady = self._receive(StageReady)
        return message

    def imports(self) -> ImportsObserved:
        """What its stages have imported; told once a process has gone on from it, or it was refused."""
        while self._imports is None:
            self._receive(ImportsObserved)
        return self._imports

    def rejected(self) -> PreloadRejected:
        message: PreloadRejected = self.peer.receive(PreloadRejected)
        return message

    def failed(self) -> StageFailed:
        message: StageFailed = self.peer.receive(StageFailed)
        return message

    def build(
        self,
        spec: ProcessSpec,
        stage: str,
        flavour: str = "session",
        identity: WorkerIdentity = NOBODY,
        dist: str = "load",
        preload: tuple[list[Any], list[str]] = ([], []),
    ) -> Zygote:
        """Fork a stage; its report comes on the result's channel. preload: what to import ahead, and what must not be."""
        self._request += 1
        peer, streams = Peer(), Streams()
        message = BuildStage(self._request, stage, flavour, spec, identity, dist, *preload)
        self.peer.send(message, (peer.theirs.fileno(), *streams.filenos()))
        peer.theirs.close()
        return Zygote(peer, streams, self, self._forked())

    def start(
        self,
        spec: ProcessSpec,
        *,
        fork: bool = True,
        flavour: str = "session",
        identity: WorkerIdentity = NOBODY,
        dist: str = "load",
        basetemp: bytes = b"",
        printed: tuple[bytes, bytes] = (b"", b""),
    ) -> Process:
        self._request += 1
        control, data, streams = Peer(), Peer(), Streams()
        message = StartProcess(
            self._request, fork, spec, identity, flavour, dist, basetemp, *printed, False, False
        )
        self.peer.send(message, (control.theirs.fileno(), data.theirs.fileno(), *streams.filenos()))
        control.theirs.close()
        data.theirs.close()
        pid = self._forked() if fork else self.pid
        if not fork:
            self.peer.close()  # as hearthd does: there is nothing more to say
        if flavour == "session":
            control.receive(SessionBegun)
        return Process(self, pid, control, data, streams, fork)

    def try_arguments(self, *args: str) -> ArgumentsTried:
        """What these would come to."""
        self._request += 1
        self.peer.send(TryArguments(self._request, [os.fsencode(argument) for argument in args]))
        answer: ArgumentsTried = self._receive(ArgumentsTried)
        assert answer.request == self._request
        return answer

    def exit_of(self, pid: int) -> ChildExited:
        """Wait for a child's end."""
        while pid not in self.exits:
            self._receive(ChildExited)
        return self.exits[pid]

    def retire(self) -> None:
        self.peer.send(Retire())

    def _forked(self) -> int:
        message: Forked = self._receive(Forked)
        return int(message.pid)

    def _receive(self, kind: Any) -> Any:
        """The next message of this kind; those that come when they will are kept."""
        while True:
            message = self.peer.receive()
            if isinstance(message, ChildExited):
                self.exits[message.pid] = message
            elif isinstance(message, ImportsObserved):
                self._imports = message
            elif isinstance(message, Collecting):
                self.collecting.append(message.file)
            else:
                assert isinstance(message, kind), message
            if isinstance(message, kind):
                return message


class Process:
    """A process of a run."""

    def __init__(
        self, zygote: Zygote, pid: int, control: Peer, data: Peer, streams: Streams, is_fork: bool
    ) -> None:
        self.zygote = zygote
        self.pid = pid
        self.control = control
        self.data = data
        self.streams = streams
        self._is_fork = is_fork

    def wait(self) -> int:
        """Its raw wait status."""
        parent = self.zygote if self._is_fork else self.zygote.parent
        assert parent is not None
        return int(parent.exit_of(self.pid).wait_status)

    def exit_code(self) -> int:
        status = self.wait()
        assert os.WIFEXITED(status), (status, self.streams.out(), self.streams.err())
        return os.WEXITSTATUS(status)

    def out(self) -> str:
        return self.streams.out()

    def err(self) -> str:
        return self.streams.err()


class Interpreter(Zygote):
    """A python that was started as a zygote."""

    def __init__(
        self, python: str = sys.executable, environment: Optional[dict[str, str]] = None
    ) -> None:
        peer, streams = Peer(), Streams()
        fd = peer.theirs.fileno()
        stdin, stdout, stderr = streams.filenos()
        self.process = subprocess.Popen(
            [python, "-S", str(PACKAGE / "zygote_main.py"), str(fd)],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=[fd],
            cwd="/",
            env={
                **(plain_environment() if environment is None else environment),
                "LD_PRELOAD": str(RECORDER),
            },
        )
        peer.theirs.close()
        super().__init__(peer, streams, None, self.process.pid)

    def stop(self) -> None:
        self.peer.close()
        self.process.wait(DEADLINE)


def plain_environment(**more: str) -> dict[str, str]:
    """A user's environment, without what our own test run has in its."""
    left_out = ("PYTEST_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "HEARTH_")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(left_out)
    }
    return {**environment, **more}


def spec_for(
    directory: Path,
    *args: str,
    script: Optional[str] = None,
    environment: Optional[dict[str, str]] = None,
    python: str = "",
) -> ProcessSpec:
    """`pytest ARGS…` in the directory; an empty script is `python -m pytest`."""
    python = python or sys.executable
    if script is None:
        script = os.path.join(os.path.dirname(python), "pytest")
    variables = plain_environment() if environment is None else environment
    return ProcessSpec(
        os.fsencode(python),
        os.fsencode(script),
        [],
        [os.fsencode(argument) for argument in args],
        os.fsencode(directory),
        [os.fsencode(f"{name}={value}") for name, value in variables.items()],
        0o022,
        ProcessContext(os.getpriority(os.PRIO_PROCESS, 0), 0, [], [], 0, 0),
    )
