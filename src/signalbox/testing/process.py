"""The process behind `signalbox.testing`: a server in memory, controlled by standard input.

Its first output line is `{"url"}`. Then each input line `account` creates an account, and the process writes
`{"accountSid", "authToken"}`. The process ends when its input or its parent process ends.
uvloop is not used: its import would take a sixth of the time to start.
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
from signalbox.connectors.sink import Sink
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
        workers = Workers(database, settings.workers, metrics, Sink(settings.sink_reports))  # noqa: F841 (keeps a reference while the server runs)
        # _watch: a process that the tests forked would keep the input open after the tests are killed.
        parts = (server.serve(sockets=[sock]), _create_accounts(database), _watch(parent))
        tasks = [asyncio.create_task(part) for part in parts]
        _say({"url": f"http://127.0.0.1:{sock.getsockname()[1]}"})
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        log.flush()
        # The data is in memory and ends here anyway: there is no reason to finish open requests.
        os._exit(0)


async def _create_accounts(database: Database) -> None:
    """Creates an account for each line of the input, until the input ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline() == b"account\n":
        new = await database.write(lambda tx: accounts.create(tx, "test"))
        _say({"accountSid": new.account.sid, "authToken": new.token})


async def _watch(parent: int) -> None:
    """Returns when the parent process has changed, which means that it ended."""
    while os.getppid() == parent:  # noqa: ASYNC110 (there is no event for this)
        await asyncio.sleep(_LOOK_SECONDS)


def _say(line: dict[str, str]) -> None:
    # Bytes: PYTHONIOENCODING of the project must not change the protocol.
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":  # pragma: no branch - this module is run and never imported
    # Ctrl-C reaches every process of a terminal; the tests decide when the server ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log.configure("console", "info")
    asyncio.run(_serve())
