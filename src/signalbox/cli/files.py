"""Files as people have them: packed with gzip, UTF-16, or a workbook of a spreadsheet instead of text."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from signalbox.cli.endings import MISUSED, Ended, complain
from signalbox.inventory.csv_text import Record, encoding_of, not_text

_GZIP: Final = b"\x1f\x8b"
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


class Input:
    """A file that a command reads: its text as bytes, or the rows of a workbook. gzip is unpacked while it is read.

    `name` is the file's name without `.gz`. Raises Ended for a file that is neither.
    """

    def __init__(self, file: io.BufferedReader) -> None:
        self.name: str = file.name
        self.stream = file
        if _start(file).startswith(_GZIP):
            self.name = self.name.removesuffix(".gz").removesuffix(".GZ")
            self.stream = io.BufferedReader(_Unpacked(file))
        start = _start(self.stream)
        self.workbook = start.startswith(_WORKBOOKS)
        if not self.workbook and (found := not_text(start)):
            raise Ended(f"{self.name}: is {found}", code=MISUSED)
        self.encoding = encoding_of(start)
        self.marked = self.encoding != "utf-8-sig" or start.startswith(codecs.BOM_UTF8)
        self.start = start.decode(self.encoding, "ignore").lstrip()

    def text(self, newline: str = "") -> io.TextIOWrapper:
        """The text with its line ends: LF, CRLF and CR, or `newline` alone. Bytes that are not UTF-8 are kept as half
        surrogates."""
        errors = "surrogateescape" if self.encoding == "utf-8-sig" else "strict"
        # Kept, because it closes the file when nobody holds it any more.
        self._text = io.TextIOWrapper(self.stream, self.encoding, errors=errors, newline=newline)
        return self._text

    def sheet(self) -> Iterator[Record]:
        """The rows of the first sheet, as text. `line` is the number of the row in the sheet."""
        # Takes 20 ms to import, and few commands need it.
        from python_calamine import CalamineError, CalamineWorkbook

        try:
            workbook = CalamineWorkbook.from_filelike(io.BytesIO(self.stream.read()))
            sheet = workbook.get_sheet_by_index(0)
            others = len(workbook.sheet_names) - 1
        except CalamineError as error:
            raise Ended(f"{self.name}: is no workbook that can be read: {error}", code=MISUSED) from None
        if others:
            complain(f"{self.name}: only the sheet {sheet.name} is read; the workbook has {others} more")
        for number, cells in enumerate(sheet.iter_rows(), 1):
            yield Record(number, [_text(cell) for cell in cells])


class _Unpacked(io.RawIOBase):
    """What is in a gzip file. Raises Ended when the file is damaged or ends early."""

    def __init__(self, file: BinaryIO) -> None:
        self._gzip = gzip.GzipFile(fileobj=file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        try:
            return self._gzip.readinto(buffer)  # type: ignore[arg-type]
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Ended(f"the gzip file cannot be unpacked further: {error}") from None


def _start(stream: io.BufferedReader) -> bytes:
    return stream.peek(64)[:64]


def _text(cell: object) -> str:
    """The text of a cell: whole numbers without a fraction, dates and times by ISO 8601."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
