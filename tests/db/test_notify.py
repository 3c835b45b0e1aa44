"""Wake-ups between processes on PostgreSQL, with faults on the connection that carries them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest
from small import add, connected, make_sql

from faults import rows, run
from signalbox.db import Tx, Wakeups, notify
from signalbox.db.postgres import PostgresDatabase
from signalbox.db.postgres_errors import DRIVER
from signalbox.ground.errors import Unavailable

Open: TypeAlias = Callable[[], Awaitable[PostgresDatabase]]

# The connection that a process keeps for wake-ups, by its last statement.
LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


@pytest.fixture
async def another(empty_postgres_url: str, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the database once more, as another process does: `await another()`."""
    sql = make_sql(tmp_path / "sql")
    async with AsyncExitStack() as stack:

        async def opened() -> PostgresDatabase:
            database = PostgresDatabase(empty_postgres_url, sql, 1)
            await database.open()
            stack.push_async_callback(database.close)
            await connected(database)
            return database

        yield opened


async def test_topics_that_need_several_notifications_all_arrive(another: Open) -> None:
    """PostgreSQL accepts less than 8,000 bytes in one notification."""
    topics = [f"comms_operation_{number:026}" for number in range(500)]

    async def wake_all(tx: Tx) -> None:
        for topic in topics:
            tx.wake(topic)

    sender, other = await another(), await another()
    with other.wakeups.subscribe(topics[0]) as first, other.wakeups.subscribe(topics[-1]) as last:
        await sender.write(wake_all)
        assert await first.wait(10)
        assert await last.wait(10)


async def test_wakeup_that_the_server_refuses_is_sent_on_the_next_connection(
    another: Open, empty_postgres_url: str
) -> None:
    """A function that raises an error stands in front of pg_notify, until it is dropped."""
    other = await another()
    await run(
        empty_postgres_url,
        "CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'refused'; END $$;"
        " DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());"
        " END $$",
    )
    sender = await another()
    with other.wakeups.subscribe("items") as heard, sender.wakeups.subscribe("") as reconnected:
        await sender.write(add(1, "a"))
        assert await reconnected.wait(10), "a new connection wakes every listener"
        assert not await heard.wait(0)
        await run(empty_postgres_url, "DROP FUNCTION public.pg_notify")
        assert await heard.wait(10)


async def test_connection_for_wakeups_is_tried_until_the_server_accepts_it(empty_postgres_url: str) -> None:
    tries = 0

    async def connect() -> notify.Connection:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Unavailable("the server is starting")
        return await asyncpg.connect(empty_postgres_url)

    wakeups = Wakeups()
    notifier = notify.Notifier(connect, DRIVER, wakeups)
    with wakeups.subscribe("") as connected:
        notifier.start()
        assert await connected.wait(10)
    assert tries == 3
    await notifier.close()


async def test_connection_without_wakeups_is_tried_regularly(
    another: Open, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall may forget a connection without a reset; only a statement finds that out."""
    monkeypatch.setattr(notify, "PING_SECONDS", 0.01)
    await another()
    async with asyncio.timeout(10):
        while await rows(empty_postgres_url, f"SELECT 1 {LISTENERS}"):
            pass


async def test_close_does_not_wait_for_wakeups_that_cannot_be_sent(
    another: Open, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection for wake-ups is lost, and the server accepts no new connection."""
    monkeypatch.setattr(notify, "FLUSH_SECONDS", 0.05)
    sender = await another()
    database = empty_postgres_url.partition("?")[0].rpartition("/")[2]
    admin = empty_postgres_url.replace(f"/{database}?", "/postgres?")
    await sender.write(add(1, "a"))
    await run(admin, f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    await run(
        admin,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{database}' AND query ~ 'LISTEN|pg_notify'",
    )
    assert await sender.write(add(2, "b")) == 1
    async with asyncio.timeout(5):
        await sender.close()
