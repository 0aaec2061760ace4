"""Reads schema.toml and refuses one that could not be spoken: the emitters trust the result."""

from __future__ import annotations

import keyword
import re
import tomllib
import zlib
from dataclasses import dataclass
from pathlib import Path

SCALARS = ("uint", "int", "float", "bool", "string", "bytes")
LIMITS = ("frame_bytes", "string_bytes", "bytes_bytes", "list_items", "nesting", "descriptors")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
CPP_WORDS = """
alignas alignof and asm auto bool break case catch char class const continue default delete
do double else enum explicit export extern false float for friend goto if inline int long
mutable namespace new noexcept not nullptr operator or private protected public register
requires return short signed sizeof static struct switch template this throw true try
typedef typeid typename union unsigned using virtual void volatile wchar_t while xor
"""
KEYWORDS = frozenset(CPP_WORDS.split()) | frozenset(keyword.kwlist)


class SchemaError(Exception):
    """The schema cannot be used; the text names the entry and says why."""


@dataclass(frozen=True)
class Field:
    name: str
    base: str  # a scalar, or the name of an enum or struct
    is_list: bool
    doc: str


@dataclass(frozen=True)
class Enum:
    name: str
    doc: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """A struct (id 0) or a message."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    id: int = 0


@dataclass(frozen=True)
class Schema:
    features: tuple[str, ...]
    limits: dict[str, int]
    enums: dict[str, Enum]
    structs: dict[str, Record]  # each after those that it contains
    messages: tuple[Record, ...]  # by id

    @property
    def version(self) -> int:
        """Another one whenever peers would not understand each other: a checksum of all but the docs."""
        enums = [(enum.name, enum.values) for enum in self.enums.values()]
        records = [
            (record.id, record.name, [(f.name, f.base, f.is_list) for f in record.fields])
            for record in (*self.structs.values(), *self.messages)
        ]
        return zlib.crc32(repr((self.features, self.limits, enums, records)).encode())


def type_name(name: str) -> str:
    """item_finished -> ItemFinished"""
    return "".join(part.capitalize() for part in name.split("_"))


def load(path: Path) -> Schema:
    """Raises SchemaError."""
    with path.open("rb") as file:
        raw = tomllib.load(file)
    unknown = set(raw) - {"protocol", "limits", "enum", "struct", "message", "retired"}
    if unknown:
        raise SchemaError(f"unknown tables: {', '.join(sorted(unknown))}")
    if set(raw["limits"]) != set(LIMITS):
        raise SchemaError(f"[limits] must have exactly {', '.join(LIMITS)}")
    enums = {name: _enum(name, entry) for name, entry in raw.get("enum", {}).items()}
    structs = {name: _record(name, entry) for name, entry in raw.get("struct", {}).items()}
    messages = tuple(
        _record(name, entry, is_message=True) for name, entry in raw.get("message", {}).items()
    )
    _check_names(enums, structs, messages)
    _check_ids(messages, raw["retired"])
    for record in (*structs.values(), *messages):
        for field in record.fields:
            if field.base not in SCALARS and field.base not in enums and field.base not in structs:
                raise SchemaError(f"{record.name}.{field.name}: unknown type {field.base}")
    return Schema(
        features=tuple(raw["protocol"]["features"]),
        limits={name: raw["limits"][name] for name in LIMITS},
        enums=enums,
        structs=_in_order_of_use(structs),
        messages=tuple(sorted(messages, key=lambda message: message.id)),
    )


def _check_name(name: str, what: str) -> None:
    if not NAME.match(name) or name in KEYWORDS:
        raise SchemaError(f"{what}: {name!r} is not snake_case, or a keyword of C++ or Python")


def _doc(name: str, entry: dict[str, object]) -> str:
    doc = " ".join(str(entry["doc"]).split())
    if not doc:
        raise SchemaError(f"{name}: its doc is empty")
    return doc


def _enum(name: str, entry: dict[str, object]) -> Enum:
    values = entry["values"]
    assert isinstance(values, list)
    for value in values:
        _check_name(value, f"enum {name}")
    if not values or len(set(values)) != len(values):
        raise SchemaError(f"enum {name}: its values must be some, and unique")
    return Enum(name, _doc(name, entry), tuple(values))


def _record(name: str, entry: dict[str, object], is_message: bool = False) -> Record:
    expected = {"doc", "fields"} | ({"id"} if is_message else set())
    if set(entry) != expected:
        raise SchemaError(f"{name}: must have exactly {', '.join(sorted(expected))}")
    rows = entry["fields"]
    assert isinstance(rows, list)
    if not rows and not is_message:
        raise SchemaError(f"struct {name} has no fields")
    fields = tuple(_field(name, row) for row in rows)
    if len({field.name for field in fields}) != len(fields):
        raise SchemaError(f"{name}: a field appears twice")
    message_id = entry["id"] if is_message else 0
    if not isinstance(message_id, int) or (is_message and message_id < 1):
        raise SchemaError(f"{name}: its id must be a positive integer")
    return Record(name, _doc(name, entry), fields, message_id)


def _field(record: str, row: object) -> Field:
    if not isinstance(row, list) or len(row) != 3 or not all(isinstance(part, str) for part in row):
        raise SchemaError(f"{record}: a field is [name, type, meaning], not {row!r}")
    name, spelled, doc = row
    _check_name(name, record)
    match = re.fullmatch(r"list<(\w+)>", spelled)
    return Field(name, match[1] if match else spelled, match is not None, doc)


def _check_names(
    enums: dict[str, Enum], structs: dict[str, Record], messages: tuple[Record, ...]
) -> None:
    names = [*enums, *structs, *(message.name for message in messages)]
    for name in names:
        _check_name(name, "type")
    duplicates = {
        name for name in names if names.count(name) > 1 or name in SCALARS or name == "message"
    }
    if duplicates:
        raise SchemaError(f"names used twice or reserved: {', '.join(sorted(duplicates))}")


def _check_ids(messages: tuple[Record, ...], retired: dict[str, list[object]]) -> None:
    seen: dict[int, str] = {}
    for message in messages:
        if message.id in seen:
            raise SchemaError(
                f"{message.name} and {seen[message.id]} have the same id {message.id}"
            )
        if message.id in retired["ids"] or message.name in retired["names"]:
            raise SchemaError(
                f"{message.name} ({message.id}): its id or name is retired, take a new one"
            )
        seen[message.id] = message.name


def _in_order_of_use(structs: dict[str, Record]) -> dict[str, Record]:
    ordered: dict[str, Record] = {}

    def place(name: str, users: tuple[str, ...]) -> None:
        if name in users:
            raise SchemaError(f"struct {name} contains itself")
        for field in structs[name].fields:
            if field.base in structs and field.base not in ordered:
                place(field.base, (*users, name))
        ordered[name] = structs[name]

    for name in structs:
        if name not in ordered:
            place(name, ())
    return ordered
