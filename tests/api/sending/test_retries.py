"""Retry: a new operation for the recipients that an operation failed to reach. Contract section 10.5."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from people import Person
from sends import PATH, SMS, TEXT, counts, sent, to, whole

DELIVERED, UNDELIVERED, FAILED, OPTED_OUT = "+14155550199", "+15005550033", "+15005550003", "+15005550004"
UNADDRESSABLE, LATE = "+15005550002", "+15005550070"


async def retry(person: Person, operation: dict[str, Any], **headers: str) -> httpx.Response:
    path = f"/signalbox/v1/Messages/Operations/{operation['id']}/Retry"
    return await person.call("POST", path, headers=headers)


async def messages_of(person: Person, operation: dict[str, Any]) -> list[dict[str, Any]]:
    return (await person.walk(f"{PATH}?operationId={operation['id']}", "messages"))[::-1]


def addresses(messages: list[dict[str, Any]]) -> list[str]:
    return [one["to"][0]["address"] for one in messages]


async def test_retry_sends_to_those_who_were_not_reached_and_to_nobody_else(ada: Person) -> None:
    (sender,) = await ada.enter([SMS])
    pool = await ada.pool(sender)
    operation, _ = await sent(
        ada,
        to=[
            *to(DELIVERED, UNDELIVERED, FAILED, OPTED_OUT, variables={"who": "Ada"}),
            {"addresses": [{"address": UNADDRESSABLE, "channel": "WHATSAPP"}, *to(UNADDRESSABLE)]},
        ],
        content={"text": 'To {{ who | default: "you" }}'},
        tags={"campaign": "spring"},
        **{"from": {"senderPoolId": pool}},
    )
    response = await retry(ada, operation)
    assert response.json()["operationLocation"].endswith(f"{PATH}/Operations/{response.json()['operationId']}")
    again = await ada.finished(response)
    assert again["id"] != operation["id"]
    assert counts(again) == {"undelivered": 1, "failed": 2, "unaddressable": 1}
    found = await messages_of(ada, again)
    assert addresses(found) == [UNDELIVERED, FAILED, OPTED_OUT, UNADDRESSABLE]
    for one in found:
        related = {item["name"]: item for item in one["related"]}
        assert [item["name"] for item in one["related"]] == ["OPERATION", "RETRY_OF"]
        assert related["OPERATION"]["id"] == again["id"]
        assert related["RETRY_OF"]["id"] == operation["id"]
        assert related["RETRY_OF"]["uri"].endswith(f"{PATH}/Operations/{operation['id']}")
        assert one["tags"] == {"campaign": "spring"}
        assert one["from"]["senderPoolId"] == pool
    assert (await whole(ada, found[0]))["content"] == {"text": "To Ada"}
    assert (await ada.get(f"{PATH}/Operations/{operation['id']}")).json() == operation


async def test_second_retry_takes_only_what_failed_again(ada: Person) -> None:
    await ada.enter([SMS])
    operation, _ = await sent(ada, DELIVERED, UNDELIVERED, FAILED, OPTED_OUT)
    first = await ada.finished(await retry(ada, operation))
    assert counts(first) == {"undelivered": 1, "failed": 2}
    # The retry itself is retried, then the operation again: nobody is sent to by both.
    second = await ada.finished(await retry(ada, first))
    third = await ada.finished(await retry(ada, operation))
    for one in (second, third):
        assert addresses(await messages_of(ada, one)) == [UNDELIVERED, FAILED, OPTED_OUT]
    (message,) = (one for one in await messages_of(ada, third) if one["to"][0]["address"] == FAILED)
    assert message["related"][1]["id"] == operation["id"]


async def test_message_that_was_undelivered_after_a_retry_is_in_the_next_one(ada: Person) -> None:
    await ada.enter([SMS])
    operation, (_, late) = await sent(ada, FAILED, LATE)
    first = await ada.finished(await retry(ada, operation))
    assert addresses(await messages_of(ada, first)) == [FAILED]
    report = await ada.post(f"/signalbox/v1/Inbox/{late['id']}/Report", json={"status": "UNDELIVERED"})
    assert report.status_code == 202
    second = await ada.finished(await retry(ada, operation))
    assert sorted(addresses(await messages_of(ada, second))) == [FAILED, LATE]


async def test_retry_without_failures_is_a_conflict(ada: Person) -> None:
    await ada.enter([SMS])
    operation, _ = await sent(ada, DELIVERED)
    assert (await retry(ada, operation)).status_code == 409


async def test_retry_while_messages_wait_is_a_conflict(ada: Person) -> None:
    await ada.enter([SMS])
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"to": to(FAILED), "content": TEXT, "schedule": {"sendAt": [later]}}
    operation = {"id": (await ada.post(PATH, json=body)).json()["operationId"]}
    assert (await retry(ada, operation)).status_code == 409
    assert (await ada.post(f"/signalbox/v1/Messages/Operations/{operation['id']}/Cancel")).status_code == 202
    assert (await retry(ada, operation)).status_code == 409


async def test_retries_at_once_send_once(ada: Person) -> None:
    await ada.enter([SMS])
    operation, _ = await sent(ada, FAILED, FAILED)
    responses = await asyncio.gather(*(retry(ada, operation) for _ in range(4)))
    for response in responses:
        assert response.status_code in (202, 409), response.text
        if response.status_code == 202:
            await ada.finished(response)
    started = [one.json()["operationId"] for one in responses if one.status_code == 202]
    # A retry that follows a finished one takes what failed again; none takes what another one has.
    assert started
    assert len(await ada.walk(PATH, "messages")) == 2 * (1 + len(started))


async def test_retry_with_the_same_key_is_one(ada: Person) -> None:
    await ada.enter([SMS])
    operation, _ = await sent(ada, FAILED)
    first, second = [await retry(ada, operation, **{"idempotency-key": "again"}) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    other, _ = await sent(ada, FAILED)
    assert (await retry(ada, other, **{"idempotency-key": "again"})).status_code == 422
    assert len(await ada.walk(PATH, "messages")) == 3
