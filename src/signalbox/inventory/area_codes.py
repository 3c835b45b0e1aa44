"""The area codes of `phonenumbers` as compiled patterns: the library takes 100 us for a number, this takes a few.

A number has an area code when it is geographical and its country dials one, as in the library's
`length_of_geographical_area_code`. Argentine mobile numbers have a 9 before the area code: the library counts
it in, this does not.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from signalbox.inventory import numbering

if TYPE_CHECKING:
    from phonenumbers import NumberFormat
    from phonenumbers.phonemetadata import PhoneNumberDesc

# As in length_of_geographical_area_code: Mexico has area codes without a national prefix; Chinese mobile numbers have
# none, although their first digits are geographical.
_WITHOUT_NATIONAL_PREFIX: Final = {52}
_MOBILE_WITHOUT_AREA: Final = {86}
_NONE: Final = re.compile(r"(?!)")


class _Plan(NamedTuple):
    """The geographical numbers of a region. Patterns match whole national numbers.

    `formats`: how they are written, each a pattern and the groups of its first two parts; the first part is the area
    code where there is a second one. `token`: the digits before the area code of a mobile number.
    """

    code: str
    other: re.Pattern[str]
    fixed: re.Pattern[str]
    mobile: re.Pattern[str]
    formats: tuple[tuple[re.Pattern[str], list[list[int]]], ...]
    token: str


def area_of(address: str) -> str:
    """The calling code and the area code of a number in E.164, such as `+1415`; '' without an area code."""
    region = numbering.region_of(address)
    if region is None:
        return _from_library(address)
    plan = _plan(region)
    if plan is None:
        return ""
    national = address[1 + len(plan.code) :]
    if plan.other.fullmatch(national):
        return ""
    token = ""
    if not plan.fixed.fullmatch(national):
        if not plan.mobile.fullmatch(national):
            return ""
        token = plan.token
    for pattern, parts in plan.formats:
        if found := pattern.fullmatch(national):
            if len(parts) < 2:
                return ""
            return f"+{plan.code}{''.join(found[group] for group in parts[1 if token else 0])}"
    return ""


def _from_library(address: str) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException:
        return ""
    digits = phonenumbers.length_of_geographical_area_code(number)
    area = phonenumbers.national_significant_number(number)[:digits]
    mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    token = phonenumbers.country_mobile_token(number.country_code or 0) if mobile else ""
    return f"+{number.country_code}{area.removeprefix(token)}" if area else ""


@cache
def _plan(region: str) -> _Plan | None:
    """The plan of a region; None for a region without area codes."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return None
    code = metadata.country_code or 0
    if metadata.national_prefix is None and code not in _WITHOUT_NATIONAL_PREFIX:
        # Italy and its neighbours have area codes for numbers that begin with 0, which numbering leaves to the library.
        return None
    mobile = phonenumbers.is_number_type_geographical(phonenumbers.PhoneNumberType.MOBILE, code)
    # Numbers are written as the main country of a calling code writes them.
    main = phonenumbers.PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_country_code(code), None)
    formats = (main.intl_number_format or main.number_format) if main else ()
    return _Plan(
        str(code),
        _of_types([getattr(metadata, name) for name in numbering.NOT_GEOGRAPHICAL]),
        _of_types([metadata.fixed_line]),
        _of_types([metadata.mobile] if mobile and code not in _MOBILE_WITHOUT_AREA else []),
        tuple((_of_format(one), _parts(one.format or "")) for one in formats),
        phonenumbers.country_mobile_token(code),
    )


def _parts(form: str) -> list[list[int]]:
    """The groups of each part of a written number: of `\\1\\2-\\3`, `[[1, 2], [3]]`."""
    return [[int(group) for group in re.findall(r"\\(\d)", part)] for part in re.split(r"[^\\\d]+", form) if part]


def _of_format(one: "NumberFormat") -> re.Pattern[str]:
    # The last of the leading patterns is the most detailed one.
    leading = f"(?={one.leading_digits_pattern[-1]})" if one.leading_digits_pattern else ""
    return re.compile(leading + (one.pattern or ""))


def _of_types(types: "list[PhoneNumberDesc | None]") -> re.Pattern[str]:
    """The numbers of these types, each with its lengths."""
    patterns = []
    for desc in types:
        if desc is not None and desc.national_number_pattern:
            lengths = "|".join(f".{{{length}}}" for length in desc.possible_length)
            patterns.append((rf"(?=(?:{lengths})\Z)" if lengths else "") + f"(?:{desc.national_number_pattern})")
    return re.compile("|".join(patterns)) if patterns else _NONE
