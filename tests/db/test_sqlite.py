"""SQLite only: the writer thread, group commit, and errors of the file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small import SQLITE_QUERIES, add, make_sql, names

from signalbox.db import Tx, connect, sqlite
from signalbox.db.sqlite import SqliteDatabase
from signalbox.ground.errors import Bug, Unavailable


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    folder = make_sql(tmp_path / "sql")
    (folder / "queries" / "disk.sql").write_text(SQLITE_QUERIES)
    return folder


@pytest.fixture
async def file(tmp_path: Path, sql: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(str(tmp_path / "small.db"), sql)
    await database.open()
    yield database
    await database.close()


class Blocker:
    """Holds the writer thread inside a transaction until released."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.started = asyncio.Event()
        self.go = threading.Event()

    async def work(self, tx: Tx) -> int:
        self.loop.call_soon_threadsafe(self.started.set)
        assert self.go.wait(10)
        return await tx.run("items.add", id=-1, name="blocker")


async def test_waiting_writes_share_commits(file: SqliteDatabase) -> None:
    blocker = Blocker()
    first = asyncio.create_task(file.write(blocker.work))
    await blocker.started.wait()
    others = [asyncio.create_task(file.write(add(number, f"n{number}"))) for number in range(60)]
    await asyncio.sleep(0)
    assert file.figures()["writes_waiting"] == 60
    commits = file.figures()["commits"]
    blocker.go.set()
    await asyncio.gather(first, *others)
    assert file.figures()["commits"] - commits < 10
    assert file.figures()["transactions"] == 61


async def test_read_sees_the_committed_state_while_a_write_is_open(file: SqliteDatabase) -> None:
    blocker = Blocker()
    first = asyncio.create_task(file.write(blocker.work))
    await blocker.started.wait()
    assert await file.read(names) == []
    blocker.go.set()
    await first
    assert await file.read(names) == ["blocker"]


async def test_write_cancelled_before_its_turn_is_dropped(file: SqliteDatabase) -> None:
    blocker = Blocker()
    first = asyncio.create_task(file.write(blocker.work))
    await blocker.started.wait()
    second = asyncio.create_task(file.write(add(1, "dropped")))
    await asyncio.sleep(0)
    second.cancel()
    # The first write had started: its result is discarded, and its commit holds.
    first.cancel()
    await asyncio.sleep(0)
    blocker.go.set()
    await file.write(add(2, "last"))
    assert sorted(await file.read(names)) == ["blocker", "last"]


async def test_full_queue_is_unavailable(file: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MAX_WAITING", 1)
    blocker = Blocker()
    first = asyncio.create_task(file.write(blocker.work))
    await blocker.started.wait()
    second = asyncio.create_task(file.write(add(1, "a")))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many"):
        await file.write(add(2, "b"))
    blocker.go.set()
    assert [*await asyncio.gather(first, second)] == [1, 1]


async def test_close_finishes_what_waits(file: SqliteDatabase) -> None:
    tasks = [asyncio.create_task(file.write(add(number, f"n{number}"))) for number in range(30)]
    await asyncio.sleep(0)
    await file.close()
    assert await asyncio.gather(*tasks) == [1] * 30


async def test_write_that_awaits_something_else_is_a_bug(file: SqliteDatabase) -> None:
    async def work(tx: Tx) -> None:
        await tx.all("items.all")
        await asyncio.sleep(0)

    with pytest.raises(Bug, match="awaited"):
        await file.write(work)
    assert await file.write(add(1, "a")) == 1


async def test_read_holds_nobody_up_and_each_statement_sees_the_latest(file: SqliteDatabase) -> None:
    """As on PostgreSQL, only the rows that one statement reads are consistent with one another."""
    other = sqlite3.connect(file._path or "", isolation_level=None)

    async def work(tx: Tx) -> tuple[int, int]:
        before = len(await tx.all("items.all"))
        other.execute("INSERT INTO items VALUES (1, 'a')")
        return before, len(await tx.all("items.all"))

    assert await file.read(work) == (0, 1)
    assert await file.read(names) == ["a"]
    other.close()


async def test_full_disk_is_unavailable_and_recovers(file: SqliteDatabase) -> None:
    """Every write of the group gets the error, since SQLite rolls the transaction back."""
    await file.write(add(0, "before"))
    await file.write(lambda tx: tx.all("disk.small"))
    results = await asyncio.gather(
        *[file.write(add(number, f"{number}" * 20_000)) for number in range(1, 11)], return_exceptions=True
    )
    failed = [result for result in results if isinstance(result, BaseException)]
    assert failed
    for error in failed:
        with pytest.raises(Unavailable, match="disk is full"):
            raise error
    assert len(await file.read(names)) == 11 - len(failed)
    await file.write(lambda tx: tx.all("disk.large"))
    assert await file.write(add(20, "x" * 200_000)) == 1


async def test_read_only_file_is_unavailable_and_recovers(file: SqliteDatabase) -> None:
    await file.write(lambda tx: tx.all("disk.read_only"))
    with pytest.raises(Unavailable, match="read-only"):
        await file.write(add(1, "a"))
    assert await file.write(add(1, "a")) == 1


async def test_file_locked_by_another_process_is_unavailable(
    tmp_path: Path, sql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WRITER_BUSY_MS", 30)
    file = SqliteDatabase(str(tmp_path / "locked.db"), sql)
    await file.open()
    other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(*[file.write(add(n, f"n{n}")) for n in range(5)], return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 5
    assert await file.read(names) == []
    other.execute("ROLLBACK")
    other.close()
    assert await file.write(add(1, "a")) == 1
    await file.close()


async def test_file_that_cannot_be_opened_is_named(tmp_path: Path, sql: Path) -> None:
    (tmp_path / "text.db").write_text("this is not a database, only text" * 100)
    for path, reason in (
        (tmp_path / "nowhere" / "a.db", "cannot be opened"),
        (tmp_path / "text.db", "not a SQLite"),
    ):
        database = connect(f"sqlite:///{path}", sql_folder=sql)
        with pytest.raises(Unavailable, match=reason) as caught:
            await database.open()
        assert str(path) in str(caught.value)
        await database.close()


async def test_file_is_durable_and_in_wal(file: SqliteDatabase) -> None:
    assert file._writer is not None
    assert file._writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert file._writer.execute("PRAGMA synchronous").fetchone()[0] == 2
