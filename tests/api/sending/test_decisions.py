"""Decision and Explain: why this sender, and who would send. Contract section 11."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from people import Person, contexts
from sends import OTHER, PATH, RCS, SMS, TEXT, sent, to

NEAR: dict[str, object] = {"channel": "SMS", "address": "+12125550100"}


async def decision(person: Person, message: dict[str, Any]) -> dict[str, Any]:
    response = await person.get(f"/signalbox/v1/Messages/{message['id']}/Decision")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def explained(person: Person, *addresses: str, **more: object) -> dict[str, Any]:
    response = await person.post("/signalbox/v1/Messages/Explain", json={"to": to(*addresses), "content": TEXT, **more})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def steps(shown: dict[str, Any]) -> list[tuple[str, bool, bool, bool]]:
    """Sender, country, area and kept of the candidates, by rank."""
    assert [one["rank"] for one in shown["candidates"]] == list(range(len(shown["candidates"])))
    return [
        (one["senderId"], one["steps"]["country"], one["steps"]["area"], one["steps"]["kept"])
        for one in shown["candidates"]
    ]


def counts(shown: dict[str, Any]) -> dict[str, int]:
    return {one["reason"]: one["count"] for one in shown["removedCounts"]}


async def test_decision_shows_the_order_and_what_put_each_sender_there(ada: Person) -> None:
    us, gb, near = await ada.enter([SMS, OTHER, NEAR])
    (mail,) = await ada.senders(1, "EMAIL")
    (off,) = await ada.senders(1, "SMS", "DEACTIVATED")
    pool = await ada.pool(us, gb, near, mail, off)
    _, (message,) = await sent(ada, "+12125550199", **{"from": {"senderPoolId": pool}})
    shown = await decision(ada, message)
    assert set(shown) == {
        "messageId",
        "senderPoolId",
        "recipient",
        "chosen",
        "candidates",
        "removed",
        "removedCounts",
        "at",
    }
    assert (shown["messageId"], shown["senderPoolId"], shown["chosen"]) == (message["id"], pool, near)
    assert [shown["recipient"]] == to("+12125550199")
    assert steps(shown) == [(near, True, True, False), (us, True, False, False), (gb, False, False, False)]
    assert shown["candidates"][0]["steps"]["weight"] == 1
    assert {(one["senderId"], one["reason"]) for one in shown["removed"]} == {(mail, "CHANNEL"), (off, "DEACTIVATED")}
    assert counts(shown) == {"CHANNEL": 1, "DEACTIVATED": 1}
    attempts = (await ada.get(f"{PATH}/{message['id']}")).json()["attempts"]
    assert shown["at"] == attempts[0]["attemptedAt"]


async def test_decision_says_that_a_sender_was_kept(ada: Person) -> None:
    (first,) = await ada.enter([SMS])
    pool = await ada.pool(first)
    origin = {"from": {"senderPoolId": pool}}
    _, (before,) = await sent(ada, "+12125550199", **origin)
    (near,) = await ada.enter([NEAR])
    await ada.finished(await ada.post(f"/v1/SenderPools/{pool}/Senders", json=[{"senderId": near}]))
    _, (message,) = await sent(ada, "+12125550199", **origin)
    assert (await decision(ada, before))["candidates"][0]["steps"]["kept"] is False
    shown = await decision(ada, message)
    assert steps(shown) == [(first, True, False, True), (near, True, True, False)]
    assert steps((await explained(ada, "+12125550199", **origin))["results"][0])[0] == (first, True, False, True)


async def test_decision_is_there_when_its_senders_are_not(ada: Person) -> None:
    (sender,) = await ada.enter([SMS])
    _, (message,) = await sent(ada, "+14155550199")
    assert (await ada.delete(f"/signalbox/v1/Senders/{sender}")).status_code == 202
    shown = await decision(ada, message)
    assert (shown["chosen"], steps(shown)) == (sender, [(sender, True, True, False)])


async def test_decision_after_a_fallback_names_the_senders_that_were_passed_over(ada: Person) -> None:
    one, two, sms = await ada.enter([RCS, {"channel": "RCS", "address": "agent-two"}, SMS])
    _, (message,) = await sent(ada, "+15005550061")
    shown = await decision(ada, message)
    assert shown["chosen"] == sms
    # The first RCS sender was tried; the other one was not.
    tried = shown["candidates"][0]["senderId"]
    assert {one, two} > {tried}
    assert [candidate["senderId"] for candidate in shown["candidates"]] == [tried, sms]
    assert counts(shown) == {"NO_RCS": 2}


@pytest.mark.parametrize(("address", "reason"), [("+15005550004", "OPTED_OUT"), ("+15005550002", "UNREACHABLE")])
async def test_decision_without_a_sender_says_why(ada: Person, address: str, reason: str) -> None:
    (sender,) = await ada.enter([SMS])
    _, (message,) = await sent(ada, address)
    shown = await decision(ada, message)
    assert (shown["chosen"], shown["candidates"]) == (None, [])
    assert shown["removed"] == [{"senderId": sender, "reason": reason}]


async def test_no_decision_before_the_time_of_a_message_and_for_one_that_came_in(ada: Person) -> None:
    await ada.enter([SMS])
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"to": to("+14155550199"), "content": TEXT, "schedule": {"sendAt": [later]}}
    reference = (await ada.post(PATH, json=body)).json()
    (scheduled,) = await ada.walk(f"{PATH}?operationId={reference['operationId']}", "messages")
    _, (message,) = await sent(ada, "+14155550199")
    await ada.post(f"/signalbox/v1/Inbox/{message['id']}/Reply", json={"text": "hello"})
    (inbound,) = await ada.walk(f"{PATH}?status=INBOUND", "messages")
    for one in (scheduled, inbound):
        assert (await ada.get(f"/signalbox/v1/Messages/{one['id']}/Decision")).status_code == 404


async def test_explain_chooses_as_sending_does_and_sends_nothing(ada: Person) -> None:
    """Also where the bound of the load moves recipients: 40 recipients, 5 equal senders."""
    senders = await ada.enter([{"channel": "SMS", "address": f"+1415555{n:04}"} for n in range(5)])
    addresses = [f"+1415444{n:04}" for n in range(40)]
    origin = {"from": {"senderPoolId": await ada.pool(*senders)}}
    found = await explained(ada, *addresses, **origin)
    assert await ada.walk(PATH, "messages") == []
    assert await ada.walk("/signalbox/v1/Inbox", "items") == []
    _, messages = await sent(ada, *addresses, **origin)
    assert [one["chosen"] for one in found["results"]] == [one["from"]["senderId"] for one in messages]
    assert {one["senderId"] for one in found["spread"]} <= set(senders)
    assert sum(one["share"] for one in found["spread"]) == pytest.approx(1)
    # 1.25 times the share of each sender.
    assert max(one["share"] for one in found["spread"]) <= 10 / 40


async def test_explain_names_what_content_and_channels_remove(ada: Person) -> None:
    rcs, sms = await ada.enter([RCS, SMS])
    pool = await ada.pool(rcs, sms)

    async def removed(**more: object) -> tuple[str | None, dict[str, int]]:
        (shown,) = (await explained(ada, "+14155550199", **more))["results"]
        return shown["chosen"], counts(shown)

    only = {"senderPoolId": pool, "channels": {"filterIn": ["SMS"]}}
    assert await removed(**{"from": only}) == (sms, {"FILTER": 1})
    media = {"modules": [{"sms": {"media": [{"url": "https://example.com/a.png"}]}}]}
    assert await removed(content=media) == (sms, {"CONTENT": 1})
    assert await removed(content={"text": "x" * 1601}) == (rcs, {"TOO_LONG": 1})
    broken = {"modules": [{"sms": {"text": "ok"}}, {"rcs": {"text": '{% if "10" > 5 %}x{% endif %}'}}]}
    assert await removed(content=broken) == (None, {"NOT_RENDERED": 1})
    assert await removed(**{"from": {"senderId": sms}}) == (sms, {})


async def test_explain_says_when_the_last_message_leaves(ada: Person) -> None:
    await ada.enter([SMS])
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert (await explained(ada, "+14155550199", schedule={"sendAt": [later]}))["eta"] == later
    assert (await explained(ada, "+15005550002"))["eta"] is None


async def test_explain_takes_at_most_100_recipients_and_refuses_what_sending_refuses(ada: Person) -> None:
    await ada.enter([SMS])
    for body in (
        {"to": to(*["+14155550199"] * 101), "content": TEXT},
        {"to": to("nonsense"), "content": TEXT},
        {"to": to("+14155550199"), "content": {"text": "{{ name }}"}},
        {"to": to("+14155550199"), "content": TEXT, "from": {"channel": "SMS", "address": "+14155550100"}},
    ):
        explained_ = await ada.post("/signalbox/v1/Messages/Explain", json=body)
        assert explained_.status_code == 400
        if len(body["to"]) == 101:
            assert contexts(explained_) == ["$.to"]
        else:
            assert contexts(explained_) == contexts(await ada.post(PATH, json=body))
    assert len((await explained(ada, *["+14155550199"] * 100))["results"]) == 100
