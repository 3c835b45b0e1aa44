"""The ground: ids, times, page tokens, secrets."""

from __future__ import annotations

import re
import string
import threading
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typeid import TypeID
from uuid_utils import UUID

from signalbox.ground import clock, ids, secrets
from signalbox.ground.page_tokens import Anchor, BadToken, mint, open_token
from signalbox.inventory import sender_pools, senders

KINDS = (senders.SENDER, sender_pools.SENDER_POOL, ids.OPERATION)
kinds = st.sampled_from(KINDS)
moments = st.integers(0, 2**48 - 1)


# --- ids


@given(kinds, st.lists(st.integers(-3, 3), min_size=2, max_size=30))
def test_ids_increase_whatever_the_clock_does(kind: str, steps: list[int]) -> None:
    now = clock.now_ms()
    made = [ids.new(kind, now := now + step) for step in steps]
    assert made == sorted(set(made))


@given(kinds, moments, st.lists(moments, max_size=5))
def test_series_of_ids_follows_the_newest_that_it_was_told(kind: str, now: int, told: list[int]) -> None:
    before = [ids.Series(ms, shared=False).new(kind) for ms in told]
    series = ids.Series(now, shared=False)
    for one in before:
        series.after(one)
    made = [series.new(kind) for _ in range(3)]
    assert made == sorted(set(made))
    assert made[0] > max(before, default="")
    assert ids.created_at(made[0]) == max([now, *told])


def test_series_of_an_account_in_the_future_moves_no_other_ids() -> None:
    now = clock.now_ms()
    ahead = ids.Series(now + 10**9, shared=False).new(senders.SENDER)
    assert ids.created_at(ahead) == now + 10**9
    assert ids.new(senders.SENDER, now) < ahead


@given(kinds)
def test_new_id_matches_its_pattern_and_no_other(kind: str) -> None:
    one = ids.new(kind, clock.now_ms())
    assert re.fullmatch(r"comms_(sender|senderpool|operation)_[0-7][a-hjkmnpqrstv-z0-9]{25}", one)
    assert [ids.is_id(other, one) for other in KINDS] == [other == kind for other in KINDS]
    assert re.search(ids.pattern(kind), one)


@given(kinds, moments)
def test_id_is_the_typeid_of_a_uuid_version_7(kind: str, now: int) -> None:
    one = ids.Series(now, shared=False).new(kind)
    uuid = TypeID.from_string(one).uuid
    assert (uuid.version, uuid.variant, uuid.timestamp) == (7, "specified in RFC 4122", now)
    assert str(TypeID.from_uuid(UUID(int=uuid.int), prefix=kind)) == one


def test_id_holds_the_time_that_it_was_made_at() -> None:
    before = clock.now_ms()
    one = ids.new(senders.SENDER, clock.now_ms())
    assert before <= ids.created_at(one)


@given(kinds, moments)
def test_first_of_a_millisecond_sorts_between_its_neighbours(kind: str, ms: int) -> None:
    first = ids.first_of(kind, ms)
    assert ids.created_at(first) == ms
    assert ids.is_id(kind, first)
    assert ids.least(kind) < first < ids.greatest(kind)
    if ms < 2**48 - 1:
        assert first < ids.first_of(kind, ms + 1)


def test_first_of_divides_the_ids_of_one_millisecond_from_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ids.created_at(ids.new(senders.SENDER, clock.now_ms())) + 10
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    one = ids.new(senders.SENDER, clock.now_ms())
    assert ids.first_of(senders.SENDER, now) <= one < ids.first_of(senders.SENDER, now + 1)


@given(kinds, st.integers(-(2**60), 2**60))
def test_first_of_takes_any_moment(kind: str, ms: int) -> None:
    assert ids.least(kind) < ids.first_of(kind, ms) < ids.greatest(kind)


@given(kinds, st.text(max_size=40))
def test_text_that_is_no_id_is_none(kind: str, text: str) -> None:
    assert ids.is_id(kind, text) == bool(re.fullmatch(f"{kind}_[0-7][a-hjkmnpqrstv-z0-9]{{25,34}}", text))


@given(kinds, st.integers(24, 36), st.sampled_from("01789abcilouzABC_\n ٣"), st.data())
def test_ids_are_recognised_character_by_character(kind: str, length: int, odd: str, data: st.DataObject) -> None:
    suffix = "0" * length
    at = data.draw(st.integers(0, length - 1))
    text = f"{kind}_{suffix[:at]}{odd}{suffix[at + 1 :]}"
    fits = odd in ("017" if at == 0 else "01789abcz")
    assert ids.is_id(kind, text) == (fits and 26 <= length <= 35)


def test_ids_of_many_threads_are_unique() -> None:
    made: list[list[str]] = [[] for _ in range(4)]

    def make(into: list[str]) -> None:
        into += [ids.new(senders.SENDER, clock.now_ms()) for _ in range(2_000)]

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({one for into in made for one in into}) == 8_000
    assert all(into == sorted(into) for into in made)


# --- clock


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


# --- page tokens


KEY = bytes(range(32))
scopes = st.binary(max_size=40)
anchors = st.builds(
    Anchor, st.sampled_from(["at", "after"]), st.text(string.ascii_lowercase + string.digits + "_", max_size=60)
)


@given(scopes, anchors)
def test_token_survives_the_round_trip_and_is_url_safe(scope: bytes, anchor: Anchor) -> None:
    token = mint(KEY, scope, anchor)
    assert re.fullmatch("[A-Za-z0-9_-]+", token)
    assert open_token(KEY, scope, token) == anchor


@given(scopes, scopes, anchors)
def test_token_opens_in_its_own_scope_only(scope: bytes, other: bytes, anchor: Anchor) -> None:
    token = mint(KEY, scope, anchor)
    if other != scope:
        with pytest.raises(BadToken):
            open_token(KEY, other, token)
    with pytest.raises(BadToken):
        open_token(KEY[::-1], scope, token)


@given(scopes, anchors, st.data())
def test_token_resists_every_edit(scope: bytes, anchor: Anchor, data: st.DataObject) -> None:
    token = mint(KEY, scope, anchor)
    at = data.draw(st.integers(0, len(token)))
    piece = data.draw(st.text(max_size=3))
    cut = data.draw(st.integers(0, 3))
    edited = token[:at] + piece + token[at + cut :]
    if edited != token:
        with pytest.raises(BadToken):
            open_token(KEY, scope, edited)


@given(scopes, anchors)
def test_other_spellings_of_the_same_bytes_are_refused(scope: bytes, anchor: Anchor) -> None:
    token = mint(KEY, scope, anchor)
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    spellings = {token + "=", token + "==", token + "\n", token[:5] + " " + token[5:], token[:5] + "!" + token[5:]}
    spellings |= {token.replace("-", "+"), token.replace("_", "/")}
    alphabet = string.ascii_letters + string.digits + "-_"
    # The last character may carry bits that decode to nothing.
    spellings |= {
        token[:-1] + last for last in alphabet if urlsafe_b64decode(token[:-1] + last + "=" * (-len(token) % 4)) == raw
    }
    for spelling in spellings - {token}:
        with pytest.raises(BadToken):
            open_token(KEY, scope, spelling)


@given(st.text(max_size=80))
def test_made_up_token_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        open_token(KEY, b"", text)


# --- secrets


def test_secrets_are_32_characters_and_never_alike() -> None:
    made = {secrets.new_secret() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch("[A-Za-z0-9]{32}", one) for one in made)


def test_sids_are_two_letters_and_32_hex_digits() -> None:
    for kind in ("AC", "SK"):
        assert re.fullmatch(kind + "[0-9a-f]{32}", secrets.new_sid(kind))
    assert secrets.new_sid("AC") != secrets.new_sid("AC")


@given(st.text(max_size=50), st.text(max_size=50))
def test_digest_depends_on_key_and_secret(one_text: str, other_text: str) -> None:
    one, other = one_text.encode(), other_text.encode()
    digest = secrets.digest(KEY, one)
    assert len(digest) == 32
    assert secrets.same(digest, secrets.digest(KEY, one))
    assert secrets.same(digest, secrets.digest(KEY, other)) == (one == other)
    assert not secrets.same(digest, secrets.digest(KEY[::-1], one))
    assert one not in digest or len(one) < 8
