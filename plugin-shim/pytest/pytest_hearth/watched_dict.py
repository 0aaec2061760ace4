"""A dict that tells what is read of it: os.environ's storage, and config.workerinput.

Imports nothing that a started interpreter has not: it is in place before `site` runs.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


class WatchedDict(dict[Any, Any]):
    """Behaves as a dict. A derived class says what a read and a write mean, and reads by dict's own methods."""

    __slots__ = ()

    def _note(self, key: Any) -> None:
        """Somebody learns the key's value, or that it is not there."""
        raise NotImplementedError

    def _note_all(self) -> None:
        """Somebody learns all keys."""
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        self._note(key)
        return dict.__getitem__(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        return dict.get(self, key, default)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return dict.__contains__(self, key)

    def __iter__(self) -> Iterator[Any]:
        self._note_all()
        return dict.__iter__(self)

    def __reversed__(self) -> Iterator[Any]:
        self._note_all()
        return dict.__reversed__(self)

    def __len__(self) -> int:
        self._note_all()
        return dict.__len__(self)

    def __eq__(self, other: object) -> bool:
        self._note_all()
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        self._note_all()
        return dict.__ne__(self, other)

    __hash__ = None

    def __repr__(self) -> str:
        self._note_all()
        return dict.__repr__(self)

    def keys(self) -> Any:
        self._note_all()
        return dict.keys(self)

    def values(self) -> Any:
        self._note_all()
        return dict.values(self)

    def items(self) -> Any:
        self._note_all()
        return dict.items(self)

    def copy(self) -> Any:
        return dict(self.items())

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (self.copy(),)

    # By the methods above.
    pop = MutableMapping.pop
    popitem = MutableMapping.popitem
    clear = MutableMapping.clear
    setdefault = MutableMapping.setdefault
    update = MutableMapping.update

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self
