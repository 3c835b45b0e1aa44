"""What an address may be on each channel, and the country whose numbering plan holds it. Knows no table."""

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from signalbox.inventory import numbering

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS: Final = ("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH")
LONGEST: Final = 320

_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_E164 = re.compile(r"\+[1-9][0-9]+")
_LIKE_E164 = re.compile(r"\+[0-9]+")
_PREFIXED = re.compile(r"(whatsapp|sms|rcs|tel|mailto|messenger):", re.IGNORECASE)
_RCS_AGENT = re.compile(r"(?=.{3,255}\Z)[A-Za-z0-9._:-]+(?:@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)?")
# The library takes eight times as long. A label with hyphens at its third and fourth place is one of IDNA, which the
# library decodes.
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
# phonenumbers.NumberParseException.error_type: INVALID_COUNTRY_CODE, TOO_SHORT_NSN, TOO_LONG.
_UNREADABLE = {
    0: "no country has the calling code it starts with",
    3: "too short for a number",
    4: "too long for a number",
}


class Address(NamedTuple):
    """A checked address as it is stored; `region` is the ISO code of its number's country, '' for none."""

    address: str
    region: str


def check(channel: str, address: str) -> Address:
    """The address as `channel` stores it (contract section 8).

    Raises ValueError with a sentence for people that never repeats the address. Costs 4 us for a number or a
    plain mailbox; the first number of a country costs some 4 ms more, for its numbering plan is read then.
    """
    if not address:
        raise ValueError("an address cannot be empty")
    if len(address) > LONGEST:
        raise ValueError(f"an address has at most {LONGEST} characters, this one has {len(address)}")
    if _UNWRITABLE.search(address):
        raise ValueError("an address holds no control characters and no half surrogate pairs")
    if channel in ("SMS", "WHATSAPP", "PHONE"):
        return _check_number(address)
    if channel == "RCS":
        return _check_rcs(address)
    if channel == "EMAIL":
        return Address(_check_mailbox(address), "")
    if channel == "PUSH":
        return _check_push(address)
    raise ValueError(f"a channel is one of {', '.join(CHANNELS)}")


def normalise_for_search(channel: str, address: str) -> str:
    """The spelling under which `check` would store the address; one that it refuses comes back unchanged."""
    if channel != "EMAIL":
        return address  # stored as written
    try:
        return check(channel, address).address
    except ValueError:
        return address


def region(address: str) -> str:
    """ISO code of the country whose numbering plan holds this number; '' for anything else. Never raises."""
    if not _E164.fullmatch(address) or len(address) > LONGEST:
        return ""
    import phonenumbers

    try:
        return _iso(phonenumbers.region_code_for_number(phonenumbers.parse(address, None)))
    except phonenumbers.NumberParseException:
        return ""


def load() -> None:
    """Import the libraries behind `check` now (about 80 ms), for those who must not wait for them later."""
    import phonenumbers

    _mailbox_reader()
    phonenumbers.parse("+12025550100", None)


def _check_number(address: str) -> Address:
    if not _E164.fullmatch(address):
        raise ValueError(_misspelt(address))
    if (quick := numbering.region_of(address)) is not None:
        return Address(address, quick)
    import phonenumbers

    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError(_UNREADABLE.get(error.error_type, "not a telephone number")) from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason in _IMPOSSIBLE:
        raise ValueError(_IMPOSSIBLE[reason])
    if phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) != address:
        # parse() forgives what people dial inside the country; two spellings would be two senders.
        raise ValueError("not E.164: leave out the digit (often 0) that is dialled only inside the country")
    country = phonenumbers.region_code_for_number(number)
    if country is None or not phonenumbers.is_valid_number_for_region(number, country):
        raise ValueError("no numbering plan assigns such a number")
    return Address(address, _iso(country))


def _misspelt(address: str) -> str:
    if prefix := _PREFIXED.match(address):
        return f"write the number alone: the prefix {prefix[0].lower()} is not part of the address"
    if not address.startswith("+"):
        return "a number is written as E.164: + and the country code first"
    if not _LIKE_E164.fullmatch(address):
        return "a number is written as E.164: after the + only digits, no spaces or other signs"
    if address.startswith("+0"):
        return "no country has a calling code that starts with 0"
    return "too short for a number"


def _iso(country: str | None) -> str:
    # '001' is the library's name for numbers of no country, such as +800.
    return country if country and country.isalpha() else ""


def _check_rcs(address: str) -> Address:
    if address.startswith("+"):
        return _check_number(address)
    if not _RCS_AGENT.fullmatch(address):
        raise ValueError(
            "an RCS sender is an E.164 number or an agent id: 3-255 letters, digits, . _ - : and one @domain"
        )
    return Address(address, "")


def _check_push(address: str) -> Address:
    if not _PUSH_ID.fullmatch(address):
        raise ValueError("a push sender is an app, project or bundle id: 1-255 letters, digits, . _ : -, no sign first")
    return Address(address, "")


def is_plain_mailbox(address: str) -> bool:
    """Whether this is a mailbox that the library would return unchanged, as most are."""
    return len(address) <= _LONGEST_MAILBOX and _PLAIN_MAILBOX.fullmatch(address) is not None


def _check_mailbox(address: str) -> str:
    if is_plain_mailbox(address):
        return address
    try:
        return _mailbox_reader()(address)
    except ValueError as error:
        # What the library adds after a colon or in brackets are pieces of the address.
        raise ValueError(re.split(r"[:(]", str(error))[0].rstrip(" .")) from None


@cache
def _mailbox_reader() -> "Callable[[str], str]":
    import email_validator

    # Whether mail can be delivered is not asked here, so the names reserved for tests and local networks (RFC
    # 2606, RFC 6761) are as good as any. The library documents editing this list as the way to say so.
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
