"""Times in the format of RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.ground import clock


@given(st.integers(0, 253402300799999))
def test_times_survive_the_round_trip(ms: int) -> None:
    text = clock.rfc3339(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert clock.parse_rfc3339(text) == (ms, "")


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001 - the offset is drawn below
    st.integers(-23 * 60, 23 * 60),
    st.integers(0, 9),
)
def test_moment_is_the_same_in_every_offset(naive: datetime, minutes: int, digits: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)), microsecond=0)
    fraction = "." + "123456789"[:digits] if digits else ""
    sign, ahead = ("-" if minutes < 0 else "+"), abs(minutes)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}".zfill(19) + f"{fraction}{sign}{ahead // 60:02d}:{ahead % 60:02d}"
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assert clock.parse_rfc3339(text) == (
        seconds * 1000 + int("123"[:digits].ljust(3, "0")),
        "456789"[: max(0, digits - 3)],
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-1-1T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Z\n",
        " 2026-01-01T00:00:00Z",
        "٢026-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
    ],
)
def test_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the reader's
        clock.parse_rfc3339(text)


def test_leap_second_is_the_second_after_it() -> None:
    assert clock.parse_rfc3339("2016-12-31T23:59:60Z") == clock.parse_rfc3339("2017-01-01T00:00:00Z")


def test_times_are_right_when_the_cache_of_seconds_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_MOST_SECONDS", 2)
    for _ in range(2):
        texts = [clock.rfc3339(second * 1000)[17:19] for second in range(5)]
        assert texts == ["00", "01", "02", "03", "04"]
        assert len(clock._seconds) <= 2
