"""A user at a browser: Debian's Chromium on the console of the installed command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.async_api import ConsoleMessage, Page, Request, ViewportSize, expect

from processes import Client, Server, unknown_senders
from signalbox import db
from signalbox.accounts import accounts

ROOT: Final = Path(__file__).parents[2]
WIDE: Final[ViewportSize] = {"width": 1440, "height": 900}
NARROW: Final[ViewportSize] = {"width": 360, "height": 780}
PATIENCE: Final = 60_000  # milliseconds; on an idle machine some tens are enough
# For tests of code that does not depend on the database; tests of the API run on both engines.
ONE_ENGINE: Final = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True, scope="session")
SCREENS: Final = ("", "/operations", "/pools", "/senders", "/resolve", "/requests")

expect.set_options(timeout=PATIENCE)


class Account:
    """A new account, its credentials, and a client for it beside the browser."""

    def __init__(self, site: Server, database: db.Database, sid: str, token: str) -> None:
        self.site = site
        self.database = database
        self.sid = sid
        self.token = token
        self.api = Client(site.url, sid, token)

    def at(self, url: str) -> Client:
        return Client(url, self.sid, self.token)

    async def key(self) -> tuple[str, str]:
        """SID and secret of a new API key."""
        made = await self.database.write(lambda tx: accounts.create_key(tx, self.sid, "console"))
        return made.key.sid, made.secret

    async def revoke(self, key: str) -> None:
        await self.database.write(lambda tx: accounts.revoke_key(tx, key))

    def pool(self, name: str, senders: list[str]) -> str:
        """Creates a pool with these senders; returns its id."""
        operation = self.api.create_pool(senders, name=name)
        self.api.completed(operation)
        return self.api.pool_of(operation)


class Visit:
    """A page of the console and its user. `faults` lists everything that no page may do."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._said)
        page.on("request", self._asked)

    async def open(self, screen: str = "", **params: str) -> None:
        fragment = "&".join(f"{name}={value}" for name, value in params.items())
        await self.page.goto(f"{self.url}/console{screen}{'#' if fragment else ''}{fragment}")

    async def sign_in(self, sid: str, secret: str) -> None:
        await self.page.get_by_label("SID", exact=True).fill(sid)
        await self.page.get_by_label("Auth token or secret").fill(secret)
        await self.page.get_by_role("button", name="Sign in").click()

    async def enter(self, account: Account, screen: str = "", **params: str) -> None:
        """Opens a screen and signs in on it."""
        await self.open(screen, **params)
        await self.sign_in(account.sid, account.token)
        await expect(self.page.get_by_role("navigation", name="Screens")).to_be_visible()

    def rows(self, label: str) -> Any:
        """The rows of a list, without its head and the spacers above and below the visible rows."""
        return self.page.get_by_role("table", name=label, exact=True).locator("tbody tr:not(.space)")

    def _said(self, message: ConsoleMessage) -> None:
        # The browser also reports each HTTP error here, which some tests cause on purpose.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.url):
            self.faults.append(f"request to another host: {request.url}")


@asynccontextmanager
async def someone(name: str, site: Server, database: db.Database) -> AsyncIterator[Account]:
    made = await database.write(lambda tx: accounts.create(tx, name))
    account = Account(site, database, made.account.sid, made.token)
    with account.api:
        yield account


class Furnished(NamedTuple):
    """A server whose account has data for every screen."""

    server: Server
    pool: str
    operation: str
    refused: str
    """The id of a request with problems and warnings."""


def furnish(server: Server, pools: int = 30) -> Furnished:
    """Creates pools, four times as many senders, failed items, and requests with errors and warnings."""
    countries = ("+1202555%04d", "+4915110%06d", "+336120%05d")
    rows: list[dict[str, object]] = [
        {"channel": "SMS" if n % 4 else "WHATSAPP", "address": countries[n % 3] % (100 + n), "tags": {"team": "red"}}
        for n in range(3 * pools)
    ]
    rows += [
        {"channel": "EMAIL", "address": f"a.rather.long.mailbox.{n}@department.example.com"}
        for n in range(2 * pools // 3)
    ]
    rows += [{"channel": "RCS", "address": f"agent-{n}", "displayName": f"Agent {n}"} for n in range(6)]
    rows += [{"channel": "PUSH", "address": f"com.example.app{n}", "status": "DEACTIVATED"} for n in range(4)]
    names = ("Holiday campaign", "Two-factor", "Newsletter", "Alerts", "Beta testers", "Support")
    with Client(server.url) as api:
        assert api.http.post("/signalbox/v1/Senders", json=rows).json()["refused"] == []
        senders = [one["id"] for one in api.pages("/v1/Senders", "senders")]
        for number in range(pools):
            api.completed(api.create_pool(senders[number:], name=f"{names[number % 6]} {number}"))
        operation = api.create_pool([*senders, *unknown_senders(3)], name="Everybody")
        api.completed(operation)
        refused = api.http.post("/v1/SenderPools", params={"colour": "red"}, json={"name": " "}).headers["x-request-id"]
        api.http.get("/v1/SenderPools", params={"operation_id": operation})
        return Furnished(server, api.pool_of(operation), operation, refused)


class Wire:
    """A TCP proxy in front of a server that resets connections on demand."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.whole = asyncio.Event()
        self.whole.set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self.whole.set()
        self._server.close()
        self.lose()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def lose(self) -> None:
        """Resets every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def cut(self) -> None:
        """Resets every connection, and each new one at once, until `mend`."""
        self.whole.clear()
        self.lose()

    def mend(self) -> None:
        self.whole.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole.is_set():
            writer.transport.abort()
            return
        to_server = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, to_server[1]}
        for source, target in ((reader, to_server[1]), (to_server[0], writer)):
            task = asyncio.create_task(self._copy(source, target))
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()
            self._writers.discard(target)
