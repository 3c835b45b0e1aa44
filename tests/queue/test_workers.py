"""The loop of the workers: chores that have more to do, and a stop during a batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from faults import rows, run
from signalbox import db, worker
from signalbox.accounts import idempotency
from signalbox.db import Database, Tx
from signalbox.ground.metrics import Metrics
from signalbox.queue import turns
from signalbox.worker import Workers
from tenant import Tenant
from working import drain


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Database]:
    opened = db.connect(postgres_url)
    await opened.open()
    yield opened
    await opened.close()


async def blocked(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Returns once a transaction waits for a lock."""
    async with asyncio.timeout(10):
        while not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            pass


async def test_work_that_two_transactions_start_at_once_gets_one_row(postgres_url: str, postgres: Database) -> None:
    """The second transaction waits for the first one, and does not see the row in its own statement."""
    ada = await Tenant.new(postgres)
    added, release = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await turns.start(tx, ada.id, "later")
        added.set()
        await release.wait()

    first = asyncio.create_task(postgres.write(slow))
    await added.wait()
    second = asyncio.create_task(postgres.write(lambda tx: turns.start(tx, ada.id, "later")))
    watching = await asyncpg.connect(postgres_url)
    await blocked(watching)
    await watching.close()
    release.set()
    await asyncio.gather(first, second)
    assert await rows(postgres_url, "SELECT account_id, kind FROM queue") == [(ada.id, "later")]


async def test_stop_does_not_wait_for_a_batch_that_hangs(
    postgres_url: str, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is rolled back, and another process does it later."""
    monkeypatch.setattr(worker, "_STOP_SECONDS", 0.05)
    ada = await Tenant.new(postgres)
    _, operation = await ada.create(await ada.new_senders(1))
    holder = await asyncpg.connect(postgres_url)
    async with holder.transaction():
        await holder.execute("LOCK TABLE sender_pool_members IN ACCESS EXCLUSIVE MODE")
        workers = Workers(postgres, 1, Metrics())
        await blocked(holder)
        async with asyncio.timeout(5):
            await workers.stop()
    await holder.close()
    assert not (await ada.fetch(operation)).final
    await drain(postgres)
    assert (await ada.fetch(operation)).created == operation.total


async def test_chore_that_has_more_to_do_goes_on_at_once(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not after the ten minutes between two runs of this chore."""
    monkeypatch.setattr(idempotency, "FORGET_ROWS", 1)
    ada = await Tenant.new(database)
    blob = "x'00'" if database_url.startswith("sqlite") else "'\\x00'"
    for number in (1, 2, 3):
        await run(
            database_url,
            "INSERT INTO idempotency_keys (account_id, key, fingerprint, operation_id, location, created_at)"
            f" VALUES ({ada.id}, 'old {number}', {blob}, 'o', '/', {number})",
        )
    workers = Workers(database, 1, Metrics())
    async with asyncio.timeout(10):
        while await rows(database_url, "SELECT key FROM idempotency_keys"):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await workers.stop()


async def test_workers_and_chores_go_on_while_the_database_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(turns, "FIRST_WAIT_MS", 0)
    monkeypatch.setattr(worker, "CHORES", [replace(chore, seconds=0.01) for chore in worker.CHORES])
    workers = Workers(database, 1, Metrics())
    await database.close()
    waits = ['"kind":"queue"', '"kind":"adoption","attempts":2', '"kind":"idempotency_keys","attempts":2']
    lines = ""
    async with asyncio.timeout(10):
        while not all(one in lines for one in waits):
            await asyncio.sleep(0)
            lines += capfd.readouterr().err
    await workers.stop()
    assert '"event":"worker waits for the database"' in lines
