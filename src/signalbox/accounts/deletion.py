"""Deletes an account with all its data: a kind of work, in batches of a limited size. docs/tenancy.md."""

from typing import Final

from signalbox.accounts.accounts import CREDENTIAL_TTL
from signalbox.db import Tx
from signalbox.ground.errors import NotFound
from signalbox.queue import turns
from signalbox.queue.kinds import Done, Hand, Kind

_KIND: Final = "account_deletions"

# Rows removed in one transaction, in some ten milliseconds.
DELETE_ROWS: Final = 2_000
# The most statements in one transaction: a parent with few rows takes a statement of its own.
_STATEMENTS: Final = 100
# The account's own row stays until no request from before the deletion can be in progress: for the time that a process
# remembers a credential, plus the time that a body may take to arrive (signalbox.http.receiving), plus a reserve.
LAST_WRITE_MS: Final = 75_000

# Every table with account_id; the query of the same name empties it. Operations are first, so that no batch starts.
TABLES: Final = (
    "operations",
    "message_operations",
    "operation_items",
    "sender_pool_removals",
    "sender_pool_members",
    "sender_pools",
    "senders",
    "sender_counts",
    "sender_pool_counts",
    "tagged",
    "templates",
    "message_contents",
    "messages",
    "message_tags",
    "message_attempts",
    "message_receipts",
    "inbox",
    "inbox_arrivals",
    "sink_reports",
    "kept_senders",
    "opt_outs",
    "idempotency_keys",
)
# Emptied with the account itself.
LAST_TABLES: Final = ("queue", "api_keys")


async def begin(tx: Tx, sid: str) -> None:
    """Makes the account's credentials invalid and queues the deletion of all its data. Raises NotFound.

    The work starts after `CREDENTIAL_TTL`, when no process remembers a credential any more.
    """
    row = await tx.one("deletion.begin", sid=sid, now=tx.now)
    if row is None:
        raise NotFound(f"there is no account {sid}")
    await turns.start(tx, row[0], _KIND, tx.now + round(CREDENTIAL_TTL * 1000))


async def run(tx: Tx, hand: Hand) -> Done | None:
    """Removes some rows of an account that is being deleted, at last the account itself."""
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
        await tx.run("queue.defer", account_id=hand.account_id, kind=_KIND, due_at=last_write)
        return None
    for query in ("deletion.queue", "deletion.api_keys", "deletion.account"):
        await tx.run(query, account_id=hand.account_id)
    return Done("account removed", {"account": hand.account_sid})


async def _empty(tx: Tx, account_id: int, table: str) -> int:
    """Removes about `DELETE_ROWS` rows of the account from the table, and returns how many."""
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
