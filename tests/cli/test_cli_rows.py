"""Rows of a file that is larger than memory are read one at a time and sent in requests that the server accepts."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from signalbox.cli.endings import Ended
from signalbox.cli.files import Input
from signalbox.cli.rows import MOST_BYTES, CsvRows, NdjsonRows
from signalbox.cli.senders_import import _batches


class Endless(io.RawIOBase):
    """A file that is generated while it is read."""

    name = "endless"

    def __init__(self, head: bytes, line: bytes, count: int) -> None:
        self._parts = self._made(head, line, count)
        self._rest = b""

    def _made(self, head: bytes, line: bytes, count: int) -> Iterator[bytes]:
        yield head
        for _ in range(count // 1000):
            yield line * 1000

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._rest:
            try:
                self._rest = next(self._parts)
            except StopIteration:
                return 0
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def endless(head: bytes, line: bytes, count: int) -> Input:
    return Input(io.BufferedReader(Endless(head, line, count)))


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_reading_takes_the_memory_of_a_request_however_large_the_file(form: str) -> None:
    if form == "csv":
        file = endless(b"channel,address\n", b"SMS,+12025550100\n", 200_000)
        rows: CsvRows | NdjsonRows = CsvRows(file)
    else:
        file = endless(b"", b'{"channel":"SMS","address":"+12025550100"}\n', 200_000)
        rows = NdjsonRows(file)
    tracemalloc.start()
    batches = list(map(len, _batches(rows)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert batches == [10_000] * 20
    assert peak < 10 << 20


def test_requests_stay_below_what_the_server_takes() -> None:
    line = b'{"channel":"SMS","displayName":"' + b"x" * 2500 + b'"}\n'
    rows = NdjsonRows(endless(b"", line, 9000))
    sizes = [sum(len(row.body) for row in batch) for batch in _batches(rows)]
    assert sum(sizes) == 9000 * len(line)
    assert len(sizes) == 3
    assert max(sizes) <= MOST_BYTES


def test_row_that_only_speaks_of_refusals_stays_as_it_was_written() -> None:
    body = b'{"channel": "EMAIL",  "displayName": "refused", "refused" : [1]}'
    for line in (body, body.replace(b'"refused" :', b'"tags" :')):
        (row,) = NdjsonRows(Input(io.BufferedReader(Endless(line, b"", 0))))
        assert (row.body == line + b"\n") == (b"tags" in line)


@pytest.mark.parametrize("form", [CsvRows, NdjsonRows])
def test_line_that_fits_in_no_request_is_said_and_not_read_whole(form: type[CsvRows | NdjsonRows]) -> None:
    with pytest.raises(Ended, match="longer than 10 MiB"):
        list(form(endless(b"channel,address\n", b"x" * 1000, 20_000_000)))
