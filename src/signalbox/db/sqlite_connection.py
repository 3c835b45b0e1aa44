"""One SQLite connection: opening, migrations, statements, and the meaning of its errors."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Final, TypeVar, cast
from urllib.parse import quote

from signalbox.db import Row, Value, migrate
from signalbox.db.moment import Moment
from signalbox.db.queries import Query
from signalbox.db.surroundings import Unfit
from signalbox.ground.clock import Clock
from signalbox.ground.errors import Bug, SignalboxError, Unavailable

T = TypeVar("T")

BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: "The database is locked by another process",
    sqlite3.SQLITE_LOCKED: "The database is locked",
    sqlite3.SQLITE_FULL: "The disk is full",
    sqlite3.SQLITE_READONLY: "The database file is read-only",
    sqlite3.SQLITE_IOERR: "Reading or writing the database file failed",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged",
    sqlite3.SQLITE_NOTADB: "The file is not a SQLite database",
    sqlite3.SQLITE_NOMEM: "SQLite is out of memory",
    sqlite3.SQLITE_PERM: "The database file may not be accessed",
    sqlite3.SQLITE_PROTOCOL: "The database file could not be locked",
}
# After these errors the file may have been replaced or restored. Only a new connection reads the new file.
REOPEN: Final = frozenset(_UNAVAILABLE) - BUSY - {sqlite3.SQLITE_FULL}

# The time for another process to finish its creation of the file.
CREATION_SECONDS: Final = 5.0


def code(error: BaseException) -> int:
    # The low byte is the primary result code; the higher bytes belong to the extended result code.
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def translate(error: BaseException) -> BaseException:
    if isinstance(error, SignalboxError) or not isinstance(error, sqlite3.Error):
        return error
    reason = _UNAVAILABLE.get(code(error))
    new = Unavailable(f"{reason}.", detail=error) if reason else Bug(f"SQLite refused: {error}")
    new.__cause__ = error
    return new


def drive(awaitable: Awaitable[T]) -> T:
    """Runs a coroutine that never suspends, to its end. Raises Bug if the coroutine suspends."""
    steps = awaitable.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return cast(T, end.value)
    with contextlib.suppress(RuntimeError):
        getattr(steps, "close", lambda: None)()
    raise Bug("a function that got a transaction awaited something other than this transaction")


class SqliteTx(Moment):
    """The statements of one request. Satisfies `Tx`; its methods never suspend."""

    __slots__ = ("_connection", "_queries", "_writes", "topics")

    def __init__(
        self, connection: sqlite3.Connection, queries: dict[str, Query], writes: bool, clock: Clock | None = None
    ) -> None:
        super().__init__(clock)
        self._connection = connection
        self._queries = queries
        self._writes = writes
        self.topics: list[str] = []

    def _execute(self, name: str, params: dict[str, Value]) -> sqlite3.Cursor:
        """Runs the statements of a query one after the other. Returns the cursor of the last one."""
        query = self._queries.get(name)
        if query is None:
            raise Bug(f"there is no query {name}")
        if params.keys() != query.names:
            raise query.wrong_parameters(params)
        for key, value in params.items():
            if type(value) is list:
                params[key] = json.dumps(value, ensure_ascii=False)
        given = cast("dict[str, str | int | bytes | None]", params)
        *first, last = query.statements
        for text in first:
            self._connection.execute(text, given)
        return self._connection.execute(last, given)

    async def all(self, query: str, /, **params: Value) -> list[Row]:
        return self._execute(query, params).fetchall()

    async def one(self, query: str, /, **params: Value) -> Row | None:
        rows: list[Row] = self._execute(query, params).fetchall()
        if len(rows) > 1:
            raise Bug(f"query {query} found {len(rows)} rows where there is at most one")
        return rows[0] if rows else None

    async def run(self, query: str, /, **params: Value) -> int:
        if not self._writes:
            raise Bug(f"query {query} would write inside read()")
        # cursor.rowcount is -1 for an INSERT that starts with WITH, and is final only after the last row of RETURNING.
        before = self._connection.total_changes
        self._execute(query, params).fetchall()
        return self._connection.total_changes - before

    def wake(self, topic: str) -> None:
        self.topics.append(topic)


def connect(path: str | None, busy_ms: int) -> sqlite3.Connection:
    """Opens a file, or a memory database (`path` None). Raises sqlite3.Error."""
    if path is not None:
        # The file contains addresses and keys, so only its owner may read it. If no file can be created here, SQLite
        # reports the error.
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(
        path or ":memory:",
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    try:
        if path is not None:
            _use_wal(connection)
        # The cache grows to 8 MiB when pages are used. The WAL file shrinks to 64 MiB after a large transaction.
        connection.executescript(
            "PRAGMA synchronous = FULL; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;"
            " PRAGMA journal_size_limit = 67108864;"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def has_schema(path: str) -> bool:
    """Whether the file is a database of Signalbox; changes nothing. True also for a file that cannot be read."""
    if not Path(path).exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=rw", uri=True)) as connection:
            return connection.execute(migrate.VERSION).fetchone()[0] is not None
    except sqlite3.Error as error:
        # `connect` has the sentence for any other error.
        return "no such table" not in str(error)


def _use_wal(connection: sqlite3.Connection) -> None:
    # When two processes switch a new file to WAL at the same time, one gets SQLITE_BUSY without the busy timeout.
    give_up = time.monotonic() + CREATION_SECONDS
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode != "wal":
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise Unfit(
                    f"SQLite cannot use a write-ahead log for this file (journal mode {mode}). Signalbox needs it:"
                    " put the file on a local disk."
                )
            return
        except sqlite3.OperationalError as error:
            if code(error) not in BUSY or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


def upgrade(connection: sqlite3.Connection, migrations: list[migrate.Migration]) -> None:
    """Applies the missing migrations under the write lock. Raises SchemaTooNew."""
    try:
        version = connection.execute(migrate.VERSION).fetchone()[0]
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        version = None
    if not migrate.missing(migrations, version):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(migrate.CREATE_TABLE)
        version = connection.execute(migrate.VERSION).fetchone()[0]
        for migration in migrate.missing(migrations, version):
            for statement in _statements(migration.script("sqlite")):
                _apply(connection, statement)
            connection.execute(
                "INSERT INTO signalbox_schema VALUES (?, ?, ?)",
                (migration.version, migration.name, time.time_ns() // 1_000_000),
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _apply(connection: sqlite3.Connection, statement: str) -> None:
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        if "already exists" not in str(error):
            raise
        raise Unfit(f"{error}, and is not Signalbox's: give Signalbox a file of its own.") from error


def _statements(script: str) -> list[str]:
    """The statements of a script. SQLite says where a statement is complete, so that a trigger stays whole."""
    statements = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    if pending.strip():
        statements.append(pending)
    return statements
