"""Telephone numbers of all countries, for tests."""

from __future__ import annotations

import random
from collections.abc import Iterator

import phonenumbers


def numbers_of_every_kind() -> Iterator[str]:
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
