"""Pool operations: the work of one create or one add, applied batch by batch. Contract section 5.

A batch is one transaction: the claim (a row lock), the memberships, the outcomes and the counters. There is no lease.
When a process ends during a batch, the database rolls the batch back.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import starmap
from typing import Final, Literal

import msgspec

from signalbox import db
from signalbox.db import Row, Statement, Tx, Value
from signalbox.ground import ids
from signalbox.ground.errors import Bug, Conflict, NotFound
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import senders
from signalbox.queue import turns
from signalbox.queue.kinds import Done, Hand, Kind

Status = Literal["PROCESSING", "COMPLETED", "CANCELED"]
Outcome = Literal["QUEUED", "CREATED", "ALREADY_MEMBER", "FAILED"]

# Items applied in one transaction. Larger batches need fewer commits; smaller batches hold locks for a shorter time. A
# batch of 1,000 takes a few milliseconds on SQLite and some ten on PostgreSQL.
BATCH_ITEMS: Final = 1_000

KIND_NAME: Final = "pool_operations"


class PoolOperation(msgspec.Struct, frozen=True, gc=False):
    """The work of one request and its progress. `queued` items were not tried yet. Times in milliseconds."""

    id: str
    status: Status
    total: int
    queued: int
    created: int
    failed: int
    created_at: int
    updated_at: int

    @property
    def final(self) -> bool:
        """Whether the operation will never change again."""
        return self.status != "PROCESSING"


class Item(msgspec.Struct, frozen=True, gc=False):
    """One item of an operation's ledger. The item of the new pool itself has no sender."""

    index: int
    sender_id: str | None
    outcome: Outcome


_ITEM_QUERIES: Final[dict[Outcome | None, str]] = {
    None: "pool_operations.list_items",
    "QUEUED": "pool_operations.list_queued_items",
    "CREATED": "pool_operations.list_created_items",
    "ALREADY_MEMBER": "pool_operations.list_items_by_outcome",
    "FAILED": "pool_operations.list_items_by_outcome",
}


def start(
    tx: Tx,
    account_id: int,
    pool_id: str,
    sender_ids: Sequence[str | None],
    request_id: str = "",
    pool: dict[str, Value] | None = None,
) -> tuple[PoolOperation, Statement]:
    """A new operation with an item for each sender, and the statement that stores the operation.

    `pool`: the columns of a new pool. The pool is then the first item, and this item is done already. The log lines of
    the batches have `request_id`. The statement changes no row when the account has newer ids.
    """
    operation_id = tx.new_id(ids.OPERATION)
    now = ids.created_at(operation_id)
    created = 0 if pool is None else 1
    total = len(sender_ids)
    status: Status = "COMPLETED" if created == total else "PROCESSING"
    if status == "PROCESSING":
        tx.wake(turns.WORK)
    params: dict[str, Value] = {
        "account_id": account_id,
        "operation_id": operation_id,
        "pool_id": pool_id,
        "status": status,
        "total": total,
        "created": created,
        "batches": math.ceil((total - created) / BATCH_ITEMS),
        "request_id": request_id,
        "now": now,
        # The pool's id was made before the operation's.
        "least": operation_id if pool is None else f"{ids.OPERATION}_{pool_id.rpartition('_')[2]}",
        "kind": KIND_NAME,
        "sender_ids": list(sender_ids),
    }
    query = "pool_operations.start" if pool is None else "pool_operations.start_with_pool"
    return PoolOperation(operation_id, status, total, total - created, created, 0, now, now), Statement(
        query, params | (pool or {})
    )


async def follow(tx: Tx, account_id: int) -> None:
    """Makes the transaction's new ids greater than the account's newest operation, and so than its newest pool."""
    await db.follow(tx, "pool_operations.newest", account_id)


async def follow_for(tx: Tx, account_id: int, pool_id: str) -> None:
    """As `follow`. Raises NotFound when the pool does not exist."""
    newest = await tx.one("pool_operations.newest_of_pool", account_id=account_id, pool_id=pool_id)
    if newest is None:
        raise NotFound(f"there is no sender pool {pool_id}")
    if newest[0]:
        tx.after(newest[0])


async def fetch(tx: Tx, account_id: int, operation_id: str) -> PoolOperation:
    """One operation. Raises NotFound."""
    return _found(await tx.one("pool_operations.fetch", account_id=account_id, operation_id=operation_id), operation_id)


async def fetch_of_pool(tx: Tx, account_id: int, pool_id: str, operation_id: str) -> PoolOperation:
    """One operation of a pool that exists. Raises NotFound."""
    row = await tx.one(
        "pool_operations.fetch_of_pool", account_id=account_id, pool_id=pool_id, operation_id=operation_id
    )
    return _found(row, operation_id)


async def list_page(tx: Tx, account_id: int, status: Status | None, id_range: IdRange) -> list[PoolOperation]:
    """The account's pool operations in the id range, newest first."""
    where = {} if status is None else {"status": str(status)}
    rows = await tx.all(
        "pool_operations.list_page_by_status" if where else "pool_operations.list_page",
        account_id=account_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
        **where,
    )
    return list(starmap(PoolOperation, rows))


async def list_items(
    tx: Tx, account_id: int, operation_id: str, outcome: Outcome | None, first: int, limit: int
) -> list[Item]:
    """The ledger from index `first` on, ascending. The caller checks that the operation exists."""
    query = _ITEM_QUERIES[outcome]
    where = {"outcome": str(outcome)} if query == "pool_operations.list_items_by_outcome" else {}
    rows = await tx.all(query, account_id=account_id, operation_id=operation_id, first=first, limit=limit, **where)
    return list(starmap(Item, rows))


async def cancel(tx: Tx, account_id: int, operation_id: str) -> None:
    """Cancels an operation. Waits for a running batch; after the commit no further item is applied.

    Raises NotFound, and Conflict when the operation is final.
    """
    operation = _found(
        await tx.one("pool_operations.lock", account_id=account_id, operation_id=operation_id), operation_id
    )
    if operation.final:
        raise Conflict(f"operation {operation_id} is {operation.status} and can no longer be cancelled")
    await tx.run("pool_operations.cancel", account_id=account_id, operation_id=operation_id, now=tx.now)
    tx.wake(operation_id)


async def cancel_of_pool(tx: Tx, account_id: int, pool_id: str) -> None:
    """Cancels all unfinished operations of a pool, with the guarantee of `cancel`."""
    for row in await tx.all("pool_operations.cancel_of_pool", account_id=account_id, pool_id=pool_id, now=tx.now):
        tx.wake(row[0])


async def run_batch(tx: Tx, hand: Hand) -> Done | None:
    """Applies the next batch of an account. None when no operation can be claimed, or while its inventory changes."""
    row = await tx.one("pool_operations.claim", account_id=hand.account_id)
    if row is None:
        return None
    hand.unit = operation_id = str(row[0])
    if not await senders.share_inventory(tx, hand.account_id):
        return None
    _, pool_id, total, first, request_id, more = row
    end = min(first + BATCH_ITEMS, total)
    created, failed = await _apply(tx, hand.account_id, operation_id, pool_id, first, end)
    advanced = await tx.one(
        "pool_operations.advance",
        account_id=hand.account_id,
        operation_id=operation_id,
        created=created,
        failed=failed,
        now=tx.now,
    )
    if advanced is None:  # pragma: no cover - the claim has locked the row
        raise Bug("the row of an operation was deleted during a batch")
    tx.wake(operation_id)
    fields = {"operation": operation_id, "created": created, "failed": failed, "status": advanced[0]}
    fields = {"requestId": request_id, "account": hand.account_sid, **fields}
    return Done("batch", fields, (created, failed), last=not more and advanced[0] == "COMPLETED", more=bool(more))


async def _apply(tx: Tx, account_id: int, operation_id: str, pool_id: str, first: int, end: int) -> tuple[int, int]:
    """Adds the senders of some items to the pool and writes outcomes. Returns the counts of created and failed."""
    id_range: dict[str, Value] = {"account_id": account_id, "operation_id": operation_id, "first": first, "end": end}
    members = await tx.all("pool_operations.add_members", pool_id=pool_id, **id_range)
    added = [str(row[0]) for row in members]
    failed = 0
    if len(added) < end - first:
        failed = await tx.run("pool_operations.mark_failed", **id_range)
    if len(added) + failed < end - first:
        await tx.run("pool_operations.mark_already_members", added=added, **id_range)
    if added:
        number = Counter(str(row[1]) for row in members)
        rows = [[pool_id, channel, count] for channel, count in sorted(number.items())]
        # Last, because other batches for this pool wait for the locks of these rows.
        await tx.run("sender_pools.count", account_id=account_id, rows=msgspec.json.encode(rows).decode())
    return end - first - failed, failed


async def _waits(tx: Tx, account_id: int) -> bool:
    return await tx.one("pool_operations.unfinished", account_id=account_id) is not None


async def _set_back(tx: Tx, account_id: int, operation_id: str) -> None:
    await tx.run("pool_operations.set_back", account_id=account_id, operation_id=operation_id)


KIND: Final = Kind(KIND_NAME, run_batch, _waits, _set_back)


async def backlog(tx: Tx) -> tuple[int, int]:
    """The numbers of unfinished operations and their queued items. Reads 10,000 operations of all accounts at most."""
    row = await tx.one("pool_operations.backlog")
    return (row[0], row[1]) if row else (0, 0)


def _found(row: Row | None, operation_id: str) -> PoolOperation:
    if row is None:
        raise NotFound(f"there is no operation {operation_id}")
    return PoolOperation(*row)
