"""The addresses that each channel accepts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.inventory import addresses
from signalbox.inventory.addresses import Address, check, normalise_for_search, region


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("+12025550100", "US"),
        ("+14165550123", "CA"),
        ("+18765551234", "JM"),
        ("+447400123456", "GB"),
        ("+390612345678", "IT"),
        ("+77011234567", "KZ"),
        ("+80012345678", ""),
    ],
)
def test_check_knows_the_country_of_a_number_by_its_numbering_plan(address: str, country: str) -> None:
    """Countries share calling codes (+1, +7), Italy keeps a leading zero, and +800 belongs to no country."""
    for channel in ("SMS", "WHATSAPP", "RCS"):
        assert check(channel, address) == Address(address, country)
    assert region(address) == country


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("whatsapp:+12025550100", "prefix whatsapp: is not part"),
        ("TEL:+12025550100", "prefix tel: is not part"),
        ("12025550100", "+ and the country code first"),
        ("0012025550100", "+ and the country code first"),
        ("BRAND", "+ and the country code first"),
        ("+1 202 555 0100", "only digits"),
        ("+1-202-555-0100", "only digits"),
        ("+\u0661\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0660\u0660", "only digits"),
        (" +12025550100", "+ and the country code first"),
        ("+12025550100 ", "only digits"),
        ("+0012025550100", "starts with 0"),
        ("+9991234567", "no country has the calling code"),
        ("+1", "too short"),
        ("+1202555", "too short"),
        ("+5550100", "too short"),
        ("+12025550100999", "too long"),
        ("+" + "1" * 300, "too long"),
        ("+15555550100", "no numbering plan"),
        ("+4407400123456", "leave out the digit"),
        ("", "cannot be empty"),
        ("+120255501\x00", "control characters"),
        ("+" + "1" * 320, "at most 320 characters, this one has 321"),
    ],
)
@pytest.mark.parametrize("channel", ["SMS", "WHATSAPP"])
def test_check_says_what_is_wrong_with_a_number(channel: str, address: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("+", r"\+")) as caught:
        check(channel, address)
    assert not address or address not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("Ada@Example.ORG", "Ada@example.org"),
        ("ada@example.test", "ada@example.test"),
        ("ada@localhost", "ada@localhost"),
        ("ada@host.invalid", "ada@host.invalid"),
        ('"ada b"@example.org', '"ada b"@example.org'),
        ('"ada"@example.org', "ada@example.org"),
        ("j\u00fcrgen@b\u00fccher.de", "j\u00fcrgen@b\u00fccher.de"),
        ("ju\u0308rgen@xn--bcher-kva.de", "j\u00fcrgen@b\u00fccher.de"),
        ("ada@[127.0.0.1]", "ada@[127.0.0.1]"),
    ],
)
def test_check_stores_a_mailbox_in_one_spelling(address: str, stored: str) -> None:
    assert check("EMAIL", address) == Address(stored, "")
    assert normalise_for_search("EMAIL", address) == stored


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@example.org",
        "ada@",
        "a da@example.org",
        "ada@ex_ample.org",
        "ada..b@example.org",
        "a@b@c.org",
        "Ada <ada@example.org>",
        "ada@-example.org",
        "ada@example.org\n",
        "x" * 300 + "@example.org",
    ],
)
def test_check_refuses_what_is_no_mailbox_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        check("EMAIL", address)
    assert "example" not in str(caught.value)
    assert normalise_for_search("EMAIL", address) == address


@pytest.mark.parametrize("address", ["my_brand_a1b2c3_agent", "rcs:my_brand_agent", "brand@rbm.goog", "abc", "a" * 255])
def test_check_takes_an_rcs_agent_as_it_is_written(address: str) -> None:
    assert check("RCS", address) == Address(address, "")


@pytest.mark.parametrize("address", ["ab", "a" * 256, "my brand", "a@b@c", "@rbm.goog", "brand@", "agent\u00e9"])
def test_check_refuses_what_is_no_rcs_agent(address: str) -> None:
    with pytest.raises(ValueError, match="agent id"):
        check("RCS", address)


@pytest.mark.parametrize("address", ["com.example.app", "1:1234567890:android:0a1b2c", "my-project", "x", "a" * 255])
def test_check_takes_an_app_project_or_bundle_id(address: str) -> None:
    assert check("PUSH", address) == Address(address, "")


@pytest.mark.parametrize("address", [".app", "a b", "a" * 256, "caf\u00e9", "a/b"])
def test_check_refuses_what_is_no_push_id(address: str) -> None:
    with pytest.raises(ValueError, match="bundle id"):
        check("PUSH", address)


def test_check_refuses_an_unknown_channel() -> None:
    with pytest.raises(ValueError, match="a channel is one of SMS, RCS, EMAIL, WHATSAPP, PUSH"):
        check("FAX", "+12025550100")


@given(
    st.sampled_from(addresses.CHANNELS),
    st.text(max_size=30) | st.from_regex(r"\+[0-9]{1,18}", fullmatch=True),
)
def test_check_raises_nothing_but_value_error_and_is_stable(channel: str, address: str) -> None:
    """`check` returns a stored address unchanged; an error's message does not contain the refused text."""
    region(address)
    message = ""
    stored = None
    try:
        stored = check(channel, address)
    except ValueError as error:
        message = str(error)
    if stored:
        assert check(channel, stored.address) == stored
        assert normalise_for_search(channel, address) == stored.address
    else:
        assert message
        assert len(address) < 6 or address not in message


def test_addresses_imports_its_libraries_only_when_they_are_used() -> None:
    """The imports would make every start of the program slower."""
    program = (
        "import sys; from signalbox.inventory import addresses\n"
        "heavy = {'phonenumbers', 'email_validator'}\n"
        "assert not heavy & set(sys.modules)\n"
        "addresses.load(); assert heavy < set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
