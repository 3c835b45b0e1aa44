"""Whether a worker is running, told from the database."""

from __future__ import annotations

import asyncio

from faults import failing, rows, run
from people import Person, Served
from signalbox.db import Database
from signalbox.ground.metrics import Metrics
from signalbox.queue import presence
from signalbox.queue.presence import Presence
from signalbox.worker import Workers

UNKNOWN = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"


async def running(database: Database) -> bool:
    return await database.read(presence.is_any)


async def test_worker_is_seen_while_it_runs_and_not_after_it_stopped(database_url: str, database: Database) -> None:
    idle = Workers(database, 0, Metrics())
    assert not await running(database)
    first, second = (Workers(database, 1, Metrics()) for _ in range(2))
    async with asyncio.timeout(60):
        while len(await rows(database_url, "SELECT name FROM workers")) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert await running(database)
    await first.stop()
    assert await running(database)
    await second.stop()
    assert not await running(database)
    await idle.stop()


async def test_worker_that_was_killed_is_seen_for_30_seconds_and_forgotten_later(
    database_url: str, database: Database
) -> None:
    killed, living = Presence(), Presence()
    await killed.announce(database)
    for ago, seen in ((29_000, True), (31_000, False)):
        await run(database_url, f"UPDATE workers SET seen_at = seen_at - {ago}")
        assert await running(database) == seen
        await run(database_url, f"UPDATE workers SET seen_at = seen_at + {ago}")
    await run(database_url, "UPDATE workers SET seen_at = seen_at - 601000")
    assert await living.announce(database) == (1, False)
    assert len(await rows(database_url, "SELECT name FROM workers")) == 1
    assert await running(database)


async def test_worker_that_cannot_write_its_row_works_and_stops(database_url: str, database: Database) -> None:
    async with failing(database_url, "INSERT", "workers", "{row}.seen_at > 0"):
        workers = Workers(database, 1, Metrics())
        ada = await (await Served.on(database)).account("Ada")
        await ada.finished(await ada.post("/v1/SenderPools", json={"senders": [{"senderId": UNKNOWN}]}))
        await workers.stop()
    assert not await running(database)


async def test_path_tells_whether_a_worker_is_running(database: Database) -> None:
    ada: Person = await (await Served.on(database)).account("Ada")
    assert (await ada.get("/signalbox/v1/Workers")).json() == {"running": False}
    await Presence().announce(database)
    assert (await ada.get("/signalbox/v1/Workers")).json() == {"running": True}
