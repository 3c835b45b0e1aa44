"""The process behind `signalbox.testing`: a server in memory that does what its standard input says.

The first line it writes is `{"baseUrl"}`. Then each line `account` makes an account and is answered with
`{"accountSid", "authToken"}`. It ends when its input does, or when the process that started it is gone.
There is no uvloop: importing it would take a sixth of the start.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Final

from signalbox import app
from signalbox.accounts import accounts
from signalbox.db import Database
from signalbox.ground import log
from signalbox.ground.metrics import Metrics
from signalbox.ground.settings import Settings
from signalbox.http.server import Server, listen
from signalbox.worker import Workers

_LOOK_SECONDS: Final = 1.0


async def _serve() -> None:
    settings = Settings(host="127.0.0.1", port=0, database="sqlite://")
    parent = os.getppid()
    sock = listen(settings.host, settings.port)
    async with app.opened(settings) as database:
        metrics = Metrics()
        server = Server(await app.build(settings, database, metrics))
        workers = Workers(database, settings.workers, metrics)  # noqa: F841 (nobody else would keep them)
        # _watch: a process that was forked from the tests keeps the input open when they are killed.
        parts = (server.serve(sockets=[sock]), _answer(database), _watch(parent))
        tasks = [asyncio.create_task(part) for part in parts]
        _say({"baseUrl": f"http://127.0.0.1:{sock.getsockname()[1]}"})
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        log.flush()
        # What is in memory ends here anyway: nobody needs to wait for requests in hand.
        os._exit(0)


async def _answer(database: Database) -> None:
    """Does what the input asks, until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline() == b"account\n":
        new = await database.write(lambda tx: accounts.create(tx, "test"))
        _say({"accountSid": new.account.sid, "authToken": new.token})


async def _watch(parent: int) -> None:
    """Returns when the parent is another one."""
    while os.getppid() == parent:  # noqa: ASYNC110 (no event tells of it)
        await asyncio.sleep(_LOOK_SECONDS)


def _say(answer: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Ctrl-C reaches every process of a terminal: the tests decide when the server may go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log.configure("console", "info")
    asyncio.run(_serve())
