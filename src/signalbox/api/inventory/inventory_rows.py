"""Reads the rows of `POST /signalbox/v1/Senders` from JSON, NDJSON or CSV. Contract section 8."""

import asyncio
import gc
import io
import re
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias, cast

import msgspec
from msgspec import UNSET

from signalbox.ground.errors import Invalid, Problem
from signalbox.ground.wording import kind_of
from signalbox.http.json_limits import TOO_DEEP, TWICE, may_repeat, repeated_names, too_deep
from signalbox.http.json_text import line_and_column, refuse_depth
from signalbox.http.places import place as place_of
from signalbox.http.places import problem_at
from signalbox.inventory import addresses, countries, csv_text
from signalbox.inventory.addresses import Numbers
from signalbox.inventory.senders import SenderRow

ContentType: TypeAlias = Literal["application/json", "application/x-ndjson", "text/csv"]

MOST_ROWS: Final = 10_000
MEMBERS: Final = ("channel", "address", "displayName", "status", "tags", "region")
REQUIRED: Final = ("channel", "address")
STATUSES: Final = ("ACTIVATED", "DEACTIVATED")
INVALID: Final = 20001

# Work between two turns of the event loop. A limit of time, not of rows: the first number of a country takes as long as
# a hundred rows, because its numbering plan is read.
_SLICE_SECONDS: Final = 0.0005
# The most unknown fields that are reported: an object may have a million of them.
_MOST_UNKNOWN: Final = 5
_MOST_TAGS: Final = 10
_TAG = re.compile(r"[a-zA-Z0-9._~-]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What the decoder makes of a byte that is not UTF-8.
_UNDECODED = re.compile("[\udc80-\udcff]")
_KINDS: Final = {"application/json": "JSON", "application/x-ndjson": "NDJSON", "text/csv": "CSV"}
_CODECS: Final = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32"}


class Refused(msgspec.Struct, frozen=True):
    """One problem of one row: its place in the body as JSONPath, and its physical line in NDJSON and CSV."""

    context: str
    code: int
    message: str
    line: int | None


class Rows(msgspec.Struct, frozen=True):
    """The valid rows of a body, in order, every problem of the others, and at most one warning for each valid row."""

    good: list[SenderRow]
    refused: list[Refused]
    warnings: list[Refused] = []


class _Place(msgspec.Struct, frozen=True):
    index: int
    line: int | None

    def refuse(self, member: str, message: str) -> Refused:
        context = f"$[{self.index}].{member}" if member else f"$[{self.index}]"
        return Refused(context, INVALID, message, self.line)


# A row as decoded: its value, or the problem of a row that cannot be decoded.
_Raw: TypeAlias = tuple[_Place, object | Refused]


async def rows(content_type: ContentType, body: bytes, numbers: Numbers = "valid") -> Rows:
    """Reads a body of 1 to 10,000 rows; other requests run every half millisecond.

    With `known`, a number that the numbering plans do not know is refused, else there is a warning. Raises Invalid when
    the body cannot be read as rows; an invalid row is only refused.
    """
    # Importing the libraries for addresses takes 70 ms, and would block the event loop.
    await asyncio.to_thread(addresses.load)
    text = _text(body, content_type)
    if content_type == "application/json":
        refuse_depth(body)
    found = Rows([], [], [])
    total = 0
    async for place, raw in _in_slices(_READERS[content_type](text)):
        total += 1
        if total > MOST_ROWS:
            raise Invalid([Problem(f"at most {MOST_ROWS} rows in one request", None, "$")])
        row, refused, warning = _check(place, raw, numbers)
        found.refused.extend(refused)
        if row is not None:
            found.good.append(row)
        if warning is not None:
            found.warnings.append(warning)
    if not total:
        raise Invalid([Problem("the body holds no rows", None, "$")])
    return found


async def _in_slices(raws: Iterable[_Raw | None]) -> AsyncIterator[_Raw]:
    until = time.perf_counter() + _SLICE_SECONDS
    for raw in raws:
        if raw is not None:
            yield raw
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_SECONDS


# --- formats: each reader yields its rows, and None for a blank line


def _text(body: bytes, content_type: ContentType) -> str:
    """The body as text, by its byte order mark or as UTF-8. In CSV and NDJSON a wrong byte is an error of its row."""
    if found := csv_text.not_text(body[:8]):
        raise Invalid([Problem(f"the body is {found}, not {_KINDS[content_type]} as text", None, "$")])
    encoding = csv_text.encoding_of(body[:4])
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8-sig" and content_type != "application/json":
            return body.decode(encoding, "surrogateescape")
        line, column = line_and_column(body, error.start)
        place = f", line {line}, column {column}" if encoding == "utf-8-sig" else ""
        message = f"the body is not {_CODECS[encoding]}: byte {error.start}{place}"
        raise Invalid([Problem(message, None, "$")]) from None


def _json_rows(text: str) -> Iterator[_Raw | None]:
    # 10 MiB may have millions of values, and none of them is garbage. With the garbage collector, decoding takes ten
    # times as long, and no other request runs meanwhile.
    gc.disable()
    try:
        values = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError) as error:
        message = f"the body is not valid JSON: {_json_error(error, text)}"
        raise Invalid([Problem(message, None, "$")]) from None
    finally:
        gc.enable()
    if not isinstance(values, list):
        raise Invalid([Problem(f"the body must be an array of senders, not {kind_of(values)}", None, "$")])
    if len(values) > MOST_ROWS:
        raise Invalid([Problem(f"at most {MOST_ROWS} rows in one request, not {len(values)}", None, "$")])
    data = text.encode()
    repeated: list[Problem] = []
    for path in repeated_names(data) if may_repeat(data, values) else ():
        if path is None:
            yield None
        else:
            repeated.append(problem_at(path, TWICE))
    if repeated:
        raise Invalid(repeated)
    for index, value in enumerate(values):
        yield _Place(index, None), value


def _ndjson_rows(text: str) -> Iterator[_Raw | None]:
    index = 0
    for number, line in enumerate(io.StringIO(text, newline="\n"), 1):
        line = line.rstrip("\r\n")
        if not line.strip():
            yield None
            continue
        place = _Place(index, number)
        index += 1
        wrong = _not_utf8(place, line)
        yield place, wrong or _ndjson_row(place, line)


def _ndjson_row(place: _Place, line: str) -> object | Refused:
    row = line.encode()
    if too_deep(row):
        return place.refuse("", f"the line is {TOO_DEEP}")
    try:
        value: object = msgspec.json.decode(row)
    except (msgspec.DecodeError, ValueError) as error:
        return place.refuse("", f"the line is not valid JSON: {_json_error(error, line, column_only=True)}")
    for path in repeated_names(row) if may_repeat(row, value) else ():
        if path is not None:
            field, context = place_of((place.index, *path))
            return Refused(context, INVALID, f"{str(field).partition('.')[2]} {TWICE}", place.line)
    return value


def _json_error(error: Exception, text: str, column_only: bool = False) -> str:
    reason, _, byte = str(error).removeprefix("JSON is malformed: ").partition(" (byte ")
    if "truncated" in reason:
        reason, byte = "it ends too early", str(len(text.encode()))
    reason = reason[:1].lower() + reason[1:]
    if not byte:
        return reason
    line, column = line_and_column(text.encode(), int(byte.rstrip(")")))
    return f"{reason}, column {column}" if column_only else f"{reason}, line {line}, column {column}"


def _csv_rows(text: str) -> Iterator[_Raw | None]:
    try:
        table = csv_text.Table(csv_text.Records(io.StringIO(text, newline="")))
    except ValueError as error:
        raise Invalid([Problem(f"the body is not valid CSV: {error}", None, "$")]) from None
    if not table.header:
        raise Invalid([Problem("the body holds no header: " + ",".join(MEMBERS), None, "$")])
    _check_header(table.header, table.dropped + 1)
    index = 0
    for record in table:
        if record is None:
            yield None
            continue
        place = _Place(index, record.line)
        index += 1
        yield place, _csv_row(place, table.header, record)


def _check_header(header: list[str], first: int) -> None:
    problems = []
    for number, name in enumerate(header[:100], first):
        if name not in MEMBERS:
            message = f"column {number} of the header is not one that a sender has{_nearest(name)}"
            problems.append(Problem(message, None, "$"))
        elif name in header[: number - first]:
            problems.append(Problem(f"the header names the column {name} twice", None, "$"))
    problems += [Problem(f"the header lacks the column {name}", None, "$") for name in REQUIRED if name not in header]
    if problems:
        raise Invalid(problems)


def _csv_row(place: _Place, header: list[str], record: csv_text.Record) -> dict[str, object] | Refused:
    cells = record.cells
    if wrong := _not_utf8(place, record.text if cells is None else "".join(cells)):
        return wrong
    if cells is None:
        return place.refuse("", csv_text.BADLY_QUOTED)
    if len(cells) != len(header):
        return place.refuse("", f"the row has {len(cells)} cells, the header {len(header)}")
    row: dict[str, object] = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    if tags := row.get("tags"):
        pairs = [pair.partition("=") for pair in str(tags).split(";")]
        if len(pairs) > _MOST_TAGS:
            return place.refuse("tags", f"at most {_MOST_TAGS} tags, not {len(pairs)}")
        if not all(equals for _, equals, _ in pairs):
            return place.refuse("tags", "tags are written k=v;k=v")
        if len({key for key, _, _ in pairs}) < len(pairs):
            return place.refuse("tags", "a key is given twice")
        row["tags"] = {key: value for key, _, value in pairs}
    return row


def _not_utf8(place: _Place, text: str) -> Refused | None:
    if text.isascii() or not (found := _UNDECODED.search(text)):
        return None
    return place.refuse("", f"the row is not UTF-8: it has the byte 0x{ord(found[0]) - 0xDC00:02x}")


_READERS: Final = {
    "application/json": _json_rows,
    "application/x-ndjson": _ndjson_rows,
    "text/csv": _csv_rows,
}


# --- one row


def _check(
    place: _Place, raw: object | Refused, numbers: Numbers
) -> tuple[SenderRow | None, list[Refused], Refused | None]:
    """The row, or its problems; and the warning about a valid row."""
    if isinstance(raw, Refused):
        return None, [raw], None
    if not isinstance(raw, dict):
        return None, [place.refuse("", f"a sender is an object, not {kind_of(raw)}")], None
    refused = _unknown(place, raw)
    refused += [place.refuse(name, f"{name} is required") for name in REQUIRED if name not in raw]
    if "channel" in raw:
        refused += _check_choice(place, "channel", raw["channel"], addresses.CHANNELS)
    checked = _check_address(place, raw, numbers, refused)
    if "displayName" in raw:
        refused += _check_display_name(place, raw["displayName"])
    if "status" in raw:
        refused += _check_choice(place, "status", raw["status"], STATUSES)
    if "tags" in raw:
        refused += _check_tags(place, raw["tags"])
    if refused:
        return None, refused, None
    row = SenderRow(
        channel=raw["channel"],
        address=checked.address,
        region=checked.region,
        display_name=raw.get("displayName", UNSET),
        status=raw.get("status", UNSET),
        tags=raw.get("tags", UNSET),
        region_given="region" in raw,
    )
    return row, [], place.refuse("address", checked.warning) if checked.warning else None


def _check_address(
    place: _Place, raw: dict[str, object], numbers: Numbers, refused: list[Refused]
) -> addresses.Address:
    """The address with its region. Adds their problems to `refused`."""
    before = len(refused)
    if "region" in raw:
        refused += _check_region(place, raw["region"])
    region = "" if len(refused) > before else cast("str", raw.get("region", ""))
    try:
        if "address" in raw:
            return _address(raw.get("channel"), raw["address"], region, numbers)
    except addresses.WrongRegion as error:
        if len(refused) == before:
            refused.append(place.refuse("region", str(error)))
    except ValueError as error:
        refused.append(place.refuse("address", str(error)))
    return addresses.Address("", "")


def _check_region(place: _Place, value: object) -> list[Refused]:
    if not isinstance(value, str):
        return [place.refuse("region", f"region must be a string, not {kind_of(value)}")]
    problem = countries.problem(value)
    return [place.refuse("region", problem)] if problem else []


def _unknown(place: _Place, raw: dict[str, object]) -> list[Refused]:
    refused: list[Refused] = []
    for name in raw:
        if name in MEMBERS:
            continue
        if len(refused) == _MOST_UNKNOWN:
            refused.append(place.refuse("", "and more fields that a sender does not have"))
            break
        member = name if _NAME.fullmatch(name) else ""
        refused.append(place.refuse(member, f"a sender has no such field{_nearest(name)}"))
    return refused


def _check_choice(place: _Place, name: str, value: object, choices: tuple[str, ...]) -> list[Refused]:
    if isinstance(value, str) and value in choices:
        return []
    if not isinstance(value, str):
        return [place.refuse(name, f"{name} must be a string, not {kind_of(value)}")]
    shown = f", not {value}" if re.fullmatch(r"[A-Za-z_-]{1,20}", value) else ""
    return [place.refuse(name, f"{name} must be one of {', '.join(choices)}{shown}")]


def _address(channel: object, value: object, region: str, numbers: Numbers) -> addresses.Address:
    if not isinstance(value, str):
        raise ValueError(f"address must be a string, not {kind_of(value)}")
    if not isinstance(channel, str) or channel not in addresses.CHANNELS:
        return addresses.Address(value, "")  # the channel, which is refused, decides what is valid
    return addresses.check(channel, value, region, numbers)


def _check_display_name(place: _Place, value: object) -> list[Refused]:
    if value is not None and not isinstance(value, str):
        return [place.refuse("displayName", f"displayName must be a string or null, not {kind_of(value)}")]
    if value is not None and len(value) > 256:
        return [place.refuse("displayName", f"at most 256 characters, not {len(value)}")]
    if value is not None and _UNWRITABLE.search(value):
        return [place.refuse("displayName", "no control characters and no half surrogate pairs")]
    return []


def _check_tags(place: _Place, value: object) -> list[Refused]:
    if not isinstance(value, dict):
        return [place.refuse("tags", f"tags must be an object, not {kind_of(value)}")]
    if len(value) > _MOST_TAGS:
        return [place.refuse("tags", f"at most {_MOST_TAGS} tags, not {len(value)}")]
    refused: list[Refused] = []
    for number, (key, text) in enumerate(value.items(), 1):
        if len(key) > 128 or not _TAG.fullmatch(key):
            refused.append(place.refuse("tags", f"key {number} must be 1-128 letters, digits or . _ ~ -"))
        elif not isinstance(text, str):
            refused.append(place.refuse(f"tags.{key}", f"a tag's value must be a string, not {kind_of(text)}"))
        elif len(text) > 256 or not _TAG.fullmatch(text):
            refused.append(place.refuse(f"tags.{key}", "a tag's value must be 1-256 letters, digits or . _ ~ -"))
    return refused


def _nearest(name: str) -> str:
    if len(name) > 40:
        return ""
    lowered = {member.lower(): member for member in MEMBERS}
    near = get_close_matches(name.strip().lower().replace("_", ""), lowered, 1)
    return f": did you mean {lowered[near[0]]}?" if near else f"; it has {', '.join(MEMBERS)}"
