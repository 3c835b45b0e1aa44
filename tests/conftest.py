"""The databases: a test with the fixture `database_url` or `database` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import itertools
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from depth import searched
from people import Person, Served
from postgres import NewDatabase, PostgresServer
from processes import Client, Connect, Serve, Server, Work, Worker
from signalbox import db
from signalbox.accounts import accounts
from signalbox.ground import ids
from signalbox.ground.metrics import Metrics
from signalbox.worker import Workers

# A background job of a shell ignores SIGINT, and child processes inherit that; the tests need the default.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine may pause for longer than any deadline of hypothesis.
settings.register_profile("signalbox", deadline=None, max_examples=searched(30, deep=1_000))
settings.load_profile("signalbox")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints each reason of skips once, with the number of its tests."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in Counter(report.longrepr[2] for report in skipped).items():
        terminalreporter.write_line(f"{count} {reason}")


@pytest.fixture(autouse=True)
def _newest_id() -> Iterator[None]:
    """New ids follow the newest one of the process: a clock that a test moves must not move the tests after it."""
    before = ids._last
    yield
    ids._last = before


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
    """The name of a template database that has the schema and no connections."""
    async with new_postgres_database("template0") as url:
        template = db.connect(url)
        await template.open()
        await template.close()
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
async def postgres_url(new_postgres_database: NewDatabase, postgres_template: str) -> AsyncIterator[str]:
    """The URL of a new PostgreSQL database with the schema."""
    async with new_postgres_database(postgres_template) as url:
        yield url


@pytest.fixture
async def empty_postgres_url(new_postgres_database: NewDatabase) -> AsyncIterator[str]:
    """The URL of an empty PostgreSQL database."""
    async with new_postgres_database("template0") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'signalbox.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database, on each engine in turn."""
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


@pytest.fixture(scope="session")
async def shared_postgres_url(new_postgres_database: NewDatabase, postgres_template: str) -> AsyncIterator[str]:
    """The URL of the PostgreSQL database that many tests share; each uses its own accounts."""
    async with new_postgres_database(postgres_template) as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database that many tests share, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('shared') / 'signalbox.db'}"
    url: str = request.getfixturevalue("shared_postgres_url")
    return url


@pytest.fixture(scope="session")
async def served(shared_url: str) -> AsyncIterator[Served]:
    """The API on a shared database, with a worker."""
    opened = db.connect(shared_url)
    await opened.open()
    workers = Workers(opened, 1, Metrics())
    yield await Served.on(opened)
    await workers.stop()
    await opened.close()


@pytest.fixture
async def ada(served: Served) -> Person:
    """Ada, who owns the resources in a test."""
    return await served.account("Ada")


@pytest.fixture
async def ben(served: Served) -> Person:
    """Ben, who has another account."""
    return await served.account("Ben")


@pytest.fixture
async def eve(ada: Person) -> Person:
    """Eve, who has a revoked key of Ada's account."""
    eve, sid = await ada.key("Eve")
    await ada.served.database.write(lambda tx: accounts.revoke_key(tx, sid))
    return eve


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Context managers entered on this stack end with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: ExitStack, tmp_path: Path) -> Serve:
    """Starts `signalbox serve` until the end of the test: `serve(database_url, "--workers", "0")`."""

    def start(database: str, *options: str, **more: dict[str, str]) -> Server:
        return stack.enter_context(Server(database, tmp_path, *options, **more))

    return start


@pytest.fixture
def work(stack: ExitStack, tmp_path: Path) -> Work:
    """Starts `signalbox worker` until the end of the test: `work(database_url)`."""

    def start(database: str, *options: str) -> Worker:
        return stack.enter_context(Worker(database, tmp_path, *options))

    return start


@pytest.fixture
def client(stack: ExitStack) -> Connect:
    """Makes a client for a process: `client(server.url)`."""

    def connect(url: str, *login: str) -> Client:
        return stack.enter_context(Client(url, *login))

    return connect


@pytest.fixture(scope="session")
async def plans_postgres_url(new_postgres_database: NewDatabase, postgres_template: str) -> AsyncIterator[str]:
    """The URL of the PostgreSQL database for tests of query plans."""
    async with new_postgres_database(postgres_template) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_plans_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database for query plans, one for a module, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('plans') / 'signalbox.db'}"
    url: str = request.getfixturevalue("plans_postgres_url")
    return url


@pytest.fixture(scope="session")
def built() -> None:
    """Builds the documentation's site from the current pages, as `make docs` does."""
    from docs_build import site

    if not site.is_current():
        site.build()
