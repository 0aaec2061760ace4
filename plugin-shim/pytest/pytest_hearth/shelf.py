"""Modules that were imported ahead of a run, kept where the run does not see them until it imports them itself.

The stage `preloaded` imports third-party modules before anything of the project. Were they left in `sys.modules`, a run would
see modules that it has not imported, and an import would find them although another file comes first on its path. So each
is taken out again, and handed out by its loader: the run's own import looks for it in the usual way, finders and path as
they are by then, and only where a cold run would now execute the very file that was executed ahead, the module that came of
it is taken from the shelf. What its execution did to others is repeated: the modules that it imported are imported, in the
same order and by the same rule, the warning filters and exit functions that it added are added.

Where it turns out that a cold run would not have got the same module (something that it imports is found elsewhere now, a
variable that was read has another value, somebody measures coverage), `Shelf.on_misfit` is called. It does not return while
a stage is being built; in a run, the module is executed as ever.
"""

from __future__ import annotations

import atexit
import importlib
import sys
import warnings
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from types import ModuleType
from typing import Any, Optional

from . import _native

# The loaders whose modules can be kept: one file each, executed once.
LOADERS: tuple[type, ...] = (SourceFileLoader, ExtensionFileLoader)


class Book:
    """One module on the shelf, and what its execution did besides making it."""

    def __init__(self, name: str, origin: str) -> None:
        self.name = name
        self.origin = origin
        # What its loader made, and what stood in sys.modules in the end (a module may replace itself).
        self.made: Optional[ModuleType] = None
        self.module: Any = None
        # In the order of its import statements: the module's name, and whether it was found.
        self.imports: dict[str, bool] = {}
        # Entries of sys.modules that it made itself, without a loader.
        self.aliases: dict[str, Any] = {}
        self.filters: list[Any] = []
        # Function, arguments, named arguments.
        self.exit_functions: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []


class Shelf:
    """One for the process, handed on through forks. Filled once."""

    def __init__(self) -> None:
        self._books: dict[str, Book] = {}
        self._handed_out: dict[int, Book] = {}
        # All that were ever put there.
        self.names: list[str] = []
        # Asked before a module is handed out: why not, or nothing.
        self.objection: Callable[[], str] = lambda: ""
        # The module's name; empty: it is the run with which no module fits.
        self.on_misfit: Callable[[str, str], None] = lambda name, reason: None

    def __len__(self) -> int:
        return len(self._books)

    def find(self, name: str) -> Any:
        """The module, on the shelf or loaded; None: neither."""
        book = self._books.get(name)
        return sys.modules.get(name) if book is None else book.module

    def put(self, books: list[Book]) -> None:
        """Take these modules out of sys.modules, and hand them out from here on."""
        self.names = [book.name for book in books]
        for book in books:
            self._books[book.name] = book
            for name in (book.name, *book.aliases):
                sys.modules.pop(name, None)
        for book in books:
            self._unbind(book)
            for function, _, _ in book.exit_functions:
                atexit.unregister(function)
        for loader in LOADERS:
            # Not in Python: where an import fails, a frame between the import system's own would make them all visible.
            _native.ask_before(loader, "create_module", self._create_module)
            _native.ask_before(loader, "exec_module", self._exec_module)

    def _unbind(self, book: Book) -> None:
        """An import binds a module's name in its parent; a run's own import does it again."""
        parent, _, child = book.name.rpartition(".")
        owner = self._books[parent].module if parent in self._books else sys.modules.get(parent)
        if owner is not None and getattr(owner, "__dict__", {}).get(child) is book.module:
            delattr(owner, child)

    def _create_module(self, loader: Any, spec: Any) -> Any:
        book = self._books.get(spec.name)
        if book is None or book.origin != spec.origin or type(loader) not in LOADERS:
            return NotImplemented
        reason = self.objection()
        if reason:
            self.on_misfit("", reason)
            del self._books[spec.name]
            return NotImplemented
        assert book.made is not None
        self._handed_out[id(book.made)] = self._books.pop(spec.name)
        return book.made

    def _exec_module(self, _loader: Any, module: Any) -> Any:
        book = self._handed_out.pop(id(module), None)
        if book is None:
            return NotImplemented
        self._repeat(book)
        return None

    def _repeat(self, book: Book) -> None:
        """What the module's execution did to others."""
        for name, was_found in book.imports.items():
            if name in sys.modules:
                continue
            kept = self._books.get(name)
            try:
                importlib.import_module(name)
                is_found = True
            except ImportError:
                is_found = False
            if is_found != was_found or (
                kept is not None and sys.modules.get(name) is not kept.module
            ):
                self.on_misfit(book.name, f"it imports {name}, which is another module now")
        for alias, module in book.aliases.items():
            sys.modules.setdefault(alias, module)
        _add_filters(book.filters)
        for function, arguments, named in book.exit_functions:
            atexit.register(function, *arguments, **named)
        sys.modules[book.name] = book.module


# The process's.
shelf = Shelf()


def _add_filters(filters: list[Any]) -> None:
    """In front of those that there are, as warnings.filterwarnings does."""
    if not filters:
        return
    warnings.filters[:0] = filters  # type: ignore[index]
    changed = getattr(warnings, "_filters_mutated", None) or getattr(
        warnings, "_filters_mutated_lock_held", None
    )
    if changed is not None:
        changed()
