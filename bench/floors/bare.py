"""The floor: a bare ASGI app with the same server, driver, query and JSON as Signalbox, and nothing else.

No routing, no credentials, no validation, no log. `POST /insert` writes the rows of one create in one transaction and
responds with the seconds that this took; `POST /members` writes only its memberships, in batches, and `POST /senders`
the senders of one request that enters inventory.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
import msgspec
import uvicorn

from signalbox.db.queries import PACKAGE_SQL, Dialect, Query, load
from signalbox.ground import clock, ids
from signalbox.ground.clock import rfc3339
from signalbox.inventory import sender_pools
from signalbox.inventory.pool_operations import BATCH_ITEMS
from signalbox.inventory.senders import SENDER

Params = dict[str, Any]


def _load(dialect: Dialect) -> dict[str, Query]:
    """The product's queries, and the floor's own."""
    return load(PACKAGE_SQL / "queries", dialect) | load(Path(__file__).parent, dialect)


class Stats(msgspec.Struct, gc=False):
    total: int
    queued: int
    created: int
    failed: int


class PoolOperation(msgspec.Struct, rename="camel", gc=False):
    id: str
    status: str
    stats: Stats
    created_at: str
    updated_at: str


class SenderPool(msgspec.Struct, rename="camel", gc=False):
    id: str
    name: str
    tags: dict[str, str]
    created_at: str
    updated_at: str


class Pagination(msgspec.Struct):
    next: str | None
    self: str


class Page(msgspec.Struct):
    operations: list[PoolOperation]
    pagination: Pagination


class Driver(Protocol):
    """The driver, used directly."""

    async def open(self) -> None: ...
    async def fetch(self, query: str, params: Params) -> Sequence[Any]: ...
    async def write(self, *queries: tuple[str, Params]) -> None: ...


class Sqlite:
    """Reads and writes on the event loop, on one connection, as durable as Signalbox."""

    def __init__(self, url: str) -> None:
        self._path = url.removeprefix("sqlite:///")
        self._texts = {name: query.text for name, query in _load("sqlite").items()}

    async def open(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=512)
        self._connection.executescript(
            "PRAGMA synchronous = FULL; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;"
        )

    async def fetch(self, query: str, params: Params) -> Sequence[Any]:
        return self._connection.execute(self._texts[query], params).fetchall()

    async def write(self, *queries: tuple[str, Params]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for query, params in queries:
            execute(self._texts[query], {k: json.dumps(v) if isinstance(v, list) else v for k, v in params.items()})
        execute("COMMIT")


class Postgres:
    """As many connections as Signalbox, shared through a queue."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queries = _load("postgres")

    async def open(self) -> None:
        self._connections: asyncio.Queue[asyncpg.Connection[asyncpg.Record]] = asyncio.Queue()
        for _ in range(10):
            self._connections.put_nowait(await asyncpg.connect(self._url, server_settings={"jit": "off"}))

    async def fetch(self, query: str, params: Params) -> Sequence[Any]:
        found = self._queries[query]
        connection = await self._connections.get()
        rows = await connection.fetch(found.text, *[params[name] for name in found.order])
        self._connections.put_nowait(connection)
        return rows

    async def write(self, *queries: tuple[str, Params]) -> None:
        connection = await self._connections.get()
        await connection.execute("BEGIN")
        for query, params in queries:
            found = self._queries[query]
            await connection.execute(found.text, *[params[name] for name in found.order])
        await connection.execute("COMMIT")
        self._connections.put_nowait(connection)


_encode = msgspec.json.Encoder().encode
_GREATEST, _LEAST = ids.greatest(ids.OPERATION), ids.least(ids.OPERATION)
_TOKEN: Final = "x" * 76  # as long as a page token of Signalbox


class App:
    """`/page/ACCOUNT`, `/operation/ACCOUNT/ID`, `/pool/ACCOUNT/ID`, `/insert/ACCOUNT`, `/senders/ACCOUNT`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._handlers: dict[str, Callable[[list[str], bytes], Awaitable[object]]] = {
            "page": self.page,
            "operation": self.operation,
            "pool": self.pool,
            "insert": self.insert,
            "members": self.members,
            "senders": self.senders,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self._driver.open()
            await send({"type": "lifespan.startup.complete"})
            return
        path = scope["path"].split("/")
        body = b""
        if scope["method"] == "POST":
            more = True
            while more:
                message = await receive()
                body += message["body"]
                more = message["more_body"]
        response = _encode(await self._handlers[path[1]](path, body))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(response)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": response})

    async def page(self, path: list[str], _: bytes) -> Page:
        params = {"account_id": int(path[2]), "before": _GREATEST, "not_before": _LEAST, "limit": 51}
        rows = await self._driver.fetch("pool_operations.list_page", params)
        return Page([_operation(row) for row in rows[:50]], Pagination(_TOKEN if len(rows) > 50 else None, _TOKEN))

    async def operation(self, path: list[str], _: bytes) -> PoolOperation:
        params = {"account_id": int(path[2]), "operation_id": path[3]}
        return _operation((await self._driver.fetch("pool_operations.fetch", params))[0])

    async def pool(self, path: list[str], _: bytes) -> SenderPool:
        params = {"account_id": int(path[2]), "pool_id": path[3]}
        row = (await self._driver.fetch("sender_pools.fetch", params))[0]
        return SenderPool(row[0], row[1], msgspec.json.decode(row[2]), rfc3339(row[3]), rfc3339(row[4]))

    async def insert(self, path: list[str], body: bytes) -> float:
        sender_ids: list[str] = msgspec.json.decode(body)
        operation_id = ids.new(ids.OPERATION, clock.now_ms())
        create = {
            "account_id": int(path[2]),
            "pool_id": ids.new(sender_pools.SENDER_POOL, clock.now_ms()),
            "operation_id": operation_id,
            "total": len(sender_ids),
            "now": ids.created_at(operation_id),
            "sender_ids": sender_ids,
        }
        tables = ("bare.pool", "bare.operation", "bare.items", "bare.members")
        return await self._seconds([(table, create) for table in tables])

    async def members(self, path: list[str], body: bytes) -> float:
        sender_ids: list[str] = msgspec.json.decode(body)
        pool = {"account_id": int(path[2]), "pool_id": ids.new(sender_pools.SENDER_POOL, clock.now_ms())}
        return await self._seconds(
            *[
                [("bare.members", pool | {"sender_ids": sender_ids[start : start + BATCH_ITEMS]})]
                for start in range(0, len(sender_ids), BATCH_ITEMS)
            ]
        )

    async def senders(self, path: list[str], body: bytes) -> float:
        """The rows of one request that enters senders, checked already, in one statement."""
        now = clock.now_ms()
        rows = [
            [ids.new(SENDER, now), row["channel"], row["address"], "", row["displayName"], "ACTIVATED", "{}", now]
            for row in msgspec.json.decode(body)
        ]
        return await self._seconds([("bare.senders", {"account_id": int(path[2]), "rows": json.dumps(rows)})])

    async def _seconds(self, *transactions: list[tuple[str, Params]]) -> float:
        started = time.perf_counter()
        for queries in transactions:
            await self._driver.write(*queries)
        return time.perf_counter() - started


def _operation(row: Any) -> PoolOperation:
    stats = Stats(row[2], row[3], row[4], row[5])
    return PoolOperation(row[0], row[1], stats, rfc3339(row[6]), rfc3339(row[7]))


if __name__ == "__main__":
    driver: Driver = Sqlite(sys.argv[1]) if sys.argv[1].startswith("sqlite") else Postgres(sys.argv[1])
    uvicorn.run(
        App(driver),
        port=0,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=3600,
    )
