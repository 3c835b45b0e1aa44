"""Messages from the request to the last report: order of senders, statuses, counters, cancelling, filters."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from people import Person
from sends import COUNTERS, OTHER, PATH, RCS, SMS, TEXT, counts, sent, to, whole


async def test_send_reaches_each_recipient_once_and_shows_it_everywhere(ada: Person) -> None:
    (sender_id,) = await ada.enter([SMS])
    pool_id = await ada.pool(sender_id)
    response = await ada.post(
        PATH,
        json={
            "to": to("+14155550199", "+14155550198"),
            "from": {"senderPoolId": pool_id},
            "content": TEXT,
            "tags": {"campaign": "spring"},
        },
    )
    reference = response.json()
    assert reference["operationLocation"].endswith(f"/v1/Messages/Operations/{reference['operationId']}")
    operation = await ada.finished(response)
    assert list(operation) == ["id", "status", "stats", "createdAt", "updatedAt"]
    assert list(operation["stats"]) == ["total", "recipients", "attempts", *COUNTERS]
    assert (operation["status"], operation["stats"]["recipients"], operation["stats"]["attempts"]) == (
        "COMPLETED",
        2,
        2,
    )
    assert counts(operation) == {"delivered": 2}

    second, first = await ada.walk(f"{PATH}?operationId={operation['id']}", "messages")
    assert list(first) == [
        "id",
        "from",
        "to",
        "status",
        "related",
        "tags",
        "scheduledFor",
        "createdAt",
        "updatedAt",
        "deletedAt",
    ]
    assert first["from"] == {**SMS, "senderId": sender_id, "senderPoolId": pool_id}
    assert [one["to"] for one in (first, second)] == [[one] for one in to("+14155550199", "+14155550198")]
    assert (first["status"], first["tags"], first["scheduledFor"], first["deletedAt"]) == (
        "DELIVERED",
        {"campaign": "spring"},
        None,
        None,
    )
    assert first["related"] == [
        {"name": "OPERATION", "id": operation["id"], "uri": reference["operationLocation"]},
    ]
    fetched = await whole(ada, first)
    assert list(fetched) == [*first, "attempts", "content"]
    assert fetched["content"] == TEXT
    (attempt,) = fetched["attempts"]
    assert attempt["from"] == {**SMS, "senderId": sender_id}
    assert (attempt["status"], attempt["error"], attempt["to"]) == ("DELIVERED", None, to("+14155550199"))
    assert re.fullmatch("SM[0-9a-f]{32}", attempt["id"])

    receipts = (await ada.get(f"{PATH}/{first['id']}/Receipts")).json()["receipts"]
    assert [(one["status"], one["code"], one["connector"]) for one in receipts] == [("DELIVERED", None, "sink")]
    sought = await ada.get(f"{PATH}/Seek/{attempt['id']}")
    assert (sought.status_code, sought.headers["location"]) == (
        301,
        f"{reference['operationLocation'].partition('/v1/')[0]}/v1/Messages/{first['id']}",
    )
    assert (await ada.get(f"{PATH}/Operations/{operation['id']}/Errors")).json()["errors"] == []


async def test_list_shows_all_messages_from_the_202_on(ada: Person) -> None:
    await ada.enter([SMS])
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body: dict[str, Any] = {
        "to": to(*(f"+1415555{n:04}" for n in range(1200))),
        "content": TEXT,
        "schedule": {"sendAt": [later]},
    }
    response = await ada.post(PATH, json=body)
    operation_id = response.json()["operationId"]
    messages = await ada.walk(f"{PATH}?operationId={operation_id}&status=SCHEDULED", "messages")
    assert [one["to"][0]["address"] for one in reversed(messages)] == [one["address"] for one in body["to"]]
    assert {one["from"] for one in messages} == {None}
    assert (await whole(ada, messages[0]))["content"] == TEXT
    operation = (await ada.get(f"{PATH}/Operations/{operation_id}")).json()
    assert (operation["status"], counts(operation)) == ("SCHEDULED", {"scheduled": 1200})
    listed = (await ada.get(f"{PATH}/Operations?status=SCHEDULED")).json()["operations"]
    assert [one["id"] for one in listed] == [operation_id]

    cancelled = await ada.post(f"/signalbox/v1/Messages/Operations/{operation_id}/Cancel")
    assert cancelled.status_code == 202
    operation = (await ada.get(f"{PATH}/Operations/{operation_id}")).json()
    assert (operation["status"], counts(operation)) == ("CANCELED", {"canceled": 1200})
    again = await ada.post(f"/signalbox/v1/Messages/Operations/{operation_id}/Cancel")
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("address", "status", "code", "counter", "attempts"),
    [
        ("+15005550001", "FAILED", 21211, "failed", 1),
        ("+15005550002", "FAILED", 21612, "unaddressable", 0),
        ("+15005550003", "FAILED", 21408, "failed", 1),
        ("+15005550004", "FAILED", 21610, "failed", 0),
        ("+15005550009", "FAILED", 21614, "failed", 1),
        *((f"+1500555003{n}", "UNDELIVERED", 30000 + n, "undelivered", 1) for n in range(3, 9)),
        ("+15005550070", "SENT", None, "sent", 1),
        ("+15005550071", "READ", None, "read", 1),
        ("+14155550199", "DELIVERED", None, "delivered", 1),
    ],
)
async def test_magic_recipient_has_the_documented_outcome(
    ada: Person, address: str, status: str, code: int | None, counter: str, attempts: int
) -> None:
    await ada.enter([SMS])
    operation, (message,) = await sent(ada, address)
    assert (message["status"], counts(operation)) == (status, {counter: 1})
    fetched = await whole(ada, message)
    assert len(fetched["attempts"]) == attempts == operation["stats"]["attempts"]
    errors = (await ada.get(f"{PATH}/Operations/{operation['id']}/Errors")).json()["errors"]
    assert [one["code"] for one in errors] == ([] if code is None else [code])
    if code and attempts:
        assert fetched["attempts"][0]["error"]["code"] == code
        assert fetched["attempts"][0]["error"]["infoUrl"].endswith(f"/docs/errors#{code}")


async def test_recipient_without_rcs_gets_an_sms(ada: Person) -> None:
    _, sms = await ada.enter([RCS, SMS])
    operation, (message,) = await sent(ada, "+15005550061")
    assert (operation["stats"]["attempts"], message["from"]["senderId"]) == (2, sms)
    first, second = (await whole(ada, message))["attempts"]
    assert (first["channel"], first["status"], first["error"]["code"]) == ("RCS", "FAILED", 61337)
    assert (second["channel"], second["status"], second["error"]) == ("SMS", "DELIVERED", None)


async def test_recipient_without_rcs_and_without_another_sender_is_failed(ada: Person) -> None:
    await ada.enter([RCS, {"channel": "RCS", "address": "agent-two"}])
    operation, (message,) = await sent(ada, "+15005550061")
    assert (message["status"], operation["stats"]["attempts"], counts(operation)) == ("FAILED", 1, {"failed": 1})


async def test_person_with_several_addresses_is_reached_at_the_first_that_fits(ada: Person) -> None:
    await ada.enter([SMS])
    person = {"addresses": [{"address": "+447700900123", "channel": "WHATSAPP"}, *to("+14155550199")]}
    _, (message,) = await sent(ada, to=[person])
    assert message["to"] == to("+14155550199")
    await ada.enter([{"channel": "WHATSAPP", "address": "+14155550150"}])
    _, (message,) = await sent(ada, to=[person])
    assert message["to"] == [{"address": "+447700900123", "channel": "WHATSAPP"}]


async def test_sender_of_the_recipient_s_country_and_area_goes_first(ada: Person) -> None:
    us, gb, near = await ada.enter([SMS, OTHER, {"channel": "SMS", "address": "+12125550100"}])
    _, messages = await sent(ada, "+442083661177", "+12125550199", "+14155550199")
    assert [one["from"]["senderId"] for one in messages] == [gb, near, us]


async def test_sender_that_reached_a_person_is_kept(ada: Person) -> None:
    pool_id = await ada.pool(*await ada.senders(1, "SMS"))
    origin = {"from": {"senderPoolId": pool_id}}
    _, (before,) = await sent(ada, "+14155550199", **origin)
    response = await ada.post(
        f"/v1/SenderPools/{pool_id}/Senders", json=[{"senderId": one} for one in await ada.senders(20, "SMS")]
    )
    await ada.finished(response)
    _, messages = await sent(ada, *["+14155550199"] * 3, **origin)
    assert {one["from"]["senderId"] for one in messages} == {before["from"]["senderId"]}


async def test_pool_without_a_fitting_sender_makes_the_message_unaddressable(ada: Person) -> None:
    pool_id = await ada.pool(*await ada.senders(1, "EMAIL"))
    operation, (message,) = await sent(ada, "+14155550199", **{"from": {"senderPoolId": pool_id}})
    assert (message["status"], message["from"]) == ("FAILED", {"senderPoolId": pool_id})
    assert counts(operation) == {"unaddressable": 1}


async def test_pool_deleted_before_the_sending_makes_messages_unaddressable(ada: Person) -> None:
    pool_id = await ada.pool(*await ada.enter([SMS]))
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    body = {
        "to": to("+14155550199"),
        "content": TEXT,
        "from": {"senderPoolId": pool_id},
        "schedule": {"sendAt": [soon]},
    }
    response = await ada.post(PATH, json=body)
    assert (await ada.delete(f"/v1/SenderPools/{pool_id}")).status_code == 202
    assert counts(await ada.finished(response)) == {"unaddressable": 1}


@pytest.mark.parametrize("form", ["address", "id"])
async def test_one_sender_can_be_named(ada: Person, form: str) -> None:
    ids = await ada.enter([SMS, OTHER])
    origin = OTHER if form == "address" else {"senderId": ids[1]}
    _, (message,) = await sent(ada, "+14155550199", **{"from": origin})
    assert message["from"]["senderId"] == ids[1]


async def test_one_message_can_be_cancelled(ada: Person) -> None:
    await ada.enter([SMS])
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"to": to("+14155550199", "+14155550198"), "content": TEXT, "schedule": {"sendAt": [later]}}
    operation_id = (await ada.post(PATH, json=body)).json()["operationId"]
    messages = await ada.walk(f"{PATH}?operationId={operation_id}", "messages")
    for left, one in zip((1, 0), messages, strict=True):
        assert (await ada.post(f"/signalbox/v1/Messages/{one['id']}/Cancel")).status_code == 202
        assert (await ada.post(f"/signalbox/v1/Messages/{one['id']}/Cancel")).status_code == 409
        operation = (await ada.get(f"{PATH}/Operations/{operation_id}")).json()
        assert operation["stats"]["scheduled"] == left
    assert (operation["status"], counts(operation)) == ("CANCELED", {"canceled": 2})


async def test_scheduled_message_is_sent_when_it_is_due(ada: Person) -> None:
    await ada.enter([SMS])
    soon = datetime.now(UTC) + timedelta(seconds=1)
    recipients = to("+14155550199")
    response = await ada.post(
        PATH, json={"to": recipients, "content": TEXT, "schedule": {"sendAt": [soon.isoformat()]}}
    )
    operation = await ada.finished(response)
    (message,) = await ada.walk(f"{PATH}?operationId={operation['id']}", "messages")
    assert message["scheduledFor"] == soon.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    attempted = (await whole(ada, message))["attempts"][0]["attemptedAt"]
    assert attempted >= message["scheduledFor"]


async def test_filters_find_the_same_as_a_look_at_all(ada: Person) -> None:
    await ada.enter([SMS, RCS])
    for tags in ({"a": "1"}, {"a": "1", "b": "2"}, {}):
        await sent(ada, "+14155550199", "+15005550061", "+15005550004", tags=tags)
    every = await ada.walk(PATH, "messages")
    assert len(every) == 9
    filters: dict[str, Callable[[dict[str, Any]], bool]] = {
        "status=DELIVERED": lambda one: one["status"] == "DELIVERED",
        "status=FAILED": lambda one: one["status"] == "FAILED",
        "channel=SMS": lambda one: (one["from"] or {}).get("channel") == "SMS",
        "channel=RCS&status=DELIVERED": lambda one: (one["from"] or {}).get("channel") == "RCS",
        "tags=a:1;": lambda one: one["tags"].get("a") == "1",
        "tags=b:2;a:1;": lambda one: one["tags"] == {"a": "1", "b": "2"},
        "tags=a:1;&status=FAILED": lambda one: one["tags"].get("a") == "1" and one["status"] == "FAILED",
        "tags=a:2;": lambda _: False,
        f"operationId={every[0]['related'][0]['id']}&channel=SMS": lambda one: (
            one["related"] == every[0]["related"] and (one["from"] or {}).get("channel") == "SMS"
        ),
        "sessionId=comms_session_01kg9p6jhxf2ar6w5q6m2s7d3n": lambda _: False,
    }
    for query, holds in filters.items():
        expected = [one["id"] for one in every if holds(one)]
        assert [one["id"] for one in await ada.walk(f"{PATH}?{query}", "messages", 2)] == expected, query


async def test_others_see_nothing(ada: Person, ben: Person) -> None:
    await ada.enter([SMS])
    operation, (message,) = await sent(ada, "+14155550199")
    attempt = (await whole(ada, message))["attempts"][0]
    assert (await ben.get(PATH)).json()["messages"] == []
    assert (await ben.get(f"{PATH}?operationId={operation['id']}")).json()["messages"] == []
    for path in (
        f"/{message['id']}",
        f"/{message['id']}/Receipts",
        f"/Operations/{operation['id']}",
        f"/Operations/{operation['id']}/Errors",
        f"/Seek/{attempt['id']}",
    ):
        assert (await ben.get(PATH + path)).status_code == 404, path


async def test_operations_of_one_account_and_of_several_go_on_side_by_side(ada: Person, ben: Person) -> None:
    for person in (ada, ben):
        await person.enter([SMS])
    many = to(*(f"+1415{n:07}" for n in range(2000, 4500)))
    responses = await asyncio.gather(
        *(person.post(PATH, json={"to": many, "content": TEXT}) for person in (ada, ben) for _ in range(2)),
        ben.post(PATH, json={"to": to("+14155550199"), "content": TEXT}),
    )
    people = [ada, ada, ben, ben, ben]
    for person, response in zip(people, responses, strict=True):
        operation = await person.finished(response)
        assert counts(operation) == {"delivered": operation["stats"]["total"]}
    inbox = await ben.walk("/signalbox/v1/Inbox", "items")
    assert len({one["id"] for one in inbox}) == len(inbox) == 5001
