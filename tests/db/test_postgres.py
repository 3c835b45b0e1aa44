"""PostgreSQL only: lost connections, conflicts between transactions, wake-ups between processes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from small import POSTGRES_QUERIES, add, connected, make_sql, names, opened, until

from postgres import PostgresServer
from signalbox.db import Statement, Tx
from signalbox.db.postgres import PostgresDatabase
from signalbox.ground.errors import Bug, Unavailable


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    folder = make_sql(tmp_path / "sql")
    (folder / "queries" / "pg.sql").write_text(POSTGRES_QUERIES)
    return folder


@pytest.fixture
async def door(empty_postgres_url: str, sql: Path) -> AsyncIterator[PostgresDatabase]:
    async with opened(empty_postgres_url, sql, 3) as database:
        yield database


@pytest.fixture
async def other(empty_postgres_url: str, sql: Path, door: PostgresDatabase) -> AsyncIterator[PostgresDatabase]:
    """The same database, opened once more as by another process."""
    async with opened(empty_postgres_url, sql, 1) as database:
        yield database


async def test_terminated_connections_are_replaced_unnoticed(door: PostgresDatabase, other: PostgresDatabase) -> None:
    for number in range(5):
        await asyncio.gather(*[door.read(names) for _ in range(3)])
        await other.read(lambda tx: tx.all("pg.kill_others"))
        if number % 2:
            assert await door.write(add(number, f"n{number}")) == 1
        assert len(await door.read(names)) == (number + 1) // 2


async def test_connection_lost_before_the_commit_repeats_the_function(
    door: PostgresDatabase, other: PostgresDatabase
) -> None:
    tries = 0

    async def work(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        await tx.run("items.add", id=1, name="a")
        if tries == 1:
            row = await tx.one("pg.pid")
            assert row is not None
            await other.read(lambda tx: tx.all("pg.kill", pid=row[0]))
        return await tx.run("items.add", id=2, name="b")

    assert await door.write(work) == 1
    assert tries == 2
    assert await door.read(names) == ["a", "b"]
    assert door.figures()["retries"] == 1


async def test_connection_lost_during_the_commit_is_an_unknown_outcome(door: PostgresDatabase) -> None:
    with pytest.raises(Unavailable, match="Idempotency-Key"):
        await door.write(lambda tx: tx.run("pg.add_deadly"))
    assert await door.write(add(1, "a")) == 1


async def test_connection_lost_in_a_write_of_one_statement_is_an_unknown_outcome(door: PostgresDatabase) -> None:
    async def work(tx: Tx, look: bool) -> tuple[None, Statement]:
        return None, Statement("pg.add_deadly", {})

    with pytest.raises(Unavailable, match="Idempotency-Key"):
        await door.write_one(work)
    assert await door.write(add(1, "a")) == 1


async def test_write_of_one_statement_that_changes_nothing_looks_and_runs_again(door: PostgresDatabase) -> None:
    await door.write(add(1, "a"))
    looked = []

    async def work(tx: Tx, look: bool) -> tuple[int, Statement]:
        looked.append(look)
        number = 1 if look else 7
        return number, Statement("items.lock", {"id": number})

    assert await door.write_one(work) == 1
    assert looked == [False, True]


async def test_internal_error_at_the_commit_is_an_unknown_outcome(door: PostgresDatabase) -> None:
    """As when a distributed database loses one of its servers during the commit."""
    with pytest.raises(Unavailable, match="Idempotency-Key"):
        await door.write(lambda tx: tx.run("pg.add_broken"))
    assert await door.write(add(1, "a")) == 1


async def test_server_lost_behind_a_living_connection_costs_no_connection(door: PostgresDatabase) -> None:
    await asyncio.gather(*[door.read(names) for _ in range(3)])
    for ask in (door.read, door.write):
        with pytest.raises(Unavailable, match="away"):
            await ask(lambda tx: tx.one("pg.lose"))
    figures = door.figures()
    assert figures["connections_idle"] + figures["connections_in_use"] == 3


async def test_deadlock_is_retried(door: PostgresDatabase) -> None:
    await door.write(add(1, "a"))
    await door.write(add(2, "b"))
    both = asyncio.Barrier(2)

    async def cross(tx: Tx, first: int, second: int, meet: list[bool]) -> int:
        await tx.run("items.lock", id=first)
        if meet:
            meet.clear()
            await both.wait()
        return await tx.run("items.lock", id=second)

    one, two = [True], [True]
    results = await asyncio.gather(
        door.write(lambda tx: cross(tx, 1, 2, one)), door.write(lambda tx: cross(tx, 2, 1, two))
    )
    assert [*results] == [1, 1]
    assert door.figures()["retries"] == 1


async def test_serialization_failure_is_retried(door: PostgresDatabase, other: PostgresDatabase) -> None:
    await door.write(add(1, "a"))
    tries = 0

    async def work(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        await tx.run("pg.repeatable")
        await tx.all("items.all")
        if tries == 1:
            await other.write(lambda tx: tx.run("items.lock", id=1))
        return await tx.run("items.lock", id=1)

    assert await door.write(work) == 1
    assert tries == 2


async def test_cancelled_transaction_is_rolled_back_before_its_connection_goes_on(
    door: PostgresDatabase, other: PostgresDatabase, empty_postgres_url: str, sql: Path
) -> None:
    single = PostgresDatabase(empty_postgres_url, sql, 1)
    await single.open()
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.all("pg.lock")
        locked.set()
        await release.wait()

    async def stuck(tx: Tx) -> None:
        await tx.run("items.add", id=1, name="never")
        await tx.all("pg.lock")

    holder = asyncio.create_task(other.write(hold))
    await locked.wait()
    for _ in range(3):
        task = asyncio.create_task(single.write(stuck))
        waiting = asyncio.create_task(single.read(names))
        await until(door, "pg.lock_waiters", 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            assert await waiting == []
    assert await single.write(add(1, "a")) == 1
    assert single.figures()["connections_in_use"] == 0
    release.set()
    await holder
    await single.close()


async def test_cancelled_commit_still_ends(door: PostgresDatabase, other: PostgresDatabase) -> None:
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.all("pg.lock")
        locked.set()
        await release.wait()

    holder = asyncio.create_task(other.write(hold))
    await locked.wait()
    task = asyncio.create_task(door.write(lambda tx: tx.run("pg.add_slow")))
    await until(door, "pg.lock_waiters", 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await holder
    await until(door, "pg.count_slow", 1)


async def test_storm_of_cancellations_leaks_no_connection(door: PostgresDatabase) -> None:
    """After a cancellation at any moment, a write is complete or absent, and the pool has all its connections."""
    chance = random.Random(7)

    async def both(tx: Tx, number: int) -> None:
        await tx.run("items.add", id=number, name=f"n{number}")
        await tx.run("items.add", id=number + 1000, name=f"n{number + 1000}")

    async def one(number: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(chance.random() * 0.1):
                await door.read(names)
                await door.write(lambda tx: both(tx, number))

    await asyncio.gather(*[one(number) for number in range(300)])
    async with asyncio.timeout(60):
        while door.figures()["connections_in_use"]:
            await door.read(names)
            await asyncio.sleep(0)
    found = await door.read(names)
    assert len(found) % 2 == 0
    assert {f"n{int(name[1:]) % 1000}" for name in found} == {name for name in found if int(name[1:]) < 1000}
    assert await door.write(add(5000, "last")) == 1


async def test_swallowed_database_error_is_not_taken_for_a_commit(door: PostgresDatabase) -> None:
    async def work(tx: Tx) -> None:
        await tx.run("items.add", id=1, name="a")
        with contextlib.suppress(Exception):
            await tx.all("items.wrong")

    with pytest.raises(Bug, match="swallowed"):
        await door.write(work)
    assert await door.read(names) == []


async def test_wake_reaches_another_process(door: PostgresDatabase, other: PostgresDatabase) -> None:
    with other.wakeups.subscribe("items") as subscription:
        await door.write(add(1, "a"))
        assert await subscription.wait(10)


async def test_wake_is_sent_before_close_returns(other: PostgresDatabase, empty_postgres_url: str, sql: Path) -> None:
    """Other processes get the wake-up of a command that changes a row and exits."""
    with other.wakeups.subscribe("items") as subscription:
        short = PostgresDatabase(empty_postgres_url, sql, 1)
        await short.open()
        await short.write(add(1, "a"))
        await short.close()
        assert await subscription.wait(10)


async def test_plan_made_while_a_table_was_empty_does_not_read_it_whole(empty_postgres_url: str, sql: Path) -> None:
    """PostgreSQL chooses a generic plan after five executions, and keeps the plan while the table grows."""
    (sql / "queries" / "session.sql").write_text(
        "-- name: session.scans\nSELECT pg_stat_get_xact_numscans('items'::regclass::oid);"
    )

    async def whole_reads(tx: Tx) -> int:
        ((before,),) = await tx.all("session.scans")
        await tx.one("items.get", id=1)
        ((after,),) = await tx.all("session.scans")
        return int(after) - int(before)

    database = PostgresDatabase(empty_postgres_url, sql, 1)
    await database.open()
    connection = await asyncpg.connect(empty_postgres_url)
    await connection.execute("VACUUM ANALYZE items")
    for _ in range(10):
        await database.read(whole_reads)
    await connection.execute("INSERT INTO items SELECT n, n::text FROM generate_series(1, 1000) AS n")
    assert await database.read(whole_reads) == 0
    await connection.close()
    await database.close()


async def test_nothing_stays_on_connections_that_lead_through_a_pooler(empty_postgres_url: str, sql: Path) -> None:
    """Connections through a pooler keep neither prepared statements nor settings; direct connections keep both."""
    (sql / "queries" / "session.sql").write_text(
        "-- name: session.left\nSELECT count(*), current_setting('jit') FROM pg_prepared_statements;"
    )

    async def left(tx: Tx) -> tuple[int, str]:
        await names(tx)
        ((count, jit),) = await tx.all("session.left")
        return count, jit

    pooled = PostgresDatabase(empty_postgres_url, sql, 1, direct=empty_postgres_url)
    plain = PostgresDatabase(empty_postgres_url, sql, 1)
    await pooled.open()
    await plain.open()
    assert await pooled.read(left) == (0, "on")
    count, jit = await plain.read(left)
    assert (count > 0, jit) == (True, "off")
    await pooled.close()
    await plain.close()


async def test_wakeups_and_migrations_go_past_a_pooler(empty_postgres_url: str, sql: Path, tmp_path: Path) -> None:
    """Only the direct URL reaches a server; the schema is made, and wake-ups of other processes arrive."""
    nowhere = f"postgresql://nobody@/x?host={tmp_path}"
    pooled = PostgresDatabase(nowhere, sql, 1, direct=empty_postgres_url)
    await pooled.open()
    await connected(pooled)
    plain = PostgresDatabase(empty_postgres_url, sql, 1)
    await plain.open()
    with pooled.wakeups.subscribe("items") as subscription:
        await plain.write(add(1, "a"))
        assert await subscription.wait(10)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await pooled.ready()
    await plain.close()
    await pooled.close()


async def test_migration_gives_way_to_requests_and_tries_again(
    door: PostgresDatabase, empty_postgres_url: str, sql: Path
) -> None:
    """While a long read, such as a backup, locks a table, the migration waits, and requests do not."""
    (sql / "migrations" / "0002_more.sql").write_text("ALTER TABLE items ADD extra BIGINT;")
    newer = PostgresDatabase(empty_postgres_url, sql, 1)
    backup = await asyncpg.connect(empty_postgres_url)
    async with backup.transaction():
        await backup.execute("SELECT FROM items")
        opening = asyncio.create_task(newer.open())
        for number in range(3):
            while not await backup.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                assert not opening.done()
            async with asyncio.timeout(60):
                assert await door.write(add(number, f"n{number}")) == 1
    await opening
    await newer.ready()
    assert await newer.read(names) == ["n0", "n1", "n2"]
    await newer.close()
    await backup.close()


async def test_server_restart_is_survived(sql: Path) -> None:
    server = PostgresServer()
    try:
        server.create()
        server.start()
        door = PostgresDatabase(server.url("postgres"), sql, 3)
        await door.open()
        await door.write(add(1, "a"))
        await asyncio.gather(*[door.read(names) for _ in range(3)])
        server.halt()
        results = await asyncio.gather(
            *[door.read(names) for _ in range(10)], door.write(add(2, "b")), return_exceptions=True
        )
        assert {type(result) for result in results} == {Unavailable}
        with pytest.raises(Unavailable):
            await door.ready()
        with door.wakeups.subscribe("anything") as subscription:
            server.start()
            assert await door.read(names) == ["a"]
            assert await door.write(add(2, "b")) == 1
            assert await subscription.wait(10), "what was missed while the server was away"
        await door.close()
    finally:
        server.stop()


async def test_unreachable_server_is_unavailable(tmp_path: Path, sql: Path) -> None:
    door = PostgresDatabase(f"postgresql://nobody@/x?host={tmp_path}", sql, 1)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await door.open()
    await door.close()
