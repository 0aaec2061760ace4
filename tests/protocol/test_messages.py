"""The Python side of the protocol against the golden vectors.

The `msgpack` package is the independent oracle: the bytes are ordinary MessagePack. With
$HEARTH_NATIVE (the path of the built extension module) its codec is held against the same vectors.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

HERE = Path(__file__).resolve().parent
GOLDEN = sorted((HERE / "golden").glob("*.bin"))
MESSAGES = HERE.parent.parent / "plugin-shim/pytest/pytest_hearth/messages.py"


def load(name: str, path: Path) -> ModuleType:
    # By path, as the processes of hearth do: the package may be installed here as well.
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


messages = load("hearth_messages_under_test", MESSAGES)


def unpack(data: bytes) -> Any:
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def from_readable(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return bytes.fromhex(value["$bytes"])
        return {name: from_readable(element) for name, element in value.items()}
    if isinstance(value, list):
        return [from_readable(element) for element in value]
    return value


def vector(name: str) -> Any:
    return unpack((HERE / "golden" / f"{name}.bin").read_bytes())


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_reads_and_writes_a_golden_vector_to_the_byte(path: Path) -> None:
    message = messages.from_wire(unpack(path.read_bytes()))
    assert path.stem == message.NAME
    assert msgpack.packb(message.to_wire(), use_bin_type=True) == path.read_bytes()


@pytest.fixture(scope="module")
def native() -> ModuleType:
    path = os.environ.get("HEARTH_NATIVE")
    if not path:
        pytest.skip("HEARTH_NATIVE does not name the extension module")
    return load("_native", Path(path))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_native_codec_reads_and_writes_the_same_bytes(path: Path, native: ModuleType) -> None:
    value = native.unpack(path.read_bytes())
    assert value == unpack(path.read_bytes())
    assert native.pack(messages.from_wire(value).to_wire()) == path.read_bytes()


def test_the_native_codec_refuses_every_truncation(native: ModuleType) -> None:
    for path in GOLDEN:
        data = path.read_bytes()
        for length in range(len(data)):
            with pytest.raises(ValueError, match=r"."):
                native.unpack(data[:length])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_has_the_fields_of_the_readable_twin(path: Path) -> None:
    identity, fields = from_readable(json.loads(path.with_suffix(".json").read_text("utf-8")))
    message = messages.from_wire([identity, fields])
    assert identity == message.ID
    for name, value in fields.items():
        attribute = getattr(message, name)
        if hasattr(attribute, "to_wire"):
            attribute = attribute.to_wire()
        elif isinstance(attribute, list):
            attribute = [getattr(one, "to_wire", lambda one=one: one)() for one in attribute]
        assert attribute == value, name


def test_has_a_golden_vector_for_every_message() -> None:
    assert {path.stem for path in GOLDEN} == {kind.NAME for kind in messages.MESSAGES.values()}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_refuses_a_message_without_one_of_its_fields(path: Path) -> None:
    identity, fields = unpack(path.read_bytes())
    for name in fields:
        rest = {other: value for other, value in fields.items() if other != name}
        with pytest.raises(ValueError, match=rf"\A{path.stem}\.{name} is missing\Z"):
            messages.from_wire([identity, rest])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_refuses_a_field_of_another_type(path: Path) -> None:
    identity, fields = unpack(path.read_bytes())
    for name in fields:
        # None, a float and a tuple are nowhere in the schema; an extension cannot even be unpacked.
        for wrong in (None, 0.5, ("tuple",)):
            with pytest.raises(ValueError, match=rf"\A{path.stem}\.{name}: expected "):
                messages.from_wire([identity, {**fields, name: wrong}])


@pytest.mark.parametrize(
    ("name", "field", "wrong"),
    [
        ("item_started", "item", True),
        ("item_started", "item", -1),
        ("item_started", "item", 2**64),
        ("worker_finished", "exit_status", 2**63),
        ("worker_finished", "output", "text"),
        ("stage_failed", "message", b"bytes"),
        ("worker_ended", "expected", 1),
        ("run_items", "items", [1, "2"]),
        ("distribution_finished", "outcome", "wonderful"),
        ("event", "details", [["name"]]),
        ("event", "details", [["name", "value", "more"]]),
        ("submit_run", "spec", {}),
    ],
)
def test_refuses_a_value_that_is_nearly_right(name: str, field: str, wrong: object) -> None:
    identity, fields = vector(name)
    with pytest.raises(ValueError, match=r"expected "):
        messages.from_wire([identity, {**fields, field: wrong}])


def test_ignores_a_field_that_it_does_not_know() -> None:
    identity, fields = vector("item_started")
    assert messages.from_wire([identity, {"new": [1], **fields}]) == messages.from_wire(
        [identity, fields]
    )


@pytest.mark.parametrize("value", [None, 10, "x", [], [10], [10, {}, 1], (10, {}), {10: {}}])
def test_refuses_what_is_not_an_id_and_its_fields(value: object) -> None:
    with pytest.raises(ValueError, match=r"\Aexpected a message"):
        messages.from_wire(value)


@pytest.mark.parametrize("identity", [0, 9999, "10", True, None, [], -10])
def test_refuses_an_id_that_it_does_not_know(identity: object) -> None:
    with pytest.raises(ValueError, match=r"\Aunknown message id"):
        messages.from_wire([identity, {}])


def test_refuses_fields_that_are_no_map() -> None:
    with pytest.raises(ValueError, match=r"\Aget_status: expected a map of its fields\Z"):
        messages.from_wire([10, []])


def test_compares_messages_by_type_and_fields() -> None:
    for path in GOLDEN:
        message = messages.from_wire(unpack(path.read_bytes()))
        assert message == copy.deepcopy(message)
        assert message != path
        for name in message.__slots__:
            other = copy.copy(message)
            setattr(other, name, object())
            assert other != message
    assert messages.Pause() != messages.Resume()


def test_shows_a_message_with_its_fields() -> None:
    assert repr(messages.ItemBegan("gw0", 3)) == "ItemBegan(worker='gw0', item=3)"


def test_takes_fields_by_position_and_by_name() -> None:
    assert messages.Forked(1, 2) == messages.Forked(request=1, pid=2)


def test_spells_enums_as_the_schema_does() -> None:
    assert messages.Outcome.max_failures == "max_failures"
    assert sorted(messages.Stage.VALUES) == [
        "configured",
        "gathered",
        "interpreter",
        "main",
        "preloaded",
        "selected",
        "started",
    ]
