"""The counts of an account. The time to read a count does not grow with the account."""

from collections.abc import Iterable
from itertools import starmap
from typing import Final

import msgspec

from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import pool_operations
from signalbox.inventory.addresses import CHANNELS
from signalbox.inventory.pool_operations import Item, PoolOperation
from signalbox.inventory.senders import Channel, Status

MOST_POOLS: Final = 10_000
MOST_IN_FLIGHT: Final = 1_000
NEWEST: Final = 5
FIRST_ITEMS: Final = 3
MINUTES: Final = 60
_MINUTE_MS: Final = 60_000


class SenderCount(msgspec.Struct, frozen=True):
    """How many senders of a channel have a status."""

    channel: Channel
    status: Status
    count: int


class Failure(msgspec.Struct, frozen=True):
    """A pool operation with failed items, and the first of these items."""

    operation: PoolOperation
    items: list[Item]


class Overview(msgspec.Struct, frozen=True):
    """The counts of an account.

    `now` is the account's time. `pools` and `waiting` are counted up to a limit; limit + 1 means that there are more.
    """

    senders: list[SenderCount]
    pools: int
    waiting: int
    queued: int
    newest: list[PoolOperation]
    failures: list[Failure]
    now: int


class Minute(msgspec.Struct, frozen=True):
    """The numbers of items that were done in one minute. `at` is the start of the minute, in milliseconds."""

    at: int
    created: int
    failed: int


async def fetch(tx: Tx, account_id: int) -> Overview:
    """The overview without the throughput."""
    counts = list(starmap(SenderCount, await tx.all("overview.sender_counts", account_id=account_id)))
    counts.sort(key=lambda one: (CHANNELS.index(one.channel), one.status))
    pools = await tx.one("overview.pools", account_id=account_id, limit=MOST_POOLS + 1)
    in_flight = await tx.one("overview.in_flight", account_id=account_id, limit=MOST_IN_FLIGHT + 1)
    id_range = IdRange(ids.greatest(ids.OPERATION), ids.least(ids.OPERATION), NEWEST)
    newest = await pool_operations.list_page(tx, account_id, "PROCESSING", id_range)
    waiting, queued = in_flight or (0, 0)
    failures = await _failures(tx, account_id)
    return Overview(counts, pools[0] if pools else 0, waiting, int(queued), newest, failures, tx.now)


async def _failures(tx: Tx, account_id: int) -> list[Failure]:
    """The newest pool operations with failed items."""
    rows = await tx.all("overview.failures", account_id=account_id, limit=NEWEST)
    return [
        Failure(one, await pool_operations.list_items(tx, account_id, one.id, "FAILED", 0, FIRST_ITEMS))
        for one in starmap(PoolOperation, rows)
    ]


def first_minute(now: int) -> int:
    """The start of the hour whose last minute contains `now`, in milliseconds."""
    return (now // _MINUTE_MS - MINUTES + 1) * _MINUTE_MS


class Throughput:
    """An estimate of the items done in each of the 60 minutes from `first` on, from the times of pool operations.

    An account's pool operations run one after the other, in the order of their creation. So an operation started
    when it was created, or when the previous operation ended. The estimate spreads its items evenly from this start to
    the operation's last change.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._created = [0] * MINUTES
        self._failed = [0] * MINUTES
        self._free = 0

    def add(self, oldest_first: Iterable[PoolOperation]) -> None:
        """Adds the items of operations. Each operation is newer than all operations added before."""
        first = self._first
        for one in oldest_first:
            if one.created + one.failed == 0:
                continue
            begin, end = min(max(one.created_at, self._free), one.updated_at), one.updated_at
            self._free = max(self._free, end)
            if end >= first:
                _spread(self._created, one.created, begin - first, end - first)
                _spread(self._failed, one.failed, begin - first, end - first)

    def minutes(self) -> list[Minute]:
        """The figures, oldest first."""
        return [
            Minute(self._first + n * _MINUTE_MS, created, failed)
            for n, (created, failed) in enumerate(zip(self._created, self._failed, strict=True))
        ]


def _spread(minutes: list[int], items: int, begin: int, end: int) -> None:
    """Spreads `items` evenly over the minutes between two times, as whole numbers whose sum is `items`."""
    if not items:
        return
    length = end - begin
    for n in range(max(0, begin // _MINUTE_MS), min(MINUTES - 1, end // _MINUTE_MS) + 1):
        if not length:
            minutes[n] += items
            continue
        low, high = max(begin, n * _MINUTE_MS), min(end, (n + 1) * _MINUTE_MS)
        minutes[n] += items * (high - begin) // length - items * (low - begin) // length
