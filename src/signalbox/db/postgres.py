"""PostgreSQL: asyncpg with prepared statements, a connection pool, and one more connection for wake-ups."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal, TypeVar

import asyncpg

from signalbox.db import Row, Statement, Tx, Value, migrate
from signalbox.db.moment import Moment
from signalbox.db.notify import Notifier
from signalbox.db.pool import Pool
from signalbox.db.postgres_connect import Connection, Server
from signalbox.db.postgres_errors import DRIVER, IN_THE_WAY, OUTCOME_UNKNOWN, REPEAT, is_lost, translated
from signalbox.db.postgres_surroundings import NO_LIMITS, Wanted, look
from signalbox.db.queries import SCHEMA_VERSION, Query, load
from signalbox.db.wakeups import Wakeups
from signalbox.ground.clock import Clock
from signalbox.ground.errors import Bug, SignalboxError, Unavailable

T = TypeVar("T")

TRIES: Final = 5
CLEAN_UP_SECONDS: Final = 5.0
MIGRATION_SECONDS: Final = 3600.0
# Requests queue behind a migration that waits for a table lock. So the migration waits for less than deadlock_timeout
# (1 s) of PostgreSQL, rolls back, and is retried for about a minute. A deadlock then never
# makes PostgreSQL cancel a request.
MIGRATION_LOCK_WAIT: Final = "500ms"
MIGRATION_TRIES: Final = 60
# The number of the advisory lock: "signalbx" as bytes. Other programs in the database must not use the same number.
MIGRATION_LOCK: Final = 0x7369676E616C6278

_SETTINGS: Final = {
    "jit": "off",  # compiling a plan costs more than running our queries
    # Every query has an index. A plan that was made for an empty table would read the whole table, and the connection
    # keeps the plan until the next ANALYZE, also after the table has grown to millions of rows.
    "enable_seqscan": "off",
}


class _Tx(Moment):
    """The statements of one request on one connection; satisfies `Tx`."""

    __slots__ = ("_connection", "_queries", "_writes", "topics")

    def __init__(self, connection: Connection, queries: dict[str, Query], writes: bool, clock: Clock | None) -> None:
        super().__init__(clock)
        self._connection = connection
        self._queries = queries
        self._writes = writes
        self.topics: list[str] = []

    def find(self, name: str, params: dict[str, Value]) -> Query:
        """The query with this name. Raises Bug for missing or unknown parameters."""
        query = self._queries.get(name)
        if query is None:
            raise Bug(f"there is no query {name}")
        if params.keys() != query.names:
            raise query.wrong_parameters(params)
        return query

    async def all(self, query: str, /, **params: Value) -> list[Row]:
        found = self.find(query, params)
        return [*await self._connection.fetch(found.text, *[params[name] for name in found.order])]

    async def one(self, query: str, /, **params: Value) -> Row | None:
        rows = await self.all(query, **params)
        if len(rows) > 1:
            raise Bug(f"query {query} found {len(rows)} rows where there is at most one")
        return rows[0] if rows else None

    async def run(self, query: str, /, **params: Value) -> int:
        if not self._writes:
            raise Bug(f"query {query} would write inside read()")
        found = self.find(query, params)
        return _count(await self._connection.execute(found.text, *[params[name] for name in found.order]))

    def wake(self, topic: str) -> None:
        self.topics.append(topic)


def _count(status: str) -> int:
    _, _, count = status.rpartition(" ")  # "INSERT 0 3", "UPDATE 3"
    return int(count) if count.isdigit() else 0


class PostgresDatabase:
    """A PostgreSQL database shared by any number of processes. See `Database`."""

    def __init__(
        self, url: str, sql_folder: Path, connections: int, direct: str | None = None, processes: int = 1
    ) -> None:
        self.wakeups = Wakeups()
        self.warnings: list[str] = []
        self._server = Server(url)
        self._direct = Server(direct) if direct else None
        self._queries = load(sql_folder / "queries", "postgres")
        self._migrations = migrate.series(sql_folder / "migrations", "postgres")
        # Connections to a pooler are none to the server.
        self._wanted = Wanted(processes, 0 if direct else connections)
        self._pool: Pool[Connection] = Pool(self._connect, connections)
        self._notifier = Notifier(self._connect_notifier, DRIVER, self.wakeups)
        self._tasks: set[asyncio.Task[object]] = set()
        self._transactions = 0
        self._retries = 0

    async def _connect(self) -> Connection:
        if self._direct is None:
            return await self._server.open(_SETTINGS)
        # A pooler may run each transaction on another connection to the server. Prepared statements would not be found
        # there, and the pooler refuses settings.
        return await self._server.open({}, statements=0)

    async def _connect_notifier(self) -> Connection:
        # A wake-up may be lost, so its commit need not wait for the disk.
        return await (self._direct or self._server).open({**_SETTINGS, "synchronous_commit": "off"})

    async def open(self, *, create: bool = True) -> None:
        for server in (self._server, self._direct):
            if server:
                server.check_files()
        for attempt in range(1, MIGRATION_TRIES + 1):  # pragma: no branch - the last attempt succeeds or raises
            # A migration does not go through the pooler: it may take long and needs its own connection to the server.
            connection = await (self._direct.open(_SETTINGS) if self._direct else self._pool.acquire())
            try:
                await self._migrate(connection, create)
                break
            except BaseException as error:
                connection.terminate()
                if attempt == MIGRATION_TRIES or not isinstance(error, IN_THE_WAY):
                    raise translated(error, is_lost(connection, error))  # noqa: B904 (it sets the cause)
            finally:
                if self._direct:
                    connection.terminate()
                else:
                    self._pool.release(connection)
            await asyncio.sleep(random.uniform(0.1, 1))  # noqa: S311 (no secret)
        self._notifier.start()

    async def close(self) -> None:
        await self._notifier.close()
        for connection in self._pool.close():
            try:
                await connection.close(timeout=1)
            except DRIVER:
                connection.terminate()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLEAN_UP_SECONDS)
            for task in late:
                task.cancel()

    async def ready(self) -> None:
        try:
            row = await self.read(lambda tx: tx.one(SCHEMA_VERSION))
        except Bug as error:
            raise Unavailable("The database has no schema.") from error
        migrate.require_current(self._migrations, row[0] if row else None)

    def figures(self) -> dict[str, float]:
        in_use, idle, waiting = self._pool.figures()
        return {
            "connections_in_use": in_use,
            "connections_idle": idle,
            "connections_waiting": waiting,
            "writes_waiting": 0,
            "transactions": self._transactions,
            "commits": self._transactions,
            "retries": self._retries,
        }

    async def read(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        for attempt in range(1, TRIES + 1):
            connection = await self._pool.acquire()
            try:
                result = await work(_Tx(connection, self._queries, False, clock))
            except BaseException as error:
                lost = self._let_go(connection, error, None)
                if attempt < TRIES and (lost or isinstance(error, REPEAT)):
                    self._retries += 1
                    continue
                raise translated(error, lost)  # noqa: B904 (it sets the cause)
            self._pool.release(connection)
            return result
        raise AssertionError

    async def write(self, work: Callable[[Tx], Awaitable[T]], clock: Clock | None = None) -> T:
        for attempt in range(1, TRIES + 1):
            connection = await self._pool.acquire()
            tx = _Tx(connection, self._queries, True, clock)
            try:
                # The role or the database may have another default.
                await connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
                result = await work(tx)
            except SignalboxError:
                # The rollback comes before the error response, so that a retry does not wait for these locks.
                await asyncio.shield(self._spawn(self._clean_up(connection, "ROLLBACK")))
                raise
            except BaseException as error:
                lost = self._let_go(connection, error, "ROLLBACK")
                if attempt == TRIES or not (lost or isinstance(error, REPEAT)):
                    raise translated(error, lost)  # noqa: B904 (it sets the cause)
            else:
                # From here on the task has the connection. The commit finishes even when the caller is cancelled.
                commit = self._spawn(self._commit(connection, tx.topics))
                try:
                    await asyncio.shield(commit)
                    return result
                except REPEAT as error:
                    if attempt == TRIES:
                        raise translated(error) from error
            await self._back_off(attempt)
        raise AssertionError

    async def write_one(
        self, work: Callable[[Tx, bool], Awaitable[tuple[T, Statement]]], clock: Clock | None = None
    ) -> T:
        look = False
        for attempt in range(1, TRIES + 1):
            connection = await self._pool.acquire()
            tx = _Tx(connection, self._queries, False, clock)
            try:
                result, statement = await work(tx, look)
                query = tx.find(*statement)
            except BaseException as error:
                lost = self._let_go(connection, error, None)
                if attempt == TRIES or not (lost or isinstance(error, REPEAT)):
                    raise translated(error, lost)  # noqa: B904 (it sets the cause)
            else:
                params = [statement.params[name] for name in query.order]
                commit = self._spawn(self._commit(connection, tx.topics, query.text, *params))
                try:
                    if _count(await asyncio.shield(commit)):
                        return result
                    look = True
                except REPEAT as error:
                    if attempt == TRIES:
                        raise translated(error) from error
            await self._back_off(attempt)
        raise Unavailable("Too many transactions were in each other's way.")

    async def _back_off(self, attempt: int) -> None:
        """Waits with exponential backoff and jitter, so that the same transactions do not conflict again."""
        self._retries += 1
        await asyncio.sleep(random.uniform(0.001, 0.01) * 2**attempt)  # noqa: S311 (no secret)

    async def _commit(self, connection: Connection, topics: list[str], text: str = "COMMIT", *params: Value) -> str:
        """Commits the transaction, or runs a statement that is a transaction by itself. Returns the status."""
        try:
            status = await connection.execute(text, *params)
        except BaseException as error:
            lost = self._let_go(connection, error, "ROLLBACK" if text == "COMMIT" else None)
            if isinstance(error, REPEAT):
                raise
            if lost or isinstance(error, (TimeoutError, *OUTCOME_UNKNOWN)):
                raise Unavailable(
                    "The database was lost during the commit, so the outcome is unknown."
                    " Repeating the request with the same Idempotency-Key is safe."
                ) from error
            raise translated(error)  # noqa: B904 (it sets the cause)
        self._pool.release(connection)
        if text == "COMMIT" != status:
            raise Bug("the work swallowed a database error, so PostgreSQL rolled the transaction back")
        self._transactions += 1
        if topics:
            self.wakeups.fire(topics)
            self._notifier.send(topics)
        return status

    def _let_go(self, connection: Connection, error: BaseException, undo: Literal["ROLLBACK"] | None) -> bool:
        """Returns a connection to the pool after an error, without waiting. Says whether the connection was lost."""
        lost = is_lost(connection, error)
        if lost:
            connection.terminate()
            self._pool.release(connection)
            self._pool.drop_idle()
        elif undo or not isinstance(error, (SignalboxError, asyncpg.PostgresError)):
            # After a cancellation or a timeout the query may still run. The next statement waits for its end.
            self._spawn(self._clean_up(connection, undo or "SELECT 1"))
        else:
            self._pool.release(connection)
        return lost

    async def _clean_up(self, connection: Connection, statement: str) -> None:
        try:
            await connection.execute(statement, timeout=CLEAN_UP_SECONDS)
        except BaseException:
            connection.terminate()
        finally:
            self._pool.release(connection)

    def _spawn(self, work: Awaitable[T]) -> asyncio.Task[T]:
        async def run() -> T:
            return await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _migrate(self, connection: Connection, create: bool) -> None:
        surroundings = await look(connection, self._queries.values(), self._wanted)
        self.warnings = surroundings.warnings()
        surroundings.require_fit()
        version: int | None = None
        with contextlib.suppress(asyncpg.UndefinedTableError):
            version = await connection.fetchval(migrate.VERSION)
        if not migrate.missing(self._migrations, version):
            surroundings.require_rights()
            return
        if version is None and not create:
            raise migrate.NoSchema
        surroundings.require_rights_to_upgrade()
        async with connection.transaction(isolation="read_committed"):
            # The role may limit its statements; an upgrade of a large table, or the wait for it, takes longer.
            await connection.execute(NO_LIMITS)
            await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK, timeout=MIGRATION_SECONDS)
            await connection.execute(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_WAIT}'")
            await connection.execute(migrate.CREATE_TABLE)
            version = await connection.fetchval(migrate.VERSION)
            for migration in migrate.missing(self._migrations, version):
                for statement in migration.statements("postgres"):
                    try:
                        await connection.execute(statement, timeout=MIGRATION_SECONDS)
                    except asyncpg.DuplicateTableError as error:
                        raise surroundings.taken(str(error)) from error
                await connection.execute(
                    "INSERT INTO signalbox_schema VALUES ($1, $2, $3)",
                    migration.version,
                    migration.name,
                    time.time_ns() // 1_000_000,
                )
