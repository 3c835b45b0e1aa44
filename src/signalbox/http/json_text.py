"""From JSON text to plain values; errors of syntax are reported with line and column. Contract section 4."""

import json
import re
from typing import Final, NamedTuple, cast

import msgspec

from signalbox.ground.errors import Invalid, Problem
from signalbox.http.json_limits import TOO_DEEP, too_deep, where_too_deep

# A larger body is only checked by msgspec. Python's parser reports the exact place, but makes objects of the whole
# text: at 10 MiB of brackets that would block every other request.
MOST_EXAMINED: Final = 1024 * 1024


def parse_json(data: bytes) -> object:
    """Plain JSON from bytes. Raises Invalid with line and column when the bytes are not JSON or nested too deeply.

    Halves of surrogate pairs, which only Python's parser accepts, are kept, so that the caller can report their places.
    A text above MOST_EXAMINED must be JSON.
    """
    refuse_other_forms(data)
    refuse_depth(data)
    try:
        return cast(object, msgspec.json.decode(data))
    except UnicodeDecodeError:
        pass
    except msgspec.DecodeError as error:
        found = _by_standard_library(data)
        if isinstance(found, Problem):
            raise Invalid([found]) from None
        if found is not None and _HALF_SURROGATE.search(data):
            return found.value
        message = str(error)
        if at := _BYTE.search(message):
            raise Invalid([_malformed(data, int(at[1]), message[: at.start()].removeprefix(_MALFORMED))]) from None
        raise Invalid([_malformed(data, len(data), message[:1].lower() + message[1:])]) from None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Invalid([_malformed(data, error.start, "not UTF-8")]) from None
    raise AssertionError


def refuse_depth(data: bytes) -> None:
    """Raises Invalid, with line and column in a body that is not large, when JSON text is nested too deeply."""
    if too_deep(data):
        where = f" at {_place(data, where_too_deep(data))}" if len(data) <= MOST_EXAMINED else ""
        raise Invalid([Problem(f"the body is {TOO_DEEP}{where}", None, "$")])


# What clients send instead of JSON in UTF-8, by its first bytes. A byte order mark: RFC 8259, section 8.1.
_OTHER_FORMS: Final = {
    b"\xef\xbb\xbf": "starts with a byte order mark; send UTF-8 without the mark",
    b"\xff\xfe": "is UTF-16; send UTF-8",
    b"\xfe\xff": "is UTF-16; send UTF-8",
    b"\x1f\x8b": "is compressed with gzip; send the body without compression",
}


def refuse_other_forms(data: bytes) -> None:
    """Raises Invalid when the bytes are compressed, UTF-16, or begin with a byte order mark."""
    for start, what in _OTHER_FORMS.items():
        if data.startswith(start):
            raise Invalid([Problem(f"the body is not valid JSON: the body {what}, line 1, column 1", None, "$")])


_BYTE: Final = re.compile(r" \(byte (\d+)\)")
_MALFORMED: Final = "JSON is malformed: "
_HALF_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


def _refuse(constant: str) -> None:
    """JSON has no NaN and no Infinity."""
    raise ValueError(constant)


class _Value(NamedTuple):
    value: object


def _by_standard_library(data: bytes) -> Problem | _Value | None:
    """What Python's parser says, which is slower and reports the exact place; None when it gives up."""
    try:
        return _Value(json.loads(data, parse_constant=_refuse))
    except json.JSONDecodeError as error:
        at = len(error.doc[: error.pos].encode("utf-8", "surrogatepass"))
        return _malformed(data, at, error.msg[:1].lower() + error.msg[1:])
    except ValueError:
        return None


def _malformed(data: bytes, at: int, what: str) -> Problem:
    return Problem(f"the body is not valid JSON: {what}, {_place(data, at)}", None, "$")


def line_and_column(data: bytes, at: int) -> tuple[int, int]:
    """The line and the column of a byte in UTF-8 text, both from 1."""
    line = data.count(b"\n", 0, at) + 1
    return line, len(data[data.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", "replace")) + 1


def _place(data: bytes, at: int) -> str:
    line, column = line_and_column(data, at)
    return f"line {line}, column {column}"


def first_problem(error: Exception) -> Problem:
    """The error of msgspec as a problem; the only one that is reported for an invalid body above `MOST_EXAMINED`."""
    message, _, at = str(error).partition(" - at `")
    context = at.rstrip("`") or "$"
    message = message[:1].lower() + message[1:]
    return Problem(
        f"{context.removeprefix('$.') if at else 'the body'}: {message}", context[1:].lstrip(".") or None, context
    )
