"""Messages: what one request sends to one recipient. Contract section 10."""

from collections.abc import Sequence
from itertools import starmap
from typing import Final, Literal

import msgspec

from signalbox.db import Row, Tx, Value, follow
from signalbox.ground import ids
from signalbox.ground.errors import Conflict, NotFound
from signalbox.ground.page_tokens import IdRange
from signalbox.queue import turns
from signalbox.sending import message_operations
from signalbox.sending.message_operations import DUE_KIND, READY_KIND, MessageOperation, Moved

MESSAGE: Final = ids.Kind("comms_message", "a message")

Status = Literal[
    "SCHEDULED", "QUEUED", "SENT", "DELIVERED", "READ", "UNDELIVERED", "FAILED", "CANCELED", "INBOUND", "GROUP"
]
SenderChannel = Literal["SMS", "RCS", "WHATSAPP"]
RecipientChannel = Literal["PHONE", "WHATSAPP"]

_encode = msgspec.json.Encoder().encode
_decode_tags = msgspec.json.Decoder(dict[str, str]).decode
_decode_addresses = msgspec.json.Decoder(list[tuple[str, str]]).decode


class NewMessage(msgspec.Struct, frozen=True, gc=False):
    """One recipient of a request. `addresses`: pairs (address, channel). `due`: milliseconds, None for now."""

    addresses: Sequence[tuple[str, str]]
    variables: dict[str, str] | None
    tags: dict[str, str]
    due: int | None = None


class NewOperation(msgspec.Struct, frozen=True):
    """A checked request. `sender`, `content` and `defaults` (None: no template) are JSON."""

    recipients: Sequence[NewMessage]
    sender: str | None
    pool_id: str | None
    content: str
    defaults: str | None
    retry_of: str | None = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message. Before a sender is chosen, `sender_channel` is NONE. Times in milliseconds."""

    id: str
    operation_id: str
    status: Status
    pool_id: str | None
    sender_id: str | None
    sender_channel: str
    sender_address: str | None
    to_address: str
    to_channel: RecipientChannel
    tags: dict[str, str]
    retry_of: str | None
    scheduled_for: int | None
    updated_at: int
    error_code: int | None
    attempts: int
    addresses: list[tuple[str, str]]
    variables: dict[str, str]


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try to hand a message over. `code`: that of its error. `kept`: 1 for a kept sender. Times in milliseconds."""

    message_id: str
    number: int
    downstream_id: str
    sender_id: str
    channel: SenderChannel
    address: str
    to_address: str
    to_channel: RecipientChannel
    status: Status
    code: int | None
    connector: str
    kept: int
    attempted_at: int
    updated_at: int


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """A report of a connector about a message."""

    number: int
    to_address: str
    to_channel: RecipientChannel
    status: Status
    code: int | None
    connector: str
    created_at: int


class Filter(msgspec.Struct, frozen=True):
    """The filters of the list of messages. None does not filter; all `tags`, written key:value, must match."""

    operation_id: str | None = None
    status: str | None = None
    channel: str | None = None
    tags: tuple[str, ...] = ()


async def start(tx: Tx, account_id: int, new: NewOperation, request_id: str) -> str:
    """Stores an operation with all its messages and the work for them; returns the operation's id."""
    await follow(tx, "message_operations.newest", account_id)
    operation_id = tx.new_id(ids.OPERATION)
    # Messages are handed over in the order of their ids: first those that are due first.
    ordered = sorted(new.recipients, key=lambda one: one.due or 0)
    rows = [_row(tx.new_id(MESSAGE), one, tx.now) for one in ordered]
    later = sum(row[1] == "SCHEDULED" for row in rows)
    first_due, waits = ordered[0].due or 0, later == len(rows)
    await turns.start(tx, account_id, DUE_KIND if waits else READY_KIND, first_due if waits else 0)
    start: dict[str, Value] = (
        {"status": "SCHEDULED", "work": "WAITS"} if waits else {"status": "PROCESSING", "work": "READY"}
    )
    counters: dict[str, Value] = {"total": len(rows), "scheduled": later, "queued": len(rows) - later}
    await tx.run(
        "message_operations.start",
        account_id=account_id,
        operation_id=operation_id,
        due_at=first_due,
        next_id=rows[0][0],
        request_id=request_id,
        now=tx.now,
        **start,
        **counters,
    )
    await _store_content(tx, account_id, operation_id, new.sender, new.content, new.defaults)
    await tx.run(
        "messages.insert",
        account_id=account_id,
        operation_id=operation_id,
        pool_id=new.pool_id,
        retry_of=new.retry_of,
        rows=_encode(rows).decode(),
        now=tx.now,
    )
    if tags := [(row[0], f"{k}:{v}") for row, one in zip(rows, ordered, strict=True) for k, v in one.tags.items()]:
        await tx.run("messages.tag", account_id=account_id, rows=_encode(tags).decode())
    return operation_id


def _row(message_id: str, one: NewMessage, now: int) -> tuple[str | int | None, ...]:
    """The row of a message, as `messages.insert` takes it."""
    address, channel = one.addresses[0]
    return (
        message_id,
        "SCHEDULED" if one.due is not None and one.due > now else "QUEUED",
        address,
        channel,
        _encode(one.addresses).decode() if len(one.addresses) > 1 else None,
        _encode(one.variables).decode() if one.variables else None,
        _tags(one.tags),
        one.due,
    )


def _tags(tags: dict[str, str]) -> str:
    return _encode(tags).decode() if tags else "{}"


async def fetch(tx: Tx, account_id: int, message_id: str) -> Message:
    """One message. Raises NotFound."""
    row = await tx.one("messages.fetch", account_id=account_id, message_id=message_id)
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    return _from_row(row)


async def fetch_attempts(tx: Tx, account_id: int, message_id: str) -> list[Attempt]:
    """The attempts of a message, oldest first."""
    return list(starmap(Attempt, await tx.all("messages.attempts", account_id=account_id, message_id=message_id)))


async def seek(tx: Tx, account_id: int, downstream_id: str) -> str:
    """The id of the message that an attempt handed over with this downstream id. Raises NotFound."""
    row = await tx.one("messages.seek", account_id=account_id, downstream_id=downstream_id)
    if row is None:
        raise NotFound(f"no message was handed over as {downstream_id}")
    return str(row[0])


async def list_page(tx: Tx, account_id: int, filter_: Filter, id_range: IdRange) -> list[Message]:
    """The account's messages in the id range, newest first."""
    page: dict[str, Value] = {"before": id_range.before, "not_before": id_range.not_before, "limit": id_range.limit}
    status, channel = filter_.status or "", filter_.channel or ""
    if filter_.tags:
        rows = await tx.all(
            "messages.list_page_by_tag",
            account_id=account_id,
            tag=filter_.tags[0],
            others=_encode(filter_.tags[1:]).decode(),
            operation_id=filter_.operation_id or "",
            status=status,
            channel=channel,
            **page,
        )
    elif filter_.operation_id:
        rows = await tx.all(
            "messages.list_page_of_operation",
            account_id=account_id,
            operation_id=filter_.operation_id,
            status=status,
            channel=channel,
            **page,
        )
    else:
        given = {name: value for name, value in (("status", status), ("channel", channel)) if value}
        name = "messages.list_page" + ("_by_" if given else "") + "_and_".join(given)
        rows = await tx.all(name, account_id=account_id, **page, **given)
    return [_from_row(row) for row in rows]


async def list_errors(tx: Tx, account_id: int, operation_id: str, id_range: IdRange) -> list[Message]:
    """The messages of an operation that ended in an error, newest first. The caller checks the operation."""
    rows = await tx.all(
        "messages.list_errors",
        account_id=account_id,
        operation_id=operation_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
    )
    return [_from_row(row) for row in rows]


async def list_unsuccessful(tx: Tx, account_id: int, operation_id: str) -> list[Message]:
    """The messages of an operation that failed or were not delivered and were not retried, oldest first."""
    rows = await tx.all("messages.unsuccessful", account_id=account_id, operation_id=operation_id)
    return [_from_row(row) for row in rows]


async def list_receipts(tx: Tx, account_id: int, message_id: str, first: int, limit: int) -> list[Receipt]:
    """The receipts of a message from number `first` on. The caller checks that the message exists."""
    rows = await tx.all(
        "messages.list_receipts", account_id=account_id, message_id=message_id, first=first, limit=limit
    )
    return list(starmap(Receipt, rows))


async def receive(tx: Tx, account_id: int, replied_id: str, text: str) -> str:
    """Stores a person's reply to a message as an inbound message; returns its id. Contract section 15.3.

    Raises NotFound.
    """
    replied = await fetch(tx, account_id, replied_id)
    await follow(tx, "message_operations.newest", account_id)
    message_id = tx.new_id(MESSAGE)
    await tx.run(
        "messages.receive",
        account_id=account_id,
        message_id=message_id,
        pool_id=replied.pool_id,
        sender_id=replied.sender_id,
        sender_channel=replied.sender_channel,
        sender_address=replied.sender_address,
        address=replied.to_address,
        channel=replied.to_channel,
        now=tx.now,
    )
    await _store_content(tx, account_id, message_id, None, _encode({"text": text}).decode(), None)
    return message_id


async def _store_content(
    tx: Tx, account_id: int, operation_id: str, sender: str | None, content: str, defaults: str | None
) -> None:
    """`operation_id`: of an inbound message, the id of the message."""
    await tx.run(
        "message_operations.store_content",
        account_id=account_id,
        operation_id=operation_id,
        sender=sender,
        content=content,
        defaults=defaults,
    )


async def cancel_operation(tx: Tx, account_id: int, operation_id: str) -> None:
    """Cancels all messages of an operation that were not handed over. Waits for a running batch.

    Raises NotFound, and Conflict when nothing is left to cancel.
    """
    operation = await message_operations.lock(tx, account_id, operation_id)
    canceled = operation.scheduled + operation.queued
    if not canceled:
        raise Conflict(f"operation {operation_id} is {operation.status}: every message was handed over or cancelled")
    await tx.run("messages.cancel_operation", account_id=account_id, operation_id=operation_id, now=tx.now)
    moved = Moved(scheduled=-operation.scheduled, queued=-operation.queued, canceled=canceled)
    await message_operations.move(tx, account_id, operation, moved, status="CANCELED")


async def cancel(tx: Tx, account_id: int, message_id: str) -> None:
    """Cancels one message that was not handed over. Raises NotFound, and Conflict for any other message."""
    operation, message = await lock(tx, account_id, message_id)
    if message.status not in ("SCHEDULED", "QUEUED"):
        raise Conflict(f"message {message_id} is {message.status} and can no longer be cancelled")
    await tx.run("messages.cancel", account_id=account_id, message_id=message_id, now=tx.now)
    await message_operations.move(tx, account_id, operation, Moved({message.status.lower(): -1, "canceled": 1}))


async def lock(tx: Tx, account_id: int, message_id: str) -> tuple[MessageOperation, Message]:
    """One message and its operation, locked until the transaction ends.

    Raises NotFound, and Conflict for an inbound message.
    """
    message = await fetch(tx, account_id, message_id)
    if message.status == "INBOUND":
        raise Conflict(f"message {message_id} came in: it has no operation")
    operation = await message_operations.lock(tx, account_id, message.operation_id)
    # The message may have changed before the lock.
    return operation, await fetch(tx, account_id, message_id)


def pairs(addresses: str | None, address: str, channel: str) -> list[tuple[str, str]]:
    """The pairs (address, channel) of a recipient. `addresses`: all of them as JSON when there are several."""
    return _decode_addresses(addresses) if addresses else [(address, channel)]


def _from_row(row: Row) -> Message:
    values = [*row]
    values[9] = _decode_tags(values[9])
    values[15] = pairs(values[15], values[7], values[8])
    values[16] = _decode_tags(values[16]) if values[16] else {}
    return Message(*values)
