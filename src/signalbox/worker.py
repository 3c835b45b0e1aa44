"""Workers: the loop that does the work of the queue, and the chores that each process repeats.

The rules are in docs/architecture.md#work-in-the-queue.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from signalbox.accounts import deletion, idempotency
from signalbox.connectors.sink import Sink
from signalbox.db import Database
from signalbox.ground import log
from signalbox.ground.errors import Unavailable
from signalbox.ground.metrics import Metrics
from signalbox.ground.setting_forms import SinkReports
from signalbox.inventory import pool_operations, sender_pools
from signalbox.queue import adoption, turns
from signalbox.queue.kinds import Done, Hand, Kind
from signalbox.queue.presence import SECONDS, Presence
from signalbox.queue.turns import Candidate, Order
from signalbox.sending import batches, message_operations, reports


def kinds(sink: Sink) -> dict[str, Kind]:
    """The kinds of work, by name. Messages are handed to this sink."""
    every = (
        pool_operations.KIND,
        sender_pools.REMOVALS,
        batches.kind(sink),
        message_operations.DUE,
        reports.KIND,
        deletion.KIND,
    )
    return {kind.name: kind for kind in every}


# The longest time between two scans of the queue. A wake-up starts a scan earlier, but may be lost.
_LOOK_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that each process repeats every `seconds`. `run` returns the amount done, and whether there is more."""

    name: str
    seconds: float
    run: Callable[[Database], Awaitable[tuple[int, bool]]]


async def _forget_old_keys(db: Database) -> tuple[int, bool]:
    removed = await db.write(idempotency.forget_old)
    return removed, removed >= idempotency.FORGET_ROWS


CHORES: Final = (
    Chore("idempotency_keys", 600.0, _forget_old_keys),
    Chore("adoption", 1.0, adoption.adopt),
)


class Workers:
    """`count` workers of this process. Each worker does one unit of work at a time, in one transaction."""

    def __init__(self, db: Database, count: int, metrics: Metrics, sink: Sink | None = None) -> None:
        """Without a sink, messages are handed to one that reports at once."""
        self._db = db
        self._kinds = kinds(sink or Sink(SinkReports(0)))
        self._metrics = metrics
        self._log = log.get()
        self._stopping = False
        self._order = Order()
        self._in_hand: set[tuple[int, str]] = set()
        # Rows of the queue with more than one unit to claim: several workers of this process may serve them at once.
        self._shared: set[tuple[int, str]] = set()
        # The end of the wait after a failure, for failures that could not be written to the database.
        self._resting: dict[tuple[int, str], float] = {}
        self._presence = Presence()
        self._tasks = [asyncio.create_task(self._work(), name=f"worker-{n}") for n in range(count)]
        if count:
            chores = (*CHORES, Chore("presence", SECONDS, self._presence.announce))
            self._tasks += [asyncio.create_task(self._repeat(chore), name=chore.name) for chore in chores]

    async def stop(self) -> None:
        """Starts no further batch and waits for running batches. A batch that takes too long is rolled back."""
        self._stopping = True
        self._db.wakeups.fire((turns.WORK, _STOP))
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            # Without the database the row stays, and gets old.
            with contextlib.suppress(Unavailable):
                await self._presence.leave(self._db)

    async def unit(self) -> Done | None:
        """Does one unit of work of the account whose turn is next. None when no account has work that can be done now.

        Raises Unavailable when the queue cannot be read.
        """
        rows = await self._db.read(turns.scan)
        for candidate in self._order.of(rows, self._in_hand):
            kind = self._kinds.get(candidate.row.kind)  # None: a kind of work that only a newer version knows
            key = (candidate.row.account_id, candidate.row.kind)
            if kind is None or self._rests(candidate) or (key in self._in_hand and key not in self._shared):
                continue
            if done := await self._serve(kind, candidate):
                return done
        return None

    async def _work(self) -> None:
        with self._db.wakeups.subscribe(turns.WORK) as news:
            while not self._stopping:
                try:
                    busy = await self.unit() is not None
                except Exception as error:  # the loop must go on: a 202 has promised the work
                    self._failed("queue", error)
                    busy = False
                if not busy and not self._stopping:
                    await news.wait(_LOOK_SECONDS)

    async def _serve(self, kind: Kind, candidate: Candidate) -> Done | None:
        started = time.perf_counter()
        hand = Hand(candidate.row.account_id, candidate.row.account_sid)
        key = (hand.account_id, kind.name)
        self._in_hand.add(key)
        try:
            if candidate.row.attempts:
                self._metrics.work(kind.name, "retried")
            done = await self._db.write(lambda tx: turns.serve(tx, kind, candidate, hand))
        except Exception as error:  # a failure of one account must not stop the work of the others
            await self._put_off(kind, candidate, hand, error)
            return None
        finally:
            self._in_hand.discard(key)
        if done is not None and done.more:
            if key not in self._shared:
                self._shared.add(key)
                self._db.wakeups.fire((turns.WORK,))
        else:
            self._shared.discard(key)
        if done is not None:
            self._report(kind, done, time.perf_counter() - started)
        return done

    def _report(self, kind: Kind, done: Done, seconds: float) -> None:
        self._metrics.work(kind.name, "done")
        if done.items:
            self._metrics.batch(*done.items, seconds)
        self._log.info(done.event, **done.fields, ms=round(seconds * 1000, 2))

    async def _put_off(self, kind: Kind, candidate: Candidate, hand: Hand, error: Exception) -> None:
        """Delays this kind of work of this account: in the database, or in this process when the database fails."""
        row = candidate.row
        wait_ms = turns.wait_ms(row.attempts + 1)
        self._failed(
            kind.name, error, account=row.account_sid, unit=hand.unit, attempts=row.attempts + 1, retryInMs=wait_ms
        )
        try:
            await self._db.write(lambda tx: turns.put_off(tx, kind, candidate))
        except Exception as again:
            self._failed(kind.name, again, account=row.account_sid, unit=hand.unit)
            self._resting[row.account_id, kind.name] = time.monotonic() + wait_ms / 1000
        if (set_back := kind.set_back) is not None and (unit := hand.unit) is not None:
            # A separate transaction: when the unit cannot be moved, the delay of the account must still be written.
            with contextlib.suppress(Exception):
                await self._db.write(lambda tx: set_back(tx, row.account_id, unit))

    def _rests(self, candidate: Candidate) -> bool:
        key = (candidate.row.account_id, candidate.row.kind)
        if self._resting.get(key, 0.0) > time.monotonic():
            return True
        self._resting.pop(key, None)
        return False

    def _failed(self, kind: str, error: Exception, **fields: object) -> None:
        self._metrics.work(kind, "failed")
        if isinstance(error, Unavailable):
            self._log.warning("worker waits for the database", kind=kind, **fields, problem=str(error))
        else:
            self._log.error("work failed", error, kind=kind, **fields)

    async def _repeat(self, chore: Chore) -> None:
        """Repeats a chore. After failures in a row the wait grows, with the backoff of the queue."""
        attempts = 0
        with self._db.wakeups.subscribe(_STOP) as stop:
            while not self._stopping:
                wait = chore.seconds
                try:
                    if attempts:
                        self._metrics.work(chore.name, "retried")
                    number, more = await chore.run(self._db)
                    attempts = 0
                    if number:
                        self._metrics.work(chore.name, "done")
                    wait = 0.0 if more else wait
                except Exception as error:  # the loop must go on, or the chore would never run again
                    attempts += 1
                    wait = max(chore.seconds, turns.wait_ms(attempts) / 1000)
                    self._failed(chore.name, error, attempts=attempts, retryInMs=round(wait * 1000))
                if wait:
                    await stop.wait(wait)


# The topic that ends the waits of chores; only this process fires it.
_STOP: Final = "stop"
