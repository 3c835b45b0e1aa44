"""Reads the senders that a request may use into a roster. Contract section 11, step 1."""

from typing import Final

import msgspec

from signalbox.db import Tx
from signalbox.inventory import addresses
from signalbox.routing.order import Roster
from signalbox.routing.spread import Sender

# The most senders of one channel that are read for one batch, the oldest first. 10,000 take some 20 ms.
MOST_SENDERS: Final = 20_000


class Source(msgspec.Struct, frozen=True):
    """The senders that a request names: a pool, one sender by id or by address; all of the account without a name."""

    pool_id: str = ""
    sender_id: str = ""
    channel: str = ""
    address: str = ""


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
