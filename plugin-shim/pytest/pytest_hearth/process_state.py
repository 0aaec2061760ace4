"""What an import may change in the process besides making modules: what a run that does not import the module would find changed.

Not everything can be asked for (codecs, for example). What is shared by design (registries such as copyreg's, caches, everything
whose name begins with an underscore) is left out.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import builtins
import gc
import locale
import logging
import os
import sys
import threading
from typing import Any

_HOOKS = (
    "excepthook",
    "displayhook",
    "unraisablehook",
    "breakpointhook",
    "stdin",
    "stdout",
    "stderr",
)


class ProcessState:
    """As it is when this is made."""

    def __init__(self) -> None:
        self._facts = _facts()
        # Modules that are there already, with what they offer to everybody.
        self._offered = {
            name: {
                attribute: value
                for attribute, value in vars(module).items()
                if callable(value) and not attribute.startswith("_")
            }
            for name, module in sys.modules.items()
            if isinstance(module, type(sys)) and name != __name__
        }

    def difference(self) -> str:
        """What is changed now, in words that follow `it changes`; empty: nothing."""
        now = _facts()
        for what, before in self._facts.items():
            if now[what] != before:
                return what
        for name, offered in self._offered.items():
            module = sys.modules.get(name)
            if module is None:
                continue
            attributes = vars(module)
            for attribute, value in offered.items():
                if attributes.get(attribute) is not value:
                    return f"{name}.{attribute}"
        return ""


def _facts() -> dict[str, Any]:
    umask = os.umask(0o077)
    os.umask(umask)
    sockets: Any = sys.modules.get("_socket")
    numbers: Any = sys.modules.get("decimal")
    root = logging.getLogger()
    return {
        "sys.path": list(sys.path),
        "sys.path_hooks": list(sys.path_hooks),
        "the umask": umask,
        "the resource limits": _limits(),
        "the recursion limit": sys.getrecursionlimit(),
        "the switch interval": sys.getswitchinterval(),
        "the garbage collector's settings": (gc.isenabled(), gc.get_threshold()),
        "what signals do": [_handler(number) for number in range(1, _signal.NSIG)],
        "the locale": locale.setlocale(locale.LC_ALL),
        "the working directory": os.getcwd(),
        "the hooks of sys": [getattr(sys, name, None) for name in _HOOKS],
        "threading.excepthook": threading.excepthook,
        "builtins": {name: id(value) for name, value in vars(builtins).items() if name != "_"},
        "the timeout of sockets": sockets.getdefaulttimeout() if sockets else None,
        "the decimal context": str(numbers.getcontext()) if numbers else None,
        "the settings of logging": (
            root.level,
            list(root.handlers),
            root.disabled,
            logging.getLoggerClass(),
            logging.getLogRecordFactory(),
            [logging.getLevelName(level) for level in range(60)],
            logging.raiseExceptions,
            logging.lastResort,
        ),
    }


def _limits() -> bytes:
    with open("/proc/self/limits", "rb") as file:
        return file.read()


def _handler(number: int) -> Any:
    try:
        return _signal.getsignal(number)
    except ValueError:
        return None
