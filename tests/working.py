"""Work done step by step, by nobody but the test: as a worker of a process does it, without its loop."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from signalbox.db import Database
from signalbox.ground.metrics import Metrics
from signalbox.queue.kinds import Done
from signalbox.worker import Workers

_workers: WeakKeyDictionary[Database, Workers] = WeakKeyDictionary()


async def step(database: Database) -> Done | None:
    """One unit of work of any kind; None when nobody's work is waiting."""
    workers = _workers.get(database)
    if workers is None:
        workers = _workers[database] = Workers(database, 0, Metrics())
    return await workers.unit()


async def drain(database: Database) -> list[Done]:
    """Does everything that waits; the batches of operations among it."""
    done = []
    while one := await step(database):
        done.append(one)
    return [one for one in done if one.event == "batch"]
