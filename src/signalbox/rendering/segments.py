"""Encoding and number of parts of an SMS text. Contract section 14; 3GPP TS 23.038 and TS 23.040.

A text is sent as GSM-7 when every character is in the default alphabet or its extension table, else as UCS-2.
National shift tables are not used, and no character is replaced by a similar one.
"""

import re
from typing import Final, Literal

import msgspec

# TS 23.038 6.2.1, in the order of the codes, without 0x1B, which announces a character of the extension table.
BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# TS 23.038 6.2.1.1. Each of these takes two septets.
EXTENSION: Final = "\f^{}\\[~]|€"
_ESCAPE: Final = "\x1b"
_GSM7: Final = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_ASCII: Final = (BASIC + EXTENSION).encode("ascii", "ignore")

# Septets of a single SMS and of a part: 140 octets, of which a part gives 6 to the header that joins the parts.
_SEPTETS: Final = 160
_PART_SEPTETS: Final = 153
# UTF-16 code units, likewise.
_UNITS: Final = 70
_PART_UNITS: Final = 67


class Segments(msgspec.Struct, frozen=True, gc=False):
    """The encoding of a text, and the number of SMS that carry it: 1 or more."""

    encoding: Literal["GSM-7", "UCS-2"]
    count: int


def count(text: str) -> Segments:
    """The encoding and number of parts of a text. An empty text is one GSM-7 part, because one SMS carries it."""
    if _is_gsm7(text):
        if len(text) * 2 <= _SEPTETS:
            return _ONE_GSM7
        septets = _escaped(text)
        if len(septets) <= _SEPTETS:
            return _ONE_GSM7
        return Segments("GSM-7", len(_gsm7_ends(septets)))
    if len(text) * 2 <= _UNITS:
        return _ONE_UCS2
    units = text.encode("utf-16-be", "surrogatepass")
    if len(units) <= _UNITS * 2:
        return _ONE_UCS2
    return Segments("UCS-2", len(_ucs2_ends(units)))


def parts(text: str) -> list[str]:
    """The text of each part. No part ends inside an escape sequence (TS 23.040 9.2.3.24.1) or a surrogate pair."""
    if _is_gsm7(text):
        septets = _escaped(text)
        ends = [len(septets)] if len(septets) <= _SEPTETS else _gsm7_ends(septets)
        starts = [0, *ends[:-1]]
        return [septets[start:end].replace(_ESCAPE, "") for start, end in zip(starts, ends, strict=True)]
    units = text.encode("utf-16-be", "surrogatepass")
    ends = [len(units)] if len(units) <= _UNITS * 2 else _ucs2_ends(units)
    starts = [0, *ends[:-1]]
    return [units[start:end].decode("utf-16-be", "surrogatepass") for start, end in zip(starts, ends, strict=True)]


_ONE_GSM7: Final = Segments("GSM-7", 1)
_ONE_UCS2: Final = Segments("UCS-2", 1)


def _is_gsm7(text: str) -> bool:
    if text.isascii():  # eight times as fast as the pattern
        return not text.encode().translate(None, _ASCII)
    return _GSM7.fullmatch(text) is not None


def _escaped(text: str) -> str:
    """A GSM-7 text with one character for each septet."""
    for character in EXTENSION:
        if character in text:
            text = text.replace(character, _ESCAPE + character)
    return text


def _gsm7_ends(septets: str) -> list[int]:
    ends = []
    end = 0
    while end < len(septets):
        end += _PART_SEPTETS
        if end < len(septets) and septets[end - 1] == _ESCAPE:
            end -= 1
        ends.append(min(end, len(septets)))
    return ends


def _ucs2_ends(units: bytes) -> list[int]:
    """The ends, in octets, of the parts of a text in UTF-16."""
    ends = []
    end = 0
    while end < len(units):
        end += _PART_UNITS * 2
        if end < len(units) and 0xD8 <= units[end - 2] <= 0xDB:  # the first unit of a surrogate pair
            end -= 2
        ends.append(min(end, len(units)))
    return ends
