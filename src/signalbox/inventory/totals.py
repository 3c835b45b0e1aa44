"""The totals of lists, counted up to `MOST`. The time of a count does not grow with the account."""

from typing import Final

import msgspec

from signalbox.db import Tx, Value
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory.senders import Filter

MOST: Final = 10_000


class Total(msgspec.Struct, frozen=True):
    """How many things a list has. `more`: there are more than `count`, which is then `MOST`."""

    count: int
    more: bool


async def senders(tx: Tx, account_id: int, filter_: Filter, id_range: IdRange) -> Total:
    """The account's senders in the id range."""
    return await _count(tx, filter_.query("totals.senders"), account_id, id_range, **filter_.params())


async def sender_pools(tx: Tx, account_id: int, id_range: IdRange) -> Total:
    """The account's pools in the id range."""
    return await _count(tx, "totals.sender_pools", account_id, id_range)


async def members(tx: Tx, account_id: int, pool_id: str, filter_: Filter, id_range: IdRange) -> Total:
    """The senders in a pool whose ids are in the id range; none when the pool does not exist."""
    return await _count(tx, filter_.query("totals.members"), account_id, id_range, pool_id=pool_id, **filter_.params())


async def operations(tx: Tx, account_id: int, status: str | None, id_range: IdRange) -> Total:
    """The account's pool operations in the id range."""
    if status is None:
        return await _count(tx, "totals.operations", account_id, id_range)
    return await _count(tx, "totals.operations_by_status", account_id, id_range, status=status)


async def _count(tx: Tx, query: str, account_id: int, id_range: IdRange, **filters: Value) -> Total:
    """Counts up to the limit of the id range, one more than `MOST`, in each index range of the query."""
    row = await tx.one(
        query,
        account_id=account_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
        **filters,
    )
    number: int = row[0] if row else 0
    return Total(min(number, MOST), number > MOST)
