"""A pseudo terminal in which one command of a user runs."""

from __future__ import annotations

import io
import re
import signal
from types import TracebackType
from typing import Any

import pexpect  # type: ignore[import-untyped]

from tests.e2e.hearth import Hearth
from tests.support.events import TIMEOUT
from tests.terminal.screen import shown

PROMPT = r"\(Pdb\) "
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_TIMES = re.compile(r"\d+\.\d\ds")
_COLLECTING = re.compile(r"collecting (?:\.{3}|\d+ items?) *")  # told twice a second
_PACKAGES = re.compile(r"\S*/site-packages")  # links may lead to one environment by several paths
_PADDED_LINES = re.compile(r"(=+|!+)( .* )(=+|!+)")  # as long as the times in them leave room


class Terminal:
    """Types, and waits for what appears. Deadlines are the tests' own."""

    def __init__(self, command: list[str], hearth: Hearth, columns: int) -> None:
        self._seen = io.StringIO()
        self._columns = columns
        self.process: Any = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(hearth.project),
            env={**hearth.environment, "TERM": "xterm"},
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(24, columns),
            timeout=TIMEOUT,
            # An interactive shell's child has them as they were at login.
            preexec_fn=lambda: [
                signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGQUIT)
            ],
        )
        self.process.logfile_read = self._seen

    def wait_for(self, pattern: str) -> str:
        """Until it appears; what came before it."""
        try:
            self.process.expect(pattern)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"{pattern!r} never came, but:\n{self.text}") from None
        before: str = self.process.before
        return before

    def type(self, line: str) -> None:
        """A line, as it is typed at a prompt."""
        self.process.sendline(line)

    def press(self, key: str) -> None:
        """A single key."""
        self.process.send(key)

    def press_interrupt(self) -> None:
        """Ctrl-C."""
        self.process.sendintr()

    def answer(self, line: str, prompt: str = PROMPT) -> str:
        """Type at the prompt that has just appeared; what is written until the next one."""
        self.type(line)
        return self.wait_for(prompt)

    def wait(self) -> int:
        """To its end: the exit code, negative for the signal that it died of."""
        self.wait_for_end()
        status, number = self.process.exitstatus, self.process.signalstatus
        return -number if status is None else int(status)

    def wait_for_end_of_process(self) -> int:
        """As `wait`, but the terminal stays."""
        self.process.wait()
        status, number = self.process.exitstatus, self.process.signalstatus
        return -number if status is None else int(status)

    def wait_for_end(self) -> None:
        try:
            self.process.expect(pexpect.EOF)
        except pexpect.TIMEOUT:
            raise AssertionError(f"it does not end, and has written:\n{self.text}") from None
        self.process.close()

    @property
    def text(self) -> str:
        """All that has appeared so far."""
        return self._seen.getvalue()

    @property
    def words(self) -> str:
        """The same without colours."""
        return _COLOURS.sub("", self.text)

    @property
    def normal_text(self) -> str:
        """What is shown, without what depends on time and place: times are replaced, and lines of `===` shortened."""
        text = shown(_PACKAGES.sub("site-packages", self.text), self._columns)
        text = _COLLECTING.sub("collecting", _TIMES.sub("N s", text))
        return _PADDED_LINES.sub(r"=\2=", text)


class Terminals:
    """Those of one test; what is still running in one at the end is ended."""

    def __init__(self, hearth: Hearth) -> None:
        self._hearth = hearth
        self._opened: list[Terminal] = []

    def __enter__(self) -> Terminals:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for terminal in self._opened:
            terminal.process.close(force=True)

    def run(self, *command: str, columns: int = 80) -> Terminal:
        """Start a command in a terminal of its own."""
        terminal = Terminal(list(command), self._hearth, columns)
        self._opened.append(terminal)
        return terminal

    def hearth(self, *arguments: str) -> Terminal:
        """`hearth pytest …`"""
        return self.run(str(self._hearth.daemon.binary), "pytest", *arguments)

    def plain(self, *arguments: str) -> Terminal:
        """`pytest …` of the same environment."""
        return self.run(str(self._hearth.daemon.python.parent / "pytest"), *arguments)
