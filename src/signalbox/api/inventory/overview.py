"""The overview of an account over HTTP, under `/signalbox/v1`: the counts on the first screen of the console."""

import asyncio
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
from signalbox.api.inventory.senders import Channel, Status
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.page_tokens import IdRange
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Count, Time
from signalbox.inventory import overview, pool_operations

GROUP: Final = Group("overview", "Overview", "The counts of an account, and of the members of its pools.", "overview")
# Rows read in one turn of the event loop, on which SQLite reads: half a millisecond.
_SLICE: Final = 250
MOST_OPERATIONS: Final = 5_000


class SenderCount(msgspec.Struct, frozen=True):
    """How many senders of a channel have a status."""

    channel: Channel
    status: Status
    count: Count


class SenderCounts(msgspec.Struct, frozen=True):
    """The number of the account's senders, in total and by channel and status."""

    total: Count
    counts: list[SenderCount]


class SenderPoolCount(msgspec.Struct, frozen=True):
    """The number of pools, counted up to 10,000."""

    count: Annotated[int, Meta(ge=0, le=overview.MOST_POOLS)]
    more: bool


class InFlight(msgspec.Struct, frozen=True):
    """Operations that are PROCESSING, counted up to 1,000; their queued items; the five newest operations."""

    count: Annotated[int, Meta(ge=0, le=overview.MOST_IN_FLIGHT)]
    more: bool
    queued: Count
    operations: list[SenderPoolOperation]


class ThroughputMinute(msgspec.Struct, frozen=True):
    """The items that were done in the minute from `at` on."""

    at: Time
    created: Count
    failed: Count


class Throughput(msgspec.Struct, frozen=True):
    """An estimate for each minute of the last hour, oldest first; too low if not `complete`."""

    complete: bool
    minutes: Annotated[list[ThroughputMinute], Meta(min_length=overview.MINUTES, max_length=overview.MINUTES)]


class Failure(msgspec.Struct, frozen=True):
    """An operation with failed items, and the first three of these items."""

    operation: SenderPoolOperation
    items: list[OperationItem]


class Overview(msgspec.Struct, frozen=True, rename="camel"):
    """The counts of the account."""

    at: Time
    senders: SenderCounts
    sender_pools: SenderPoolCount
    in_flight: InFlight
    throughput: Throughput
    failures: list[Failure]


async def fetch_overview(request: Request) -> Response:
    """Count senders, pools and running operations, with the throughput of the last hour and the latest failures."""
    seen = await request.services.db.read(lambda tx: overview.fetch(tx, request.account_id))
    await asyncio.sleep(0)
    return json_response(_shape(seen, await _throughput(request, seen.now)))


async def _throughput(request: Request, now: int) -> Throughput:
    """The throughput of the last hour, counted in slices."""
    first = overview.first_minute(now)
    moved, complete = await _moved(request, first)
    done = overview.Throughput(first)
    for end in range(len(moved), 0, -_SLICE):
        done.add(reversed(moved[max(0, end - _SLICE) : end]))
        await asyncio.sleep(0)
    minutes = [ThroughputMinute(rfc3339(one.at), one.created, one.failed) for one in done.minutes()]
    return Throughput(complete, minutes)


async def _moved(request: Request, first: int) -> tuple[list[pool_operations.PoolOperation], bool]:
    """The operations that may have changed since `first`, newest first, and whether these are all.

    An account's operations run in the order of their creation: the first that ended before `first` is the last one.
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


def _shape(seen: overview.Overview, throughput: Throughput) -> Overview:
    """The wire type of the overview."""
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

FETCH: Final = Endpoint(fetch_overview, GROUP, example=_OVERVIEW)
