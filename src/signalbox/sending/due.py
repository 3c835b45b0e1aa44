"""When a scheduled message is due. Contract section 10.1, `schedule`.

A time with an offset is one instant. A time without an offset is that wall-clock time where the recipient is; where a
number may be in several zones, the zone in which that time comes last. `phonenumbers` knows the zones of a number.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from signalbox.ground import clock

LONGEST_MS: Final = 35 * 24 * 60 * 60 * 1000
_WALL_CLOCK: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?", flags=re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


class SendAt(NamedTuple):
    """A date-time of `sendAt`: an instant in milliseconds, or a wall-clock time."""

    instant: int | None
    wall: datetime | None = None

    def at(self, address: str) -> int:
        """The instant for the recipient with this address, in milliseconds. Takes some 20 us for a wall-clock time."""
        if self.wall is None:
            return self.instant or 0
        return _latest(self.wall, _zones(address))

    def surely_after(self, limit: int) -> bool:
        """Whether the time is later than `limit` for every recipient."""
        if self.wall is None:
            return (self.instant or 0) > limit
        # No place on Earth is more than 14 hours ahead of UTC.
        return _ms(self.wall.replace(tzinfo=UTC)) - 14 * 60 * 60 * 1000 > limit


def parse(text: str) -> SendAt:
    """The time of an RFC 3339 date-time, with or without its offset. Raises ValueError."""
    if _WALL_CLOCK.fullmatch(text):
        instant, _ = clock.parse_rfc3339(text + "Z")
        return SendAt(None, (_EPOCH + timedelta(milliseconds=instant)).replace(tzinfo=None))
    return SendAt(clock.parse_rfc3339(text)[0])


@lru_cache(maxsize=64)
def _latest(wall: datetime, zones: tuple[str, ...]) -> int:
    return max(_instant(wall, _zone(name)) for name in zones)


def _instant(wall: datetime, zone: tzinfo) -> int:
    """The instant of a wall-clock time: the second of two; where it is skipped, the end of the gap."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset(), second.utcoffset()
    if before is None or after is None or before >= after:
        return _ms(second)
    # In a gap, the clock goes from the offset `before` to the offset `after` between these two instants.
    low, high = (wall - after).replace(tzinfo=UTC), (wall - before).replace(tzinfo=UTC)
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return _ms(high.replace(microsecond=0))


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _zones(address: str) -> tuple[str, ...]:
    """The time zones that a number may be in; UTC when no plan knows the number."""
    import phonenumbers
    from phonenumbers import timezone

    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(address))
    except phonenumbers.NumberParseException:
        zones = ()
    known = tuple(name for name in zones if name != timezone.UNKNOWN_TIMEZONE)
    return known or ("UTC",)
