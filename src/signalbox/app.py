"""Builds the running program from settings. The command line and the acceptance tests use this module."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Final

from signalbox import db
from signalbox.accounts import accounts
from signalbox.accounts.accounts import Keyring, NewAccount
from signalbox.db import Database
from signalbox.ground import log
from signalbox.ground.metrics import Metrics
from signalbox.ground.settings import Settings
from signalbox.http.application import Api
from signalbox.worker import Workers

# The most time for a shutdown. Supervisors usually kill a process after 10 seconds.
_STOP_SECONDS: Final = 9.0
# SQLite's writer thread and the event loop share the GIL. With the default of 5 ms each waits too long for the other.
_SWITCH_SECONDS: Final = 0.0002


def start_collecting() -> None:
    """Enables the garbage collector after the start. The collector skips all objects that exist now."""
    gc.freeze()
    gc.enable()


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database, connected and migrated to the current schema. Raises Unavailable, Unfit and SchemaTooNew."""
    database = db.connect(settings.database, connections=settings.database_connections, direct=settings.database_direct)
    await database.open()
    for problem in database.warnings:
        log.get().warning("database not safe", problem=problem)
    try:
        yield database
    finally:
        await database.close()


async def build(settings: Settings, database: Database, metrics: Metrics) -> Api:
    """The ASGI application on an open database."""
    from signalbox.api.routes import ROUTES

    return Api(database, await database.write(accounts.keyring), settings, metrics, ROUTES)


async def serve(settings: Settings) -> int:
    """Responds to requests and does the work of the queue until a signal to stop. Returns the exit code."""
    from signalbox.http.server import Server, listen

    sys.setswitchinterval(_SWITCH_SECONDS)
    stop = _on_signals()
    sock = listen(settings.host, settings.port)
    with contextlib.closing(sock):
        async with opened(settings) as database:
            metrics = Metrics()
            api = await build(settings, database, metrics)
            first = await database.write(
                lambda tx: accounts.create_first(tx, settings.account_sid, settings.auth_token)
            )
            if not first:
                await _warn_of_unused_credentials(settings, database, api.services.keys)
            url = _url(settings.host, sock.getsockname()[1])
            workers = Workers(database, settings.workers, metrics)
            server = Server(api)
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            if first and not settings.auth_token:
                _show_once(first, url)
            start_collecting()
            log.get().info("ready", url=url, database=db.safe_url(settings.database), workers=settings.workers)
            await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
            log.get().info("stopping")
            _exit_in_time()
            api.stop()
            server.stop()
            await asyncio.gather(serving, workers.stop())
    log.get().info("stopped")
    return 0


async def work(settings: Settings) -> int:
    """Only does the work of the queue, until a signal to stop. Returns the exit code."""
    stop = _on_signals()
    async with opened(settings) as database:
        workers = Workers(database, max(1, settings.workers), Metrics())
        start_collecting()
        log.get().info("working", database=db.safe_url(settings.database), workers=max(1, settings.workers))
        await stop.wait()
        log.get().info("stopping")
        _exit_in_time()
        await workers.stop()
    log.get().info("stopped")
    return 0


async def _warn_of_unused_credentials(settings: Settings, database: Database, keys: Keyring) -> None:
    """Warns when the settings have credentials for the first account, but the database has other accounts."""
    sid, token = settings.account_sid, settings.auth_token
    if sid and token and not await database.read(lambda tx: accounts.authenticate(tx, keys, sid, token)):
        log.get().warning("chosen credentials not used", account=sid, problem="the database already has accounts")


def _exit_in_time() -> None:
    """Ends the process when stopping takes too long. The database rolls open transactions back."""

    def give_up() -> None:
        log.get().warning("stopped before everything was finished")
        log.flush()
        os._exit(0)

    asyncio.get_running_loop().call_later(_STOP_SECONDS, give_up)


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _url(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _show_once(first: NewAccount, url: str) -> None:
    """Prints the first account with its token: the only output that is not a log line."""
    try:
        print(_welcome(first, url), flush=True)  # noqa: T201
    except OSError as error:  # standard output is closed or full: the server runs, and says how to get a token
        cure = f"signalbox accounts rotate-token {first.account.sid}"
        log.get().warning("first account not shown", account=first.account.sid, reason=str(error), cure=cure)


def _welcome(first: NewAccount, url: str) -> str:
    sid, token = first.account.sid, first.token
    return (
        f"\n  The database was empty. It has an account now. Its token is shown only once:\n\n"
        f"    Account SID  {sid}\n    Auth token   {token}\n\n"
        f"  Try it:\n\n    curl -u {sid}:{token} {url}/v1/SenderPools\n"
    )
