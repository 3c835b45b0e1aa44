"""A small schema for tests of signalbox.db: one table, and queries that cause each database error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from signalbox.db import Database, Tx
from signalbox.db.postgres import PostgresDatabase

MIGRATION = """
-- One table; the rest is PostgreSQL's.
CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE INDEX items_name ON items (name);
/*pg:
CREATE TABLE slow (id BIGINT);
CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION wait_for_lock();
CREATE TABLE deadly (id BIGINT);
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER deadly AFTER INSERT ON deadly DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION die();
CREATE TABLE broken (id BIGINT);
CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a server behind this one was lost' USING ERRCODE = 'XX000'; END $$;
CREATE CONSTRAINT TRIGGER broken AFTER INSERT ON broken DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION break();
CREATE FUNCTION lose() RETURNS int LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a server behind this one was lost' USING ERRCODE = '08006'; END $$;
*/
"""

QUERIES = """
-- name: items.add
INSERT INTO items (id, name) VALUES (:id, :name);

-- name: items.add_many
-- dialect: sqlite
WITH given AS (SELECT key + 100 AS id, value AS name FROM json_each(:names))
INSERT INTO items (id, name) SELECT id, name FROM given RETURNING id

-- name: items.add_many
-- dialect: postgres
WITH given AS (SELECT ordinality + 99 AS id, name FROM unnest(:names::text[]) WITH ORDINALITY AS t (name))
INSERT INTO items (id, name) SELECT id, name FROM given RETURNING id

-- name: items.get
SELECT id, name FROM items WHERE id = :id

-- name: items.all
SELECT id, name FROM items ORDER BY id

-- name: items.lock
UPDATE items SET name = name WHERE id = :id

-- name: items.wrong
SELECT name FROM nowhere
"""

SQLITE_QUERIES = """
-- name: disk.small
PRAGMA max_page_count = 16

-- name: disk.large
PRAGMA max_page_count = 1000000

-- name: disk.read_only
PRAGMA query_only = ON

-- name: disk.leave_wal
PRAGMA journal_mode = DELETE
"""

POSTGRES_QUERIES = """
-- name: pg.pid
SELECT pg_backend_pid()

-- name: pg.kill
SELECT pg_terminate_backend(:pid)

-- name: pg.kill_others
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()

-- name: pg.lock
SELECT pg_advisory_xact_lock(42)

-- name: pg.lock_waiters
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted

-- name: pg.repeatable
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- name: pg.add_slow
INSERT INTO slow VALUES (1)

-- name: pg.count_slow
SELECT count(*) FROM slow

-- name: pg.add_broken
INSERT INTO broken VALUES (1)

-- name: pg.lose
SELECT lose()

-- name: pg.add_deadly
INSERT INTO deadly VALUES (1)
"""


def make_sql(folder: Path) -> Path:
    """Writes the SQL folder of the small schema."""
    (folder / "migrations").mkdir(parents=True)
    (folder / "queries").mkdir()
    (folder / "migrations" / "0001_items.sql").write_text(MIGRATION)
    (folder / "queries" / "items.sql").write_text(QUERIES)
    return folder


def add(id_: int, name: str) -> Callable[[Tx], Awaitable[int]]:
    async def work(tx: Tx) -> int:
        tx.wake("items")
        return await tx.run("items.add", id=id_, name=name)

    return work


async def names(tx: Tx) -> list[str]:
    return [row[1] for row in await tx.all("items.all")]


@asynccontextmanager
async def opened(url: str, sql: Path, connections: int, *, listening: bool = True) -> AsyncIterator[PostgresDatabase]:
    """PostgreSQL with the small schema; `listening`: from the first moment on it hears wake-ups."""
    database = PostgresDatabase(url, sql, connections)
    await database.open()
    if listening:
        await connected(database)
    yield database
    await database.close()


async def connected(database: Database) -> None:
    """Waits until a newly opened PostgreSQL database listens for wake-ups, which wakes every waiter."""
    with database.wakeups.subscribe("") as subscription:
        assert await subscription.wait(10)


async def until(database: Database, query: str, wanted: int) -> None:
    """Repeats a query until its first value is `wanted`, for states for which PostgreSQL has no event."""
    async with asyncio.timeout(60):
        while True:
            row = await database.read(lambda tx: tx.one(query))
            if row is not None and row[0] == wanted:
                return
