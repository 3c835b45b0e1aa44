"""Deleting an account with all its data: a kind of work, done in bounded batches. docs/tenancy.md."""

from typing import Final

from signalbox.accounts.accounts import CREDENTIAL_TTL
from signalbox.db import Tx
from signalbox.ground.errors import NotFound
from signalbox.queue import turns
from signalbox.queue.kinds import Done, Hand, Kind

_KIND: Final = "account_deletions"

# Rows removed in one transaction: some ten milliseconds of work.
DELETE_ROWS: Final = 2_000
# A parent with few rows is a statement of its own: so many in one transaction at most.
_STATEMENTS: Final = 100
# The account itself stays until no request can be in progress that was let in before the deletion: a credential that a
# process remembers, and the longest time that a body may take to arrive (signalbox.http.receiving), with some to spare.
LAST_WRITE_MS: Final = 75_000

# Every table that has account_id, each emptied by the query of its name. Operations first: after them no batch begins.
TABLES: Final = (
    "operations",
    "operation_items",
    "sender_pool_removals",
    "sender_pool_members",
    "sender_pools",
    "senders",
    "sender_counts",
    "templates",
    "idempotency_keys",
)
# Emptied with the account itself.
LAST_TABLES: Final = ("queue", "api_keys")


async def begin(tx: Tx, sid: str) -> None:
    """Refuses the account's credentials and promises the deletion of all its data. Raises NotFound.

    Processes may believe a credential for `CREDENTIAL_TTL` seconds more: the work starts after them.
    """
    row = await tx.one("deletion.begin", sid=sid, now=tx.now)
    if row is None:
        raise NotFound(f"there is no account {sid}")
    await turns.start(tx, row[0], _KIND, tx.now + round(CREDENTIAL_TTL * 1000))


async def run(tx: Tx, hand: Hand) -> Done | None:
    """Removes some rows of an account that is being deleted; when nothing is left, the account."""
    row = await tx.one("deletion.fetch", account_id=hand.account_id)
    if row is None:
        return None
    for table in TABLES:
        hand.unit = table
        if removed := await _empty(tx, hand.account_id, table):
            return Done("account rows removed", {"account": hand.account_sid, "table": table, "removed": removed})
    hand.unit = "accounts"
    await tx.run("deletion.other_work", account_id=hand.account_id, kind=_KIND)
    last_write = row[0] + LAST_WRITE_MS
    if tx.now < last_write:
        await tx.run("deletion.defer", account_id=hand.account_id, kind=_KIND, due_at=last_write)
        return None
    for query in ("deletion.queue", "deletion.api_keys", "deletion.account"):
        await tx.run(query, account_id=hand.account_id)
    return Done("account removed", {"account": hand.account_sid})


async def _empty(tx: Tx, account_id: int, table: str) -> int:
    """Removes about `DELETE_ROWS` rows of the account from the table; how many it removed."""
    removed = 0
    for _ in range(_STATEMENTS):
        some = await tx.run(f"deletion.{table}", account_id=account_id, limit=DELETE_ROWS)
        removed += some
        if not some or removed >= DELETE_ROWS:
            break
    return removed


async def _waits(tx: Tx, account_id: int) -> bool:
    return await tx.one("deletion.fetch", account_id=account_id) is not None


KIND: Final = Kind(_KIND, run, _waits)
