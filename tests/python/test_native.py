"""The extension module: the codec gives back what it was given, and refuses what it cannot."""

from __future__ import annotations

import math
import os
import socket

import pytest
from fake_daemon import load_package

load_package()
from _hearth_runtime import _native  # type: ignore[import-not-found]  # noqa: E402
from _hearth_runtime.reports import Plain  # type: ignore[import-not-found]  # noqa: E402

VALUES = [
    None,
    True,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    2**64,
    -(10**50),
    1.5,
    math.inf,
    "",
    "ü€",
    "lone \udce4 surrogate",
    b"\x00\xff",
    [],
    [1, [2, [3]]],
    (),
    (1, ("a", None)),
    {1, 2},
    frozenset({"a"}),
    {"a": 1, 2: (3,), (4, 5): {6}, None: b"x"},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    plain = Plain()
    back = _native.loads(_native.dumps(value, plain))
    assert back == value and type(back) is type(value)
    assert plain.lost == []


def test_nan_comes_back() -> None:
    assert math.isnan(_native.loads(_native.dumps(math.nan, Plain())))


class Text(str):
    pass


class Loud(int):
    def __str__(self) -> str:
        return "LOUD"


def test_what_only_looks_different_loses_nothing() -> None:
    plain = Plain()
    assert _native.loads(_native.dumps([Text("a")], plain)) == ["a"]
    assert plain.lost == []


def test_what_cannot_travel_becomes_its_repr_and_is_named() -> None:
    plain = Plain()
    assert _native.loads(_native.dumps({"k": [object, Loud(7)]}, plain)) == {
        "k": [repr(object), "7"]
    }
    assert plain.lost == [repr(object), "7"]


def test_a_list_within_itself_is_cut_off() -> None:
    endless: list[object] = []
    endless.append(endless)
    plain = Plain()
    _native.dumps(endless, plain)
    assert plain.lost == ["[[...]]"]


def test_a_repr_that_raises_is_named_too() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    plain = Plain()
    _native.dumps(Broken(), plain)
    assert plain.lost == ["<Broken whose repr failed: ValueError>"]


@pytest.mark.parametrize("value", [object(), {1}, 2**64, Text("a"), "\udce4"])
def test_messages_take_plain_values_only(value: object) -> None:
    with pytest.raises((TypeError, OverflowError, UnicodeEncodeError)):
        _native.pack(value)


def test_every_truncation_and_corruption_is_an_error_or_a_value() -> None:
    packed = _native.dumps(VALUES, Plain())
    for length in range(len(packed)):
        with pytest.raises(ValueError, match="MessagePack"):
            _native.loads(packed[:length])
    for position in range(len(packed)):
        for bit in (1, 0x80, 0xFF):
            broken = bytearray(packed)
            broken[position] ^= bit
            try:
                _native.loads(bytes(broken))
            except (ValueError, TypeError):
                pass


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ValueError, match="MessagePack"):
        _native.unpack(b"\x91" * 100_000 + b"\xc0")


def test_descriptors_travel_with_the_first_byte() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, open(os.devnull) as file:
        _native.send_all(ours.fileno(), b"x" * 10, (file.fileno(), file.fileno()))
        data, descriptors = _native.receive(theirs.fileno())
        assert (data, len(descriptors)) == (b"x" * 10, 2)
        for fd in descriptors:
            assert os.path.samestat(os.fstat(fd), os.fstat(file.fileno()))
            assert not os.get_inheritable(fd)
            os.close(fd)
        assert _native.receive(theirs.fileno()) is None
        ours.close()
        assert _native.receive(theirs.fileno()) == (b"", [])
