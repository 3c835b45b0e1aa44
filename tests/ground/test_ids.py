"""Ids sort by time and match their pattern."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typeid import TypeID
from uuid_utils import UUID

from signalbox.ground import clock, ids
from signalbox.inventory import sender_pools, senders

KINDS = (senders.SENDER, sender_pools.SENDER_POOL, ids.OPERATION)
kinds = st.sampled_from(KINDS)
moments = st.integers(0, 2**48 - 1)


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
