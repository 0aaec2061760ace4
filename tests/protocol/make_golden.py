#!/usr/bin/env python3
"""Writes golden/<message>.json and golden/<message>.bin: every message with fixed values.

The bytes come from the `msgpack` package, not from hearth's own code: they are what any MessagePack
implementation would write. The JSON twin is for people and for comparison; bytes are
{"$bytes": hexadecimal}. Run it after a change of the schema and look at what changed in the twins.

    make_golden.py            write the files
    make_golden.py --check    exit code 1 when the committed ones differ
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgpack  # type: ignore[import-untyped]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GOLDEN = HERE / "golden"

if TYPE_CHECKING:
    import schema
else:  # the generator's own reader of schema.toml
    sys.path.insert(0, str(ROOT / "protocol"))
    schema = importlib.import_module("schema")

# Each list goes around, so that neighbouring fields of a type differ; the numbers stand at the
# edges of MessagePack's encodings, the bytes are no UTF-8.
VALUES: dict[str, list[object]] = {
    "uint": [1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 0],
    "int": [1, -1, -32, -33, -128, -129, 32767, -32769, -(2**31) - 1, 2**63 - 1, -(2**63), 0],
    "float": [0.5, -0.0, 1e308],
    "bool": [True, False],
    "string": ["tests/test_a.py::test_b[1]", "", "gw0", "é" * 16, "x" * 31, "y" * 32, "z" * 256],
    "bytes": [b"/usr/bin/python3", b"\x00\xff\xfe", b"", b"LANG=\xe9", bytes(range(256))],
}


class Values:
    """The fixed values, in their order, for one message."""

    def __init__(self, description: schema.Schema) -> None:
        self._description = description
        self._cycles: dict[str, Iterator[object]] = {}

    def record(self, record: schema.Record) -> dict[str, object]:
        return {field.name: self._field(field) for field in record.fields}

    def _field(self, field: schema.Field) -> object:
        if not field.is_list:
            return self._one(field.base)
        if field.base == "bool":
            return [True, False, True]
        return [self._one(field.base) for _ in range(3)]

    def _one(self, base: str) -> object:
        if base in self._description.structs:
            return list(self.record(self._description.structs[base]).values())
        if base not in self._cycles:
            enums = self._description.enums
            values = enums[base].values if base in enums else VALUES[base]
            self._cycles[base] = itertools.cycle(values)
        return next(self._cycles[base])


def readable(value: object) -> object:
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, list):
        return [readable(element) for element in value]
    if isinstance(value, dict):
        return {name: readable(element) for name, element in value.items()}
    return value


def golden_files() -> dict[Path, bytes]:
    description = schema.load(ROOT / "protocol/schema.toml")
    files = {}
    for message in description.messages:
        value = [message.id, Values(description).record(message)]
        text = json.dumps(readable(value), indent=1, ensure_ascii=False) + "\n"
        files[GOLDEN / f"{message.name}.bin"] = msgpack.packb(value, use_bin_type=True)
        files[GOLDEN / f"{message.name}.json"] = text.encode()
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description="write every message with fixed values")
    parser.add_argument("--check", action="store_true", help="compare only")
    arguments = parser.parse_args()
    files = golden_files()
    present = set(GOLDEN.glob("*"))
    stale = [
        path for path, data in files.items() if path not in present or path.read_bytes() != data
    ]
    left_over = sorted(present - set(files))
    if arguments.check:
        for path in (*stale, *left_over):
            print(f"{path} is not up to date: run tests/protocol/make_golden.py", file=sys.stderr)
        return 1 if stale or left_over else 0
    GOLDEN.mkdir(exist_ok=True)
    for path in left_over:
        path.unlink()
    for path in stale:
        path.write_bytes(files[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
