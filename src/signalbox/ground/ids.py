"""Identifiers: TypeIDs (a type, `_`, 26 characters of base32 holding a UUID version 7) that sort by time of creation.

They are kept whole, prefix included, in Python, in the database and on the wire. Contract section 3.
"""

import re
import secrets
import threading
from typing import Final

from typeid import TypeID
from uuid_utils import UUID

SUFFIX_PATTERN: Final = "[0-7][a-hjkmnpqrstv-z0-9]{25,34}"


class Kind(str):
    """A type of id: its prefix, and what has such an id, with the article (`a sender`). Each noun defines its own."""

    noun: str

    def __new__(cls, prefix: str, noun: str) -> "Kind":
        """The prefix, with the words for it."""
        kind = super().__new__(cls, prefix)
        kind.noun = noun
        return kind

    @property
    def sentence(self) -> str:
        """What an id of this type is, for whoever sent something else."""
        return f"{self.noun} id: {self}_, a digit 0-7, and 25 to 34 more characters of a-z and 0-9 without i, l, o, u"


# What every noun that promises work shares: contract section 4, operation reference.
OPERATION: Final = Kind("comms_operation", "an operation")

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TO_BASE32HEX = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_RANDOM_BITS = 74
_STEP_BITS = 40

_lock = threading.Lock()
# Time and random part of the newest id of this process, as one number.
_last = 0


def pattern(kind: str) -> str:
    """The regular expression, anchored, that every id of this type matches."""
    return f"^{kind}_{SUFFIX_PATTERN}$"


class Series:
    """The new ids of one transaction, each greater than the one before.

    Their time is `now`, in milliseconds; where that is not later than the newest id they come just after it. They are
    greater than every id that the process made before; a series that is not `shared` minds only its own.
    """

    __slots__ = ("_newest", "_now", "_shared")

    def __init__(self, now: int, shared: bool = True) -> None:
        self._now = now
        self._shared = shared
        self._newest = 0

    def after(self, identifier: str) -> None:
        """Lets no later id of the series be smaller than this one, which we made."""
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
    """A new id, greater than every id made before in this process, whatever the clock does."""
    return Series(now).new(kind)


def created_at(identifier: str) -> int:
    """The time in an id that we made, in milliseconds since the epoch."""
    # The first ten characters hold 50 bits, of which the highest two are always zero: 48 bits of time.
    suffix = identifier[identifier.rindex("_") + 1 :]
    return int(suffix[:10].translate(_TO_BASE32HEX), 32)


def first_of(kind: str, ms: int) -> str:
    """The smallest id of a millisecond: ids made before it sort below, the others at or above."""
    ms = min(max(ms, 0), 2**48 - 1)
    return f"{kind}_" + "".join(_ALPHABET[ms >> shift & 31] for shift in range(45, -1, -5)) + "0" * 16


def least(kind: str) -> str:
    """Sorts below every id of the type."""
    return f"{kind}_"


def greatest(kind: str) -> str:
    """Sorts above every id of the type (their suffixes start with 0 to 7)."""
    return f"{kind}_8"


def is_id(kind: str, text: str) -> bool:
    """Whether the text matches the pattern of this type."""
    return text.startswith(f"{kind}_") and _SUFFIX.fullmatch(text, len(kind) + 1) is not None


_SUFFIX = re.compile(SUFFIX_PATTERN)


def _next(now: int, newest: int) -> int:
    """Time and random part of an id after `newest`: within one millisecond the random part grows by a random step."""
    if now > newest >> _RANDOM_BITS:
        return now << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    # At the end of a millisecond's random parts this carries over into the next millisecond.
    return newest + 1 + secrets.randbits(_STEP_BITS)


def _encode(kind: str, number: int) -> str:
    # RFC 9562, section 5.7: 48 bits of time, version 7, 12 random bits, variant 10, 62 random bits.
    ms, random = number >> _RANDOM_BITS, number & 2**_RANDOM_BITS - 1
    uuid = ms << 80 | 7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & 2**62 - 1
    return str(TypeID.from_uuid(UUID(int=uuid), prefix=kind))


def _decode(identifier: str) -> int:
    """Time and random part of an id that we made."""
    uuid = int(identifier[identifier.rindex("_") + 1 :].translate(_TO_BASE32HEX), 32)
    return (uuid >> 80) << _RANDOM_BITS | (uuid >> 64 & 2**12 - 1) << 62 | uuid & 2**62 - 1
