"""Reads rows of inventory from a file of any size as the server does, and writes refused rows.

Only one row is in memory at a time. CSV and NDJSON are read by the rules of `api/inventory/inventory_rows.py`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final, Literal, TypeAlias

from signalbox.cli.endings import MISUSED, Ended

Format: TypeAlias = Literal["csv", "ndjson"]

# No request can carry a longer line.
MOST_BYTES: Final = 10 << 20
# Columns that a file of refused rows has in front of the original columns; an import skips them.
REFUSED_COLUMNS: Final = ("refusedLine", "refusedContext", "refusedCode", "refusedMessage")
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
    """The rows of a CSV file with a header."""

    format: Format = "csv"
    media: Final = "text/csv"

    def __init__(self, stream: BinaryIO) -> None:
        # Bytes that are not UTF-8 are kept: only their row is refused, and the file of refused rows repeats them.
        self._text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        self._reader = csv.reader(self._lines(), strict=True)
        cells = self._next()
        while cells == []:
            cells = self._next()
        header = [cell.strip() for cell in cells or ()]
        self._dropped = len(REFUSED_COLUMNS) if tuple(header[:4]) == REFUSED_COLUMNS else 0
        self.head = _csv_line(header[self._dropped :]) if header else b""

    def __iter__(self) -> Iterator[Row]:
        """The rows. Raises Ended at the first line that is not valid CSV."""
        index = 0
        while True:
            line = self._reader.line_num + 1
            cells = self._next()
            if cells is None:
                return
            if cells:
                body = _csv_line(cells[self._dropped :])
                yield Row(index, line, body, _unsendable(body))
                index += 1

    def refused_head(self) -> bytes:
        """The first line of a file of refused rows."""
        return _csv_line(REFUSED_COLUMNS).rstrip(b"\n") + b"," + self.head

    def refused(self, row: Row, refusals: Sequence[Refusal]) -> bytes:
        """A row of that file: why the row was refused, then all of its own cells."""
        why = [
            str(refusals[0].line),
            "; ".join(one.context for one in refusals),
            "; ".join(dict.fromkeys(str(one.code) for one in refusals)),
            "; ".join(one.message for one in refusals),
        ]
        return _csv_line(why).rstrip(b"\n") + b"," + row.body

    def _lines(self) -> Iterator[str]:
        number = 0
        while text := self._text.readline(MOST_BYTES):
            number += 1
            _check_length(len(text), text.endswith(("\n", "\r")), number)
            yield text

    def _next(self) -> list[str] | None:
        line = self._reader.line_num + 1
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise Ended(f"line {line}: not valid CSV: {error}") from None


class NdjsonRows:
    """The rows of a file with one JSON object a line."""

    format: Format = "ndjson"
    media: Final = "application/x-ndjson"
    head = b""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Row]:
        """The rows. Raises Ended at a line that is too long for a request."""
        index = number = 0
        while body := self._stream.readline(MOST_BYTES):
            number += 1
            _check_length(len(body), body.endswith(b"\n"), number)
            if number == 1:
                body = body.removeprefix(b"\xef\xbb\xbf")
            body = _without_refusals(body.strip(b" \t\r\n"))
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


def open_rows(stream: io.BufferedReader, name: str, given: str | None) -> Rows:
    """The rows of a file. The format is `given`, or that of the file's name, or detected from the first bytes.

    Raises Ended for a JSON array, which cannot be read piece by piece, and for UTF-16.
    """
    start = stream.peek(64)[:64]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Ended(f"{name}: is UTF-16; save it as UTF-8", code=MISUSED)
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    extension = name.rpartition(".")[2].lower()
    chosen = given or {"csv": "csv", "ndjson": "ndjson", "jsonl": "ndjson"}.get(extension)
    if chosen != "csv" and start.startswith(b"["):
        raise Ended(f"{name}: is a JSON array; write one object a line, for example with jq -c '.[]'", code=MISUSED)
    if chosen is None:
        chosen = "ndjson" if start.startswith(b"{") else "csv"
    return CsvRows(stream) if chosen == "csv" else NdjsonRows(stream)


def _csv_line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode("utf-8", "surrogateescape")


def _unsendable(body: bytes) -> str | None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {error.start} of the row"
    return None


def _check_length(length: int, ended: bool, number: int) -> None:
    if length >= MOST_BYTES and not ended:
        raise Ended(f"line {number}: longer than {MOST_BYTES >> 20} MiB")


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
