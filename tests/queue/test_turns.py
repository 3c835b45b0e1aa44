"""Which account has the next turn; work in an open transaction is never lost."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from faults import rows, run
from signalbox import db
from signalbox.db import Database, Tx
from signalbox.ground import clock, ids
from signalbox.ground.metrics import Metrics
from signalbox.inventory import pool_operations, sender_pools
from signalbox.inventory.senders import SENDER
from signalbox.queue import turns
from signalbox.queue.kinds import Done
from signalbox.worker import Workers
from tenant import Tenant
from working import drain, step

pytestmark = pytest.mark.usefixtures("small_batches")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", 3)
    monkeypatch.setattr(sender_pools, "SWEEP_MEMBERS", 3)


@pytest.fixture
async def ada(database: Database) -> Tenant:
    return await Tenant.new(database)


@pytest.fixture
async def ben(database: Database) -> Tenant:
    return await Tenant.new(database, "Ben")


def unknown(count: int) -> list[str]:
    return [ids.new(SENDER, clock.now_ms()) for _ in range(count)]


def account(done: Done | None) -> str:
    assert done is not None
    return str(done.fields["account"])


async def test_row_comes_with_the_work_and_goes_with_its_end(
    database_url: str, database: Database, ada: Tenant
) -> None:
    query = "SELECT account_id, kind FROM queue"
    pool_id, _ = await ada.create(await ada.new_senders(1))
    assert await rows(database_url, query) == [(ada.id, "pool_operations")]
    await drain(database)
    assert await rows(database_url, query) == []
    await ada.delete_pool(pool_id)
    assert await rows(database_url, query) == [(ada.id, "pool_removals")]
    await drain(database)
    assert await rows(database_url, query) == []


async def test_operation_that_is_complete_at_once_is_no_work(database_url: str, ada: Tenant) -> None:
    await ada.create()
    assert await rows(database_url, "SELECT account_id FROM queue") == []


async def test_row_is_not_there_when_the_work_is_rolled_back(
    database_url: str, database: Database, ada: Tenant
) -> None:
    pool_id, _ = await ada.create()

    async def broken(tx: Tx) -> None:
        await sender_pools.delete(tx, ada.id, await sender_pools.lock(tx, ada.id, pool_id))
        assert await tx.all("queue.scan", now=tx.now, limit=1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(broken)
    assert await rows(database_url, "SELECT account_id FROM queue") == []


async def test_new_account_comes_neither_before_nor_behind_the_others(database: Database) -> None:
    busy = [await Tenant.new(database, f"busy {n}") for n in range(6)]
    for one in busy:
        await one.create(unknown(300))
    for _ in range(20):
        await step(database)
    new = [await Tenant.new(database, f"new {n}") for n in range(6)]
    for one in new:
        await one.create(unknown(300))
    served = [account(await step(database)) for _ in range(24)]
    newcomers = {one.sid for one in new}
    counts = Counter(served)
    assert set(counts) == {one.sid for one in (*busy, *new)}, "everybody has had a turn within two rounds"
    assert max(counts.values()) - min(counts.values()) <= 2
    assert not newcomers.isdisjoint(served[:12])
    assert any(sid not in newcomers for sid in served[:12])


async def test_accounts_that_come_one_after_the_other_do_not_starve_a_busy_one(database: Database, ada: Tenant) -> None:
    await ada.create(unknown(300))
    turns_of_ada = 0
    for number in range(20):
        newcomer = await Tenant.new(database, f"new {number}")
        _, operation = await newcomer.create(unknown(1))
        while not (await newcomer.fetch(operation)).final:
            turns_of_ada += account(await step(database)) == ada.sid
    assert 10 <= turns_of_ada <= 40


async def test_kinds_of_one_account_share_its_turns(database: Database, ada: Tenant, ben: Tenant) -> None:
    """The kinds alternate, and an account with two kinds of work gets no more turns than an account with one."""
    pool_id, _ = await ada.create(await ada.new_senders(60))
    await drain(database)
    await ada.delete_pool(pool_id)
    await ada.create(unknown(60))
    await ben.create(unknown(120))
    done = [await step(database) for _ in range(40)]
    counts = Counter(account(one) for one in done)
    assert abs(counts[ada.sid] - counts[ben.sid]) <= 2
    mine = Counter(one.event for one in done if one and account(one) == ada.sid)
    assert abs(mine["batch"] - mine["memberships removed"]) <= 2


async def test_several_processes_keep_the_turns(
    database_url: str, database: Database, ada: Tenant, ben: Tenant
) -> None:
    other = db.connect(database_url)
    await other.open()
    processes = [Workers(database, 0, Metrics()), Workers(other, 0, Metrics())]
    for _ in range(5):
        await ada.create(unknown(60))
    await ben.create(unknown(60))
    served = [account(await processes[n % 2].unit()) for n in range(40)]
    assert abs(Counter(served)[ben.sid] - 20) <= 2
    await other.close()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_row_stays_while_work_is_being_started(database_url: str, database: Database, ada: Tenant) -> None:
    """The transaction that starts the work is still open while a worker finds no work."""
    await run(database_url, f"INSERT INTO queue VALUES ({ada.id}, 'pool_operations', 0, 0, 0, 0)")
    begun, finish = asyncio.Event(), asyncio.Event()

    async def start(tx: Tx) -> None:
        await turns.start(tx, ada.id, "pool_operations")
        begun.set()
        await finish.wait()

    starting = asyncio.create_task(database.write(start))
    await begun.wait()
    query = "SELECT account_id FROM queue"
    assert await step(database) is None
    assert await rows(database_url, query) == [(ada.id,)]
    finish.set()
    await starting
    assert await step(database) is None
    assert await rows(database_url, query) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_work_that_is_started_while_the_row_is_removed_gets_a_new_row(
    database_url: str, database: Database, ada: Tenant
) -> None:
    await run(database_url, f"INSERT INTO queue VALUES ({ada.id}, 'pool_operations', 0, 0, 0, 0)")
    removed, finish = asyncio.Event(), asyncio.Event()

    async def remove(tx: Tx) -> None:
        assert await tx.one("queue.lock", account_id=ada.id, kind="pool_operations")
        assert await tx.run("queue.remove", account_id=ada.id, kind="pool_operations")
        removed.set()
        await finish.wait()

    removing = asyncio.create_task(database.write(remove))
    await removed.wait()
    creating = asyncio.create_task(ada.create(unknown(1)))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(30):
        while await rows(database_url, waiting) == [(0,)]:
            pass
    finish.set()
    await removing
    _, operation = await creating
    assert await step(database)
    assert (await ada.fetch(operation)).final


async def test_creates_at_the_same_moment_are_all_worked_off(database: Database, ada: Tenant) -> None:
    """The queue's row is added and removed meanwhile; the adoption of forgotten work is off in this test."""
    done = asyncio.Event()

    async def work() -> None:
        while not done.is_set():
            if await step(database) is None:
                await asyncio.sleep(0)

    async def create() -> list[pool_operations.PoolOperation]:
        return [(await ada.create(unknown(1)))[1] for _ in range(15)]

    working = [asyncio.create_task(work()) for _ in range(2)]
    started = [one for many in await asyncio.gather(*[create() for _ in range(4)]) for one in many]
    async with asyncio.timeout(60):
        for one in started:
            await ada.reaches(one, one.total)
    done.set()
    await asyncio.gather(*working)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_requests_of_one_account_do_not_wait_for_each_other(database: Database, ada: Tenant) -> None:
    """Two transactions that start work can be open at the same time once the account is in the queue."""
    await ada.create(unknown(1))
    both = asyncio.Barrier(2)

    async def start(tx: Tx) -> None:
        await turns.start(tx, ada.id, "pool_operations")
        await both.wait()

    async with asyncio.timeout(60):
        await asyncio.gather(database.write(start), database.write(start))


async def test_scan_shows_both_those_with_a_turn_and_those_without(
    database: Database, ada: Tenant, ben: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tenant in (ada, ben):
        await tenant.create(unknown(30))
    await step(database)
    monkeypatch.setattr(turns, "SCAN_ROWS", 1)
    found = await database.read(turns.scan)
    assert sorted(row.turn for row in found) == [0, 1]
    assert {row.account_sid for row in found} == {ada.sid, ben.sid}
