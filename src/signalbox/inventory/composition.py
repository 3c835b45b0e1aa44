"""The members of a pool with channel and country, for the counts of its composition."""

from itertools import starmap

import msgspec

from signalbox.db import Tx
from signalbox.inventory.senders import Channel


class Member(msgspec.Struct, frozen=True, gc=False):
    """A member of a pool. `region` is the ISO code of its number's country, '' without a country."""

    id: str
    channel: Channel
    region: str


async def list_members(tx: Tx, account_id: int, pool_id: str, before: str, limit: int) -> list[Member]:
    """At most `limit` members with ids below `before`, newest first. The caller checks that the pool exists."""
    rows = await tx.all("composition.list_members", account_id=account_id, pool_id=pool_id, before=before, limit=limit)
    return list(starmap(Member, rows))
