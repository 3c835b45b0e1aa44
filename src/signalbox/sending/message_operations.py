"""Message operations: the work of one request that sends messages, and its exact counters. Contract section 10.3."""

from collections import Counter
from collections.abc import Mapping
from itertools import starmap
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from signalbox.db import Row, Tx
from signalbox.ground.errors import Bug, NotFound
from signalbox.ground.page_tokens import IdRange
from signalbox.queue import turns
from signalbox.queue.kinds import Done, Hand, Kind

Status = Literal["SCHEDULED", "PROCESSING", "COMPLETED", "CANCELED"]

# The counters, in the order of the contract. A message is counted in exactly one of them.
COUNTERS: Final = (
    "scheduled",
    "queued",
    "sent",
    "delivered",
    "read",
    "undelivered",
    "failed",
    "canceled",
    "unaddressable",
)
# The change of each counter.
Moved: TypeAlias = Counter[str]

DUE_KIND: Final = "due_messages"
READY_KIND: Final = "messages"


class MessageOperation(msgspec.Struct, frozen=True, gc=False):
    """The progress of one request. Each message is in exactly one of the nine counters. Times in milliseconds."""

    id: str
    status: Status
    total: int
    attempts: int
    scheduled: int
    queued: int
    sent: int
    delivered: int
    read: int
    undelivered: int
    failed: int
    canceled: int
    unaddressable: int
    created_at: int
    updated_at: int

    @property
    def final(self) -> bool:
        """Whether nothing is left to hand over. Reports may still move the counters."""
        return self.status in ("COMPLETED", "CANCELED")


class StoredContent(NamedTuple):
    """What all messages of an operation share, as JSON: `from`, the content, and the defaults of its template."""

    sender: str | None
    content: str
    defaults: str | None


async def find_content(tx: Tx, account_id: int, operation_id: str) -> StoredContent | None:
    """The content of an operation; of an inbound message by the message's id. None when there is none."""
    row = await tx.one("message_operations.content", account_id=account_id, operation_id=operation_id)
    return None if row is None else StoredContent(*row)


async def fetch_content(tx: Tx, account_id: int, operation_id: str) -> StoredContent:
    """The content of an operation that exists."""
    stored = await find_content(tx, account_id, operation_id)
    if stored is None:  # pragma: no cover - stored with the operation
        raise Bug("an operation has no content")
    return stored


async def fetch(tx: Tx, account_id: int, operation_id: str) -> MessageOperation:
    """One operation. Raises NotFound."""
    return _found(
        await tx.one("message_operations.fetch", account_id=account_id, operation_id=operation_id), operation_id
    )


async def lock(tx: Tx, account_id: int, operation_id: str) -> MessageOperation:
    """One operation, locked until the transaction ends; waits for a batch of it. Raises NotFound."""
    return _found(
        await tx.one("message_operations.lock", account_id=account_id, operation_id=operation_id), operation_id
    )


async def list_page(tx: Tx, account_id: int, status: Status | None, id_range: IdRange) -> list[MessageOperation]:
    """The account's message operations in the id range, newest first."""
    where = {} if status is None else {"status": str(status)}
    rows = await tx.all(
        "message_operations.list_page_by_status" if where else "message_operations.list_page",
        account_id=account_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
        **where,
    )
    return list(starmap(MessageOperation, rows))


async def move(
    tx: Tx, account_id: int, operation: MessageOperation, moved: Mapping[str, int], status: Status | None = None
) -> None:
    """Changes the counters of a locked operation, and its status with them; `status` sets it."""
    after = {name: getattr(operation, name) + moved.get(name, 0) for name in COUNTERS}
    remaining = after["scheduled"] + after["queued"]
    if status is None and not remaining and not operation.final:
        status = "CANCELED" if after["canceled"] == operation.total else "COMPLETED"
    await tx.run(
        "message_operations.move",
        account_id=account_id,
        operation_id=operation.id,
        status=status or operation.status,
        remaining=remaining,
        now=tx.now,
        **{name: moved.get(name, 0) for name in COUNTERS},
    )
    tx.wake(operation.id)


async def _wake(tx: Tx, hand: Hand) -> Done | None:
    """Starts the work of one operation whose next message is due."""
    row = await tx.one("message_operations.wake", account_id=hand.account_id, now=tx.now)
    if row is None:
        return None
    hand.unit = operation_id = str(row[0])
    await turns.start(tx, hand.account_id, READY_KIND)
    tx.wake(operation_id)
    return Done("messages due", {"account": hand.account_sid, "operation": operation_id})


async def _next_due(tx: Tx, account_id: int) -> int | None:
    row = await tx.one("message_operations.first_due", account_id=account_id)
    return int(row[0]) if row else None


async def _is_due(tx: Tx, account_id: int) -> bool:
    due = await _next_due(tx, account_id)
    return due is not None and due <= tx.now


DUE: Final = Kind(DUE_KIND, _wake, _is_due, next_due=_next_due)


def _found(row: Row | None, operation_id: str) -> MessageOperation:
    if row is None:
        raise NotFound(f"there is no operation {operation_id}")
    return MessageOperation(*row)
