"""What workers print where pytest does not capture it (-s): by whole lines, on the controller's own standard streams.

With -v each line begins with the worker's id, as each result does.
"""

from __future__ import annotations

import sys
from typing import Any

from . import live_output
from .messages import WorkerPrinted


def is_shown(config: Any) -> bool:
    """Whether anything is to be shown: capturing descriptors catches all that a test prints."""
    return getattr(config.option, "capture", "no") != "fd" or live_output.is_asked_for(config)


class PrintedOutput:
    """One session's."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")

    def show(self, printed: WorkerPrinted) -> None:
        """After what the terminal reporter has written so far, on lines of their own."""
        text = printed.text
        if getattr(self._config.option, "verbose", 0) > 0:
            prefix = f"[{printed.worker}] ".encode()
            text = b"".join(prefix + line + b"\n" for line in text[:-1].split(b"\n"))
        if printed.stream == 1:
            self._end_line()
            _write(sys.stdout, text)
        else:
            if _is_terminal(sys.stderr) and _is_terminal(sys.stdout):
                self._end_line()
            _write(sys.stderr, text)

    def _end_line(self) -> None:
        writer = getattr(self._reporter, "_tw", None)
        if writer is not None and writer.width_of_current_line:
            writer.line()
            self._reporter.currentfspath = None  # else the reporter ends that line once more


def _is_terminal(stream: Any) -> bool:
    return stream is not None and bool(stream.isatty())


def _write(stream: Any, text: bytes) -> None:
    if stream is None:
        return
    stream.flush()
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(text.decode(errors="replace"))
    else:
        binary.write(text)
    stream.flush()
