"""Reading inventory from JSON, NDJSON and CSV."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from signalbox.api.inventory.inventory_rows import ContentType, Refused, Rows, rows
from signalbox.ground.errors import Invalid
from signalbox.inventory import addresses
from signalbox.inventory.csv_text import BADLY_QUOTED
from signalbox.inventory.senders import SenderRow

JSON: ContentType = "application/json"
NDJSON: ContentType = "application/x-ndjson"
CSV: ContentType = "text/csv"
SENDER = {"channel": "SMS", "address": "+12025550100"}


async def read(content_type: ContentType, body: object) -> Rows:
    if isinstance(body, bytes):
        return await rows(content_type, body)
    text = body if isinstance(body, str) else json.dumps(body)
    return await rows(content_type, text.encode())


async def problems_of(content_type: ContentType, body: object) -> list[tuple[str, str, int | None]]:
    found = await read(content_type, body)
    assert all(refused.code == 20001 for refused in found.refused)
    return [(refused.context, refused.message, refused.line) for refused in found.refused]


async def problems(content_type: ContentType, body: object) -> list[str]:
    with pytest.raises(Invalid) as caught:
        await read(content_type, body)
    return [problem.message for problem in caught.value.problems]


FULL = SenderRow(
    channel="EMAIL",
    address="Ada@example.org",
    region="",
    display_name='Ada, "the" first',
    status="DEACTIVATED",
    tags={"team": "red", "a.b": "1"},
)
BARE = SenderRow(channel="SMS", address="+12025550100", region="US")
CODE = SenderRow(channel="SMS", address="27312", region="CA", region_given=True)


async def test_rows_of_all_three_formats_mean_the_same() -> None:
    full = {
        "channel": "EMAIL",
        "address": "Ada@Example.ORG",
        "displayName": 'Ada, "the" first',
        "status": "DEACTIVATED",
        "tags": {"team": "red", "a.b": "1"},
    }
    code = {"channel": "SMS", "address": "27312", "region": "CA"}
    table = (
        "address,channel,tags,status,displayName,region\r\n"
        'Ada@Example.ORG,EMAIL,team=red;a.b=1,DEACTIVATED,"Ada, ""the"" first",\r\n'
        "+12025550100,SMS,,,,\r\n"
        "27312,SMS,,,,CA\r\n"
    )
    bodies: dict[ContentType, str] = {
        JSON: json.dumps([full, SENDER, code]),
        NDJSON: f"{json.dumps(full)}\n\r\n{json.dumps(SENDER)}\r\n{json.dumps(code)}",
        CSV: table,
    }
    for content_type, body in bodies.items():
        for mark in ("", "\ufeff"):
            assert await read(content_type, mark + body) == Rows([FULL, BARE, CODE], [])


async def test_rows_tell_absent_from_null() -> None:
    found = await read(JSON, [SENDER | {"displayName": None}])
    assert found.good[0].display_name is None
    assert found.good[0].status is UNSET
    assert found.good[0].tags is UNSET


@pytest.mark.parametrize(
    ("row", "context", "message"),
    [
        ({"address": "+12025550100"}, "$[0].channel", "channel is required"),
        ({"channel": "SMS"}, "$[0].address", "address is required"),
        (SENDER | {"channel": "FAX"}, "$[0].channel", "one of SMS, RCS, EMAIL, WHATSAPP, PUSH, not FAX"),
        (SENDER | {"channel": "sms"}, "$[0].channel", "not sms"),
        (SENDER | {"channel": None}, "$[0].channel", "must be a string, not null"),
        (SENDER | {"channel": ["SMS"]}, "$[0].channel", "must be a string, not an array"),
        (SENDER | {"address": "12025550100"}, "$[0].address", "+ and the country code first"),
        (SENDER | {"address": 12025550100}, "$[0].address", "must be a string, not a number"),
        (SENDER | {"status": "ON"}, "$[0].status", "one of ACTIVATED, DEACTIVATED, not ON"),
        (SENDER | {"status": None}, "$[0].status", "must be a string, not null"),
        (SENDER | {"displayName": True}, "$[0].displayName", "string or null, not a boolean"),
        (SENDER | {"displayName": "x" * 257}, "$[0].displayName", "at most 256 characters, not 257"),
        (SENDER | {"displayName": "a\0b"}, "$[0].displayName", "no control characters"),
        (SENDER | {"tags": None}, "$[0].tags", "must be an object, not null"),
        (SENDER | {"tags": {f"k{n}": "v" for n in range(11)}}, "$[0].tags", "at most 10 tags, not 11"),
        (SENDER | {"tags": {"": "v"}}, "$[0].tags", "key 1 must be 1-128"),
        (SENDER | {"tags": {"k" * 129: "v"}}, "$[0].tags", "key 1 must be 1-128"),
        (SENDER | {"tags": {"k": ""}}, "$[0].tags.k", "value must be 1-256"),
        (SENDER | {"tags": {"k": "v\n"}}, "$[0].tags.k", "value must be 1-256"),
        (SENDER | {"tags": {"k": None}}, "$[0].tags.k", "must be a string, not null"),
        (SENDER | {"adress": "x"}, "$[0].adress", "did you mean address?"),
        (SENDER | {"display_name": "x"}, "$[0].display_name", "did you mean displayName?"),
        (SENDER | {"id": "x"}, "$[0].id", "it has channel, address, displayName, status, tags, region"),
        (SENDER | {"region": None}, "$[0].region", "must be a string, not null"),
        (SENDER | {"region": "us"}, "$[0].region", "two capital letters such as GB: did you mean US?"),
        (SENDER | {"region": "UK"}, "$[0].region", "did you mean GB?"),
        (SENDER | {"region": "ZZ"}, "$[0].region", "a country of ISO 3166"),
        (SENDER | {"region": "CA"}, "$[0].region", "have this number in US, not in CA"),
        (SENDER | {"address": "27312"}, "$[0].region", "region is required for a short code"),
        (SENDER | {"address": "27312", "region": "XX"}, "$[0].region", "a country of ISO 3166"),
        (SENDER | {"+12025550199": "x"}, "$[0]", "no such field"),
        ("SMS", "$[0]", "a sender is an object, not a string"),
        (None, "$[0]", "a sender is an object, not null"),
    ],
)
async def test_rows_refuse_a_bad_row_and_say_where(row: object, context: str, message: str) -> None:
    ((place, text, line),) = await problems_of(JSON, [row])
    assert place == context
    assert message in text
    assert line is None
    assert "2025550" not in place + text


async def test_rows_name_every_problem_of_a_row_and_keep_the_good_ones() -> None:
    found = await read(JSON, [SENDER, {"channel": "X", "status": 1, "tags": []}, SENDER | {"channel": "RCS"}])
    assert [row.channel for row in found.good] == ["SMS", "RCS"]
    assert [refused.context for refused in found.refused] == [
        "$[1].address",
        "$[1].channel",
        "$[1].status",
        "$[1].tags",
    ]


async def test_rows_warn_of_a_number_that_no_plan_knows_or_refuse_it_as_the_setting_says() -> None:
    body = "channel,address,region\nSMS,+12025550100,\nSMS,+14365550123,\nWHATSAPP,+14365550123,CA\n"
    found = await read(CSV, body)
    assert [(row.region, row.region_given) for row in found.good] == [("US", False), ("US", False), ("CA", True)]
    expected = [
        Refused("$[1].address", 20001, "no numbering plan assigns such a number", 3),
        Refused("$[2].address", 20001, "no numbering plan assigns such a number", 4),
    ]
    assert (found.refused, found.warnings) == ([], expected)
    known = await rows(CSV, body.encode(), "known")
    assert ([row.address for row in known.good], known.refused, known.warnings) == (["+12025550100"], expected, [])


async def test_rows_warn_of_no_row_that_is_refused() -> None:
    found = await read(JSON, [{"channel": "SMS", "address": "+14365550123", "status": "ON"}])
    assert ([one.context for one in found.refused], found.warnings) == (["$[0].status"], [])


async def test_rows_of_ndjson_name_the_line() -> None:
    body = f'\n{json.dumps(SENDER)}\n{{"channel": \n\n{{"channel": "SMS"}}\n{json.dumps(SENDER)} x'
    assert await problems_of(NDJSON, body) == [
        ("$[1]", "the line is not valid JSON: it ends too early, column 13", 3),
        ("$[2].address", "address is required", 5),
        ("$[3]", "the line is not valid JSON: trailing characters, column 48", 6),
    ]


async def test_rows_of_csv_name_the_line_where_the_row_starts() -> None:
    body = (
        "channel,address,displayName\n"
        'SMS,+12025550100,"two\nlines"\n'
        "\n"
        "SMS,+120,\n"
        'SMS,+12025550101,"a ""quoted"" word",more\n'
        "SMS\n"
    )
    assert await problems_of(CSV, body) == [
        ("$[0].displayName", "no control characters and no half surrogate pairs", 2),
        ("$[1].address", "too short for a number: at least 7 digits with the country code", 5),
        ("$[2]", "the row has 4 cells, the header 3", 6),
        ("$[3]", "the row has 1 cells, the header 3", 7),
    ]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("red", "tags are written k=v;k=v"),
        ("a=1;", "tags are written k=v;k=v"),
        ("a=1;a=2", "a key is given twice"),
        (";".join(f"k{n}=v" for n in range(11)), "at most 10 tags, not 11"),
        ("=v", "key 1 must be 1-128 letters, digits or . _ ~ -"),
        ("a=b=c", "a tag's value must be 1-256 letters, digits or . _ ~ -"),
    ],
)
async def test_rows_of_csv_refuse_tags_of_another_form(tags: str, message: str) -> None:
    ((_, text, line),) = await problems_of(CSV, f"channel,address,tags\nSMS,+12025550100,{tags}\n")
    assert (text, line) == (message, 2)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (JSON, "", ["the body is not valid JSON: it ends too early, line 1, column 1"]),
        (JSON, '[\n {"channel": x}]', ["the body is not valid JSON: invalid character, line 2, column 14"]),
        (JSON, '["\u00e9", x]', ["the body is not valid JSON: invalid character, line 1, column 7"]),
        (JSON, "[1e999]", ["the body is not valid JSON: number out of range - at `$[0]`"]),
        (JSON, "[" * 100_000, ["the body is nested deeper than 64 levels at line 1, column 65"]),
        (JSON, "{}", ["the body must be an array of senders, not an object"]),
        (JSON, "null", ["the body must be an array of senders, not null"]),
        (JSON, "[]", ["the body holds no rows"]),
        (JSON, [SENDER] * 10_001, ["at most 10000 rows in one request, not 10001"]),
        (JSON, b'["a\xff"]', ["the body is not UTF-8: byte 3, line 1, column 4"]),
        (NDJSON, "\n \n", ["the body holds no rows"]),
        (NDJSON, "{}\n" * 10_001, ["at most 10000 rows in one request"]),
        (CSV, "", ["the body holds no header: channel,address,displayName,status,tags,region"]),
        (CSV, "channel,address\n", ["the body holds no rows"]),
        (CSV, "channel,address\n" + "X,Y\n" * 10_001, ["at most 10000 rows in one request"]),
        (CSV, 'channel,"address\nSMS,+1\n', [f"the body is not valid CSV: line 1: {BADLY_QUOTED}"]),
        (
            CSV,
            "chanel,status,status\nSMS,x,y\n",
            [
                "column 1 of the header is not one that a sender has: did you mean channel?",
                "the header names the column status twice",
                "the header lacks the column channel",
                "the header lacks the column address",
            ],
        ),
    ],
)
async def test_rows_refuse_a_body_that_cannot_be_read(
    content_type: ContentType, body: object, expected: list[str]
) -> None:
    assert await problems(content_type, body) == expected


async def test_rows_report_only_some_of_very_many_unknown_members() -> None:
    found = await problems_of(JSON, [SENDER | {f"x{number}": 1 for number in range(50_000)}])
    assert len(found) == 6
    assert found[-1][:2] == ("$[0]", "and more fields that a sender does not have")


async def test_rows_with_a_repeated_name_are_found_among_many() -> None:
    """A search of thousands of tokens is done in slices."""
    many = json.dumps({f"x{number}": 1 for number in range(2_000)})
    twice = many[:-1] + ', "x7": 1}'
    assert await problems(JSON, f"[{many}, {twice}]") == ["[1].x7 is given more than once"]
    assert await problems_of(NDJSON, f"{json.dumps(SENDER)}\n{twice}") == [("$[1].x7", "x7 is given more than once", 2)]


async def test_rows_give_way_to_other_requests_while_reading() -> None:
    """Ten thousand rows take tenths of a second; other tasks run many times meanwhile."""
    addresses.load()
    body = json.dumps([{"channel": "SMS", "address": f"+1202555{n:04}"} for n in range(10_000)])
    reading = asyncio.ensure_future(read(JSON, body))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert len((await reading).good) == 10_000
    assert turns > 10


@given(st.sampled_from([JSON, NDJSON, CSV]), st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
async def test_rows_raise_nothing_but_invalid(content_type: ContentType, body: bytes) -> None:
    with suppress(Invalid):
        found = await rows(content_type, body)
        assert found.refused
