"""Reads the senders that a request may use into a roster. Contract section 11, step 1."""

from collections import Counter
from typing import Final, NamedTuple

import msgspec

from signalbox.db import Tx, Value
from signalbox.inventory import addresses
from signalbox.routing.order import Roster
from signalbox.routing.spread import Sender

# The most senders of one channel that are read for one batch, the oldest first. 10,000 take some 20 ms.
MOST_SENDERS: Final = 20_000
# Senders of one channel and status that are counted in a pool: some 10 ms.
_MOST_COUNTED: Final = 100_000


class Source(msgspec.Struct, frozen=True):
    """The senders that a request names: a pool, one sender by id or by address; all of the account without a name."""

    pool_id: str = ""
    sender_id: str = ""
    channel: str = ""
    address: str = ""


class Senders(NamedTuple):
    """The senders of one channel and status that a request names: their number, and the ids of the oldest."""

    channel: str
    status: str
    number: int
    oldest: list[str]


async def read(tx: Tx, account_id: int, source: Source) -> Roster:
    """The activated senders of `source` for phones, as the database has them now."""
    if source.pool_id:
        rows = await tx.all("rosters.of_pool", account_id=account_id, pool_id=source.pool_id, limit=MOST_SENDERS)
    elif source.sender_id:
        rows = await tx.all("rosters.of_sender", account_id=account_id, sender_id=source.sender_id)
    elif source.address:
        address = addresses.normalise_for_search(source.channel, source.address)
        rows = await tx.all("rosters.of_address", account_id=account_id, channel=source.channel, address=address)
    else:
        rows = await tx.all("rosters.of_account", account_id=account_id, limit=MOST_SENDERS)
    return Roster([Sender(*row) for row in rows], account_id, source.pool_id)


async def summary(tx: Tx, account_id: int, source: Source, most: int) -> list[Senders]:
    """All senders of `source`, those that cannot be chosen too, by channel and status, with at most `most` ids each.

    In a pool, at most 100,000 senders of one channel and status are counted.
    """
    if source.pool_id:
        named: dict[str, Value] = {"account_id": account_id, "pool_id": source.pool_id}
        counts = await tx.all("rosters.counts_of_pool", limit=_MOST_COUNTED, **named)
        oldest = await tx.all("rosters.oldest_of_pool", limit=most, **named)
    elif source.sender_id or source.address:
        if source.sender_id:
            oldest = await tx.all("rosters.any_of_sender", account_id=account_id, sender_id=source.sender_id)
        else:
            address = addresses.normalise_for_search(source.channel, source.address)
            oldest = await tx.all(
                "rosters.any_of_address", account_id=account_id, channel=source.channel, address=address
            )
        counts = [(channel, status, 1) for channel, status, _ in oldest]
    else:
        counts = await tx.all("overview.sender_counts", account_id=account_id)
        oldest = await tx.all("rosters.oldest_of_account", account_id=account_id, limit=most)
    ids: dict[tuple[str, str], list[str]] = {}
    for channel, status, sender_id in oldest:
        ids.setdefault((channel, status), []).append(sender_id)
    numbers: Counter[tuple[str, str]] = Counter()
    for channel, status, number in counts:
        numbers[channel, status] += number
    return [Senders(*key, number, ids.get(key, [])) for key, number in sorted(numbers.items()) if number]
