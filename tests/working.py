"""Work that a test does step by step, as a worker does, but without the worker's loop."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from signalbox.db import Database
from signalbox.ground.metrics import Metrics
from signalbox.queue.kinds import Done
from signalbox.worker import Workers

_workers: WeakKeyDictionary[Database, Workers] = WeakKeyDictionary()


async def step(database: Database) -> Done | None:
    """Does one unit of work of any kind; returns None when no account has work."""
    workers = _workers.get(database)
    if workers is None:
        workers = _workers[database] = Workers(database, 0, Metrics())
    return await workers.unit()


async def drain(database: Database) -> list[Done]:
    """Does all queued work; returns the batches of operations."""
    done = []
    while one := await step(database):
        done.append(one)
    return [one for one in done if one.event == "batch"]
