"""SQLite only: the writer thread, group commit, and errors of the file."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small import SQLITE_QUERIES, add, make_sql, names

from signalbox.db import Statement, Tx, connect, sqlite
from signalbox.db.sqlite import SqliteDatabase
from signalbox.ground.errors import Bug, NotFound, Unavailable


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


def overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)


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


async def test_read_cancelled_before_its_turn_is_dropped(sql: Path) -> None:
    """The reads of a database in memory wait for the writer thread."""
    memory = SqliteDatabase(None, sql)
    await memory.open()
    blocker = Blocker()
    first = asyncio.create_task(memory.write(blocker.work))
    await blocker.started.wait()
    second = asyncio.create_task(memory.read(names))
    await asyncio.sleep(0)
    second.cancel()
    blocker.go.set()
    assert await first == 1
    assert await memory.read(names) == ["blocker"]
    assert second.cancelled()
    await memory.close()


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


async def test_write_of_one_statement_that_changes_nothing_is_a_bug(file: SqliteDatabase) -> None:
    """No other process can have changed the row, because the transaction has the write lock."""

    async def work(tx: Tx, look: bool) -> tuple[None, Statement]:
        assert look
        return None, Statement("items.lock", {"id": 7})

    with pytest.raises(Bug, match="changed no row"):
        await file.write_one(work)


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


async def test_error_of_a_request_stays_when_its_group_meets_a_full_disk(file: SqliteDatabase) -> None:
    async def refused(tx: Tx) -> None:
        raise NotFound("refused")

    await file.write(lambda tx: tx.all("disk.small"))
    blocker = Blocker()
    first = asyncio.create_task(file.write(blocker.work))
    await blocker.started.wait()
    others = [asyncio.create_task(file.write(work)) for work in (refused, add(1, "x" * 200_000))]
    await asyncio.sleep(0)
    blocker.go.set()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, NotFound, Unavailable]


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


async def test_close_while_another_process_holds_the_lock_ends(
    tmp_path: Path, sql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WRITER_BUSY_MS", 30)
    file = SqliteDatabase(str(tmp_path / "locked.db"), sql)
    await file.open()
    with contextlib.closing(sqlite3.connect(tmp_path / "locked.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(file.write(add(1, "a")))
        await asyncio.sleep(0)
        await file.close()
        with pytest.raises(Unavailable, match="locked"):
            await writing


async def test_file_that_another_process_is_creating_is_opened_once_it_is_free(
    tmp_path: Path, sql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WRITER_BUSY_MS", 0)
    file = SqliteDatabase(str(tmp_path / "new.db"), sql)
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    # The pause between two attempts is the only sign of a first attempt.
    monkeypatch.setattr("signalbox.db.sqlite_connection.time.sleep", lambda _: other.close())
    await file.open()
    assert await file.write(add(1, "a")) == 1
    await file.close()


async def test_file_that_another_process_does_not_finish_creating_is_unavailable(
    tmp_path: Path, sql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WRITER_BUSY_MS", 0)
    monkeypatch.setattr("signalbox.db.sqlite_connection.CREATION_SECONDS", -1)
    file = SqliteDatabase(str(tmp_path / "new.db"), sql)
    with contextlib.closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked by another process"):
            await file.open()
    await file.close()


async def test_file_of_another_program_with_a_table_of_the_same_name_is_left_alone(tmp_path: Path, sql: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE signalbox_schema (unlike)")
    database = SqliteDatabase(str(tmp_path / "other.db"), sql)
    with pytest.raises(Bug, match="no such column"):
        await database.open()
    await database.close()


async def test_damaged_file_is_unavailable_until_it_is_restored(tmp_path: Path, sql: Path) -> None:
    """The program opens the restored file by itself."""
    path = tmp_path / "damaged.db"
    before = SqliteDatabase(str(path), sql)
    await before.open()
    await before.write(add(1, "a"))
    await before.close()
    file = SqliteDatabase(str(path), sql)
    await file.open()
    whole = path.read_bytes()
    overwrite(path, whole[:4096] + b"\xff" * (len(whole) - 4096))  # all pages but the first
    for ask in (file.read(names), file.write(add(2, "b"))):
        with pytest.raises(Unavailable, match="damaged"):
            await ask
    overwrite(path, whole)
    assert await file.write(add(2, "b")) == 1
    assert await file.read(names) == ["a", "b"]
    await file.close()


async def test_read_that_meets_a_lock_is_tried_again(file: SqliteDatabase) -> None:
    with pytest.raises(Unavailable, match="locked"):
        await file.read(lambda tx: tx.all("disk.leave_wal"))
    assert file.figures()["retries"] == sqlite.READ_TRIES - 1
    assert await file.read(names) == []


async def test_migration_on_a_full_disk_leaves_the_database_as_it_was(tmp_path: Path, sql: Path) -> None:
    """SQLite itself rolls the transaction back when the disk is full."""
    first = SqliteDatabase(str(tmp_path / "small.db"), sql)
    await first.open()
    await first.close()
    (sql / "migrations" / "0002_large.sql").write_text(
        "PRAGMA max_page_count = 16;\nCREATE TABLE large (x);\nINSERT INTO large VALUES (zeroblob(1000000));"
    )
    full = SqliteDatabase(str(tmp_path / "small.db"), sql)
    with pytest.raises(Unavailable, match="disk is full"):
        await full.open()
    await full.close()
    await first.open()
    assert await first.write(add(1, "a")) == 1
    await first.close()


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
