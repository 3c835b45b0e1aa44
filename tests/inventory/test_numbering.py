"""Numbers that are accepted without the phone number library are accepted by the library, with the same result."""

from __future__ import annotations

import random
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalbox.inventory import addresses, numbering


def _numbers() -> Iterator[str]:
    """For every region an example of each type, and the example with one digit changed, added or removed."""
    chance = random.Random(1)
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            for kind in range(11):
                example = phonenumbers.example_number_for_type(region, kind) if region.isalpha() else None
                if example is None:
                    continue
                text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
                at = chance.randrange(len(str(code)) + 1, len(text))
                digit = str(chance.randrange(10))
                yield text
                yield text[:at] + digit + text[at + 1 :]
                yield text[:at] + digit + text[at:]
                yield text[:-1]
                yield f"+{code}0{text[1 + len(str(code)) :]}"


def _as_the_library_reads(monkeypatch: pytest.MonkeyPatch, number: str) -> str | None:
    with monkeypatch.context() as patched:
        patched.setattr(numbering, "region_of", lambda _: None)
        try:
            return addresses.check("SMS", number, numbers="known").region
        except ValueError:
            return None


def test_numbering_plans_made_ready_accept_what_the_library_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library also knows numbers that are longer than E.164 allows.
    read = {number: _as_the_library_reads(monkeypatch, number) for number in _numbers() if len(number) <= 16}
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
