"""What a worker leaves behind where the daemon can read it, should the worker die: files that it names to it when it begins.

Its reports travel when an item is over. Of the item that a worker dies in there is what is noted here: the reports of the phases
that were over, what its fault handler wrote at the very end, and what pytest had captured and not reported yet (where it
captures descriptors: the very files that it captures in).
"""

from __future__ import annotations

import os
import posix
import sys
from collections.abc import Iterator
from typing import Any, Optional

from . import _native
from .channel import Channel
from .messages import LastWords as Message
from .reports import ReportPacker

# As many bytes of reports as the daemon reads.
_MOST = 4 * 1024 * 1024
_LENGTH = 4  # bytes, before each pack of reports


class LastWords:
    """One worker's."""

    def __init__(self, config: Any, control: Channel, packer: ReportPacker) -> None:
        self._packer = packer
        self._reports = _file("hearth-reports")
        self._noted = 0
        self._end = 0
        stack = _file("hearth-stack")
        captures = _capturing_files(config)
        control.send(Message(), [self._reports, stack, *captures])
        handler = _fault_handlers_file(config)
        if handler is not None:
            # The very descriptor: which file somebody has given the fault handler cannot be asked.
            posix.dup2(stack, handler, inheritable=False)
        posix.close(stack)

    def begin_item(self) -> None:
        """What was noted is reported by now."""
        self._noted = 0
        if self._end:
            self._end = 0
            posix.ftruncate(self._reports, 0)

    def note(self, reports: list[Any]) -> None:
        """All reports of the item so far: the new ones are added (by subtests a test may have thousands)."""
        packed = self._packer.pack(reports[self._noted :])[0]
        self._noted = len(reports)
        if self._end + _LENGTH + len(packed) <= _MOST:
            posix.pwrite(self._reports, len(packed).to_bytes(_LENGTH, "big") + packed, self._end)
            self._end += _LENGTH + len(packed)


def packs_of(noted: bytes) -> Iterator[bytes]:
    """The packs of reports in what a worker has noted; the last one is left out if it died while it wrote that."""
    while len(noted) >= _LENGTH:
        length = int.from_bytes(noted[:_LENGTH], "big")
        pack, noted = noted[_LENGTH : _LENGTH + length], noted[_LENGTH + length :]
        if len(pack) == length:
            yield pack


def _file(name: str) -> int:
    return int(_native.move_high(os.memfd_create(name, os.MFD_CLOEXEC)))


def _capturing_files(config: Any) -> list[int]:
    """Of standard output and error; none where they are not captured, or not in files."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    found = []
    for stream in ("out", "err"):
        file = getattr(getattr(capturing, stream, None), "tmpfile", None)
        try:
            found.append(int(file.fileno()))  # type: ignore[union-attr]
        except (AttributeError, OSError, ValueError):
            return []
    return found


def _fault_handlers_file(config: Any) -> Optional[int]:
    """The descriptor that pytest gave the fault handler, unless dumps of tests that take long are to come there, too."""
    plugin = sys.modules.get("_pytest.faulthandler")
    key: Any = getattr(plugin, "fault_handler_stderr_fd_key", None)
    if key is None or key not in config.stash:
        return None
    if float(config.getini("faulthandler_timeout") or 0.0) > 0:
        return None
    return int(config.stash[key])
