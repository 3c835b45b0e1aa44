"""The databases: a test that asks for `database_url` or `database` runs on SQLite and a real PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from postgres import PostgresServer
from signalbox import db

NewDatabase = Callable[[str], AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
async def new_postgres_database(postgres_server: PostgresServer) -> AsyncIterator[NewDatabase]:
    """The URL of a new database from a template: `async with new_postgres_database("template0") as url:`."""
    admin = await asyncpg.connect(postgres_server.url("postgres"))
    numbers = itertools.count(1)

    @asynccontextmanager
    async def new(template: str) -> AsyncIterator[str]:
        name = f"test_{next(numbers)}"
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield postgres_server.url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    yield new
    await admin.close()


@pytest.fixture(scope="session")
async def postgres_template(new_postgres_database: NewDatabase) -> AsyncIterator[str]:
    """The name of a database that has the product's schema and nobody connected."""
    async with new_postgres_database("template0") as url:
        template = db.connect(url)
        await template.open()
        await template.close()
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
async def postgres_url(new_postgres_database: NewDatabase, postgres_template: str) -> AsyncIterator[str]:
    """The URL of a fresh PostgreSQL database with the schema in place."""
    async with new_postgres_database(postgres_template) as url:
        yield url


@pytest.fixture
async def empty_postgres_url(new_postgres_database: NewDatabase) -> AsyncIterator[str]:
    """The URL of a PostgreSQL database with nothing in it."""
    async with new_postgres_database("template0") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'signalbox.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[db.Database]:
    """An open database, on each engine in turn."""
    opened = db.connect(database_url)
    await opened.open()
    yield opened
    await opened.close()
