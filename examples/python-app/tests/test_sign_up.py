"""The test reads the code where the person reads it: in the text that arrives."""

import pytest
from signalbox.testing import Account
from signalbox_client import Invalid

from sign_up import SignUp

ADA, BOB = "+14155550199", "+447700900123"


@pytest.fixture
def sign_up(signalbox_server: Account) -> SignUp:
    signalbox_server.enter_senders([{"channel": "SMS", "address": "+12025550100"}])
    return SignUp(signalbox_server.client, "Acme")


def test_code_of_the_text_signs_up(sign_up: SignUp, signalbox_server: Account) -> None:
    sign_up.begin(ADA)

    item = signalbox_server.inbox.wait(to=ADA, contains="your code for Acme")

    (code,) = item.codes
    assert sign_up.finish(ADA, code)
    assert not sign_up.finish(ADA, code)


def test_new_code_replaces_the_old_one(sign_up: SignUp, signalbox_server: Account) -> None:
    sign_up.begin(ADA)
    first = signalbox_server.inbox.wait(to=ADA)
    sign_up.begin(ADA)
    second = signalbox_server.inbox.wait(to=ADA, after=first)

    assert first.id != second.id
    assert sign_up.finish(ADA, second.codes[0])


def test_code_is_for_one_phone(sign_up: SignUp, signalbox_server: Account) -> None:
    sign_up.begin(ADA)
    sign_up.begin(BOB)

    of_bob = signalbox_server.inbox.wait(to=BOB)

    assert sign_up.finish(BOB, of_bob.codes[0])
    assert not sign_up.finish(ADA, "")


def test_text_fits_one_sms(sign_up: SignUp, signalbox_server: Account) -> None:
    sign_up.begin(ADA)

    segments = signalbox_server.inbox.wait(to=ADA).segments

    assert segments is not None
    assert (segments.encoding, segments.count) == ("GSM-7", 1)


def test_number_that_is_none_is_refused(sign_up: SignUp) -> None:
    with pytest.raises(Invalid, match="must be a phone number"):
        sign_up.begin("4155550199")
