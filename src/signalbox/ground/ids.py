"""Identifiers: TypeIDs (a type, `_`, 26 characters of base32 holding a UUID version 7) that sort by time of creation.

They are kept whole, prefix included, in Python, in the database and on the wire. Contract section 3.
"""

import re
import secrets
import threading
from typing import Final

from typeid import TypeID
from uuid_utils import UUID

from signalbox.ground import clock

SENDER: Final = "comms_sender"
SENDER_POOL: Final = "comms_senderpool"
OPERATION: Final = "comms_operation"

SUFFIX_PATTERN: Final = "[0-7][a-hjkmnpqrstv-z0-9]{25,34}"

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TO_BASE32HEX = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_RANDOM_BITS = 74
_STEP_BITS = 40

_lock = threading.Lock()
_last_ms = 0
_last_random = 0


def pattern(kind: str) -> str:
    """The regular expression, anchored, that every id of this type matches."""
    return f"^{kind}_{SUFFIX_PATTERN}$"


def new(kind: str) -> str:
    """A new id, greater than every id made before in this process, whatever the clock does."""
    return _encode(kind, *_next())


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


def _next() -> tuple[int, int]:
    """Time and random part of the next UUID: within one millisecond the random part grows by a random step."""
    global _last_ms, _last_random
    with _lock:
        ms = clock.now_ms()
        if ms > _last_ms:
            _last_ms, _last_random = ms, secrets.randbits(_RANDOM_BITS)
        else:
            _last_random += 1 + secrets.randbits(_STEP_BITS)
            if _last_random >> _RANDOM_BITS:
                _last_ms, _last_random = _last_ms + 1, secrets.randbits(_RANDOM_BITS)
        return _last_ms, _last_random


def _encode(kind: str, ms: int, random: int) -> str:
    # RFC 9562, section 5.7: 48 bits of time, version 7, 12 random bits, variant 10, 62 random bits.
    number = ms << 80 | 7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & 2**62 - 1
    return str(TypeID.from_uuid(UUID(int=number), prefix=kind))
