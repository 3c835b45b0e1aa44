"""PostgreSQL only: a server that hangs, conflicts that do not end, and locks that are not released."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
from small import POSTGRES_QUERIES, add, make_sql, names, opened, until

from faults import run
from signalbox.db import Statement, Tx, postgres, postgres_connect
from signalbox.db.postgres import PostgresDatabase
from signalbox.ground.errors import Unavailable

# Every transaction that adds a row gets a serialization failure: at the commit, or in the statement.
UNLUCKY = """
CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$;
CREATE TABLE unlucky (id BIGINT PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
CREATE CONSTRAINT TRIGGER unlucky AFTER INSERT ON unlucky DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION conflict();
"""
QUERIES = """
-- name: unlucky.add
INSERT INTO unlucky VALUES (1)
"""


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    folder = make_sql(tmp_path / "sql")
    (folder / "migrations" / "0002_unlucky.sql").write_text("SELECT 1;")
    (folder / "migrations" / "0002_unlucky.postgres.sql").write_text(UNLUCKY)
    (folder / "queries" / "pg.sql").write_text(POSTGRES_QUERIES + QUERIES)
    return folder


@pytest.fixture
async def door(empty_postgres_url: str, sql: Path) -> AsyncIterator[PostgresDatabase]:
    async with opened(empty_postgres_url, sql, 1) as database:
        yield database


@pytest.fixture
async def other(empty_postgres_url: str, sql: Path, door: PostgresDatabase) -> AsyncIterator[PostgresDatabase]:
    """The same database, opened once more as by another process."""
    async with opened(empty_postgres_url, sql, 2, listening=False) as database:
        yield database


@asynccontextmanager
async def locked(database: PostgresDatabase) -> AsyncIterator[None]:
    """Holds the lock of `pg.lock` and `pg.add_slow` for the time of the block."""
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.all("pg.lock")
        held.set()
        await release.wait()

    holder = asyncio.create_task(database.write(hold))
    await held.wait()
    yield
    release.set()
    await holder


@contextmanager
def hanging(pid: int) -> Iterator[None]:
    """Stops a process of the server for the time of the block, as an overloaded machine does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def pid(database: PostgresDatabase) -> int:
    """The process that serves the only connection."""
    row = await database.read(lambda tx: tx.one("pg.pid"))
    assert row is not None
    return int(row[0])


def test_url_with_a_wrong_option_is_refused_before_it_is_used(sql: Path) -> None:
    with pytest.raises(ValueError, match="sslmode must be one of disable, allow, prefer, require"):
        PostgresDatabase("postgresql://nobody@/x?sslmode=sometimes", sql, 1)


async def test_right_that_is_missing_is_unavailable(door: PostgresDatabase, empty_postgres_url: str) -> None:
    await run(
        empty_postgres_url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE insufficient_privilege; END $$;"
        " CREATE TRIGGER refuse BEFORE INSERT ON items EXECUTE FUNCTION refuse()",
    )
    with pytest.raises(Unavailable, match="refuses us a right"):
        await door.write(add(1, "a"))


async def test_conflict_at_every_commit_is_unavailable_in_the_end(door: PostgresDatabase) -> None:
    with pytest.raises(Unavailable, match="in each other's way"):
        await door.write(lambda tx: tx.run("unlucky.add"))
    assert door.figures()["retries"] == postgres.TRIES - 1
    assert await door.write(add(1, "a")) == 1


async def test_conflict_at_every_write_of_one_statement_is_unavailable_in_the_end(door: PostgresDatabase) -> None:
    async def work(tx: Tx, look: bool) -> tuple[None, Statement]:
        return None, Statement("unlucky.add", {})

    with pytest.raises(Unavailable, match="in each other's way"):
        await door.write_one(work)
    assert door.figures()["retries"] == postgres.TRIES - 1
    assert await door.write(add(1, "a")) == 1


async def test_write_of_one_statement_that_never_changes_a_row_is_unavailable_in_the_end(
    door: PostgresDatabase,
) -> None:
    async def work(tx: Tx, look: bool) -> tuple[None, Statement]:
        return None, Statement("items.lock", {"id": 1})

    with pytest.raises(Unavailable, match="in each other's way"):
        await door.write_one(work)


async def test_connection_lost_while_a_write_of_one_statement_reads_repeats_the_function(
    door: PostgresDatabase, other: PostgresDatabase
) -> None:
    tries = 0

    async def work(tx: Tx, look: bool) -> tuple[int, Statement]:
        nonlocal tries
        tries += 1
        row = await tx.one("pg.pid")
        assert row is not None
        if tries == 1:
            await other.read(lambda tx: tx.all("pg.kill", pid=row[0]))
            await tx.all("items.all")
        return tries, Statement("items.add", {"id": 1, "name": "a"})

    assert await door.write_one(work) == 2
    assert await door.read(names) == ["a"]


async def test_statement_without_a_response_is_unavailable(
    door: PostgresDatabase, other: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, empty_postgres_url: str, sql: Path
) -> None:
    monkeypatch.setattr(postgres_connect, "COMMAND_SECONDS", 0.1)
    hasty = PostgresDatabase(empty_postgres_url, sql, 1)
    await hasty.open()
    async with locked(other):
        with pytest.raises(Unavailable, match="in time"):
            await hasty.read(lambda tx: tx.all("pg.lock"))
        with pytest.raises(Unavailable, match="outcome is unknown"):
            await hasty.write(lambda tx: tx.run("pg.add_slow"))
    assert await hasty.read(names) == []
    await hasty.close()


async def test_connection_that_hangs_after_a_cancelled_write_is_replaced(
    door: PostgresDatabase, other: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CLEAN_UP_SECONDS", 0.05)
    first = await pid(door)
    async with locked(other):
        task = asyncio.create_task(door.write(lambda tx: tx.all("pg.lock")))
        await until(other, "pg.lock_waiters", 1)
        with hanging(first):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                assert await pid(door) != first


async def test_close_ends_connections_that_hang(door: PostgresDatabase) -> None:
    with hanging(await pid(door)):
        async with asyncio.timeout(5):
            await door.close()
    assert door.figures()["connections_in_use"] == 0


async def test_close_does_not_wait_for_a_commit_that_hangs(
    door: PostgresDatabase, other: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CLEAN_UP_SECONDS", 0.05)
    async with locked(other):
        task = asyncio.create_task(door.write(lambda tx: tx.run("pg.add_slow")))
        await until(other, "pg.lock_waiters", 1)
        async with asyncio.timeout(5):
            await door.close()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(other, "pg.lock_waiters", 0)
    await until(other, "pg.count_slow", 0)


async def test_migration_that_never_gets_its_lock_is_unavailable(
    door: PostgresDatabase, empty_postgres_url: str, sql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "MIGRATION_LOCK_WAIT", "10ms")
    monkeypatch.setattr(postgres, "MIGRATION_TRIES", 1)
    (sql / "migrations" / "0003_more.sql").write_text("ALTER TABLE items ADD extra BIGINT;")
    newer, later = (PostgresDatabase(empty_postgres_url, sql, 1) for _ in range(2))
    backup = await asyncpg.connect(empty_postgres_url)
    async with backup.transaction():
        await backup.execute("SELECT FROM items")
        with pytest.raises(Unavailable, match="away"):
            await newer.open()
    await backup.close()
    await newer.close()
    await later.open()
    await later.ready()
    await later.close()
