"""coverage.py that measures already at a pause: in the fork, which is the same run, it goes on.

Its collectors remember the process that they began in, and are dropped when another one begins there that does not: the first of
two (a worker of pytest-cov has one of each kind) could not be stopped at the end.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def after_fork() -> None:
    """Its data files need nothing: each process has one of its own."""
    collector: Any = getattr(sys.modules.get("coverage.collector"), "Collector", None)
    for each in getattr(collector, "_collectors", ()):
        each.pid = os.getpid()
