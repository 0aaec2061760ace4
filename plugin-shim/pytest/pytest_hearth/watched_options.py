"""Who looks at the options while a stage is built: the classes that stand in for those of pytest's own objects.

An object gets a subclass of its class, with the same name, and gets its own class back before a run goes on:

- a namespace of options (`config.option`, `config.known_args_namespace`): its attributes are taken out of it, so that the
  first read of each is a miss, which is noted and puts it back. From then on it costs nothing. `vars()`, copying,
  comparing, printing and iterating count as reading everything.
- `config` (`args`, `args_source`) and `config.invocation_params` (`args`): a property.
- `sys.argv` and the list that pytest hands to `pytest_load_initial_conftests`: a list that notes everything but a look at
  its first element, which does not depend on the arguments.

Writing counts as reading: what a plugin has set stays set.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import _pytest.config
import _pytest.config.argparsing

from .messages import OptionRead

ARGUMENTS = "arguments"
CONFIG_ARGS = "config.args"
CONFIG_ARGS_SOURCE = "config.args_source"

_CONFIG_FILE = _pytest.config.Config.parse.__code__.co_filename
_PARSING_FILES = {_CONFIG_FILE, _pytest.config.argparsing.Parser.parse.__code__.co_filename}
_OWN_DIRECTORY = os.path.dirname(__file__) + os.sep


class Reads:
    """What was read since the last `take`, each with the place of its first read."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._new: dict[str, str] = {}

    def note(self, name: str) -> None:
        if name not in self._known:
            self._known.add(name)
            self._new[name] = _reader()

    def take(self) -> list[OptionRead]:
        taken = [
            OptionRead(name, reader.encode(errors="replace").decode())
            for name, reader in self._new.items()
        ]
        self._new.clear()
        return taken


def _reader() -> str:
    """FILE:LINE of the innermost frame that is neither hearth's nor that of pytest's accessors."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_OWN_DIRECTORY) and file != _CONFIG_FILE:
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return "pytest"


def _is_parsing(frame: Any) -> bool:
    """Whether this is pytest's own parsing of the arguments, or hearth's code."""
    file = frame.f_code.co_filename
    return file in _PARSING_FILES or file.startswith(_OWN_DIRECTORY)


# The attributes of a namespace, whatever its class says.
_STORAGE: Any = next(
    each.__dict__["__dict__"] for each in argparse.Namespace.__mro__ if "__dict__" in each.__dict__
)


def attributes(namespace: argparse.Namespace) -> dict[str, Any]:
    """The real attributes of a namespace."""
    storage: dict[str, Any] = _STORAGE.__get__(namespace)
    return storage


class WatchedNamespace:
    """The watch over one namespace, from its making to `restore`."""

    def __init__(
        self, namespace: argparse.Namespace, reads: Reads, *, parsing_may_read: Iterable[str] = ()
    ) -> None:
        self._namespace = namespace
        self._reads = reads
        self._parsing_may_read = frozenset(parsing_may_read)
        self._shown = attributes(namespace)
        self._order = list(self._shown)
        self._hidden = dict(self._shown)
        self._shown.clear()
        object.__setattr__(namespace, "__class__", self._make_class())

    def values(self) -> dict[str, Any]:
        """All attributes as they are, in their order; no read."""
        everything = {**self._hidden, **self._shown}
        ordered = {name: everything.pop(name) for name in self._order if name in everything}
        return {**ordered, **everything}

    def unread(self) -> dict[str, Any]:
        """Those that nobody has looked at."""
        return self._hidden

    def replace(self, values: dict[str, Any]) -> None:
        """Give what nobody has read other values."""
        for name in self._hidden:
            if name in values:
                self._hidden[name] = values[name]

    def restore(self) -> None:
        """A plain namespace again."""
        values = self.values()
        self._hidden.clear()
        self._shown.clear()
        self._shown.update(values)
        object.__setattr__(self._namespace, "__class__", argparse.Namespace)

    def _show(self, name: str) -> Any:
        self._reads.note(name)
        value = self._shown[name] = self._hidden.pop(name)
        return value

    def _show_all(self) -> dict[str, Any]:
        values = self.values()
        for name in list(self._hidden):
            self._show(name)
        self._shown.clear()
        self._shown.update(values)
        return self._shown

    def _make_class(self) -> type:
        watch = self
        hidden = self._hidden

        class Namespace(argparse.Namespace):
            __slots__ = ()

            @property
            def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
                return watch._show_all()

            def __getattr__(self, name: str) -> Any:
                if name not in hidden:
                    return object.__getattribute__(self, name)
                if name in watch._parsing_may_read and _is_parsing(sys._getframe(1)):
                    return hidden[name]
                return watch._show(name)

            def __setattr__(self, name: str, value: Any) -> None:
                if name in hidden:
                    if _is_parsing(sys._getframe(1)):
                        hidden[name] = value
                        return
                    watch._show(name)
                watch._shown[name] = value

            def __delattr__(self, name: str) -> None:
                if name in hidden:
                    watch._show(name)
                object.__delattr__(self, name)

            def __reduce_ex__(self, protocol: Any) -> Any:
                # pytest itself copies it between two steps of its parsing: copy.copy stands in between.
                copier = sys._getframe(1).f_back
                is_parsing = copier is not None and _is_parsing(copier)
                copied = watch.values() if is_parsing else dict(watch._show_all())
                return argparse.Namespace, (), copied

        return _disguise(Namespace, argparse.Namespace)


class WatchedArguments(list[Any]):
    """A list of command line arguments."""

    def __init__(self, values: Iterable[Any], reads: Reads) -> None:
        super().__init__(values)
        self._reads = reads

    def _note(self) -> None:
        if not _is_parsing(sys._getframe(2)):
            self._reads.note(ARGUMENTS)

    def __getitem__(self, index: Any) -> Any:
        if index == 0 and list.__len__(self):
            return list.__getitem__(self, 0)
        self._note()
        found = list.__getitem__(self, index)
        if isinstance(index, slice) and _is_parsing(sys._getframe(1)):
            return WatchedArguments(
                found, self._reads
            )  # what pytest takes for itself it shows to plugins
        return found

    def __setitem__(self, index: Any, value: Any) -> None:
        if index != 0:
            self._note()
        list.__setitem__(self, index, value)

    def replace_tail(self, count: int, values: list[str]) -> None:
        """Other ones in place of so many at the end."""
        list.__setitem__(self, slice(list.__len__(self) - count, None), values)

    def plain(self) -> list[Any]:
        """The same as a list."""
        return list.__getitem__(self, slice(None))

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._note()
        return list, (list.__getitem__(self, slice(None)),)


def _watched_method(name: str) -> Callable[..., Any]:
    method = getattr(list, name)

    def call(self: WatchedArguments, *arguments: Any, **named: Any) -> Any:
        self._note()
        return method(self, *arguments, **named)

    call.__name__ = name
    return call


for _name in (
    *("__len__", "__iter__", "__reversed__", "__contains__", "__repr__", "__add__", "__mul__", "__rmul__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__delitem__", "__iadd__", "__imul__"),
    *("append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"),
):  # fmt: skip
    setattr(WatchedArguments, _name, _watched_method(_name))
WatchedArguments.__name__ = WatchedArguments.__qualname__ = "list"
WatchedArguments.__module__ = "builtins"


def watch_invocation(parameters: Any, reads: Reads) -> Callable[[], None]:
    """config.invocation_params; returns what ends the watch."""
    original = type(parameters)

    class InvocationParams(original):  # type: ignore[misc,valid-type]
        __slots__ = ()

        @property
        def args(self) -> Any:
            if not _is_parsing(sys._getframe(1)):
                reads.note(ARGUMENTS)
            return self.__dict__["args"]

    object.__setattr__(parameters, "__class__", _disguise(InvocationParams, original))
    return lambda: object.__setattr__(parameters, "__class__", original)


def watch_parsing(
    config: Any,
    on_known: Callable[[argparse.Namespace], None],
    on_parsed: Callable[[dict[str, Any]], None],
) -> None:
    """Follow pytest's parsing: each known_args_namespace that it makes; and, once, that it has ended.

    on_parsed: gets what `config.option` held before pytest parsed all arguments into it. The configuration has its own
    class again then.
    """
    original = type(config)
    before: dict[str, Any] = {}

    class Config(original):  # type: ignore[misc,valid-type]
        __slots__ = ()

        @property
        def option(self) -> Any:
            option = self.__dict__["option"]
            values = attributes(option)
            if "file_or_dir" not in values:
                before.clear()
                before.update(values)
            return option

        @option.setter
        def option(self, value: Any) -> None:
            self.__dict__["option"] = value

        @property
        def known_args_namespace(self) -> Any:
            try:
                return self.__dict__["known_args_namespace"]
            except KeyError:
                raise AttributeError("known_args_namespace") from None

        @known_args_namespace.setter
        def known_args_namespace(self, value: Any) -> None:
            self.__dict__["known_args_namespace"] = value
            on_known(value)

        @property
        def args(self) -> Any:
            try:
                return self.__dict__["args"]
            except KeyError:
                raise AttributeError("args") from None

        @args.setter
        def args(self, value: Any) -> None:
            self.__dict__["args"] = value
            self.__class__ = original
            on_parsed(before)

    config.__class__ = _disguise(Config, original)


def watch_config(config: Any, reads: Reads) -> Callable[[], None]:
    """The paths that a parsed configuration holds; returns what ends the watch."""
    original = type(config)

    def watched(name: str, input_: str) -> property:
        def read(self: Any) -> Any:
            if not _is_parsing(sys._getframe(1)):
                reads.note(input_)
            return self.__dict__[name]

        def write(self: Any, value: Any) -> None:
            if not _is_parsing(sys._getframe(1)):
                reads.note(input_)
            self.__dict__[name] = value

        return property(read, write)

    Config = type(
        "Config",
        (original,),
        {
            "__slots__": (),
            "args": watched("args", CONFIG_ARGS),
            "args_source": watched("args_source", CONFIG_ARGS_SOURCE),
        },
    )
    config.__class__ = _disguise(Config, original)

    def restore() -> None:
        config.__class__ = original

    return restore


def _disguise(made: type, original: type) -> type:
    made.__module__ = original.__module__
    made.__qualname__ = original.__qualname__
    made.__doc__ = original.__doc__
    return made
