"""Checks an address for its channel, and finds the country of a number. Does not use the database.

Numbering plans change faster than the library that knows them: a number of the right form that no plan knows is valid,
with a warning. Area code +1 436 went into service in 2024, and Benin's numbers got two more digits in that year.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from signalbox.inventory import numbering

if TYPE_CHECKING:
    from collections.abc import Callable

    from phonenumbers import PhoneNumber

CHANNELS: Final = ("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH")
LONGEST: Final = 320

_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# ITU-T E.164 allows at most 15 digits and has no minimum. The shortest numbers in service have 7 digits: those of Niue,
# +683 and four digits.
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_FEWEST_DIGITS: Final = 7
_LIKE_E164 = re.compile(r"\+[0-9]+")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_ALPHANUMERIC_ID = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 &*+._-]{1,11}")
_PREFIXED = re.compile(r"(whatsapp|sms|rcs|tel|mailto|messenger):", re.IGNORECASE)
_RCS_AGENT = re.compile(r"(?=.{3,255}\Z)[A-Za-z0-9._:-]+(?:@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)?")
# email_validator takes eight times as long as this pattern. A label with hyphens as third and fourth characters is an
# IDNA label, which only email_validator decodes.
_LONGEST_MAILBOX: Final = 254
_PLAIN_MAILBOX = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)
_PUSH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}")

# phonenumbers.ValidationResult, plain integers: TOO_SHORT, TOO_LONG, IS_POSSIBLE_LOCAL_ONLY, INVALID_LENGTH.
_IMPOSSIBLE = {
    2: "too short for a number of its country",
    3: "too long for a number of its country",
    4: "too short: its area code is missing",
    5: "a number of this length does not exist in its country",
}
_TOO_SHORT: Final = f"too short for a number: at least {_FEWEST_DIGITS} digits with the country code"
_UNKNOWN: Final = "no numbering plan assigns such a number"
# phonenumbers.NumberParseException.error_type: INVALID_COUNTRY_CODE, TOO_SHORT_NSN, TOO_LONG.
_UNREADABLE = {
    0: "no country has the calling code it starts with",
    3: "too short for a number",
    4: "too long for a number",
}


Numbers: TypeAlias = Literal["valid", "known"]


class Address(NamedTuple):
    """A checked address in its stored form. `region` is the ISO code of its country, '' without a country.

    `warning`: why the number is unknown to the numbering plans.
    """

    address: str
    region: str
    warning: str | None = None


class WrongRegion(ValueError):
    """The address needs a region, or does not belong to the region that was given."""


def check(channel: str, address: str, region: str = "", numbers: Numbers = "valid") -> Address:
    """The address as `channel` stores it (contract section 8). `region` is a country of ISO 3166, '' when not given.

    Raises ValueError with a message that never contains the address; WrongRegion where the problem is the region. With
    `known`, a number that the numbering plans do not know is an error as well. Takes 4 us for a number or a plain
    mailbox. The first number of a country takes some 4 ms more, to read its numbering plan.
    """
    if not address:
        raise ValueError("an address cannot be empty")
    if len(address) > LONGEST:
        raise ValueError(f"an address has at most {LONGEST} characters, this one has {len(address)}")
    if _UNWRITABLE.search(address):
        raise ValueError("an address holds no control characters and no half surrogate pairs")
    if is_national(channel, address):
        return _check_national(address, region)
    if channel in ("SMS", "WHATSAPP", "PHONE") or (channel == "RCS" and address.startswith("+")):
        return _check_number(channel, address, region, numbers)
    if channel == "RCS":
        return Address(_check_rcs_agent(address), region)
    if channel == "EMAIL":
        return Address(_check_mailbox(address), region)
    if channel == "PUSH":
        return Address(_check_push(address), region)
    raise ValueError(f"a channel is one of {', '.join(CHANNELS)}")


def is_national(channel: str, address: str) -> bool:
    """Whether this is a short code or an alphanumeric id, which is another sender in each country."""
    return channel == "SMS" and bool(_SHORT_CODE.fullmatch(address) or _ALPHANUMERIC_ID.fullmatch(address))


def normalise_for_search(channel: str, address: str) -> str:
    """The form in which `check` would store the address. An invalid address is returned unchanged."""
    if channel != "EMAIL":
        return address  # stored as written
    try:
        return check(channel, address).address
    except ValueError:
        return address


@lru_cache(maxsize=65536)
def region(address: str) -> str:
    """The ISO code of the country of this number, else ''. Never raises.

    The country whose numbering plan contains the number, else the main country of its calling code.
    """
    if not _E164.fullmatch(address):
        return ""
    quick = numbering.region_of(address)
    if quick is not None:
        return quick
    import phonenumbers

    try:
        found = _iso(phonenumbers.region_code_for_number(phonenumbers.parse(address, None)))
    except phonenumbers.NumberParseException:
        found = ""
    return found or _main_country(address)


@lru_cache(maxsize=65536)
def area(address: str) -> str:
    """The calling code and the area code of this number, such as `+1415`; '' for a number without an area code.

    Never raises. The area code is the one that `phonenumbers` finds, worldwide; a number of no known plan has none.
    """
    if not _E164.fullmatch(address):
        return ""
    from signalbox.inventory import area_codes

    return area_codes.area_of(address)


def load() -> None:
    """Imports the libraries that `check` uses (about 80 ms), so that no later check waits for the import."""
    import phonenumbers

    _mailbox_reader()
    phonenumbers.parse("+12025550100", None)


def _check_national(address: str, region: str) -> Address:
    if not region:
        raise WrongRegion("region is required for a short code or an alphanumeric id: its country, such as GB")
    return Address(address, region)


def _check_number(channel: str, address: str, region: str, numbers: Numbers) -> Address:
    if not _E164.fullmatch(address):
        raise ValueError(_misspelt(channel, address))
    quick = numbering.region_of(address)
    country, unknown = (quick, None) if quick is not None else _read(address)
    if unknown and numbers == "known":
        raise ValueError(unknown)
    if unknown and len(address) <= _FEWEST_DIGITS:
        raise ValueError(_TOO_SHORT)
    if region and region != country:
        _check_region(address, region, country if unknown is None else None)
        country = region
    return Address(address, country, warning=unknown)


def _read(address: str) -> tuple[str, str | None]:
    """The country of a number, as the library reads it, and why the number is unknown to the plan of the country."""
    import phonenumbers

    main = _main_country(address)
    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException as error:
        return main, _UNREADABLE.get(error.error_type, "not a telephone number")
    country = phonenumbers.region_code_for_number(number)
    known = country is not None and phonenumbers.is_valid_number_for_region(number, country)
    if phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) != address:
        # parse() leaves out digits that are dialled only inside the country. Two spellings would become two senders.
        if known:
            raise ValueError("not E.164: leave out the digit (often 0) that is dialled only inside the country")
        return main, _UNKNOWN
    if known:
        return _iso(country), None
    return _iso(country) or main, _IMPOSSIBLE.get(phonenumbers.is_possible_number_with_reason(number), _UNKNOWN)


def _check_region(address: str, region: str, country: str | None) -> None:
    """Raises WrongRegion unless the number can be one of the region. `country`: the one whose plan knows the number.

    The library cannot say no to a country without a numbering plan, nor for a calling code that is new to the library.
    """
    import phonenumbers

    countries = numbering.countries_of(address)
    if countries is None or (countries and region not in phonenumbers.SUPPORTED_REGIONS):
        return
    if not countries:
        raise WrongRegion("numbers of this calling code belong to no country: leave out the region")
    if region not in countries:
        raise WrongRegion(f"this is no number of {region}: its calling code belongs to {_listed(countries)}")
    if country and not phonenumbers.is_valid_number_for_region(_parsed(address), region):
        raise WrongRegion(f"the numbering plans have this number in {country}, not in {region}")


def _listed(countries: tuple[str, ...]) -> str:
    more = f" and {len(countries) - 3} more" if len(countries) > 4 else ""
    return ", ".join(countries[:3] if more else countries) + more


def _parsed(address: str) -> "PhoneNumber":
    import phonenumbers

    return phonenumbers.parse(address, None)


def _main_country(address: str) -> str:
    return next(iter(numbering.countries_of(address) or ()), "")


def _misspelt(channel: str, address: str) -> str:
    if prefix := _PREFIXED.match(address):
        return f"write the number alone: the prefix {prefix[0].lower()} is not part of the address"
    if channel == "SMS" and re.search("[A-Za-z]", address):
        return "an alphanumeric id has 1-11 letters (A to Z), digits, spaces and & * + - . _"
    if channel == "SMS" and re.fullmatch("[0-9]{1,2}", address):
        return "a short code has 3-8 digits"
    if not address.startswith("+"):
        return "a number is written as E.164: + and the country code first"
    if not _LIKE_E164.fullmatch(address):
        return "a number is written as E.164: after the + only digits, no spaces or other signs"
    if address.startswith("+0"):
        return "no country has a calling code that starts with 0"
    return _TOO_SHORT if len(address) <= _FEWEST_DIGITS else "too long for a number: at most 15 digits"


def _iso(country: str | None) -> str:
    # The library gives '001' for numbers without a country, such as +800.
    return country if country and country.isalpha() else ""


def _check_rcs_agent(address: str) -> str:
    if not _RCS_AGENT.fullmatch(address):
        raise ValueError(
            "an RCS sender is an E.164 number or an agent id: 3-255 letters, digits, . _ - : and one @domain"
        )
    return address


def _check_push(address: str) -> str:
    if not _PUSH_ID.fullmatch(address):
        raise ValueError("a push sender is an app, project or bundle id: 1-255 letters, digits, . _ : -, no sign first")
    return address


def is_plain_mailbox(address: str) -> bool:
    """Whether this is a plain mailbox, which the library would return unchanged. Most mailboxes are plain."""
    return len(address) <= _LONGEST_MAILBOX and _PLAIN_MAILBOX.fullmatch(address) is not None


def _check_mailbox(address: str) -> str:
    if is_plain_mailbox(address):
        return address
    try:
        return _mailbox_reader()(address)
    except ValueError as error:
        # After a colon or in brackets, messages of the library contain parts of the address.
        raise ValueError(re.split(r"[:(]", str(error))[0].rstrip(" .")) from None


@cache
def _mailbox_reader() -> "Callable[[str], str]":
    import email_validator

    # This check does not ask whether mail can be delivered, so names that are reserved for tests and local networks
    # (RFC 2606, RFC 6761) are valid. The documentation of the library says to edit this list.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

    def read(address: str) -> str:
        return email_validator.validate_email(
            address,
            allow_smtputf8=True,
            allow_quoted_local=True,
            allow_domain_literal=True,
            check_deliverability=False,
            globally_deliverable=False,
        ).normalized

    return read
