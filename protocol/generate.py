#!/usr/bin/env python3
"""Writes the C++ and Python messages from schema.toml (Python 3.11, standard library only).

protocol/generate.py            write the generated files
protocol/generate.py --check    compare them with the committed ones; exit code 1 when they differ
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import emit_cpp
import emit_python
import schema

HERE = Path(__file__).resolve().parent


def generated(description: schema.Schema) -> dict[Path, str]:
    return {
        HERE / "messages.gen.h": emit_cpp.header(description),
        HERE / "messages.gen.cc": emit_cpp.source(description),
        HERE.parent / "plugin-shim/pytest/pytest_hearth/messages.py": emit_python.module(
            description
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description="write the C++ and Python messages from schema.toml"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare only; exit code 1 when a file is not up to date",
    )
    arguments = parser.parse_args()
    try:
        files = generated(schema.load(HERE / "schema.toml"))
    except schema.SchemaError as error:
        print(f"schema.toml: {error}", file=sys.stderr)
        return 1
    stale = [
        path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    if arguments.check:
        for path in stale:
            print(
                f"{path} is not what schema.toml says: run protocol/generate.py and commit",
                file=sys.stderr,
            )
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
