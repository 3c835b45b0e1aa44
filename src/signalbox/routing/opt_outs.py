"""Opt-outs: who gets nothing from a pool, or from the whole account. Contract section 15.4."""

from collections.abc import Iterable
from itertools import starmap
from typing import Final, Literal

import msgspec

from signalbox.db import Tx, Value, follow
from signalbox.ground import ids
from signalbox.ground.errors import NotFound
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import sender_pools
from signalbox.routing.order import Address

OPT_OUT: Final = ids.Kind("comms_optout", "an opt-out")

Channel = Literal["PHONE", "WHATSAPP"]

_encode = msgspec.json.Encoder().encode


class OptOut(msgspec.Struct, frozen=True, gc=False):
    """A person at one address who has opted out. `pool_id`: '' for the whole account. Time in milliseconds."""

    id: str
    address: str
    channel: Channel
    pool_id: str
    created_at: int


class Filter(msgspec.Struct, frozen=True):
    """The filters of the list; '' does not filter."""

    address: str = ""
    channel: str = ""
    pool_id: str = ""


async def add(tx: Tx, account_id: int, address: str, channel: Channel, pool_id: str = "") -> OptOut:
    """Opts a person out; who has opted out already keeps that opt-out. Raises NotFound for an unknown pool."""
    if pool_id:
        await sender_pools.fetch(tx, account_id, pool_id)
    await follow(tx, "opt_outs.newest", account_id)
    who: dict[str, Value] = {"account_id": account_id, "address": address, "channel": channel, "pool_id": pool_id}
    row = await tx.one("opt_outs.add", id=tx.new_id(OPT_OUT), now=tx.now, **who)
    row = row or await tx.one("opt_outs.find", **who)
    if row is None:
        raise NotFound("the opt-out was deleted at the same time")
    return OptOut(*row)


async def list_page(tx: Tx, account_id: int, filter_: Filter, id_range: IdRange) -> list[OptOut]:
    """The account's opt-outs in the id range, newest first."""
    page: dict[str, Value] = {"before": id_range.before, "not_before": id_range.not_before, "limit": id_range.limit}
    given = {"address": filter_.address, "channel": filter_.channel, "pool_id": filter_.pool_id}
    if filter_.address:
        rows = await tx.all("opt_outs.list_page_by_address", account_id=account_id, **page, **given)
    elif filter_.pool_id:
        del given["address"]
        rows = await tx.all("opt_outs.list_page_of_pool", account_id=account_id, **page, **given)
    elif filter_.channel:
        rows = await tx.all("opt_outs.list_page_by_channel", account_id=account_id, channel=filter_.channel, **page)
    else:
        rows = await tx.all("opt_outs.list_page", account_id=account_id, **page)
    return list(starmap(OptOut, rows))


async def delete(tx: Tx, account_id: int, opt_out_id: str) -> None:
    """Opts a person back in. Raises NotFound."""
    if not await tx.run("opt_outs.delete", account_id=account_id, id=opt_out_id):
        raise NotFound(f"there is no opt-out {opt_out_id}")


async def forget(tx: Tx, account_id: int, address: str, channels: Iterable[str]) -> int:
    """Deletes every opt-out of an address on these channels; returns their number."""
    return sum(
        [
            await tx.run("opt_outs.forget", account_id=account_id, address=address, channel=channel)
            for channel in channels
        ]
    )


async def among(tx: Tx, account_id: int, pool_id: str, people: Iterable[Address]) -> set[tuple[str, str]]:
    """Those of the addresses, as (channel, address), that opted out of the pool or of the account."""
    asked = {(one.address, one.channel) for one in people}
    rows = await tx.all(
        "opt_outs.among", account_id=account_id, pool_id=pool_id, people=_encode(sorted(asked)).decode()
    )
    return {(channel, address) for address, channel in rows}
