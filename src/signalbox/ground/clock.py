"""Times: integers (milliseconds since the epoch) in the program, RFC 3339 with three decimals on the wire."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII)
# A page of 1,000 resources has 2,000 times. To format one quickly, the text of its second is cached, and the fraction
# is looked up.
_FRACTIONS = [f".{ms:03d}Z" for ms in range(1000)]
_MOST_SECONDS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Clock: TypeAlias = Callable[[], int]
"""Returns a time in milliseconds since the epoch: the real time, or that of an account's own clock."""


def now_ms() -> int:
    """The current time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class _Seconds(dict[int, str]):
    """Caches the text of each second; a dictionary with `__missing__` is the fastest look-up in Python."""

    def __missing__(self, second: int) -> str:
        if len(self) >= _MOST_SECONDS:
            self.clear()
        text = self[second] = (_EPOCH + timedelta(seconds=second)).isoformat()[:19]
        return text


_seconds = _Seconds()


def rfc3339(ms: int) -> str:
    """`2026-11-23T14:41:34.120Z` for milliseconds since the epoch."""
    return _seconds[ms // 1000] + _FRACTIONS[ms % 1000]


def parse_rfc3339(text: str) -> tuple[int, str]:
    """The time of an RFC 3339 date-time: milliseconds since the epoch, and the digits beyond milliseconds.

    A leap second counts as the second after it. Raises ValueError for text of another form, or for a day or hour that
    does not exist.
    """
    match = _RFC3339.fullmatch(text)
    if not match:
        raise ValueError("not an RFC 3339 date-time")
    day, clock, fraction, offset = match.groups()
    leap = clock.endswith(":60")
    if leap:
        clock = clock[:-2] + "59"
    moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
    seconds = (moment - _EPOCH) // timedelta(seconds=1) + leap
    digits = (fraction or ".")[1:]
    return seconds * 1000 + int(digits[:3].ljust(3, "0")), digits[3:].rstrip("0")
