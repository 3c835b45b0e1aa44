"""Fixtures of the console's tests: a browser, a server on each engine, an account for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright
from visits import WIDE, Account, Furnished, Visit, furnish, someone

import installed
from processes import Server
from signalbox import db


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    program = installed.chromium()
    async with async_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
        browser = await playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def site(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server for all tests, once on each engine."""
    with Server(shared_url, tmp_path_factory.mktemp("site"), "--request-bodies") as server:
        yield server


@pytest.fixture(scope="session")
async def accounts_of(shared_url: str) -> AsyncIterator[db.Database]:
    """The database of the server, for creating accounts."""
    database = db.connect(shared_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def account(site: Server, accounts_of: db.Database) -> AsyncIterator[Account]:
    """A new account for each test."""
    async with someone("Ada", site, accounts_of) as made:
        yield made


@pytest.fixture
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A new browser session."""
    context = await chromium.new_context(viewport=WIDE)
    yield context
    await context.close()


@pytest.fixture
async def visit(context: BrowserContext, site: Server) -> AsyncIterator[Visit]:
    """A visit; fails for an error on the page, a violation of its policy, or a request to another host."""
    visit = Visit(await context.new_page(), site.url)
    yield visit
    assert visit.faults == []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """A server on SQLite with data for every screen, for tests that do not depend on the engine."""
    with Server("sqlite://", tmp_path_factory.mktemp("home"), "--request-bodies") as server:
        yield furnish(server, pools=9)
