"""Reads the senders among which `order.py` chooses: all of a small source, of a large one the best for a recipient."""

import json
from collections.abc import Iterable
from itertools import chain
from typing import Final, NamedTuple

from signalbox.db import Tx
from signalbox.inventory import addresses, area_codes
from signalbox.routing import order, spread
from signalbox.routing.order import Address, Recipient, Roster
from signalbox.routing.spread import RING, Sender

# The limits in candidates.sql.
MOST: Final = 20_000
_OF_REGION: Final = 6_000
# So many of a channel are read whole, also for one recipient.
FEW: Final = 1_000
# The rows that a first look at a ring should read; every next look reads four times as many.
_FIRST_LOOK: Final = 200


class Source(NamedTuple):
    """One sender, a pool, or, with neither, all senders of the account. The caller checks that it exists."""

    pool_id: str = ""
    sender_id: str = ""


class Candidates:
    """The activated senders of a source, in one transaction. `whole`: all of them; None where they are many."""

    def __init__(self, senders: "_Senders", whole: Roster | None) -> None:
        self.whole = whole
        self._senders = senders

    async def roster(self, recipient: Recipient, count: int) -> Roster:
        """A roster whose first `count` ranks for this recipient are those of the whole source. It may be `whole`.

        Of a large source this reads, for each channel and address until `count` are found: all senders of the area or
        the country where these are fewer than 6,000, and some hundreds to thousands of index entries around the probes.
        """
        if self.whole is not None:
            return self.whole
        found: dict[str, Sender] = {}
        for sender_id in recipient.kept.values():
            found |= {sender.id: sender for sender in await self._senders.one(sender_id)}
        missing = count + len(recipient.without)
        for channel, address in order.routes(recipient):
            best = await self._best(channel, address, missing)
            found |= {sender.id: sender for sender in best}
            missing -= len(best)
            if missing <= 0:
                break
        return self._senders.roster(found.values())

    async def _best(self, channel: str, address: Address, count: int) -> list[Sender]:
        """At least the `count` best senders of the channel for the address, or all."""
        number = await self._senders.number(channel)
        if not number:
            return []
        if number <= FEW:
            return await self._senders.all(channel)
        found: dict[str, Sender] = {}
        for region, area in dict.fromkeys([(address.region, address.area), (address.region, ""), ("", "")]):
            some = await self._matching(channel, Address(0, "", address.address, region, area), count, number)
            found |= {sender.id: sender for sender in some}
            if len(found) >= count:
                break
        return list(found.values())

    async def _matching(self, channel: str, address: Address, count: int, number: int) -> list[Sender]:
        """The `count` best of those with the region and area of the address, or all where they are fewer. '' is any."""
        size = number
        if address.region:
            size = await self._senders.count_of_region(channel, address)
            if size < _OF_REGION:
                return await self._senders.of_region(channel, address) if size else []
        # Of `number` senders around the probes, `size` match: twice as many as it takes on average.
        rows = max(_FIRST_LOOK, 2 * count * number // size)
        while True:
            radius = rows * RING // (4 * spread.PROBES * number)
            found = await self._senders.near(channel, address, radius)
            if len(found) >= count or radius >= RING:
                return found
            rows *= 4


class _Senders:
    """The statements of one source."""

    def __init__(self, tx: Tx, account_id: int, pool_id: str) -> None:
        self._tx = tx
        self._account_id = account_id
        self._pool_id = pool_id
        self._members = "_members" if pool_id else ""
        self._all: dict[str, list[Sender]] = {}

    def roster(self, senders: Iterable[Sender]) -> Roster:
        return Roster(senders, self._account_id, self._pool_id)

    async def number(self, channel: str) -> int:
        """At least the number of activated senders of the channel."""
        pool = {"pool_id": self._pool_id} if self._pool_id else {}
        query = f"candidates.number{self._members}"
        row = await self._tx.one(query, account_id=self._account_id, channel=channel, **pool)
        return row[0] if row else 0

    async def all(self, channel: str) -> list[Sender]:
        """All senders of the channel, 20,000 at most."""
        if channel not in self._all:
            self._all[channel] = await self._ask("candidates.all", channel=channel)
        return self._all[channel]

    async def one(self, sender_id: str) -> list[Sender]:
        """The sender, if it is activated and of the source."""
        return await self._ask("candidates.one", sender_id=sender_id)

    async def count_of_region(self, channel: str, address: Address) -> int:
        """At least the number of the senders `of_region`, but 6,000 of a prefix at most."""
        counts = [
            await self._tx.one("candidates.count_of_region", account_id=self._account_id, channel=channel, **bounds)
            for bounds in _bounds(address)
        ]
        return sum(row[0] for row in counts if row)

    async def of_region(self, channel: str, address: Address) -> list[Sender]:
        """The senders with the region and area of the address, of at most 6,000 in the inventory."""
        found = [await self._ask("candidates.of_region", channel=channel, **bounds) for bounds in _bounds(address)]
        return [sender for some in found for sender in some if _matches(sender, address)]

    async def near(self, channel: str, address: Address, radius: int) -> list[Sender]:
        """The senders with the region and area of the address that are at most `radius` from one of its probes."""
        probes = spread.probes(self._account_id, self._pool_id, address.address)
        ranges = json.dumps(spread.ranges(probes, radius))
        found = await self._ask("candidates.near", channel=channel, ranges=ranges)
        return [sender for sender in found if _matches(sender, address)]

    async def _ask(self, query: str, **params: str) -> list[Sender]:
        """The senders that a query finds, or its twin for the members of the pool."""
        params = {**params, "pool_id": self._pool_id} if self._pool_id else params
        return [
            Sender(*row) for row in await self._tx.all(query + self._members, account_id=self._account_id, **params)
        ]


def _matches(sender: Sender, address: Address) -> bool:
    if address.region and sender.region != address.region:
        return False
    return not address.area or addresses.area(sender.address) == address.area


def _bounds(address: Address) -> list[dict[str, str]]:
    prefixes = area_codes.prefixes(address.area) if address.area else ("",)
    return [{"region": address.region, "prefix": one, "until": one + "\U0010ffff"} for one in prefixes]


async def read(
    tx: Tx, account_id: int, source: Source, channels: Iterable[str] = addresses.CHANNELS, few: int = MOST
) -> Candidates:
    """The senders of a source and of these channels. Up to `few` of them are read at once; `few` is at most 20,000.

    Reads one number for each channel, and then every sender, or none until a recipient is known.
    """
    senders = _Senders(tx, account_id, source.pool_id)
    if source.sender_id:
        return Candidates(senders, senders.roster(await senders.one(source.sender_id)))
    numbers = {channel: await senders.number(channel) for channel in channels}
    if sum(numbers.values()) > few:
        return Candidates(senders, None)
    found = [await senders.all(channel) for channel, number in numbers.items() if number]
    return Candidates(senders, senders.roster(chain.from_iterable(found)))
