"""Names: what people call senders, pools and operations, by id; and names and tags as the search compares them."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from signalbox.db import Row, Tx

# Enough for a prefix; PostgreSQL refuses keys of more than 2,700 bytes in an index.
_LONGEST: Final = 200
# The pools of a sender that are named.
POOLS: Final = 3


class PoolNames(msgspec.Struct):
    """The name of a pool, and its members by channel, the most first."""

    id: str
    name: str
    channels: list[tuple[str, int]]


class SenderNames(msgspec.Struct):
    """The display name and address of a sender, and the ids and names of at most `POOLS` + 1 pools that it is in."""

    id: str
    display_name: str | None
    address: str
    channel: str
    pools: list[tuple[str, str]]


class OperationNames(msgspec.Struct):
    """The pool of an operation (`pool_name` is None when it is deleted), its items, and whether it created the pool."""

    id: str
    items: int
    pool_id: str
    pool_name: str | None
    creates: bool


def key(name: str) -> str:
    """The name without differences of case and of compatible characters (Unicode NFKC and case folding)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()[:_LONGEST]


async def retag(tx: Tx, account_id: int, changes: Iterable[tuple[str, Mapping[str, str], Mapping[str, str]]]) -> None:
    """Stores the tags of senders and pools for the search. `changes`: id, old tags, new tags."""
    rows: list[list[str | int | None]] = []
    for identifier, old, new in changes:
        tags = [f"{tag}:{value}" for tag, value in new.items()]
        rows += [[identifier, slot, tag] for slot, tag in enumerate(tags)]
        rows += [[identifier, slot, None] for slot in range(len(tags), len(old))]
    if rows:
        await tx.run("names.tag", account_id=account_id, rows=msgspec.json.encode(rows).decode())


async def untag(tx: Tx, account_id: int, identifier: str) -> None:
    """Removes the tags of a deleted sender or pool from the search."""
    await tx.run("names.untag", account_id=account_id, id=identifier)


async def of_pools(tx: Tx, account_id: int, pool_ids: Sequence[str]) -> list[PoolNames]:
    """The names of those of the pools that exist."""
    found: dict[str, PoolNames] = {}
    for pool_id, name, channel, number in await _of("names.of_pools", tx, account_id, pool_ids):
        pool = found.setdefault(pool_id, PoolNames(pool_id, name, []))
        if channel is not None:
            pool.channels.append((channel, number))
    return list(found.values())


async def of_senders(tx: Tx, account_id: int, sender_ids: Sequence[str]) -> list[SenderNames]:
    """The names of those of the senders that exist."""
    found: dict[str, SenderNames] = {}
    rows = await _of("names.of_senders", tx, account_id, sender_ids, pools=POOLS + 1)
    for sender_id, display_name, address, channel, pool_id, pool_name in rows:
        sender = found.setdefault(sender_id, SenderNames(sender_id, display_name, address, channel, []))
        if pool_id is not None:
            sender.pools.append((pool_id, pool_name))
    return list(found.values())


async def of_operations(tx: Tx, account_id: int, operation_ids: Sequence[str]) -> list[OperationNames]:
    """What those of the pool operations that exist do."""
    rows = await _of("names.of_operations", tx, account_id, operation_ids)
    return [OperationNames(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


async def _of(query: str, tx: Tx, account_id: int, wanted: Sequence[str], **params: int) -> list[Row]:
    return await tx.all(query, account_id=account_id, ids=list(wanted), **params) if wanted else []
