"""Area codes that are found without the phone number library are those of the library."""

from __future__ import annotations

import phonenumbers
import pytest

from signalbox.inventory import addresses, area_codes
from telephone_numbers import numbers_of_every_kind


def of_the_library(address: str) -> str:
    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException:
        return ""
    area = phonenumbers.national_significant_number(number)[: phonenumbers.length_of_geographical_area_code(number)]
    mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    if number.country_code == 54 and mobile:
        area = area.removeprefix("9")
    return f"+{number.country_code}{area}" if area else ""


def test_area_codes_are_those_of_the_library() -> None:
    found = {number: area_codes.area_of(number) for number in numbers_of_every_kind() if len(number) <= 16}
    assert {number: area for number, area in found.items() if area != of_the_library(number)} == {}
    assert len(set(found.values())) > 200


@pytest.mark.parametrize(
    ("number", "area"),
    [
        ("+12125550100", "+1212"),
        ("+14165550100", "+1416"),
        ("+18005550100", ""),
        ("+442079460000", "+4420"),
        ("+447911123456", ""),
        ("+493012345678", "+4930"),
        ("+390612345678", "+3906"),
        ("+541112345678", "+5411"),
        ("+5491112345678", "+5411"),
        ("+525512345678", "+5255"),
        ("+8613912345678", ""),
        ("+80012345678", ""),
        ("+1202555", ""),
        ("+99912345678", ""),
        ("agent", ""),
        ("", ""),
    ],
)
def test_area_code_of_a_number(number: str, area: str) -> None:
    assert addresses.area(number) == area
