"""Sender pools: groups of an account's senders. Contract section 6."""

from collections.abc import Sequence
from typing import Final

import msgspec

from signalbox.db import Row, Statement, Tx, Value
from signalbox.ground import ids
from signalbox.ground.errors import NotFound
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import names, pool_operations, senders
from signalbox.inventory.pool_operations import PoolOperation
from signalbox.inventory.senders import Sender
from signalbox.queue import turns
from signalbox.queue.kinds import Done, Hand, Kind

SENDER_POOL: Final = ids.Kind("comms_senderpool", "a sender pool")
# The memberships of a deleted pool that one transaction removes: a few milliseconds of work.
SWEEP_MEMBERS: Final = 2_000

_REMOVALS: Final = "pool_removals"


class SenderPool(msgspec.Struct, frozen=True, gc=False):
    """A named group of senders. Times in milliseconds."""

    id: str
    name: str
    tags: dict[str, str]
    created_at: int
    updated_at: int


_decode_tags = msgspec.json.Decoder(dict[str, str]).decode


def from_row(row: Row) -> SenderPool:
    """A SenderPool from a row. All queries of pools select the same columns first."""
    return SenderPool(row[0], row[1], _decode_tags(row[2]), row[3], row[4])


async def create(
    tx: Tx,
    look: bool,
    account_id: int,
    name: str | None,
    tags: dict[str, str],
    sender_ids: Sequence[str],
    request_id: str = "",
) -> tuple[PoolOperation, Statement]:
    """A new pool, and the operation that adds the senders to the pool. Without a name, the pool's id is its name.

    For `Database.write_one`, which passes `look`: whether to read the account's newest id.
    """
    if look:
        await pool_operations.follow(tx, account_id)
    pool_id = tx.new_id(SENDER_POOL)
    pool: dict[str, Value] = {
        "name": pool_id if name is None else name,
        "name_key": names.key(pool_id if name is None else name),
        "tags": msgspec.json.encode(tags).decode(),
        "pool_now": ids.created_at(pool_id),
    }
    return pool_operations.start(tx, account_id, pool_id, [None, *sender_ids], request_id, pool)


async def fetch(tx: Tx, account_id: int, pool_id: str) -> SenderPool:
    """One pool. Raises NotFound."""
    return _found(await tx.one("sender_pools.fetch", account_id=account_id, pool_id=pool_id), pool_id)


async def lock(tx: Tx, account_id: int, pool_id: str) -> SenderPool:
    """One pool, locked until the transaction ends. Raises NotFound."""
    return _found(await tx.one("sender_pools.lock", account_id=account_id, pool_id=pool_id), pool_id)


async def list_page(tx: Tx, account_id: int, operation_id: str | None, id_range: IdRange) -> list[SenderPool]:
    """The account's pools in the id range, newest first. With an operation, only the pool that it created."""
    where = {} if operation_id is None else {"operation_id": operation_id}
    rows = await tx.all(
        "sender_pools.list_page_by_operation" if where else "sender_pools.list_page",
        account_id=account_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
        **where,
    )
    return [from_row(row) for row in rows]


async def update(tx: Tx, account_id: int, pool: SenderPool, name: str | None, tags: dict[str, str] | None) -> None:
    """Changes the name or the tags of a locked pool. None leaves the stored value."""
    name = pool.name if name is None else name
    await tx.run(
        "sender_pools.update",
        account_id=account_id,
        pool_id=pool.id,
        name=name,
        name_key=names.key(name),
        tags=msgspec.json.encode(pool.tags if tags is None else tags).decode(),
        now=tx.now,
    )
    if tags is not None:
        await names.retag(tx, account_id, [(pool.id, pool.tags, tags)])


async def delete(tx: Tx, account_id: int, pool: SenderPool) -> None:
    """Deletes a locked pool. Requests no longer find the pool; workers later remove its memberships with `sweep`."""
    await tx.run("sender_pools.delete", account_id=account_id, pool_id=pool.id)
    await tx.run("sender_pools.add_removal", account_id=account_id, pool_id=pool.id)
    await pool_operations.cancel_of_pool(tx, account_id, pool.id)
    await names.untag(tx, account_id, pool.id)
    # The cancel has waited for a batch that counts.
    await tx.run("sender_pools.delete_counts", account_id=account_id, pool_id=pool.id)
    await turns.start(tx, account_id, _REMOVALS)


async def recount(tx: Tx, account_id: int) -> None:
    """Counts the members of all pools again, after a process of an earlier version has changed members."""
    await senders.lock_inventory(tx, account_id)
    await tx.run("sender_pools.delete_all_counts", account_id=account_id)
    await tx.run("sender_pools.recount", account_id=account_id)
    tx.wake(turns.WORK)


async def sweep(tx: Tx, hand: Hand) -> Done | None:
    """Removes some memberships of a deleted pool of the account. None when no deleted pool can be claimed."""
    row = await tx.one("sender_pools.claim_removal", account_id=hand.account_id)
    if row is None:
        return None
    hand.unit = pool_id = str(row[0])
    removed = await tx.run(
        "sender_pools.remove_some_members", account_id=hand.account_id, pool_id=pool_id, limit=SWEEP_MEMBERS
    )
    if removed < SWEEP_MEMBERS:
        await tx.run("sender_pools.end_removal", account_id=hand.account_id, pool_id=pool_id)
    return Done("memberships removed", {"account": hand.account_sid, "senderPoolId": pool_id, "removed": removed})


async def _waits(tx: Tx, account_id: int) -> bool:
    return await tx.one("sender_pools.any_removal", account_id=account_id) is not None


REMOVALS: Final = Kind(_REMOVALS, sweep, _waits)


async def list_senders(
    tx: Tx, account_id: int, pool_id: str, filter_: senders.Filter, id_range: IdRange
) -> list[Sender]:
    """The pool's members in the id range, newest sender first. The caller checks that the pool exists."""
    rows = await tx.all(
        filter_.query("sender_pools.list_members"),
        account_id=account_id,
        pool_id=pool_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
        **filter_.params(),
    )
    return [senders.from_row(row) for row in rows]


async def add_senders(
    tx: Tx, look: bool, account_id: int, pool_id: str, sender_ids: Sequence[str], request_id: str = ""
) -> tuple[PoolOperation, Statement]:
    """A new operation that adds senders to the pool. Some of the senders may not exist.

    For `Database.write_one`, which passes `look`: whether to read the pool and the account's newest id. Raises NotFound
    when `look` is set and the pool does not exist.
    """
    if look:
        await pool_operations.follow_for(tx, account_id, pool_id)
    return pool_operations.start(tx, account_id, pool_id, sender_ids, request_id)


async def require_member(tx: Tx, account_id: int, pool_id: str, sender_id: str) -> None:
    """Raises NotFound unless the pool exists and the sender is in it."""
    await fetch(tx, account_id, pool_id)
    member = await tx.one("sender_pools.is_member", account_id=account_id, pool_id=pool_id, sender_id=sender_id)
    if member is None:
        raise NotFound(f"sender {sender_id} is not in sender pool {pool_id}")


async def remove_sender(tx: Tx, account_id: int, pool_id: str, sender_id: str) -> None:
    """Removes a sender from the pool; the sender itself remains. Raises NotFound for a sender that is not a member.

    The caller checks that the pool exists: see `require_member`.
    """
    removed = await tx.one("sender_pools.remove_member", account_id=account_id, pool_id=pool_id, sender_id=sender_id)
    if removed is None:
        raise NotFound(f"sender {sender_id} is not in sender pool {pool_id}")
    await senders.uncount(tx, account_id, removed[0], [pool_id])


def _found(row: Row | None, pool_id: str) -> SenderPool:
    if row is None:
        raise NotFound(f"there is no sender pool {pool_id}")
    return from_row(row)
