"""SQLite: reads run on the event loop, and one writer thread commits several requests together.

Group commit with `synchronous=FULL` gives 2.6 times the creates of one commit for each request. A query takes
microseconds, so a read on the event loop costs less than passing the query to a thread. A memory database has only one
connection, so its reads run in the writer thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from signalbox.db import Statement, Tx, migrate
from signalbox.db.queries import SCHEMA_VERSION, load
from signalbox.db.sqlite_connection import BUSY, REOPEN, SqliteTx, code, connect, drive, translate, upgrade
from signalbox.db.sqlite_surroundings import network_warnings, require_library, require_utf8, require_writable
from signalbox.db.wakeups import Wakeups
from signalbox.ground.clock import Clock
from signalbox.ground.errors import Bug, Unavailable

T = TypeVar("T")

# A group ends at the first of these two bounds, so that its first request does not wait long for the commit.
GROUP_REQUESTS: Final = 64
GROUP_SECONDS: Final = 0.010
MAX_WAITING: Final = 10_000
WRITER_BUSY_MS: Final = 5_000
# In WAL mode a reader waits only for a recovery. The wait blocks the event loop, so it is short.
READER_BUSY_MS: Final = 250
READ_TRIES: Final = 3


@dataclass(eq=False, slots=True)
class _Request:
    """The function of one caller for the writer thread, and its result or error."""

    work: Callable[[Tx], Awaitable[Any]]
    future: asyncio.Future[Any]
    writes: bool
    clock: Clock | None
    result: object = None
    error: BaseException | None = None
    topics: list[str] = field(default_factory=list)


class SqliteDatabase:
    """A database file, or a memory database (`path` None). See `Database`."""

    def __init__(self, path: str | None, sql_folder: Path) -> None:
        self.wakeups = Wakeups()
        self.warnings: list[str] = []
        self._path = path
        self._queries = load(sql_folder / "queries", "sqlite")
        self._migrations = migrate.series(sql_folder / "migrations", "sqlite")
        # None ends the thread.
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._carried: list[_Request | None] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._open = False
        self._transactions = 0
        self._commits = 0
        self._retries = 0

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name="sqlite-writer", daemon=True)
        self._thread.start()
        await opened
        self._open = True

    async def close(self) -> None:
        self._open = False
        if self._thread is not None:
            self._requests.put(None)
            # The thread first runs all requests that are in the queue already.
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._drop_reader()

    async def ready(self) -> None:
        try:
            row = await self.read(lambda tx: tx.one(SCHEMA_VERSION))
        except Bug as error:
            raise Unavailable("The database has no schema.") from error
        migrate.require_current(self._migrations, row[0] if row else None)

    def figures(self) -> dict[str, float]:
        return {
            "connections_in_use": 0,
            "connections_idle": 0,
            "connections_waiting": 0,
            "writes_waiting": self._requests.qsize(),
            "transactions": self._transactions,
            "commits": self._commits,
            "retries": self._retries,
        }

    async def read(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        if self._path is None:
            return await self._queue(work, False, clock)
        for attempt in range(1, READ_TRIES + 1):
            if not self._open:
                raise Unavailable("The database is closed.")
            try:
                # No transaction: each statement sees its own snapshot, as on PostgreSQL.
                reader = self._reader or self._connect_reader(self._path)
                return await work(SqliteTx(reader, self._queries, False, clock))
            except sqlite3.Error as error:
                if code(error) in REOPEN:
                    self._drop_reader()
                if code(error) not in BUSY or attempt == READ_TRIES:
                    raise translate(error) from error
                self._retries += 1
        raise AssertionError

    def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _connect_reader(self, path: str) -> sqlite3.Connection:
        self._reader = connect(path, READER_BUSY_MS)
        self._reader.execute("PRAGMA query_only = ON")
        return self._reader

    async def write(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        return await self._queue(work, True, clock)

    async def write_one(
        self, work: Callable[[Tx, bool], Awaitable[tuple[T, Statement]]], clock: Clock | None = None
    ) -> T:
        async def run(tx: Tx) -> T:
            result, statement = await work(tx, True)
            if not await tx.run(statement.query, **statement.params):
                raise Bug(f"query {statement.query} changed no row, although this thread is the only writer")
            return result

        return await self._queue(run, True, clock)

    async def _queue(self, work: Callable[[Tx], Awaitable[T]], writes: bool, clock: Clock | None) -> T:
        if not self._open or self._loop is None:
            raise Unavailable("The database is closed.")
        if self._requests.qsize() >= MAX_WAITING:
            raise Unavailable("Too many requests are waiting for the database.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._requests.put(_Request(work, future, writes, clock))
        return await future

    # The methods below run in the writer thread, except `_settle`.

    def _serve(self, opened: asyncio.Future[None]) -> None:
        try:
            require_library()
            require_writable(self._path)
            writer = self._writer = connect(self._path, WRITER_BUSY_MS)
            require_utf8(writer)
            upgrade(writer, self._migrations)
            self.warnings = [*network_warnings(self._path)]
        except BaseException as error:
            self._drop_writer()
            failure = translate(error)
            if isinstance(failure, Unavailable) and self._path is not None:
                cause, failure = failure, Unavailable(failure.message, detail=f"{failure.__cause__}: {self._path}")
                failure.__cause__ = cause
            self._call(lambda: None if opened.done() else opened.set_exception(failure))
            return
        self._call(lambda: None if opened.done() else opened.set_result(None))
        while (request := self._next()) is not None:
            group = [request]
            try:
                if request.writes:
                    self._run_group(group)
                else:
                    self._run_read(request)
            except BaseException as error:
                self._fail(group, error)
            self._call(partial(self._settle, group))
        self._drop_writer()

    def _call(self, callback: Callable[[], object]) -> None:
        if self._loop is None:
            return
        # The loop may have ended without close(). Then no caller waits for the result.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def _next(self) -> _Request | None:
        return self._carried.pop() if self._carried else self._requests.get()

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(sqlite3.Error):
                writer.close()

    def _run_group(self, group: list[_Request]) -> None:
        """Runs the request in `group` and the requests that wait, each in a savepoint, and commits them together."""
        if self._writer is None:
            self._writer = connect(self._path, WRITER_BUSY_MS)
        writer = self._writer
        request = group[0]
        writer.execute("BEGIN IMMEDIATE")
        end = time.monotonic() + GROUP_SECONDS
        while True:
            self._run_one(writer, request)
            if len(group) >= GROUP_REQUESTS or time.monotonic() > end:
                break
            try:
                following = self._requests.get_nowait()
            except queue.Empty:
                break
            if following is None or not following.writes:
                self._carried.append(following)
                break
            request = following
            group.append(request)
        writer.execute("COMMIT")
        self._commits += 1
        self._transactions += sum(request.error is None for request in group)

    def _run_one(self, writer: sqlite3.Connection, request: _Request) -> None:
        if request.future.cancelled():
            request.error = asyncio.CancelledError()
            return
        tx = SqliteTx(writer, self._queries, True, request.clock)
        writer.execute("SAVEPOINT request")
        try:
            request.result = drive(request.work(tx))
        except BaseException as error:
            if not writer.in_transaction:
                raise  # on a full disk SQLite rolls back the whole group
            writer.execute("ROLLBACK TO request")
            request.error = translate(error)
            if isinstance(error, sqlite3.Error) and code(error) in REOPEN:
                raise
        else:
            request.topics = tx.topics
        writer.execute("RELEASE request")

    def _run_read(self, request: _Request) -> None:
        writer = self._writer
        if writer is None or request.future.cancelled():
            return
        writer.execute("BEGIN")
        try:
            request.result = drive(request.work(SqliteTx(writer, self._queries, False, request.clock)))
        finally:
            writer.execute("ROLLBACK")

    def _fail(self, group: list[_Request], error: BaseException) -> None:
        """Rolls the transaction of the group back, and gives the error to every request of the group."""
        if code(error) in BUSY:
            # Each waiting request would wait for the same lock, one after the other. So these requests fail now.
            for _ in range(self._requests.qsize()):
                waiting = self._requests.get_nowait()
                if waiting is None:
                    self._carried.append(None)
                    break
                group.append(waiting)
        failure = translate(error)
        for request in group:
            request.topics = []
            if request.error is None:
                request.error = failure
        writer = self._writer
        try:
            if writer is not None and writer.in_transaction:
                writer.execute("ROLLBACK")
            broken = code(error) in REOPEN
        except sqlite3.Error:
            broken = True
        if broken and self._path is not None:
            self._drop_writer()
            # All connections of a process share one index of the write-ahead log, so the reader may be broken as well.
            self._call(self._drop_reader)

    def _settle(self, group: list[_Request]) -> None:
        """Runs on the event loop: sets the results of the callers, then wakes the listeners."""
        topics: dict[str, None] = {}
        for request in group:
            topics.update(dict.fromkeys(request.topics))
            if request.future.done():
                continue
            if request.error is None:
                request.future.set_result(request.result)
            else:
                request.future.set_exception(request.error)
        if topics:
            self.wakeups.fire(topics)
