"""`signalbox_server.inbox`: waits for a message, and fails a test with what did arrive."""

from __future__ import annotations

import pytest

from signalbox.testing import Account, NothingArrived

ADA, BOB = "+14155550199", "+14155550198"


def send(account: Account, address: str, text: str) -> None:
    to = [{"address": address, "channel": "PHONE"}]
    account.client.messages.send(to=to, content={"text": text})


def test_wait_returns_the_oldest_that_matches_and_then_the_next(signalbox_server: Account) -> None:
    (sender,) = signalbox_server.enter_senders()
    send(signalbox_server, ADA, "Code 111111")
    send(signalbox_server, BOB, "Code 222222")
    first = signalbox_server.inbox.wait(to=ADA, contains="CODE", channel="SMS")
    assert first.codes == ("111111",)
    send(signalbox_server, ADA, "Code 333333")
    for after in (first, first.id, first.received_at):
        assert signalbox_server.inbox.wait(to=ADA, after=after).codes == ("333333",)
    address = signalbox_server.client.senders.fetch(sender).address
    assert signalbox_server.inbox.wait(from_=address, to=BOB).codes == ("222222",)
    assert [item.codes for item in signalbox_server.inbox.items() if item.to.address == ADA] == [
        ("111111",),
        ("333333",),
    ]


def test_nothing_in_time_is_a_failure_that_shows_what_arrived(signalbox_server: Account) -> None:
    with pytest.raises(NothingArrived, match=r"^nothing with any text arrived in 1 s; the inbox is empty$"):
        signalbox_server.inbox.wait(timeout=1)
    signalbox_server.enter_senders()
    send(signalbox_server, BOB, "Your code is 222222")
    item = signalbox_server.inbox.wait(to=BOB)
    with pytest.raises(AssertionError) as raised:
        signalbox_server.inbox.wait(to=ADA, contains="code", timeout=1)
    assert str(raised.value).splitlines() == [
        f"nothing with to='{ADA}', contains='code' arrived in 1 s; the inbox has, newest first:",
        f"  {BOB} from {item.from_.address}: 'Your code is 222222'",
    ]
    with pytest.raises(NothingArrived, match="nothing with any text after the one given arrived"):
        signalbox_server.inbox.wait(after=item, timeout=1)
