"""The addresses that each channel accepts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.inventory import addresses
from signalbox.inventory.addresses import Address, WrongRegion, check, is_national, normalise_for_search, region


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
    ("address", "country", "reason"),
    [
        ("+14365550123", "US", "no numbering plan"),  # in service since 2024, unknown to libraries from before
        ("+15555550100", "US", "no numbering plan"),
        ("+447700900123", "GB", "no numbering plan"),
        ("+77990000000", "KZ", "no numbering plan"),  # +7 7 is Kazakhstan
        ("+12465550000000", "BB", "too long for a number of its country"),
        ("+1202555", "US", "too short for a number of its country"),
        ("+5550100", "BR", "too short"),
        ("+22901961234567", "BJ", "too long for a number of its country"),
        ("+9991234567", "", "no country has the calling code"),
        ("+8001234567890", "", "too long for a number of its country"),
    ],
)
def test_check_takes_a_number_that_no_plan_knows_with_a_warning(address: str, country: str, reason: str) -> None:
    """E.164 in form and length is enough: numbering plans change faster than the library that knows them."""
    for channel in ("SMS", "WHATSAPP", "RCS"):
        checked = check(channel, address)
        assert (checked.address, checked.region) == (address, country)
        assert checked.warning is not None
        assert reason in checked.warning
        with pytest.raises(ValueError, match=reason):
            check(channel, address, numbers="known")
    assert region(address) == country


@pytest.mark.parametrize(
    ("address", "given"),
    [
        ("+14165550123", "CA"),
        ("+14365550123", "CA"),
        ("+18005550199", "CA"),  # toll-free: one plan for all countries of +1
        ("+447797712345", "JE"),
        ("+590590271234", "MF"),  # Guadeloupe, Saint Barthelemy and Saint Martin share the numbers
        ("+77011234567", "KZ"),
        ("+64211234567", "PN"),  # Pitcairn has numbers of New Zealand and no plan of its own
        ("+9991234567", "FR"),
    ],
)
def test_check_takes_the_region_that_is_given_where_the_number_can_be_its(address: str, given: str) -> None:
    assert check("SMS", address, given).region == given


@pytest.mark.parametrize(
    ("address", "given", "reason"),
    [
        ("+12025550100", "DE", "calling code belongs to US, AG, AI and 22 more"),
        ("+14365550123", "DE", "no number of DE"),
        ("+12025550100", "CA", "the numbering plans have this number in US, not in CA"),
        ("+447797712345", "GB", "the numbering plans have this number in JE, not in GB"),
        ("+79161234567", "KZ", "the numbering plans have this number in RU, not in KZ"),
        ("+80012345678", "US", "belong to no country"),
        ("12345", "", "region is required"),
        ("BRAND", "", "region is required"),
    ],
)
def test_check_says_when_the_problem_is_the_region(address: str, given: str, reason: str) -> None:
    with pytest.raises(WrongRegion, match=reason) as caught:
        check("SMS", address, given)
    assert address not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["123", "27312", "12345678", "BRAND", "a", "Acme & Co.", "+1BRAND", "1-800-a", "A*_-+.&", " A "]
)
def test_check_takes_a_short_code_and_an_alphanumeric_id_of_a_country(address: str) -> None:
    assert check("SMS", address, "GB") == Address(address, "GB")
    assert is_national("SMS", address)
    assert not is_national("RCS", address)
    with pytest.raises(ValueError, match=r"E\.164"):
        check("WHATSAPP", address, "GB")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("12", "a short code has 3-8 digits"),
        ("123456789", "country code first"),
        ("ABCDEFGHIJKL", "an alphanumeric id has 1-11"),
        ("BRAND!", "an alphanumeric id has 1-11"),
        ("caf\u00e9", "an alphanumeric id has 1-11"),
        ("\u00e9t\u00e9", "an alphanumeric id has 1-11"),
        ("12-34", "country code first"),
        ("\u0661\u0662\u0663", "country code first"),
    ],
)
def test_check_says_what_is_wrong_with_a_short_code_or_an_alphanumeric_id(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check("SMS", address, "GB")


def test_check_keeps_the_region_of_an_address_without_a_country() -> None:
    for channel, address in (("RCS", "my_brand_agent"), ("EMAIL", "ada@example.org"), ("PUSH", "com.example")):
        assert check(channel, address, "DE") == Address(address, "DE")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("whatsapp:+12025550100", "prefix whatsapp: is not part"),
        ("TEL:+12025550100", "prefix tel: is not part"),
        ("12025550100", "+ and the country code first"),
        ("0012025550100", "+ and the country code first"),
        ("+1 202 555 0100", "only digits"),
        ("+1-202-555-0100", "only digits"),
        ("+\u0661\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0660\u0660", "only digits"),
        (" +12025550100", "+ and the country code first"),
        ("+12025550100 ", "only digits"),
        ("+0012025550100", "starts with 0"),
        ("+1", "too short"),
        ("+120255", "too short"),
        ("+683412", "too short"),
        ("+1202555010012345", "too long"),
        ("+" + "1" * 300, "too long"),
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
    st.text(max_size=30) | st.from_regex(r"\+?[0-9]{1,18}|[A-Z0-9 &*+._-]{1,12}", fullmatch=True),
    st.sampled_from(["", "US", "KZ", "AQ"]),
)
def test_check_raises_nothing_but_value_error_and_is_stable(channel: str, address: str, given: str) -> None:
    """`check` returns a stored address unchanged; an error's message does not contain the refused text."""
    region(address)
    message = ""
    stored = None
    try:
        stored = check(channel, address, given)
    except ValueError as error:
        message = str(error)
    if stored:
        assert check(channel, stored.address, given) == stored
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
