"""What a terminal shows of what was written to it, as text: lines that were written over or erased are gone, colours are told."""

from __future__ import annotations

from collections.abc import Iterator

import pyte


def shown(written: str, columns: int) -> str:
    """All lines, also those that have scrolled away; `<red bold>` where the text begins to look so, `<>` where that ends."""
    rows = written.count("\n") + len(written) // columns + 2
    screen = pyte.Screen(columns, rows)
    pyte.Stream(screen).feed(written)
    lines = ["".join(_line(screen.buffer[row], columns)).rstrip() for row in range(rows)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _line(cells: dict[int, pyte.screens.Char], columns: int) -> Iterator[str]:
    look = ""
    for column in range(columns):
        cell = cells[column]
        if _look(cell) != look:
            look = _look(cell)
            yield f"<{look}>"
        yield cell.data
    if look:
        yield "<>"


def _look(cell: pyte.screens.Char) -> str:
    kinds = ("bold", "italics", "underscore", "strikethrough", "reverse", "blink")
    colours = (cell.fg, f"on {cell.bg}" if cell.bg != "default" else "default")
    return " ".join(
        [
            *(each for each in colours if each != "default"),
            *(kind for kind in kinds if getattr(cell, kind)),
        ]
    )
