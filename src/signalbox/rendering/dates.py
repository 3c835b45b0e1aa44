"""Dates of Liquid: reading a moment, and writing it by a pattern. The clock and zone of the machine play no part."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

_LONGEST: Final = 64  # of a text that is read as a date
_MOST_OFFSET: Final = 24 * 60 * 60
_DIRECTIVE: Final = re.compile(r"%([-_0^]?)([A-Za-z%])")


def now(now_ms: int) -> datetime:
    """The time of the account, in UTC and whole seconds."""
    return datetime.fromtimestamp(now_ms // 1000, UTC)


def moment_of(value: object, now_ms: int) -> datetime | None:
    """The moment that a value names; None if it names none.

    `now` and `today`, seconds since 1970, or a date as people and programs write it; UTC if it has no offset. What a
    date leaves out is taken from the account's present day.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        text = value.strip()
        if text in ("now", "today"):
            return now(now_ms)
        if len(text) > _LONGEST:
            return None
        return _seconds(text) if text.isdecimal() else _read(text, now_ms)
    return _seconds(value) if isinstance(value, int | float) else None


def _seconds(value: str | float) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ArithmeticError, ValueError, OSError):
        return None


def _read(text: str, now_ms: int) -> datetime | None:
    from dateutil import parser  # type: ignore[import-untyped]

    midnight = now(now_ms).replace(hour=0, minute=0, second=0)
    try:
        read: datetime = parser.parse(text, default=midnight, tzinfos=_zone)
    except (ArithmeticError, ValueError, TypeError, AttributeError):
        return None  # dateutil raises all of these for texts that are no dates
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _zone(_: str, offset: int | None) -> tzinfo:
    """The zone of a date: by its offset in seconds. Names of zones mean several zones, so they are read as UTC."""
    if offset is None or abs(offset) >= _MOST_OFFSET:
        return UTC
    return timezone(timedelta(seconds=offset))


_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# In English on every machine: strftime of the standard library follows the locale of the process.
_WRITTEN: Final[Mapping[str, Callable[[datetime], str]]] = {
    "%": lambda _: "%",
    "A": lambda moment: _DAYS[moment.weekday()],
    "a": lambda moment: _DAYS[moment.weekday()][:3],
    "B": lambda moment: _MONTHS[moment.month - 1],
    "b": lambda moment: _MONTHS[moment.month - 1][:3],
    "C": lambda moment: f"{moment.year // 100:02}",
    "c": lambda moment: formatted(moment, "%a %b %e %H:%M:%S %Y"),
    "D": lambda moment: formatted(moment, "%m/%d/%y"),
    "d": lambda moment: f"{moment.day:02}",
    "e": lambda moment: f"{moment.day:2}",
    "F": lambda moment: formatted(moment, "%Y-%m-%d"),
    "G": lambda moment: f"{moment.isocalendar().year:04}",
    "H": lambda moment: f"{moment.hour:02}",
    "h": lambda moment: _MONTHS[moment.month - 1][:3],
    "I": lambda moment: f"{moment.hour % 12 or 12:02}",
    "j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "k": lambda moment: f"{moment.hour:2}",
    "L": lambda moment: f"{moment.microsecond // 1000:03}",
    "l": lambda moment: f"{moment.hour % 12 or 12:2}",
    "M": lambda moment: f"{moment.minute:02}",
    "m": lambda moment: f"{moment.month:02}",
    "N": lambda moment: f"{moment.microsecond * 1000:09}",
    "n": lambda _: "\n",
    "P": lambda moment: "am" if moment.hour < 12 else "pm",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "R": lambda moment: formatted(moment, "%H:%M"),
    "r": lambda moment: formatted(moment, "%I:%M:%S %p"),
    "S": lambda moment: f"{moment.second:02}",
    "s": lambda moment: str(int(moment.timestamp())),
    "T": lambda moment: formatted(moment, "%H:%M:%S"),
    "t": lambda _: "\t",
    "U": lambda moment: moment.strftime("%U"),
    "u": lambda moment: str(moment.isoweekday()),
    "V": lambda moment: f"{moment.isocalendar().week:02}",
    "v": lambda moment: formatted(moment, "%e-%^b-%Y"),
    "W": lambda moment: moment.strftime("%W"),
    "w": lambda moment: str(moment.isoweekday() % 7),
    "X": lambda moment: formatted(moment, "%H:%M:%S"),
    "x": lambda moment: formatted(moment, "%m/%d/%y"),
    "Y": lambda moment: str(moment.year),
    "y": lambda moment: f"{moment.year % 100:02}",
    "Z": lambda moment: "UTC" if not moment.utcoffset() else moment.strftime("%z"),
    "z": lambda moment: moment.strftime("%z"),
}


def formatted(moment: datetime, pattern: str) -> str:
    """A moment by a pattern of strftime, with the flags `-` `_` `0` `^`. Other directives stay as they are."""

    def written(match: re.Match[str]) -> str:
        flag, directive = match[1], match[2]
        if directive not in _WRITTEN:
            return match[0]
        text = _WRITTEN[directive](moment)
        if flag == "^":
            return text.upper()
        if flag and text.strip().isdecimal():
            bare = text.strip().lstrip("0") or "0"
            return bare if flag == "-" else bare.rjust(len(text), " " if flag == "_" else "0")
        return text

    return _DIRECTIVE.sub(written, pattern)
