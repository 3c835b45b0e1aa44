"""An account and its pools at a glance: what the console shows first. Ours, under `/signalbox/v1`."""

import asyncio
from collections import Counter
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from signalbox.api.inventory.pool_operations import (
    EXAMPLE,
    EXAMPLE_ITEMS,
    OperationItem,
    SenderPoolOperation,
    shape,
    shape_item,
)
from signalbox.api.inventory.sender_pools import SENDER_POOL_ID
from signalbox.api.inventory.senders import Channel, Status
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.page_tokens import IdRange
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Count, Time
from signalbox.inventory import overview, pool_operations, sender_pools, senders

GROUP: Final = Group("overview", "Overview", "An account and its pools at a glance.", "overview")
# Rows read between two turns of the event loop, where SQLite is asked: half a millisecond's work.
_SLICE: Final = 250
MOST_OPERATIONS: Final = 5_000
MOST_MEMBERS: Final = 10_000


class SenderCount(msgspec.Struct, frozen=True):
    """How many senders of a channel have a status."""

    channel: Channel
    status: Status
    count: Count


class SenderCounts(msgspec.Struct, frozen=True):
    """All senders of the account, and how many there are of each channel and status; exact."""

    total: Count
    counts: list[SenderCount]


class SenderPoolCount(msgspec.Struct, frozen=True):
    """How many pools there are; counted no further than 10,000."""

    count: Annotated[int, Meta(ge=0, le=overview.MOST_POOLS)]
    more: bool


class InFlight(msgspec.Struct, frozen=True):
    """Operations that are PROCESSING, counted no further than 1,000, the items queued in them, and the newest five."""

    count: Annotated[int, Meta(ge=0, le=overview.MOST_IN_FLIGHT)]
    more: bool
    queued: Count
    operations: list[SenderPoolOperation]


class ThroughputMinute(msgspec.Struct, frozen=True):
    """The items that were done in the minute that began at `at`."""

    at: Time
    created: Count
    failed: Count


class Throughput(msgspec.Struct, frozen=True):
    """An estimate for each minute of the last hour, oldest first; too low when it is not `complete`."""

    complete: bool
    minutes: Annotated[list[ThroughputMinute], Meta(min_length=overview.MINUTES, max_length=overview.MINUTES)]


class Failure(msgspec.Struct, frozen=True):
    """An operation in which something failed, and the first three items that did."""

    operation: SenderPoolOperation
    items: list[OperationItem]


class Overview(msgspec.Struct, frozen=True, rename="camel"):
    """The account at a glance."""

    at: Time
    senders: SenderCounts
    sender_pools: SenderPoolCount
    in_flight: InFlight
    throughput: Throughput
    failures: list[Failure]


class ChannelCount(msgspec.Struct, frozen=True):
    """How many of the members counted have this channel."""

    channel: Channel
    count: Count


class CountryCount(msgspec.Struct, frozen=True):
    """How many of the members counted have a number of this country: two letters of ISO 3166, null for none."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None
    count: Count


class SenderPoolComposition(msgspec.Struct, frozen=True):
    """What a pool is made of: its newest 10,000 members; it has more of them when this is not `complete`."""

    counted: Annotated[int, Meta(ge=0, le=MOST_MEMBERS)]
    complete: bool
    channels: list[ChannelCount]
    countries: list[CountryCount]


async def fetch_overview(request: Request) -> Response:
    """Count senders, pools and operations in flight, with the last hour's throughput and the latest failures."""
    seen = await request.services.db.read(lambda tx: overview.fetch(tx, request.account_id))
    await asyncio.sleep(0)
    return json_response(_shape(seen, await _throughput(request, seen.now)))


async def fetch_composition(request: Request) -> Response:
    """Count a pool's members by channel and by country."""
    pool_id = request.path(SENDER_POOL_ID)
    await request.services.db.read(lambda tx: sender_pools.fetch(tx, request.account_id, pool_id))
    channels, countries, complete = await _members(request, pool_id)
    composition = SenderPoolComposition(
        channels.total(),
        complete,
        [ChannelCount(channel, count) for channel, count in sorted(channels.items(), key=_most_first)],
        [CountryCount(region or None, count) for region, count in sorted(countries.items(), key=_most_first)],
    )
    return json_response(composition)


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


async def _throughput(request: Request, now: int) -> Throughput:
    """The last hour, counted in slices."""
    first = overview.first_minute(now)
    moved, complete = await _moved(request, first)
    done = overview.Throughput(first)
    for end in range(len(moved), 0, -_SLICE):
        done.add(reversed(moved[max(0, end - _SLICE) : end]))
        await asyncio.sleep(0)
    minutes = [ThroughputMinute(rfc3339(one.at), one.created, one.failed) for one in done.minutes()]
    return Throughput(complete, minutes)


async def _moved(request: Request, first: int) -> tuple[list[pool_operations.PoolOperation], bool]:
    """The operations that may have moved since `first`, newest first, and whether these are all.

    An account's operations are worked off in the order they were started, so they end with one that was done before.
    """
    found: list[pool_operations.PoolOperation] = []
    before = ids.greatest(ids.OPERATION)
    while len(found) < MOST_OPERATIONS:
        id_range = IdRange(before, ids.least(ids.OPERATION), _SLICE)
        rows = await request.services.db.read(
            lambda tx, id_range=id_range: pool_operations.list_page(tx, request.account_id, None, id_range)  # type: ignore[misc]
        )
        found += rows
        if len(rows) < _SLICE or (rows[-1].final and rows[-1].updated_at < first):
            return found, True
        before = rows[-1].id
        await asyncio.sleep(0)
    return found, False


async def _members(request: Request, pool_id: str) -> tuple[Counter[senders.Channel], Counter[str], bool]:
    """The newest members by channel and by country, and whether these are all."""
    channels, countries = Counter[senders.Channel](), Counter[str]()
    before = ids.greatest(senders.SENDER)
    while channels.total() < MOST_MEMBERS:
        rows = await request.services.db.read(
            lambda tx, before=before: overview.members(tx, request.account_id, pool_id, before, _SLICE)  # type: ignore[misc]
        )
        channels.update(row.channel for row in rows)
        countries.update(row.region for row in rows)
        if len(rows) < _SLICE:
            return channels, countries, True
        before = rows[-1].id
        await asyncio.sleep(0)
    rows = await request.services.db.read(lambda tx: overview.members(tx, request.account_id, pool_id, before, 1))
    return channels, countries, not rows


def _shape(seen: overview.Overview, throughput: Throughput) -> Overview:
    """The account as the wire has it."""
    counts = [SenderCount(one.channel, one.status, one.count) for one in seen.senders]
    return Overview(
        rfc3339(seen.now),
        SenderCounts(sum(one.count for one in counts), counts),
        SenderPoolCount(min(seen.pools, overview.MOST_POOLS), seen.pools > overview.MOST_POOLS),
        InFlight(
            min(seen.waiting, overview.MOST_IN_FLIGHT),
            seen.waiting > overview.MOST_IN_FLIGHT,
            seen.queued,
            [shape(one) for one in seen.newest],
        ),
        throughput,
        [Failure(shape(one.operation), [shape_item(item) for item in one.items]) for one in seen.failures],
    )


_OVERVIEW: Final = Overview(
    at="2026-01-31T09:30:02.250Z",
    senders=SenderCounts(1204, [SenderCount("SMS", "ACTIVATED", 1200), SenderCount("EMAIL", "DEACTIVATED", 4)]),
    sender_pools=SenderPoolCount(10_000, more=True),
    in_flight=InFlight(0, more=False, queued=0, operations=[]),
    throughput=Throughput(
        complete=True,
        minutes=[
            *(
                ThroughputMinute(f"2026-01-31T{8 + (31 + n) // 60:02}:{(31 + n) % 60:02}:00.000Z", 0, 0)
                for n in range(59)
            ),
            ThroughputMinute("2026-01-31T09:30:00.000Z", 2, 1),
        ],
    ),
    failures=[Failure(EXAMPLE, EXAMPLE_ITEMS[2:])],
)
_COMPOSITION: Final = SenderPoolComposition(
    counted=3,
    complete=True,
    channels=[ChannelCount("SMS", 2), ChannelCount("EMAIL", 1)],
    countries=[CountryCount("US", 2), CountryCount(None, 1)],
)

FETCH: Final = Endpoint(fetch_overview, GROUP, example=_OVERVIEW)
COMPOSITION: Final = Endpoint(fetch_composition, GROUP, path=(SENDER_POOL_ID,), example=_COMPOSITION, errors=(404,))
