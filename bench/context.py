"""The context of a scenario: one engine, sizes and durations, and the prepared data."""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import seed
from bench.engines import Engine
from bench.load import Login


@dataclass(frozen=True)
class Size:
    """The sizes of the data, and the durations."""

    rows: int  # operations of all tenants together, operations of the owner, members of the owner's pool
    tenants: int
    rounds: int
    burst_seconds: float


RESULTS: Final = Path(__file__).parent / "results"
FULL: Final = Size(rows=1_000_000, tenants=100, rounds=5, burst_seconds=2.0)
QUICK: Final = Size(rows=50_000, tenants=20, rounds=3, burst_seconds=0.7)


@dataclass(frozen=True)
class Library:
    """A large database: many tenants with `rows` operations together, and one owner with as many."""

    url: str
    tenants: list[Login]
    owner: Login
    first_ms: int  # the time of the oldest operation; the others follow `seed.STEP_MS` apart


@dataclass(frozen=True)
class Inventory:
    """A database with an account and its senders, for scenarios that write."""

    url: str
    login: Login
    sender_ids: list[str]


class Bench:
    """The run on one engine."""

    def __init__(self, engine: Engine, size: Size, quick: bool) -> None:
        self.engine = engine
        self.size = size
        self.quick = quick
        self._numbers = itertools.count(1)
        self._library: Library | None = None

    def log(self) -> Path:
        """A new file for the output of a process."""
        return self.engine.folder / f"log-{next(self._numbers)}"

    async def library(self) -> Library:
        """The large database. It is made at the first use; scenarios only read it."""
        if self._library is None:
            started = time.perf_counter()
            url = await self.engine.new_database("library")
            logins = await seed.make_accounts(self.engine, url, self.size.tenants + 1)
            tenants, owner = logins[:-1], logins[-1]
            await seed.operations(self.engine, url, tenants, self.size.rows)
            first_ms = await seed.operations(self.engine, url, [owner], self.size.rows)
            await seed.pools(self.engine, url, tenants, self.size.rows // 10)
            await self.engine.settle(url)
            self._library = Library(url, tenants, owner, first_ms)
            say(f"{self.engine.name}: the library took {time.perf_counter() - started:.1f} s")
        return self._library

    async def inventory(self, count: int) -> Inventory:
        """A new database with one account that has `count` senders."""
        return (await self.inventories(count))[0]

    async def inventories(self, *counts: int) -> list[Inventory]:
        """A new database with one account for each of `counts`, which is the number of its senders."""
        url = await self.engine.new_database(f"inventory_{next(self._numbers)}")
        made = []
        for login, count in zip(await seed.make_accounts(self.engine, url, len(counts)), counts, strict=True):
            await seed.senders(self.engine, url, login, count)
            rows = await self.engine.rows(
                url, f"SELECT id FROM senders WHERE account_id = {login.account_id} ORDER BY id"
            )
            made.append(Inventory(url, login, [row[0] for row in rows]))
        await self.engine.settle(url)
        return made

    async def new_account(self, count: int, analyzed: bool = False) -> Inventory:
        """A new database with an account that has so many senders and that no statistics have seen.

        `analyzed`: there were others before, with as many senders and a pool, and the database was analyzed then.
        Statistics are collected in no other way.
        """
        url = await self.engine.new_database(f"new_account_{next(self._numbers)}")
        tables = await self.engine.rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        await self.engine.script(url, *[f"ALTER TABLE {name} SET (autovacuum_enabled = off)" for (name,) in tables])
        for login in await seed.make_accounts(self.engine, url, 2 if analyzed else 0):
            await seed.senders(self.engine, url, login, count)
            await seed.pool_of_all(self.engine, url, login, f"comms_senderpool_{login.account_id:026d}")
            await seed.operations(self.engine, url, [login], count)
        if analyzed:
            await self.engine.settle(url)
        (login,) = await seed.make_accounts(self.engine, url, 1)
        await seed.senders(self.engine, url, login, count)
        rows = await self.engine.rows(url, f"SELECT id FROM senders WHERE account_id = {login.account_id} ORDER BY id")
        return Inventory(url, login, [row[0] for row in rows])


def say(text: str) -> None:
    """Prints progress."""
    print(text, file=sys.stderr, flush=True)
