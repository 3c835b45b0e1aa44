"""Numbers that are accepted without the phone number library are accepted by the library, with the same result."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalbox.inventory import addresses, numbering
from telephone_numbers import numbers_of_every_kind


def _as_the_library_reads(monkeypatch: pytest.MonkeyPatch, number: str) -> str | None:
    with monkeypatch.context() as patched:
        patched.setattr(numbering, "region_of", lambda _: None)
        try:
            return addresses.check("SMS", number, numbers="known").region
        except ValueError:
            return None


def test_numbering_plans_made_ready_accept_what_the_library_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library also knows numbers that are longer than E.164 allows.
    read = {
        number: _as_the_library_reads(monkeypatch, number) for number in numbers_of_every_kind() if len(number) <= 16
    }
    quick = {number: numbering.region_of(number) for number in read}
    assert {number for number, region in quick.items() if region is not None and region != read[number]} == set()
    good = [number for number, region in read.items() if region is not None]
    assert len(good) > 1_000
    # Nearly all numbers pass without the library; the library reads the rest.
    assert sum(quick[number] is not None for number in good) > 0.9 * len(good)


_WORD = st.text("abzAZ09_+-.", min_size=1, max_size=66)
_LABEL = st.text("abxnz09-", min_size=1, max_size=65)


@given(_WORD, st.lists(_LABEL, min_size=1, max_size=3))
@example("a", ["xn--a", "com"])
@example("a", ["1", "com"])
@example("a", ["b", "test"])
@example("a" * 65, ["b", "com"])
def test_plain_mailbox_is_one_that_the_library_returns_unchanged(local: str, labels: list[str]) -> None:
    mailbox = f"{local}@{'.'.join(labels)}"
    if addresses.is_plain_mailbox(mailbox):
        assert addresses._mailbox_reader()(mailbox) == mailbox
