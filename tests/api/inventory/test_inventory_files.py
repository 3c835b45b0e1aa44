"""Bodies of `POST /signalbox/v1/Senders` as people have them: of spreadsheets, in other encodings, packed."""

from __future__ import annotations

import gzip
import json

import pytest

from signalbox.api.inventory.inventory_rows import ContentType, Rows, rows
from signalbox.ground.errors import Invalid
from signalbox.inventory.csv_text import BADLY_QUOTED

CSV: ContentType = "text/csv"
NDJSON: ContentType = "application/x-ndjson"
JSON: ContentType = "application/json"
TABLE = "channel,address,displayName\nSMS,+12025550100,Zürich\n"


def names(found: Rows) -> list[object]:
    return [row.display_name for row in found.good]


def refused(found: Rows) -> list[tuple[str, str, int | None]]:
    return [(one.context, one.message, one.line) for one in found.refused]


async def test_blank_rows_of_an_export_are_neither_refused_nor_counted() -> None:
    good = "".join(f"SMS,+1202555{number:04},\n" for number in range(9_000))
    body = "channel,address,displayName\n" + good + ",,\r\n" * 1_247
    found = await rows(CSV, body.encode())
    assert (len(found.good), found.refused) == (9_000, [])


async def test_empty_columns_at_the_end_are_ignored_and_full_ones_refuse_their_row() -> None:
    body = "channel,address,,\nSMS,+12025550100,,\nSMS,+12025550101\nSMS,+12025550102,x,\nSMS\n"
    found = await rows(CSV, body.encode())
    assert [row.address for row in found.good] == ["+12025550100", "+12025550101"]
    assert refused(found) == [
        ("$[2]", "the row has 3 cells, the header 2", 4),
        ("$[3]", "the row has 1 cells, the header 2", 5),
    ]


async def test_badly_quoted_row_is_refused_alone() -> None:
    body = (
        "channel,address,displayName\n"
        'SMS,+12025550100,"open\n'
        'SMS,+12025550101,"b"\n'
        'SMS,+12025550102,"c" d\n'
        'SMS,+12025550103,"open again\n'
        "SMS,+12025550104,e\n"
    )
    found = await rows(CSV, body.encode())
    assert names(found) == ["b", "e"]
    assert refused(found) == [
        ("$[0]", BADLY_QUOTED, 2),
        ("$[2]", BADLY_QUOTED, 4),
        ("$[3]", BADLY_QUOTED, 5),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_delimiter_and_encoding_are_recognised(delimiter: str, encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    text = mark + TABLE.replace(",", delimiter) + f'SMS{delimiter}+12025550101{delimiter}"a;,b"\n'
    found = await rows(CSV, text.encode(encoding))
    assert (names(found), found.refused) == (["Zürich", "a;,b"], [])


async def test_encoding_of_json_and_ndjson_is_recognised() -> None:
    row = {"channel": "SMS", "address": "+12025550100", "displayName": "Zürich"}
    for content_type, value in ((JSON, [row]), (NDJSON, row)):
        body = json.dumps(value, ensure_ascii=False).encode("utf-16")
        assert names(await rows(content_type, body)) == ["Zürich"]


async def test_byte_that_is_not_utf8_refuses_its_row_alone() -> None:
    found = await rows(CSV, TABLE.encode() + "SMS,+12025550101,Zürich\n".encode("latin-1") + b'SMS,+1202,"\xe9\n')
    assert names(found) == ["Zürich"]
    assert refused(found) == [
        ("$[1]", "the row is not UTF-8: it has the byte 0xfc", 3),
        ("$[2]", "the row is not UTF-8: it has the byte 0xe9", 4),
    ]
    found = await rows(NDJSON, b'{"channel": "SMS", "address": "+12025550100"}\n{"channel": "\xe9"}\n')
    assert len(found.good) == 1
    assert refused(found) == [("$[1]", "the row is not UTF-8: it has the byte 0xe9", 2)]


@pytest.mark.parametrize("content_type", [CSV, NDJSON, JSON])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(TABLE.encode(), mtime=0), "a gzip file"),
        (b"PK\x03\x04\x14\0\x06\0", "an .xlsx workbook or another ZIP file"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(9), "an .xls workbook"),
        (bytes.fromhex("28b52ffd") + bytes(9), "a Zstandard file"),
        (TABLE.encode("utf-16-le"), "no UTF-8 (UTF-16 needs a byte order mark)"),
        (TABLE.encode("utf-16-be"), "no UTF-8 (UTF-16 needs a byte order mark)"),
    ],
)
async def test_file_that_is_no_text_is_named(content_type: ContentType, body: bytes, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        await rows(content_type, body)
    (problem,) = caught.value.problems
    assert problem.message.startswith(f"the body is {said}, not ")


async def test_utf16_that_ends_within_a_character_is_said() -> None:
    with pytest.raises(Invalid, match="the body is not UTF-16: byte"):
        await rows(CSV, TABLE.encode("utf-16") + b"x")


async def test_file_of_refused_rows_can_be_sent_as_it_is_once_corrected() -> None:
    head = "refusedLine,refusedContext,refusedCode,refusedMessage,channel,address,displayName"
    body = f"{head}\n2,$[0],20001,wrong,SMS,+12025550100,'=1+1\n3,$[1],20001,wrong,SMS,+12025550101,''=1+1\n"
    assert names(await rows(CSV, body.encode())) == ["=1+1", "'=1+1"]
    assert names(await rows(CSV, b"channel,address,displayName\nSMS,+12025550100,'=1+1\n")) == ["'=1+1"]
    with pytest.raises(Invalid, match="column 6 of the header is not one that a sender has: did you mean address"):
        await rows(CSV, head.replace("address", "adress").encode())
