"""Serves the application with one server: `python -m bench.parts.serving SERVER DATABASE`. For `servers`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import uvicorn
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server as Granian

from signalbox import db
from signalbox.accounts import accounts
from signalbox.api.routes import ROUTES
from signalbox.ground import log
from signalbox.ground.metrics import Metrics
from signalbox.ground.settings import Settings
from signalbox.http.application import Api
from signalbox.http.server import Server, listen


@contextlib.asynccontextmanager
async def application(url: str) -> AsyncIterator[Api]:
    """The application with the defaults of `signalbox serve`."""
    database = db.connect(url)
    await database.open()
    yield Api(database, await database.write(accounts.keyring), Settings(), Metrics(), ROUTES)
    await database.close()


def announce(port: int) -> None:
    print(f"running on http://127.0.0.1:{port}", flush=True)


async def ours(api: Api) -> None:
    """Serves as `signalbox serve` does."""
    sock = listen("127.0.0.1", 0)
    announce(sock.getsockname()[1])
    await Server(api).serve(sockets=[sock])


async def plain_uvicorn(api: Api) -> None:
    """Serves with uvicorn's own protocol for httptools, without optional features that take time."""
    sock = listen("127.0.0.1", 0)
    announce(sock.getsockname()[1])
    config = uvicorn.Config(
        api, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False,
        server_header=False, timeout_keep_alive=75,
    )  # fmt: skip
    await uvicorn.Server(config).serve(sockets=[sock])


async def granian(api: Api) -> None:
    """Serves with granian in this process and loop, with all limits of Signalbox for which granian has a setting."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Granian(
        api, port=port, interface=Interfaces.ASGINL, http=HTTPModes.http1, websockets=False, backlog=2048,
        backpressure=2048, log_enabled=False, http1_settings=HTTP1Settings(max_buffer_size=64 * 1024),
    )  # fmt: skip
    asyncio.get_running_loop().call_later(0.5, announce, port)
    await server.serve()


SERVERS: Final[dict[str, Callable[[Api], Awaitable[None]]]] = {
    "ours": ours,
    "uvicorn": plain_uvicorn,
    "granian": granian,
}


async def main(name: str, url: str) -> None:
    log.configure("json", "info")
    async with application(url) as api:
        await SERVERS[name](api)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
