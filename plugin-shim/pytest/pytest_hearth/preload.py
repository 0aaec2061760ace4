"""The stage `preloaded`: third-party modules are imported ahead of the run, and put on a shelf for it (shelf.py).

What is imported ahead was seen in earlier runs of the project (third_party.py). A module whose import does what a run could
notice is rejected: the process that imported it is of no use then, and ends; the next one leaves it out.
"""

from __future__ import annotations

import atexit
import builtins
import importlib
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import BuiltinImporter, FrozenImporter
from types import ModuleType
from typing import Any, Optional

from . import audit, environment
from .installation import is_installed
from .messages import ModuleOrigin, Stage
from .process_state import ProcessState
from .shelf import LOADERS, Book, shelf
from .stage_report import StageReport
from .third_party import is_in, is_measured, patching_library
from .zygote import Zygote


class Rejected(Exception):
    """This module cannot be imported ahead."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


def import_ahead(
    modules: Sequence[ModuleOrigin], excluded: Sequence[str], refusal: Callable[[], str]
) -> list[Book]:
    """Import them in this order, each from its file; the books of everything that was loaded.

    excluded: modules (with what is in them) that no import may load. refusal: what the process has become that cannot be forked,
    or nothing. Raises Rejected.
    """
    reading = _Reading(excluded)
    filters = list(warnings.filters)
    # Each warning once for each place where it is caused, whatever filters there are outside of this.
    with warnings.catch_warnings(record=True) as emitted, _log_records() as logged:
        warnings.simplefilter("always")
        with reading.all_imports():
            for module in modules:
                if module.name in sys.modules:
                    continue
                printed = _printed()
                variables = environment.variables()
                state = ProcessState()
                reading.root = module.name
                _import(module)
                if emitted:
                    raise Rejected(module.name, f"it warns: {emitted[0].message}")
                if logged:
                    raise Rejected(module.name, "it logs")
                if _printed() != printed:
                    raise Rejected(module.name, "it prints")
                if environment.variables() != variables:
                    raise Rejected(module.name, "it sets environment variables")
                changed = state.difference()
                if changed:
                    raise Rejected(module.name, f"it changes {changed}")
                reason = refusal()
                if reason:
                    raise Rejected(module.name, f"it leaves {reason}")
    warnings.filters[:] = filters  # type: ignore[index]
    return reading.books


def _import(module: ModuleOrigin) -> None:
    try:
        importlib.import_module(module.name)
    except Rejected:
        raise
    except ModuleNotFoundError as error:
        if error.name == module.name:
            return  # its package imports it in a way of its own
        raise Rejected(module.name, f"its import fails: {error}") from None
    except BaseException as error:
        raise Rejected(module.name, f"its import fails: {type(error).__name__}: {error}") from None
    if not module.file:
        return  # from wherever it is installed
    spec = getattr(sys.modules.get(module.name), "__spec__", None)
    origin = getattr(spec, "origin", None)
    if origin != os.fsdecode(module.file):
        raise Rejected(module.name, f"it is found at {origin}")


class _Reading:
    """Writes down what each module's execution does besides making the module."""

    def __init__(self, excluded: Sequence[str]) -> None:
        self.books: list[Book] = []
        self.root = ""  # what is being imported by our own wish
        self._excluded = set(excluded)
        self._open: list[Book] = []
        self._created: dict[int, Book] = {}
        self._accounted = set(sys.modules)

    @contextmanager
    def all_imports(self) -> Iterator[None]:
        """Until the end of the block."""
        patches = [
            (builtins, "__import__", self._importing(builtins.__import__)),
            (importlib, "import_module", self._importing_module(importlib.import_module)),
            (atexit, "register", self._registering(atexit.register)),
            *((kind, "create_module", self._creating(kind.create_module)) for kind in LOADERS),  # type: ignore[attr-defined]
            *((kind, "exec_module", self._executing(kind.exec_module)) for kind in LOADERS),  # type: ignore[attr-defined]
        ]
        originals = [(owner, name, vars(owner).get(name)) for owner, name, _ in patches]
        for owner, name, replacement in patches:
            setattr(owner, name, replacement)
        try:
            yield
        finally:
            for owner, name, original in originals:
                if original is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, original)

    def _importing(self, original: Any) -> Any:
        def import_(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:
            absolute = _absolute(name, globals, level) if self._open else ""
            try:
                result = original(name, globals, locals, fromlist, level)
            except ImportError:
                self._note(absolute)
                raise
            self._note(absolute)
            for item in fromlist or ():
                for each in getattr(result, "__all__", ()) if item == "*" else (item,):
                    if f"{absolute}.{each}" in sys.modules:
                        self._note(f"{absolute}.{each}")
            return result

        return import_

    def _importing_module(self, original: Any) -> Any:
        def import_module(name: str, package: Optional[str] = None) -> Any:
            try:
                return original(name, package)
            finally:
                if self._open:
                    self._note(
                        importlib.util.resolve_name(name, package)
                        if name.startswith(".") and package
                        else name
                    )

        return import_module

    def _registering(self, original: Any) -> Any:
        def register(function: Any, *arguments: Any, **named: Any) -> Any:
            module = sys.modules.get(getattr(function, "__module__", None) or "")
            file = getattr(module, "__file__", None) or ""
            # What a module of the standard library registers does nothing unless it is used.
            if self._open and ("/site-packages/" in file or "/dist-packages/" in file):
                self._open[-1].exit_functions.append((function, arguments, named))
            return original(function, *arguments, **named)

        return register

    def _note(self, name: str) -> None:
        if self._open and name:
            self._open[-1].imports.setdefault(name, name in sys.modules)

    def _creating(self, original: Any) -> Any:
        def create_module(loader: Any, spec: Any) -> Any:
            self._check(spec)
            if self._open:
                # Whatever way it was asked for: compiled modules do not pass builtins.__import__.
                self._open[-1].imports.setdefault(spec.name, True)
            book = Book(spec.name, spec.origin)
            # An extension module of the older kind is executed here.
            with self._written(book):
                book.made = original(loader, spec) or ModuleType(spec.name)
            self._created[id(book.made)] = book
            return book.made

        return create_module

    def _executing(self, original: Any) -> Any:
        def exec_module(loader: Any, module: Any) -> None:
            book = self._created.pop(id(module), None)
            if book is None:
                original(loader, module)  # a second time, by importlib.reload
                return
            try:
                with self._written(book):
                    original(loader, module)
            except ImportError:
                if self._open:
                    self._open[-1].imports[book.name] = False
                raise
            book.module = sys.modules.get(book.name)
            if book.module is None:
                raise Rejected(self.root, f"{book.name} takes itself out of sys.modules")
            self._accounted.add(book.name)
            self.books.append(book)

        return exec_module

    @contextmanager
    def _written(self, book: Book) -> Iterator[None]:
        """What happens until the end of the block is the book's."""
        filters = list(warnings.filters)
        self._open.append(book)
        try:
            yield
        finally:
            self._open.pop()
        opened = {each.name for each in self._open}
        for name in sys.modules.keys() - self._accounted - opened - {book.name}:
            self._accounted.add(name)
            self._account(name, book)
        known = [*filters, *(each for other in self.books for each in other.filters)]
        book.filters += [each for each in warnings.filters if each not in known]

    def _check(self, spec: Any) -> None:
        name = spec.name
        if is_in(name, self._excluded):
            raise Rejected(self.root, f"it imports {name}, which must not be imported ahead")
        if not is_installed(spec.origin):
            raise Rejected(self.root, f"it imports {name} from {spec.origin}")

    def _account(self, name: str, book: Book) -> None:
        """An entry of sys.modules that no loader of ours has made."""
        module = sys.modules[name]
        spec = getattr(module, "__spec__", None)
        loader = getattr(spec, "loader", None)
        if loader is BuiltinImporter or loader is FrozenImporter:
            return  # found before any path is searched: nothing can take its place, and it stays
        if spec is not None and spec.origin is None and spec.submodule_search_locations is not None:
            raise Rejected(self.root, f"it imports {name}, which is a namespace package")
        book.aliases[name] = module


def _absolute(name: str, globals_: Any, level: int) -> str:
    if level == 0:
        return name
    package = (globals_ or {}).get("__package__")
    if package is None:
        spec = (globals_ or {}).get("__spec__")
        package = getattr(spec, "parent", "")
    try:
        return importlib.util.resolve_name("." * level + name, package)
    except ImportError:
        return ""


@contextmanager
def _log_records() -> Iterator[list[Any]]:
    made: list[Any] = []
    factory = logging.getLogRecordFactory()

    def note(*arguments: Any, **named: Any) -> Any:
        made.append(arguments)
        return factory(*arguments, **named)

    logging.setLogRecordFactory(note)
    try:
        yield made
    finally:
        logging.setLogRecordFactory(factory)


def _printed() -> tuple[int, ...]:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    return tuple(os.fstat(fd).st_size for fd in (1, 2))


def reach(zygote: Zygote) -> None:
    """Become the zygote `preloaded`. Comes back in its forks."""
    order = zygote.order

    def refusal() -> str:
        return audit.refusal(order.descriptors())

    try:
        books = import_ahead(order.preload, order.no_preload, refusal)
    except Rejected as rejected:
        zygote.reject_preload(rejected.name, rejected.reason)
        raise
    shelf.put(books)
    shelf.objection = _objection(environment.names_read(), environment.python_writes())
    shelf.on_misfit = zygote.reject_preload
    zygote.pause(Stage.preloaded, StageReport())


def _objection(variables: frozenset[bytes], writes: int) -> Callable[[], str]:
    """variables: what the modules have read while they were executed; writes: as many were there by then."""

    def objection() -> str:
        if is_measured():
            return "the run measures which lines are executed"
        library = patching_library()
        if library:
            return f"the run uses {library}, which patches other libraries"
        if environment.is_written_since(writes, variables):
            return "the run sets an environment variable that a module reads when it is imported"
        return ""

    return objection
