"""Identifiers that sort by time of creation: TypeIDs (a type, `_`, 26 characters of base32 for a UUID version 7).

Python, the database and the wire all use the whole text, prefix included. Contract section 3.
"""

import re
import secrets
import threading
from functools import lru_cache
from typing import Final

SUFFIX_PATTERN: Final = "[0-7][a-hjkmnpqrstv-z0-9]{25,34}"


class Kind(str):
    """A type of id: its prefix, and the noun with its article (`a sender`). Each noun defines its own type."""

    noun: str

    def __new__(cls, prefix: str, noun: str) -> "Kind":
        """`noun` has its article."""
        kind = super().__new__(cls, prefix)
        kind.noun = noun
        return kind

    @property
    def sentence(self) -> str:
        """The form of an id of this type, for messages about text of another form."""
        return f"{self.noun} id: {self}_, a digit 0-7, and 25 to 34 more characters of a-z and 0-9 without i, l, o, u"


# What every noun that promises work shares: contract section 4, operation reference.
OPERATION: Final = Kind("comms_operation", "an operation")

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_TO_BASE32HEX = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_RANDOM_BITS = 74
_STEP_BITS = 40

_lock = threading.Lock()
# Time and random part, as one number, of the newest id that this process made.
_last = 0


def pattern(kind: str) -> str:
    """The anchored regular expression that every id of this type matches."""
    return f"^{kind}_{SUFFIX_PATTERN}$"


class Series:
    """The new ids of one transaction, each greater than the one before.

    Their time is `now`, in milliseconds; if the newest id of the process has this time or a later one, they follow that
    id directly. They are greater than all earlier ids of the process; without `shared`, only than those of the series.
    """

    __slots__ = ("_newest", "_now", "_shared")

    def __init__(self, now: int, shared: bool = True) -> None:
        self._now = now
        self._shared = shared
        self._newest = 0

    def after(self, identifier: str) -> None:
        """Makes every later id of the series greater than this one, which this program made."""
        self._newest = max(self._newest, _decode(identifier))

    def new(self, kind: str) -> str:
        """The next id."""
        global _last
        if self._shared:
            with _lock:
                _last = self._newest = _next(self._now, max(_last, self._newest))
        else:
            self._newest = _next(self._now, self._newest)
        return _encode(kind, self._newest)


def new(kind: str, now: int) -> str:
    """A new id, greater than every earlier id of this process, even if the clock went back."""
    return Series(now).new(kind)


def created_at(identifier: str) -> int:
    """The time in an id that this program made, in milliseconds since the epoch."""
    # The first ten characters hold 50 bits, of which the highest two are always zero: 48 bits of time.
    suffix = identifier[identifier.rindex("_") + 1 :]
    return int(suffix[:10].translate(_TO_BASE32HEX), 32)


def first_of(kind: str, ms: int) -> str:
    """The smallest id of a millisecond: earlier ids are smaller, the others equal or greater."""
    ms = min(max(ms, 0), 2**48 - 1)
    return f"{kind}_{_time_digits(ms)}" + "0" * 16


def least(kind: str) -> str:
    """A text that sorts below every id of the type."""
    return f"{kind}_"


def greatest(kind: str) -> str:
    """A text that sorts above every id of the type (suffixes start with 0 to 7)."""
    return f"{kind}_8"


def is_id(kind: str, text: str) -> bool:
    """Whether the text matches the pattern of this type."""
    return text.startswith(f"{kind}_") and _SUFFIX.fullmatch(text, len(kind) + 1) is not None


_SUFFIX = re.compile(SUFFIX_PATTERN)


def _next(now: int, newest: int) -> int:
    """Time and random part of the id after `newest`: within a millisecond the random part grows by a random step."""
    if now > newest >> _RANDOM_BITS:
        return now << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    # An overflow of the random part carries over into the next millisecond.
    return newest + 1 + secrets.randbits(_STEP_BITS)


def _encode(kind: str, number: int) -> str:
    # RFC 9562, section 5.7: 48 bits of time, version 7, 12 random bits, variant 10, 62 random bits.
    ms, random = number >> _RANDOM_BITS, number & 2**_RANDOM_BITS - 1
    rest = 7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & 2**62 - 1
    return f"{kind}_{_time_digits(ms)}" + "".join([_PAIRS[rest >> shift & 1023] for shift in range(70, -1, -10)])


@lru_cache(maxsize=1)
def _time_digits(ms: int) -> str:
    """The first ten of the 26 digits; ids that are made together have the same."""
    return "".join([_PAIRS[ms >> shift & 1023] for shift in range(40, -1, -10)])


def _decode(identifier: str) -> int:
    """Time and random part of an id that this program made."""
    uuid = int(identifier[identifier.rindex("_") + 1 :].translate(_TO_BASE32HEX), 32)
    return (uuid >> 80) << _RANDOM_BITS | (uuid >> 64 & 2**12 - 1) << 62 | uuid & 2**62 - 1
