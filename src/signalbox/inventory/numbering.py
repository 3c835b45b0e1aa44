"""The numbering plans of `phonenumbers` as compiled patterns. A check takes an eighth of the library's time.

`region_of` returns a region only for numbers that `phonenumbers` finds valid. For all other numbers the caller asks the
library, which also gives the reason of a failure. See docs/decisions/0021-addresses.md.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

NOT_GEOGRAPHICAL: Final = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_TYPES: Final = (*NOT_GEOGRAPHICAL, "fixed_line", "mobile")


class _Region(NamedTuple):
    """A region of a plan: the leading digits of this region alone, and a pattern of its numbers for each length."""

    name: str
    leading: re.Pattern[str] | None
    valid: dict[int, re.Pattern[str]]


class _Plan(NamedTuple):
    """The numbers of one calling code: their lengths, and the prefix that is dialled only inside the country."""

    lengths: frozenset[int]
    stripped: re.Pattern[str] | None
    regions: tuple[_Region, ...]


def region_of(address: str) -> str | None:
    """The ISO code of the region of a number in E.164; None when the library has to decide.

    `address` is `+` and digits. The first number of a calling code takes some 4 ms, to read its plan.
    """
    for size in (1, 2, 3):
        plan = _plan(address[1 : 1 + size])
        if plan is not None:
            return _region(plan, address[1 + size :])
    return None


def countries_of(address: str) -> tuple[str, ...] | None:
    """The countries that share the calling code of a number in E.164, the main one first.

    Empty for a code of no country, such as +800; None for a code that the library does not know.
    """
    import phonenumbers

    for size in (1, 2, 3):
        names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(address[1 : 1 + size] or "0"))
        if names is not None:
            return tuple(name for name in names if name.isalpha())
    return None


def _region(plan: _Plan, national: str) -> str | None:
    length = len(national)
    if length not in plan.lengths or national[0] == "0" or (plan.stripped and plan.stripped.match(national)):
        return None
    for region in plan.regions:
        valid = region.valid.get(length)
        holds = valid is not None and valid.fullmatch(national) is not None
        if region.leading is None and (holds or len(plan.regions) == 1):
            return region.name if holds else None
        if region.leading is not None and region.leading.match(national):
            return region.name if holds else None
    return None


@cache
def _plan(code: str) -> _Plan | None:
    """The plan of a calling code; None for a code that no region has."""
    import phonenumbers

    names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or "0"), ())
    found = [phonenumbers.PhoneMetadata.metadata_for_region(name, None) for name in names if name.isalpha()]
    all_of_them = [one for one in found if one is not None]
    if not all_of_them:
        return None
    main = all_of_them[0]
    prefix = main.national_prefix_for_parsing
    return _Plan(
        frozenset(main.general_desc.possible_length if main.general_desc else ()),
        re.compile(prefix) if prefix else None,
        tuple(_made_ready(one, len(all_of_them) > 1) for one in all_of_them),
    )


def _made_ready(metadata: "PhoneMetadata", several: bool) -> _Region:
    types = [desc for name in _TYPES if (desc := getattr(metadata, name)) is not None and desc.national_number_pattern]
    general = metadata.general_desc
    lengths = general.possible_length if general else ()
    leading = metadata.leading_digits if several else None
    return _Region(
        metadata.id,
        re.compile(leading) if leading else None,
        {length: pattern for length in lengths if general and (pattern := _pattern(general, types, length))},
    )


def _pattern(general: "PhoneNumberDesc", types: "list[PhoneNumberDesc]", length: int) -> re.Pattern[str] | None:
    """The pattern of the region's numbers with this length, of all types; None without a type of this length."""
    fit = [desc.national_number_pattern for desc in types if not desc.possible_length or length in desc.possible_length]
    if not fit:
        return None
    return re.compile(f"(?=(?:{general.national_number_pattern})\\Z)(?:{'|'.join(f'(?:{one})' for one in fit)})")
