"""Reads rows of inventory from a file of any size as the server does, and writes refused rows.

Only one row of a text is in memory at a time. CSV is read by `inventory/csv_text.py`, as in the server.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, repeat
from typing import Final, Literal, TypeAlias

from signalbox.cli.endings import MISUSED, Ended
from signalbox.cli.files import Input
from signalbox.inventory.csv_text import BADLY_QUOTED, REFUSED_COLUMNS, Record, Records, Table, neutralised

Format: TypeAlias = Literal["csv", "ndjson"]

# No request can carry a longer line.
MOST_BYTES: Final = 10 << 20
_NUMBER: Final = re.compile(r"\+[0-9]+")
# Field that is added to a refused object; an import skips it.
REFUSED_MEMBER: Final = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file from 0, the line it starts on from 1, and its bytes in a request."""

    index: int
    line: int
    body: bytes
    problem: str | None = None  # why no request can contain the row


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was refused; `line` and `context` are places in the whole file."""

    line: int
    context: str
    code: int | None
    message: str


class CsvRows:
    """The rows of a CSV file with a header, or of a sheet of a workbook."""

    format: Format = "csv"
    media: Final = "text/csv"

    def __init__(self, file: Input) -> None:
        records: Iterable[Record | None]
        if file.workbook:
            records, self._delimiter = file.sheet(), ","
        else:
            records = Records(_lines(file.text()))
            self._delimiter = records.delimiter
        try:
            self._table = Table(records)
        except ValueError as error:
            raise Ended(f"{file.name}: not valid CSV: {error}", code=MISUSED) from None
        self.head = _csv_line(self._table.header) if self._table.header else b""
        # A spreadsheet reads UTF-8 by its mark only: what came with a mark, or from a workbook, goes back with one.
        self.mark = b"\xef\xbb\xbf" if file.workbook or file.marked else b""

    def __iter__(self) -> Iterator[Row]:
        """The rows. Raises Ended at a line that is too long for a request."""
        index = 0
        for record in self._table:
            if record is None:
                continue
            if record.cells is None:
                yield Row(index, record.line, _csv_line([record.text]), BADLY_QUOTED)
            else:
                body = _csv_line(record.cells)
                yield Row(index, record.line, body, _unsendable(body))
            index += 1

    def refused_head(self) -> bytes:
        """The first line of a file of refused rows."""
        return _csv_line([*REFUSED_COLUMNS, *self._table.header], self._delimiter)

    def refused(self, row: Row, refusals: Sequence[Refusal]) -> bytes:
        """A row of that file: why the row was refused, then all of its own cells, without the power of a formula.

        A badly quoted row is one cell: the text of its line.
        """
        why = [
            str(refusals[0].line),
            "; ".join(one.context for one in refusals),
            "; ".join(dict.fromkeys(str(one.code) for one in refusals)),
            "; ".join(one.message for one in refusals),
        ]
        (cells,) = csv.reader(io.StringIO(row.body.decode("utf-8", "surrogateescape"), newline=""))
        columns = chain(self._table.header, repeat(""))
        return _csv_line([*why, *map(_without_formula, cells, columns)], self._delimiter)


class NdjsonRows:
    """The rows of a file with one JSON object a line."""

    format: Format = "ndjson"
    media: Final = "application/x-ndjson"
    head = mark = b""

    def __init__(self, file: Input) -> None:
        self._text = file.text(newline="\n")

    def __iter__(self) -> Iterator[Row]:
        """The rows. Raises Ended at a line that is too long for a request."""
        index = 0
        for number, text in enumerate(_lines(self._text), 1):
            body = _without_refusals(text.strip(" \t\r\n").encode("utf-8", "surrogateescape"))
            if body:
                yield Row(index, number, body + b"\n", _unsendable(body))
                index += 1

    def refused_head(self) -> bytes:
        """Empty: a file of refused NDJSON rows has no header."""
        return b""

    def refused(self, row: Row, refusals: Sequence[Refusal]) -> bytes:
        """The object with one more field. A line that is not an object is kept, below an object that says why."""
        why = json.dumps([asdict(one) for one in refusals]).encode()
        body = row.body.rstrip(b"\n")
        if not _is_object(body):
            return b'{"%b":%b}\n%b\n' % (REFUSED_MEMBER.encode(), why, body)
        # Inserted as text, so that the rest of the line stays as it was written.
        inside = body[:-1].rstrip(b" \t")
        comma = b"" if inside == b"{" else b","
        return b'%b%b"%b":%b}\n' % (inside, comma, REFUSED_MEMBER.encode(), why)


Rows: TypeAlias = CsvRows | NdjsonRows


def open_rows(file: Input, given: str | None) -> Rows:
    """The rows of a file. The format is `given`, or that of the file's name, or detected from the first bytes.

    Raises Ended for a JSON array, which cannot be read piece by piece.
    """
    extension = file.name.rpartition(".")[2].lower()
    chosen = given or {"csv": "csv", "ndjson": "ndjson", "jsonl": "ndjson"}.get(extension)
    if file.workbook:
        return CsvRows(file)
    if chosen != "csv" and file.start.startswith("["):
        raise Ended(
            f"{file.name}: is a JSON array; write one object a line, for example with jq -c '.[]'", code=MISUSED
        )
    if chosen is None:
        chosen = "ndjson" if file.start.startswith("{") else "csv"
    return CsvRows(file) if chosen == "csv" else NdjsonRows(file)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a text with their line ends. Raises Ended for one that no request can contain."""
    number = 0
    try:
        while line := text.readline(MOST_BYTES):
            number += 1
            if len(line) >= MOST_BYTES and not line.endswith(("\n", "\r")):
                raise Ended(f"line {number}: longer than {MOST_BYTES >> 20} MiB")
            yield line
    except UnicodeDecodeError as error:
        raise Ended(f"line {number + 1} or later: not {error.encoding.upper()}: {error.reason}") from None


def _csv_line(cells: Sequence[str], delimiter: str = ",") -> bytes:
    out = io.StringIO()
    # Python quotes the line ends that are in `lineterminator`, and no others.
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode("utf-8", "surrogateescape")[:-2] + b"\n"


def _without_formula(cell: str, column: str) -> str:
    # A number is no formula that does anything, and stays readable.
    return cell if column == "address" and _NUMBER.fullmatch(cell) else neutralised(cell)


def _unsendable(body: bytes) -> str | None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {error.start} of the row"
    return None


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _without_refusals(body: bytes) -> bytes:
    """The line without the fields that an earlier import added; empty if it has no others."""
    if b'"refused"' not in body or not _is_object(body):
        return body
    row = json.loads(body)
    if row.pop(REFUSED_MEMBER, None) is None:
        return body
    return json.dumps(row).encode() if row else b""
