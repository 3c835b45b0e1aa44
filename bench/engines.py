"""The two engines of the bench: new databases in a folder of this run, and SQL on them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg

from bench.machine import LOAD_CORE
from signalbox import db

TESTS: Final = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS))
from postgres import PostgresServer  # noqa: E402 (it is beside the tests, which are no package)

# Sensible settings for a small server. All others are defaults: fsync and synchronous_commit are on.
POSTGRES_SETTINGS: Final = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "max_connections": "100",
}


class Engine(Protocol):
    """One engine. Databases have the product's schema and no rows."""

    name: str
    version: str
    folder: Path

    async def new_database(self, name: str) -> str:
        """The URL of a new database."""

    async def script(self, url: str, *statements: str) -> None:
        """Runs statements, each in its own transaction."""

    async def rows(self, url: str, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    async def settle(self, url: str) -> None:
        """Updates statistics and writes dirty pages, so that neither happens during a measurement."""

    def use(self, cores: set[int] | None) -> None:
        """Pins the database to other cores, if it is a process; None restores the default."""

    def stop(self) -> None:
        """Ends the engine and deletes its databases."""


class Sqlite:
    """SQLite: files in a temporary folder."""

    name = "sqlite"
    version = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="signalbox-bench-"))

    async def new_database(self, name: str) -> str:
        url = f"sqlite:///{self.folder / name}.db"
        await _with_schema(url)
        return url

    async def script(self, url: str, *statements: str) -> None:
        connection = self._connect(url)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    async def rows(self, url: str, query: str) -> list[tuple[Any, ...]]:
        connection = self._connect(url)
        found = connection.execute(query).fetchall()
        connection.close()
        return found

    async def settle(self, url: str) -> None:
        await self.script(url, "PRAGMA wal_checkpoint(TRUNCATE)")
        os.sync()

    def use(self, cores: set[int] | None) -> None:
        pass  # SQLite runs in the process that uses it

    def stop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self, url: str) -> sqlite3.Connection:
        connection = sqlite3.connect(_path(url), isolation_level=None, timeout=30)
        # Only for filling; the measured processes open their own connections.
        connection.executescript("PRAGMA cache_size = -1048576; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY")
        return connection


class Postgres:
    """PostgreSQL: the tests' server with the settings above, on the load's core."""

    name = "postgres"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="signalbox-bench-"))
        self._server = _DurableServer(POSTGRES_SETTINGS)
        self._server.create()
        self._server.start()
        self.version = self._server.version()

    async def new_database(self, name: str) -> str:
        await self.script(self._server.url("postgres"), f"CREATE DATABASE {name}")
        url = self._server.url(name)
        await _with_schema(url)
        return url

    async def script(self, url: str, *statements: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def rows(self, url: str, query: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def settle(self, url: str) -> None:
        await self.script(url, "VACUUM ANALYZE", "CHECKPOINT")

    def use(self, cores: set[int] | None) -> None:
        self._server.use(cores or LOAD_CORE)

    def stop(self) -> None:
        self._server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class _DurableServer(PostgresServer):
    """The tests' server with durability, which the tests switch off."""

    def prepare(self) -> None:
        super().prepare()
        os.sched_setaffinity(0, LOAD_CORE)

    def use(self, cores: set[int]) -> None:
        """Pins the server to cores; this affects connections that are opened later."""
        assert self._process
        os.sched_setaffinity(self._process.pid, cores)

    def version(self) -> str:
        command: list[str | Path] = [self._bin / "postgres", "--version"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, user=self._user, cwd=self._folder)
        return printed.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def _with_schema(url: str) -> None:
    database = db.connect(url)
    await database.open()
    await database.close()
