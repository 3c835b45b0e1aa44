"""The inbox: what the sink received, waiting for a message, reports and replies. Contract sections 14 and 15.3."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from people import Person, contexts
from sends import PATH, RCS, SMS, counts, sent, to, whole

INBOX: Final = "/signalbox/v1/Inbox"
FIRST, SECOND = "+14155550199", "+14155550198"


async def arrived(ada: Person, *addresses: str, text: str = "hello", **more: object) -> list[dict[str, Any]]:
    """Sends a text; returns the items of the inbox, in the order of the recipients."""
    operation, _ = await sent(ada, *addresses, content={"text": text}, **more)
    return (await ada.walk(f"{INBOX}?operationId={operation['id']}", "items"))[::-1]


async def test_item_shows_what_arrived(ada: Person) -> None:
    (sender_id,) = await ada.enter([SMS])
    pool_id = await ada.pool(sender_id)
    operation, (message,) = await sent(
        ada,
        to=to(FIRST, variables={"code": "123456"}),
        content={
            "text": 'Your code is {{ code | default: "-" }}: https://example.com/in',
            "media": [{"url": "https://example.com/a.png"}],
        },
        **{"from": {"senderPoolId": pool_id}},
    )
    item = (await ada.get(f"{INBOX}/{message['id']}")).json()
    attempt = (await whole(ada, message))["attempts"][0]
    assert {**item, "receivedAt": None} == {
        "id": message["id"],
        "downstreamId": attempt["id"],
        "channel": "SMS",
        "from": SMS,
        "to": {"address": FIRST, "channel": "PHONE"},
        "cc": [],
        "bcc": [],
        "senderPoolId": pool_id,
        "operationId": operation["id"],
        "subject": None,
        "text": "Your code is 123456: https://example.com/in",
        "html": None,
        "media": [{"url": "https://example.com/a.png"}],
        "attachments": [],
        "headers": {},
        "variables": {"code": "123456"},
        "segments": {"encoding": "GSM-7", "count": 1},
        "codes": ["123456"],
        "links": ["https://example.com/in"],
        "receivedAt": None,
    }
    assert item["receivedAt"] >= message["createdAt"]
    assert attempt["id"].startswith("MM")


async def test_segments_are_counted_of_sms_alone(ada: Person) -> None:
    await ada.enter([SMS])
    for text, encoding, count in (("x" * 160, "GSM-7", 1), ("x" * 161, "GSM-7", 2), ("ł" * 71, "UCS-2", 2)):
        (item,) = await arrived(ada, FIRST, text=text)
        assert item["segments"] == {"encoding": encoding, "count": count}
    await ada.enter([RCS])
    (item,) = await arrived(ada, FIRST)
    assert (item["channel"], item["segments"]) == ("RCS", None)


async def test_message_that_was_not_handed_over_is_not_there(ada: Person) -> None:
    await ada.enter([SMS])
    _, (failed, _) = await sent(ada, "+15005550001", FIRST)
    assert [one["to"]["address"] for one in await ada.walk(INBOX, "items")] == [FIRST]
    assert (await ada.get(f"{INBOX}/{failed['id']}")).status_code == 404


async def test_filters_find_the_same_as_a_look_at_all(ada: Person) -> None:
    await ada.enter([SMS, RCS])
    for text in ("Your code is 123456", "ŽLUTÝ kůň", "100%_sure"):
        await arrived(ada, FIRST, "+15005550061", text=text)
    every = await ada.walk(INBOX, "items")
    assert len(every) == 6
    assert [one["receivedAt"] for one in every] == sorted((one["receivedAt"] for one in every), reverse=True)
    filters: dict[str, Callable[[dict[str, Any]], bool]] = {
        "to=%2B14155550199": lambda one: one["to"]["address"] == FIRST,
        "from=agent-one": lambda one: one["from"]["address"] == "agent-one",
        "channel=SMS": lambda one: one["channel"] == "SMS",
        f"operationId={every[0]['operationId']}": lambda one: one["operationId"] == every[0]["operationId"],
        f"messageId={every[3]['id']}": lambda one: one["id"] == every[3]["id"],
        "contains=CODE": lambda one: "code" in one["text"],
        "contains=žlutý": lambda one: "ŽLUTÝ" in one["text"],
        "contains=%25_": lambda one: "%_" in one["text"],
        "contains=nothing": lambda _: False,
        "to=%2B14155550199&contains=sure": lambda one: one["to"]["address"] == FIRST and "sure" in one["text"],
        f"startDate={every[2]['receivedAt']}": lambda one: one["receivedAt"] > every[2]["receivedAt"],
        f"endDate={every[2]['receivedAt']}": lambda one: one["receivedAt"] < every[2]["receivedAt"],
    }
    for query, holds in filters.items():
        expected = [one["id"] for one in every if holds(one)]
        assert [one["id"] for one in await ada.walk(f"{INBOX}?{query}", "items", 2)] == expected, query


async def test_wait_returns_the_oldest_that_is_there(ada: Person) -> None:
    await ada.enter([SMS])
    first, _ = await arrived(ada, FIRST, SECOND)
    await arrived(ada, FIRST)
    waited = (await ada.get(f"{INBOX}/Wait?timeout=60")).json()
    assert waited == {"item": first, "timedOut": False}


async def test_wait_returns_a_message_when_it_arrives(ada: Person) -> None:
    await ada.enter([SMS])
    waiting = asyncio.create_task(ada.get(f"{INBOX}/Wait?to=%2B14155550198&contains=code&timeout=60"))
    await arrived(ada, FIRST, text="the code")
    await arrived(ada, SECOND)
    (item,) = await arrived(ada, SECOND, text="the code")
    assert (await waiting).json() == {"item": item, "timedOut": False}


async def test_wait_ends_with_its_timeout(ada: Person) -> None:
    await ada.enter([SMS])
    await arrived(ada, FIRST)
    waited = await ada.get(f"{INBOX}/Wait?to=%2B14155550198&timeout=1")
    assert waited.json() == {"item": None, "timedOut": True}


async def test_wait_after_an_item_or_a_time_passes_over_what_was_there(ada: Person) -> None:
    await ada.enter([SMS])
    (old,) = await arrived(ada, FIRST, text="code 111111")
    for after in (old["id"], old["receivedAt"]):
        waited = await ada.get(f"{INBOX}/Wait", params={"after": after, "timeout": 1})
        assert waited.json() == {"item": None, "timedOut": True}
    (new,) = await arrived(ada, FIRST, text="code 222222")
    for after in (old["id"], old["receivedAt"]):
        waited = await ada.get(f"{INBOX}/Wait", params={"after": after})
        assert waited.json()["item"]["codes"] == new["codes"] == ["222222"]


@pytest.mark.parametrize("after", ["yesterday", "comms_message_01kg9p6jhxf58sv7e9z0c1ht0h", ""])
async def test_wait_after_nothing_that_arrived_is_refused(ada: Person, after: str) -> None:
    assert contexts(await ada.get(f"{INBOX}/Wait", params={"after": after})) == ["$.after"]


@pytest.mark.parametrize("seconds", ["0", "61", "1.5", "-1", "x"])
async def test_timeout_is_1_to_60_seconds(ada: Person, seconds: str) -> None:
    assert contexts(await ada.get(f"{INBOX}/Wait?timeout={seconds}")) == ["$.timeout"]


async def report(ada: Person, message: dict[str, Any], **body: object) -> dict[str, Any]:
    """Reports on a message; returns the message."""
    response = await ada.post(f"{INBOX}/{message['id']}/Report", json=body)
    assert (response.status_code, response.json()) == (202, {})
    return await whole(ada, message)


async def test_report_moves_the_status_and_never_takes_it_back(ada: Person) -> None:
    await ada.enter([SMS])
    operation, (message,) = await sent(ada, "+15005550070")
    assert message["status"] == "SENT"
    for status in ("READ", "DELIVERED", "UNDELIVERED", "READ"):
        fetched = await report(ada, message, status=status)
        assert (fetched["status"], fetched["attempts"][0]["status"]) == ("READ", "READ")
        assert fetched["attempts"][0]["error"] is None
    shown = (await ada.get(f"{PATH}/Operations/{operation['id']}")).json()
    assert counts(shown) == {"read": 1}
    receipts = (await ada.get(f"{PATH}/{message['id']}/Receipts")).json()["receipts"]
    assert [one["status"] for one in receipts] == ["READ", "DELIVERED", "UNDELIVERED", "READ"]
    assert (await ada.get(f"{PATH}/Operations/{operation['id']}/Errors")).json()["errors"] == []


async def test_delivered_message_is_not_undelivered_later(ada: Person) -> None:
    await ada.enter([SMS])
    _, (message,) = await sent(ada, FIRST)
    assert (await report(ada, message, status="UNDELIVERED", code=30003))["status"] == "DELIVERED"


@pytest.mark.parametrize(("given", "code"), [({"code": 30003}, 30003), ({}, 30008)])
async def test_report_of_no_delivery_has_a_code(ada: Person, given: dict[str, int], code: int) -> None:
    await ada.enter([SMS])
    operation, (message,) = await sent(ada, "+15005550070")
    fetched = await report(ada, message, status="UNDELIVERED", **given)
    assert (fetched["status"], fetched["attempts"][0]["error"]["code"]) == ("UNDELIVERED", code)
    shown = (await ada.get(f"{PATH}/Operations/{operation['id']}")).json()
    assert counts(shown) == {"undelivered": 1}
    errors = (await ada.get(f"{PATH}/Operations/{operation['id']}/Errors")).json()["errors"]
    assert [(one["messageId"], one["code"]) for one in errors] == [(message["id"], code)]


@pytest.mark.parametrize(("body", "place"), [({"status": "SENT"}, "$.status"), ({}, "$.status"), ({"x": 1}, "$.x")])
async def test_wrong_report_is_refused(ada: Person, body: dict[str, object], place: str) -> None:
    await ada.enter([SMS])
    (item,) = await arrived(ada, FIRST)
    assert place in contexts(await ada.post(f"{INBOX}/{item['id']}/Report", json=body))


async def test_reply_is_an_inbound_message(ada: Person) -> None:
    (sender_id,) = await ada.enter([SMS])
    pool_id = await ada.pool(sender_id)
    origin: dict[str, Any] = {"from": {"senderPoolId": pool_id}}
    (item,) = await arrived(ada, FIRST, **origin)
    response = await ada.post(f"{INBOX}/{item['id']}/Reply", json={"text": "Thank you {{ x"})
    assert (response.status_code, response.json()) == (202, {})
    (inbound,) = await ada.walk(f"{PATH}?status=INBOUND", "messages")
    assert inbound["from"] == {"address": FIRST, "channel": "PHONE", "senderPoolId": pool_id}
    assert inbound["to"] == [{**SMS, "senderId": sender_id}]
    assert (inbound["status"], inbound["related"], inbound["tags"]) == ("INBOUND", [], {})
    fetched = await whole(ada, inbound)
    assert (fetched["content"], fetched["attempts"]) == ({"text": "Thank you {{ x"}, [])
    assert len(await ada.walk(INBOX, "items")) == 1


async def test_cleared_inbox_is_empty_and_messages_stay(ada: Person, ben: Person) -> None:
    for person in (ada, ben):
        await person.enter([SMS])
        await arrived(person, FIRST, SECOND)
    response = await ada.delete(INBOX)
    assert (response.status_code, response.json()) == (202, {})
    assert await ada.walk(INBOX, "items") == []
    assert len(await ada.walk(PATH, "messages")) == len(await ben.walk(INBOX, "items")) == 2
    (item,) = await arrived(ada, FIRST)
    assert await ada.walk(INBOX, "items") == [item]
