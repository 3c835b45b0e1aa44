"""Tables on terminals of any width: long values are cut, ids never; what does not fit in one line takes several."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import click

from signalbox.cli.output import cell, coloured, paint

# Column widths are measured from this many rows, which are then printed together; later rows are printed one by one.
_MEASURED: Final = 1000
# Columns that are never cut: a part of an id or a time is of no use.
_WHOLE: Final = frozenset({"id", "senderId", "accountSid", "keySid", "createdAt", "revokedAt"})
# The narrowest column. What needs less has its own width; what would get less moves to the next line.
_NARROWEST: Final = 12
_GAP: Final = "  "
# Terminals below this width have no room to indent the second line of a row.
_INDENTED: Final = 60


class Place(NamedTuple):
    """A column in a line of the table, and its width there."""

    column: int
    width: int


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints aligned columns. Control characters in a value are escaped: it stays on its line.

    On a terminal no line is longer than its width, unless an id alone is. Elsewhere everything is printed in full.
    """
    cells = iter([cell(value) for value in row] for row in rows)
    first = list(islice(cells, _MEASURED))
    widths = [max(map(width_of, column)) for column in zip(columns, *first, strict=True)]
    room = _room()
    lines = laid_out(columns, widths, room)
    indent = _GAP if room and room >= _INDENTED else ""
    for text in _printed(columns, lines, indent, cutting=room is not None):
        click.echo(paint(text, bold=True))
    for kept in (first, cells):
        for row in kept:
            if len(lines) > 1:
                click.echo()
            for text in _printed(row, lines, indent, cutting=room is not None, colours=True):
                click.echo(text)


def laid_out(columns: Sequence[str], widths: Sequence[int], room: int | None) -> list[list[Place]]:
    """The lines that a row takes, each with its columns; one line where there is no limit (None)."""
    lines: list[list[int]] = [[]]
    left = room
    for number, width in enumerate(widths):
        least = width if columns[number] in _WHOLE else min(width, _NARROWEST)
        gap = len(_GAP) if lines[-1] else 0
        if room is not None and left is not None and lines[-1] and gap + least > left:
            lines.append([])
            left, gap = _below(room), 0
        lines[-1].append(number)
        left = None if left is None else left - gap - least
    if room is None:
        return [[Place(number, widths[number]) for number in line] for line in lines]
    rooms = [room, *[_below(room)] * (len(lines) - 1)]
    return [_shrunk(line, columns, widths, one) for line, one in zip(lines, rooms, strict=True)]


def width_of(text: str) -> int:
    """The columns of a terminal that the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """The text, or as much of its beginning as fits in front of an ellipsis."""
    if width_of(text) <= width:
        return text
    try:
        ellipsis = "…"
        ellipsis.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        ellipsis = "..."
    room = max(width - len(ellipsis), 0)
    kept = text[:room]
    while width_of(kept) > room:
        kept = kept[:-1]
    return f"{kept}{ellipsis}"


def _room() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _below(room: int) -> int:
    return room - len(_GAP) if room >= _INDENTED else room


def _shrunk(line: Sequence[int], columns: Sequence[str], widths: Sequence[int], room: int) -> list[Place]:
    """The columns of a line with their widths; the widest are narrowed until all fit."""
    kept = {number: widths[number] for number in line}
    cuttable = [number for number in line if columns[number] not in _WHOLE]
    room -= len(_GAP) * (len(line) - 1)
    while cuttable and sum(kept.values()) > room:
        kept[max(cuttable, key=kept.__getitem__)] -= 1
    return [Place(number, width) for number, width in kept.items()]


def _printed(
    cells: Sequence[str], lines: Sequence[Sequence[Place]], indent: str, *, cutting: bool, colours: bool = False
) -> Iterable[str]:
    for number, line in enumerate(lines):
        texts = [cut(cells[place.column], place.width) if cutting else cells[place.column] for place in line]
        padded = [text + " " * (place.width - width_of(text)) for text, place in zip(texts, line, strict=True)]
        padded[-1] = padded[-1].rstrip()
        if colours:
            padded = [text.replace(word, coloured(word), 1) for text in padded for word in [text.rstrip()]]
        yield (indent if number else "") + _GAP.join(padded)
