"""Messages and the inbox with both clients, on a real server."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from between import Between, Lose
from callers import Caller
from signalbox.api.sending import inbox as wire_inbox
from signalbox.api.sending import message_shapes as wire
from signalbox_client import (
    Conflict,
    FetchedMessage,
    IdempotencyMismatch,
    InboxItem,
    InvalidArgument,
    NotFound,
    OperationTimeout,
    message_results,
)

ADA, BOB = "+14155550199", "+14155550198"
TEXT = {"text": "Your code is 123456: https://example.com/in"}
LATER = {"sendAt": [(datetime.now(UTC) + timedelta(days=1)).isoformat()]}


def to(*addresses: str) -> list[dict[str, object]]:
    return [{"address": address, "channel": "PHONE"} for address in addresses]


async def sent(caller: Caller, *addresses: str) -> str:
    """Sends the text from a new sender and waits for the end; returns the id of the operation."""
    caller.account.enter_senders()
    started = await caller.do(lambda c: c.messages.send(to=to(*addresses), content=TEXT))
    await caller.do(lambda c: c.messages.wait(started.operation_id))
    return started.operation_id


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (message_results.MessageStats, wire.MessageStats),
        (message_results.MessageOperation, wire.MessageOperation),
        (message_results.MessageFrom, wire.MessageFrom),
        (message_results.MessageTo, wire.MessageTo),
        (message_results.Related, wire.Related),
        (message_results.Message, wire.Message),
        (message_results.MessageError, wire.MessageError),
        (message_results.AttemptFrom, wire.AttemptFrom),
        (message_results.MessageAttempt, wire.MessageAttempt),
        (message_results.FetchedMessage, wire.FetchedMessage),
        (message_results.OperationError, wire.OperationError),
        (message_results.Receipt, wire.Receipt),
        (message_results.Segments, wire_inbox.Segments),
        (message_results.InboxItem, wire_inbox.InboxItem),
    ],
)
def test_result_has_the_fields_that_the_server_sends(ours: type[msgspec.Struct], theirs: type[msgspec.Struct]) -> None:
    assert set(ours.__struct_encode_fields__) == set(theirs.__struct_encode_fields__)


async def test_message_is_sent_and_found_everywhere(caller: Caller) -> None:
    operation_id = await sent(caller, ADA, BOB)

    operation = await caller.do(lambda c: c.messages.fetch_operation(operation_id))
    assert operation.final
    assert (operation.stats.total, operation.stats.delivered) == (2, 2)
    assert [one.id for one in await caller.all(lambda c: c.messages.list_operations(status="COMPLETED"))] == [
        operation_id
    ]
    one, other = await caller.all(lambda c: c.messages.list(operation_id=operation_id, page_size=1))
    assert {one.to[0].address, other.to[0].address} == {ADA, BOB}
    assert one.related[0].id == operation_id
    fetched = await caller.do(lambda c: c.messages.fetch(one.id))
    (attempt,) = fetched.attempts
    assert fetched.content == TEXT
    assert fetched.etag
    assert fetched.from_ is not None
    assert fetched.from_.sender_id == attempt.sender_id
    assert await caller.do(lambda c: c.messages.seek(attempt.id)) == fetched
    receipts = await caller.all(lambda c: c.messages.list_receipts(one.id))
    assert receipts[-1].status == "DELIVERED"


async def test_lists_are_filtered(caller: Caller) -> None:
    caller.account.enter_senders()
    tags = {"region": "EMEA", "campaign": "spring"}
    started = await caller.do(lambda c: c.messages.send(to=to(ADA), content=TEXT, tags=tags))
    await caller.do(lambda c: c.messages.wait(started.operation_id))

    (one,) = await caller.all(lambda c: c.messages.list(tags=tags, channel="SMS", status="DELIVERED"))
    assert one.tags == tags
    assert await caller.all(lambda c: c.messages.list(tags={"region": "APAC"})) == []
    assert await caller.all(lambda c: c.messages.list(start_date=datetime.now(UTC) + timedelta(hours=1))) == []


async def test_errors_of_an_operation_say_which_message_and_why(caller: Caller) -> None:
    operation_id = await sent(caller, "+15005550002", ADA)

    (error,) = await caller.all(lambda c: c.messages.list_errors(operation_id))
    assert (error.to.address, error.code) == ("+15005550002", 21612)
    assert (await caller.do(lambda c: c.messages.fetch(error.message_id))).status == "FAILED"


async def test_scheduled_messages_are_canceled(caller: Caller) -> None:
    caller.account.enter_senders()
    started = await caller.do(lambda c: c.messages.send(to=to(ADA, BOB), content=TEXT, schedule=LATER))
    operation_id = started.operation_id
    with pytest.raises(OperationTimeout) as raised:
        await caller.do(lambda c: c.messages.wait(operation_id, timeout=0.1))
    assert raised.value.operation.status == "SCHEDULED"

    one, _ = await caller.all(lambda c: c.messages.list(operation_id=operation_id))
    assert (await caller.do(lambda c: c.messages.cancel(one.id))).resource_id == one.id
    assert (await caller.do(lambda c: c.messages.cancel_operation(operation_id))).resource_id == operation_id
    stopped = await caller.do(lambda c: c.messages.wait(operation_id))
    assert (stopped.status, stopped.stats.canceled) == ("CANCELED", 2)
    with pytest.raises(Conflict):
        await caller.do(lambda c: c.messages.cancel(one.id))
    with pytest.raises(Conflict):
        await caller.do(lambda c: c.messages.cancel_operation(operation_id))


async def test_response_lost_on_the_way_does_not_send_twice(caller: Caller, between: Between) -> None:
    caller.account.enter_senders()
    between.troubles += [Lose(carried_out=True)]
    started = await caller.do(lambda c: c.messages.send(to=to(ADA), content=TEXT), url=between.url)
    assert len(between.seen) == 2
    assert len({request.headers["Idempotency-Key"] for request in between.seen}) == 1
    operations = await caller.all(lambda c: c.messages.list_operations())
    assert [one.id for one in operations] == [started.operation_id]


async def test_own_key_is_for_one_request(caller: Caller) -> None:
    first = await caller.do(lambda c: c.messages.send(to=to(ADA), content=TEXT, idempotency_key="order-1"))
    again = await caller.do(lambda c: c.messages.send(to=to(ADA), content=TEXT, idempotency_key="order-1"))
    assert first == again
    with pytest.raises(IdempotencyMismatch):
        await caller.do(lambda c: c.messages.send(to=to(BOB), content=TEXT, idempotency_key="order-1"))


async def test_inbox_has_what_arrived(caller: Caller) -> None:
    await sent(caller, ADA, BOB)

    (item,) = await caller.all(lambda c: c.inbox.list(to=ADA, contains="CODE"))
    assert (item.codes, item.links) == (("123456",), ("https://example.com/in",))
    assert await caller.do(lambda c: c.inbox.fetch(item.id)) == item
    assert await caller.do(lambda c: c.inbox.wait(message_id=item.id)) == item
    assert len(await caller.all(lambda c: c.inbox.list(from_=item.from_.address, page_size=1))) == 2
    assert len(await caller.all(lambda c: c.messages.list())) == 2
    await caller.do(lambda c: c.inbox.clear())
    assert await caller.all(lambda c: c.inbox.list()) == []
    assert len(await caller.all(lambda c: c.messages.list())) == 2


async def test_wait_returns_when_the_message_arrives(caller: Caller) -> None:
    caller.account.enter_senders()

    async def later() -> None:
        await asyncio.sleep(0.2)
        client = caller.account.client
        await asyncio.to_thread(client.messages.send, to=to(ADA), content=TEXT)

    item, _ = await asyncio.gather(caller.do(lambda c: c.inbox.wait(to=ADA, timeout=30)), later())
    assert isinstance(item, InboxItem)
    # Longer than the timeout of the client, which is for the response and not for the wait.
    began = time.monotonic()
    nothing = await caller.do(lambda c: c.inbox.wait(to=ADA, after=item.id, timeout=2), timeout=1, max_retries=0)
    assert nothing is None
    assert time.monotonic() - began >= 2
    assert await caller.do(lambda c: c.inbox.wait(to=ADA, after=item.received_at, timeout=1)) is None


async def test_wait_takes_whole_seconds_up_to_a_minute(caller: Caller) -> None:
    for timeout in (0, 61, 1.5):
        with pytest.raises(InvalidArgument, match="whole number of seconds, 1 to 60"):
            await caller.do(lambda c, timeout=timeout: c.inbox.wait(timeout=timeout))  # type: ignore[misc]


async def test_phone_reports_and_replies(caller: Caller) -> None:
    await sent(caller, ADA)
    (item,) = await caller.all(lambda c: c.inbox.list())

    await caller.do(lambda c: c.inbox.report(item.id, status="READ"))
    assert (await caller.do(lambda c: c.messages.fetch(item.id))).status == "READ"
    await caller.do(lambda c: c.inbox.report(item.id, status="UNDELIVERED", code=30005))
    receipts = await caller.all(lambda c: c.messages.list_receipts(item.id))
    assert receipts[-1].code == 30005
    await caller.do(lambda c: c.inbox.reply(item.id, text="hello"))
    (reply,) = await caller.all(lambda c: c.messages.list(status="INBOUND"))
    assert reply.from_ is not None
    assert (reply.from_.address, reply.to[0].address) == (ADA, item.from_.address)


async def test_what_does_not_exist_is_not_found(caller: Caller) -> None:
    message = "comms_message_00000000000000000000000000"
    calls = [
        lambda c: c.messages.fetch(message),
        lambda c: c.messages.cancel(message),
        lambda c: c.messages.seek("SM" + "0" * 32),
        lambda c: c.messages.wait("comms_operation_00000000000000000000000000"),
        lambda c: c.inbox.fetch(message),
        lambda c: c.inbox.report(message, status="READ"),
        lambda c: c.inbox.reply(message, text="hello"),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await caller.do(call)


def test_message_of_a_later_server_is_read() -> None:
    body = (
        b'{"id": "x", "from": null, "to": [], "status": "NEW", "related": [], "tags": {}, "scheduledFor": null, '
        b'"createdAt": "2026-01-31T09:30:00Z", "updatedAt": "2026-01-31T09:30:00Z", "deletedAt": null, '
        b'"attempts": [], "content": {}, "more": 1}'
    )
    assert msgspec.json.decode(body, type=FetchedMessage).status == "NEW"  # type: ignore[comparison-overlap]
