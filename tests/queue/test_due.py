"""Work that has a time: its row of the queue waits until the earliest unit is due, and no start is lost."""

from __future__ import annotations

import asyncio

import pytest

from faults import rows, run
from signalbox.db import Database, Tx
from signalbox.queue import turns
from signalbox.queue.kinds import Done, Hand, Kind
from signalbox.queue.turns import Candidate, Waiting
from tenant import Tenant

LATER = 4_000_000_000_000
NAME = "due_messages"


@pytest.fixture
async def ada(database: Database) -> Tenant:
    return await Tenant.new(database)


async def due_at(url: str) -> list[tuple[object, ...]]:
    return await rows(url, f"SELECT due_at FROM queue WHERE kind = '{NAME}'")


async def start(database: Database, account_id: int, due: int) -> None:
    await database.write(lambda tx: turns.start(tx, account_id, NAME, due))


def kind(*due: int) -> Kind:
    """A kind of work with units that are due at these times. None is due now."""

    async def work(tx: Tx, hand: Hand) -> Done | None:
        return None

    async def waits(tx: Tx, account_id: int) -> bool:
        return False

    async def next_due(tx: Tx, account_id: int) -> int | None:
        return min(due, default=None)

    return Kind(NAME, work, waits, next_due=next_due)


async def serve(database: Database, ada: Tenant, one: Kind) -> None:
    candidate = Candidate(Waiting(ada.id, ada.sid, NAME, 0, 0, 0, 0), 1, alone=True)
    await database.write(lambda tx: turns.serve(tx, one, candidate, Hand(ada.id, ada.sid)))


async def test_earlier_start_hastens_the_row_and_a_later_one_does_not(
    database_url: str, database: Database, ada: Tenant
) -> None:
    for due, expected in ((LATER, LATER), (LATER - 5, LATER - 5), (LATER + 5, LATER - 5)):
        await start(database, ada.id, due)
        assert await due_at(database_url) == [(expected,)]


async def test_row_that_waits_after_a_failure_keeps_its_time(
    database_url: str, database: Database, ada: Tenant
) -> None:
    await start(database, ada.id, LATER)
    await run(database_url, "UPDATE queue SET attempts = 1")
    await start(database, ada.id, LATER - 5)
    assert await due_at(database_url) == [(LATER,)]


async def test_row_waits_for_the_next_unit_and_goes_without_one(
    database_url: str, database: Database, ada: Tenant
) -> None:
    await start(database, ada.id, 1)
    await serve(database, ada, kind(LATER, LATER + 5))
    assert await due_at(database_url) == [(LATER,)]
    assert await database.read(turns.scan) == []
    await serve(database, ada, kind())
    assert await due_at(database_url) == []


async def test_row_of_a_kind_without_times_goes_when_it_is_idle(
    database_url: str, database: Database, ada: Tenant
) -> None:
    await start(database, ada.id, 1)
    one = kind()
    await serve(database, ada, Kind(NAME, one.run, one.waits))
    assert await due_at(database_url) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_start_that_comes_while_the_row_is_deferred_is_not_lost(
    database_url: str, database: Database, ada: Tenant
) -> None:
    """A worker has locked the row and seen no earlier work; the start waits for it, and then hastens the row."""
    await start(database, ada.id, 1)
    deferred, finish = asyncio.Event(), asyncio.Event()

    async def defer(tx: Tx) -> None:
        assert await tx.one("queue.lock", account_id=ada.id, kind=NAME)
        await tx.run("queue.defer", account_id=ada.id, kind=NAME, due_at=LATER)
        deferred.set()
        await finish.wait()

    deferring = asyncio.create_task(database.write(defer))
    await deferred.wait()
    starting = asyncio.create_task(start(database, ada.id, LATER - 5))
    async with asyncio.timeout(30):
        while await rows(database_url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
            pass
    finish.set()
    await deferring
    await starting
    assert await due_at(database_url) == [(LATER - 5,)]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_row_is_not_deferred_while_work_is_being_started(
    database_url: str, database: Database, ada: Tenant
) -> None:
    await start(database, ada.id, 1)
    begun, finish = asyncio.Event(), asyncio.Event()

    async def begin(tx: Tx) -> None:
        await turns.start(tx, ada.id, NAME, 2)
        begun.set()
        await finish.wait()

    starting = asyncio.create_task(database.write(begin))
    await begun.wait()
    await serve(database, ada, kind(LATER))
    finish.set()
    await starting
    assert await due_at(database_url) == [(1,)]
