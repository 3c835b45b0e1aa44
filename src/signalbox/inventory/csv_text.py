"""CSV as people have it: its encoding, delimiter, header and rows. The server and the command line read by these rules.

A row is read by RFC 4180 wherever RFC 4180 can read it, with line ends in quoted cells. A row that it cannot read ends
with its first line: most such rows lack a closing quote, which would otherwise take in the rows below.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

DELIMITERS: Final = (",", ";", "\t")
# Columns that a file of refused rows has in front of the original columns. They say that Signalbox wrote the file.
REFUSED_COLUMNS: Final = ("refusedLine", "refusedContext", "refusedCode", "refusedMessage")
BADLY_QUOTED: Final = (
    "the row is badly quoted: the quote of a cell does not close, or is not followed by the delimiter or the line's end"
)

# A quoted cell that is still open after this many characters counts as one that does not close.
_MOST_CELL: Final = 1 << 20
csv.field_size_limit(max(csv.field_size_limit(), _MOST_CELL))

_UTF_32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_TEXT: Final = (
    (b"\x1f\x8b", "a gzip file"),
    (b"PK\x03\x04", "an .xlsx workbook or another ZIP file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an .xls workbook"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
)
# Excel writes and reads this line above the header.
_SEPARATOR: Final = re.compile(r'"?sep=([,;\t|])"?[\s,;]*', re.IGNORECASE)
# What spreadsheets take for the start of a formula (OWASP, "CSV Injection"), behind any number of apostrophes.
_FORMULA: Final = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def not_text(start: bytes) -> str | None:
    """What a file is that is no text, told by its first 8 bytes; None for what may be text."""
    for magic, name in _NOT_TEXT:
        if start.startswith(magic):
            return name
    if b"\0" in start[:2] and encoding_of(start) == "utf-8-sig":
        return "no UTF-8 (UTF-16 needs a byte order mark)"
    return None


def encoding_of(start: bytes) -> str:
    """The Python codec for a text with these first 4 bytes: UTF-16 or UTF-32 by its byte order mark, else UTF-8."""
    if start.startswith(_UTF_32):  # first: the mark of UTF-16 begins that of UTF-32
        return "utf-32"
    return "utf-16" if start.startswith(_UTF_16) else "utf-8-sig"


def neutralised(cell: str) -> str:
    """The cell for a spreadsheet: an apostrophe in front of what begins like a formula. `restored` takes it away."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """The cell that `neutralised` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class Record(NamedTuple):
    """A row: the line it starts on, from 1, its cells, None if it is badly quoted, and the text of that line."""

    line: int
    cells: list[str] | None
    text: str = ""


class Records:
    """The rows of CSV text, the header included. `lines` are its lines with their line ends.

    Time is linear, whatever is quoted: a quoted cell that goes on into a line closes well or does not, whichever row it
    comes from. `_open_until` is the last line into which a badly quoted cell goes on.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._source = iter(lines)
        self._again: deque[str] = deque()
        self._number = self._open_until = 0
        self.delimiter = self._recognised()
        self._line = _OneLine()
        self._reader = csv.reader(self._line, delimiter=self.delimiter, strict=True)

    def __iter__(self) -> Iterator[Record | None]:
        """The rows, and None between the lines of a row of several lines."""
        while (text := self._next()) is not None:
            if '"' not in text:  # most rows: a fifth of the time less
                yield Record(self._number, text.rstrip("\r\n").split(self.delimiter))
                continue
            cells = self._cells(text)
            if cells is None and self._line.goes_on:
                yield from self._long(self._number, text)
            else:
                yield Record(self._number, cells, text.rstrip("\r\n"))

    def _long(self, line: int, first: str) -> Iterator[Record | None]:
        """The row that starts with this line, whose last cell goes on; badly quoted, the row ends with this line."""
        row, size = [first], len(first)
        while self._number >= self._open_until and size < _MOST_CELL and (text := self._next()) is not None:
            yield None
            row.append(text)
            size += len(text)
            if self._cells(f'"{text}') is not None:
                with suppress(csv.Error):  # the cell is too long
                    lines = io.StringIO("".join(row), newline="")
                    yield Record(line, next(csv.reader(lines, delimiter=self.delimiter, strict=True)))
                    return
            if not self._line.goes_on:
                break
        self._open_until = max(self._open_until, self._number)
        self._again.extendleft(reversed(row[1:]))
        self._number = line
        yield Record(line, None, first.rstrip("\r\n"))

    def _cells(self, text: str) -> list[str] | None:
        """The cells of a row of one line; None if it is badly quoted or goes on."""
        self._line.give(text)
        try:
            return next(self._reader)
        except csv.Error:
            return None

    def _next(self) -> str | None:
        text = self._again.popleft() if self._again else next(self._source, None)
        self._number += text is not None
        return text

    def _recognised(self) -> str:
        """The first delimiter in the header, whose names contain none, or that of a line `sep=;` above it."""
        while (text := self._next()) is not None:
            if not text.strip(' \t\r\n,;"'):
                continue
            if given := _SEPARATOR.fullmatch(text):
                return given[1]
            self._again.append(text)
            self._number -= 1
            return next((one for one in text if one in DELIMITERS), ",")
        return ","


class _OneLine:
    """Gives the reader of CSV one line, and notes whether it asks for more."""

    def __init__(self) -> None:
        self._text: str | None = None
        self.goes_on = False

    def give(self, text: str) -> None:
        self._text, self.goes_on = text, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._text is None:
            self.goes_on = True
            raise StopIteration
        text, self._text = self._text, None
        return text


class Table:
    """The header and rows of CSV or of a sheet: blank rows are skipped, empty cells beyond the header ignored.

    The columns of a file of refused rows are dropped, and its cells restored. Raises ValueError for a header that is
    badly quoted. `header` is empty without any row.
    """

    def __init__(self, records: Iterable[Record | None]) -> None:
        self._records = iter(records)
        self.header: list[str] = []
        self.dropped = 0
        for record in self._records:
            if record is None:
                continue
            if record.cells is None:
                raise ValueError(f"line {record.line}: {BADLY_QUOTED}")
            if not _blank(record.cells):
                header = [cell.strip() for cell in record.cells]
                self.dropped = len(REFUSED_COLUMNS) if tuple(header[:4]) == REFUSED_COLUMNS else 0
                self.header = header[self.dropped :]
                _cut_empty_end(self.header, 0)
                break

    def __iter__(self) -> Iterator[Record | None]:
        """The rows, and None for a blank one and between the lines of a row."""
        for record in self._records:
            if record is None or record.cells is None:
                yield record
                continue
            if self.dropped:
                record = Record(record.line, [restored(cell) for cell in record.cells[self.dropped :]])
            _cut_empty_end(record.cells or [], len(self.header))
            yield None if _blank(record.cells or ()) else record


def _blank(cells: Sequence[str]) -> bool:
    return not "".join(cells).strip()


def _cut_empty_end(cells: list[str], least: int) -> None:
    while len(cells) > least and not cells[-1].strip():
        cells.pop()
