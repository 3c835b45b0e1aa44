"""Measures a request in the server's process without a network: bytes into the protocol, bytes out of the protocol.

Compares Signalbox (protocol, application, SQLite) with the bare app on uvicorn's own protocol, in alternating batches.
Measures processor time of the event loop's thread, so that other programs have little effect.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bench import seed
from bench.engines import Sqlite
from bench.floors import bare
from bench.load import request
from signalbox import db
from signalbox.accounts import accounts
from signalbox.api.routes import ROUTES
from signalbox.ground import log
from signalbox.ground.metrics import Metrics
from signalbox.ground.settings import Settings
from signalbox.http.application import Api
from signalbox.http.protocol import Protocol

BATCHES: Final = 40
REQUESTS: Final = 250


class Pipe(asyncio.Transport):
    """A transport without a network that stores what is written."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 8080), "peername": ("127.0.0.1", 50000)})
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass


class Contender:
    """An application behind a subclass of uvicorn's protocol."""

    def __init__(self, app: Any, protocol: type[HttpToolsProtocol], raw: bytes) -> None:
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="off",
            ws="none",
            http=protocol,
            server_header=False,
            proxy_headers=False,
        )
        config.load()
        self.api = app
        self._raw = raw
        self.pipe = Pipe()
        self.protocol = protocol(config=config, server_state=ServerState(), app_state={})
        self.protocol.server_state.default_headers = [(b"date", b"Fri, 27 Nov 2026 21:40:00 GMT")]
        self.protocol.connection_made(self.pipe)

    async def batch(self, requests: int = REQUESTS) -> float:
        """Microseconds of processor time for one request."""
        written = self.pipe.written
        written.clear()
        started = time.thread_time()
        for _ in range(requests):
            self.protocol.data_received(self._raw)
            while not self.protocol.cycle.response_complete:  # noqa: ASYNC110 (an iteration of the loop is part of the measured time)
                await asyncio.sleep(0)
        taken = time.thread_time() - started
        assert written[0].startswith(b"HTTP/1.1 200"), written[0]
        return taken / requests * 1e6


async def contenders(url: str, engine: Sqlite) -> dict[str, dict[str, Contender]]:
    """For each kind of request: Signalbox and the bare app."""
    [login] = await seed.make_accounts(engine, url, 1)
    await seed.operations(engine, url, [login], 1000)
    [[one], *_] = await engine.rows(url, "SELECT id FROM operations")
    await engine.settle(url)
    database = db.connect(url)
    await database.open()
    keys = await database.write(accounts.keyring)
    api = Api(database, keys, Settings(), Metrics(), ROUTES)
    driver = bare.Sqlite(url)
    await driver.open()
    app = bare.App(driver)
    path = "/v1/SenderPools/Operations"
    return {
        "page of 50": {
            "ours": Contender(api, Protocol, request("GET", path, login)),
            "bare app": Contender(app, HttpToolsProtocol, request("GET", f"/page/{login.account_id}")),
        },
        "one operation by id": {
            "ours": Contender(api, Protocol, request("GET", f"{path}/{one}", login)),
            "bare app": Contender(app, HttpToolsProtocol, request("GET", f"/operation/{login.account_id}/{one}")),
        },
    }


async def measure() -> None:
    engine = Sqlite()
    try:
        log.configure("json", "info")
        for kind, pair in (await contenders(await engine.new_database("way"), engine)).items():
            best = dict.fromkeys(pair, float("inf"))
            for _ in range(BATCHES):
                for name, one in pair.items():
                    best[name] = min(best[name], await one.batch())
            ours, floor = best["ours"], best["bare app"]
            print(
                f"{kind:<22} ours {ours:6.1f} us   bare app {floor:6.1f} us   "
                f"difference {ours - floor:5.1f} us   ratio {floor / ours:.2f}"
            )
    finally:
        engine.stop()


if __name__ == "__main__":
    uvloop.run(measure())
