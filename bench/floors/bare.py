"""The floor: a bare ASGI app with the same server, driver, query and JSON as Signalbox, and nothing else.

No routing, no credentials, no validation, no log. `POST /insert` writes the rows of one create in one transaction and
responds with the seconds that this took; `POST /members` writes only its memberships, in batches.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import asyncpg
import msgspec
import uvicorn

from signalbox.db.queries import PACKAGE_SQL, load
from signalbox.ground import clock, ids
from signalbox.ground.clock import rfc3339
from signalbox.inventory import sender_pools
from signalbox.inventory.pool_operations import BATCH_ITEMS

Params = dict[str, Any]

# Inserts the memberships of one create from its list of senders.
_MEMBERS: Final = {
    "sqlite": """INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
        SELECT s.account_id, :pool_id, s.id, s.channel, s.status
        FROM json_each(:sender_ids) AS i CROSS JOIN senders AS s ON s.account_id = :account_id AND s.id = i.value
        ORDER BY s.id""",
    "postgres": """INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
        SELECT s.account_id, $2, s.id, s.channel, s.status
        FROM unnest($3::text[]) AS i (id) JOIN senders AS s ON s.account_id = $1 AND s.id = i.id
        ORDER BY s.id""",
}


class Stats(msgspec.Struct, gc=False):
    total: int
    queued: int
    created: int
    failed: int


class Operation(msgspec.Struct, rename="camel", gc=False):
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
    operations: list[Operation]
    pagination: Pagination


class Driver(Protocol):
    """The driver, used directly."""

    async def open(self) -> None: ...
    async def fetch(self, query: str, params: Params) -> Sequence[Any]: ...
    async def insert(self, account_id: int, sender_ids: list[str]) -> None: ...
    async def insert_members(self, account_id: int, pool_id: str, sender_ids: list[str]) -> None: ...


class Sqlite:
    """Reads and writes on the event loop, on one connection, as durable as Signalbox."""

    def __init__(self, url: str) -> None:
        self._path = url.removeprefix("sqlite:///")
        self._texts = {name: query.text for name, query in load(PACKAGE_SQL / "queries", "sqlite").items()}

    async def open(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=512)
        self._connection.executescript(
            "PRAGMA synchronous = FULL; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;"
        )

    async def fetch(self, query: str, params: Params) -> Sequence[Any]:
        return self._connection.execute(self._texts[query], params).fetchall()

    async def insert(self, account_id: int, sender_ids: list[str]) -> None:
        execute = self._connection.execute
        rows = _rows(account_id, sender_ids)
        as_json = json.dumps(sender_ids)
        execute("BEGIN IMMEDIATE")
        for query, params in rows:
            execute(self._texts[query], params | ({"sender_ids": as_json} if "sender_ids" in params else {}))
        pool_id = rows[0][1]["pool_id"]
        execute(_MEMBERS["sqlite"], {"account_id": account_id, "pool_id": pool_id, "sender_ids": as_json})
        execute("COMMIT")

    async def insert_members(self, account_id: int, pool_id: str, sender_ids: list[str]) -> None:
        params = {"account_id": account_id, "pool_id": pool_id, "sender_ids": json.dumps(sender_ids)}
        self._connection.execute(_MEMBERS["sqlite"], params)


class Postgres:
    """As many connections as Signalbox, shared through a queue."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queries = load(PACKAGE_SQL / "queries", "postgres")

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

    async def insert(self, account_id: int, sender_ids: list[str]) -> None:
        rows = _rows(account_id, sender_ids)
        connection = await self._connections.get()
        await connection.execute("BEGIN")
        for query, params in rows:
            found = self._queries[query]
            await connection.execute(found.text, *[params[name] for name in found.order])
        await connection.execute(_MEMBERS["postgres"], account_id, rows[0][1]["pool_id"], sender_ids)
        await connection.execute("COMMIT")
        self._connections.put_nowait(connection)

    async def insert_members(self, account_id: int, pool_id: str, sender_ids: list[str]) -> None:
        connection = await self._connections.get()
        await connection.execute(_MEMBERS["postgres"], account_id, pool_id, sender_ids)
        self._connections.put_nowait(connection)


def _rows(account_id: int, sender_ids: list[str]) -> list[tuple[str, Params]]:
    """Pool, operation and items of one create, with the product's own statements."""
    pool_id, operation_id = ids.new(sender_pools.SENDER_POOL, clock.now_ms()), ids.new(ids.OPERATION, clock.now_ms())
    now = ids.created_at(operation_id)
    total = len(sender_ids)
    key = {"account_id": account_id, "operation_id": operation_id}
    final = {"status": "COMPLETED", "total": total, "created": total, "turn": 0, "last_turn": 0, "request_id": ""}
    return [
        ("sender_pools.insert", {**key, "pool_id": pool_id, "name": "a pool", "tags": "{}", "now": now}),
        ("pool_operations.insert", {**key, **final, "pool_id": pool_id, "now": now}),
        ("pool_operations.insert_items", {**key, "sender_ids": sender_ids}),
    ]


_encode = msgspec.json.Encoder().encode
_GREATEST, _LEAST = ids.greatest(ids.OPERATION), ids.least(ids.OPERATION)
_TOKEN: Final = "x" * 76  # as long as a page token of Signalbox


class App:
    """`/page/ACCOUNT`, `/operation/ACCOUNT/ID`, `/pool/ACCOUNT/ID`, `/insert/ACCOUNT`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._handlers: dict[str, Callable[[list[str], bytes], Awaitable[object]]] = {
            "page": self.page,
            "operation": self.operation,
            "pool": self.pool,
            "insert": self.insert,
            "members": self.members,
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

    async def operation(self, path: list[str], _: bytes) -> Operation:
        params = {"account_id": int(path[2]), "operation_id": path[3]}
        return _operation((await self._driver.fetch("pool_operations.fetch", params))[0])

    async def pool(self, path: list[str], _: bytes) -> SenderPool:
        params = {"account_id": int(path[2]), "pool_id": path[3]}
        row = (await self._driver.fetch("sender_pools.fetch", params))[0]
        return SenderPool(row[0], row[1], msgspec.json.decode(row[2]), rfc3339(row[3]), rfc3339(row[4]))

    async def insert(self, path: list[str], body: bytes) -> float:
        sender_ids: list[str] = msgspec.json.decode(body)
        started = time.perf_counter()
        await self._driver.insert(int(path[2]), sender_ids)
        return time.perf_counter() - started

    async def members(self, path: list[str], body: bytes) -> float:
        sender_ids: list[str] = msgspec.json.decode(body)
        pool_id = ids.new(sender_pools.SENDER_POOL, clock.now_ms())
        started = time.perf_counter()
        for start in range(0, len(sender_ids), BATCH_ITEMS):
            await self._driver.insert_members(int(path[2]), pool_id, sender_ids[start : start + BATCH_ITEMS])
        return time.perf_counter() - started


def _operation(row: Any) -> Operation:
    stats = Stats(row[2], row[3], row[4], row[5])
    return Operation(row[0], row[1], stats, rfc3339(row[6]), rfc3339(row[7]))


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
