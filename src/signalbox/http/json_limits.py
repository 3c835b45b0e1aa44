"""Two limits of JSON text that its parsers do not have: depth, and names that are given once. Contract section 1.

The parsers are recursive and fail at a depth that depends on the stack, and of a repeated name they take the last value
without a word. How both are found at little cost: docs/decisions/0022-depth-and-names.md.
"""

import json
import re
from array import array
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, cast

import msgspec

from signalbox.http.places import Path

MOST_DEPTH: Final = 64
TOO_DEEP: Final = f"nested deeper than {MOST_DEPTH} levels"
TWICE: Final = "is given more than once"
# Halves of surrogate pairs, which only Python's parser accepts, and which cannot be encoded.
HALVES: Final = re.compile("[\ud800-\udfff]")

_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_BRACKETS_AND_TEXTS: Final = re.compile(_TEXT + rb"|[\[\]{}]", re.DOTALL)
_TOKENS: Final = re.compile(_TEXT + rb"|[\[\]{},:]", re.DOTALL)
# Opening brackets become +1, closing ones -1 (as a signed byte), and everything outside of texts is dropped.
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKET: Final = bytes(set(range(256)) - set(b'[]{}"'))
_TEXT_WITH_BRACKETS: Final = re.compile(rb'"[^"]*+"?')
_encode: Final = msgspec.json.Encoder().encode
# How many tokens are read between two turns of the event loop.
_SLICE: Final = 2_000


def too_deep(data: bytes) -> bool:
    """Whether JSON text is nested deeper than MOST_DEPTH; of text that is not JSON, the part before the error."""
    if data.count(b"[") + data.count(b"{") <= MOST_DEPTH:
        return False
    if b"\\" in data:
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    # To drop two adjacent quotes changes for no bracket whether it is inside a text.
    data = data.translate(_STEPS, _NO_BRACKET).replace(b'""', b"")
    if b'"' in data:
        data = _TEXT_WITH_BRACKETS.sub(b"", data)
    return max(accumulate(array("b", data)), default=0) > MOST_DEPTH


def where_too_deep(data: bytes) -> int:
    """The index of the first bracket beyond MOST_DEPTH, in a text that is `too_deep`.

    Of a text that is not JSON it may be the end: the two functions read a quote outside of strings differently.
    """
    depth = 0
    for token in _BRACKETS_AND_TEXTS.finditer(data):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth > MOST_DEPTH:
                return token.start()
        elif token[0] in (b"]", b"}"):
            depth -= 1
    return len(data)


def may_repeat(data: bytes, value: object) -> bool:
    """Whether a valid JSON text may give a name more than once; `value` is the text decoded, without types.

    Then the value has fewer names than the text, and its encoding fewer colons. Colons inside of texts are the same in
    both, if none is escaped.
    """
    return rb"\u003" in data or data.count(b":") != _encode(value).count(b":")


def repeated_names(data: bytes) -> Iterator[Path | None]:
    """The places of names that an object of a valid JSON text has more than once; None every now and then.

    At each None the caller may let other requests run. The escapes of names are read: `"a"` and `"\\u0061"` are equal.
    """
    path: list[str | int] = []
    names_of: list[dict[str, int] | None] = []  # for each open object how often it has each name; None for an array
    text = b""
    for number, token in enumerate(_TOKENS.finditer(data), 1):
        if number % _SLICE == 0:
            yield None
        match token[0]:
            case b"{":
                names_of.append({})
                path.append("")
            case b"[":
                names_of.append(None)
                path.append(0)
            case b"}" | b"]":
                names_of.pop()
                path.pop()
            case b",":
                if names_of[-1] is None:
                    path[-1] = cast(int, path[-1]) + 1
            case b":":
                name = path[-1] = _name(text)
                names = cast("dict[str, int]", names_of[-1])
                names[name] = names.get(name, 0) + 1
                if names[name] == 2:
                    yield tuple(path)
            case text:
                pass  # the last text before a colon is the name


def _name(text: bytes) -> str:
    name = cast(str, json.loads(text)) if b"\\" in text else text[1:-1].decode()
    return HALVES.sub("\ufffd", name)
