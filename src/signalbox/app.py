"""Builds the running program from settings. The command line and the acceptance tests use this module."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from signalbox import db
from signalbox.accounts import accounts
from signalbox.accounts.accounts import Keyring, NewAccount
from signalbox.connectors.sink import Sink
from signalbox.db import Database
from signalbox.ground import log, notices
from signalbox.ground.metrics import Metrics
from signalbox.ground.settings import Settings
from signalbox.http.application import Api
from signalbox.http.local import Local
from signalbox.worker import Workers

if TYPE_CHECKING:
    from signalbox.supervisor import Child

# The most time for a shutdown. Supervisors usually kill a process after 10 seconds.
_STOP_SECONDS: Final = 9.0
# SQLite's writer thread and the event loop share the GIL. With the default of 5 ms each waits too long for the other.
_SWITCH_SECONDS: Final = 0.0002
# How old the figures of a process may be in a scrape that another process responds to.
_PUBLISH_SECONDS: Final = 1.0


def start_collecting() -> None:
    """Enables the garbage collector after the start. The collector skips all objects that exist now."""
    gc.freeze()
    gc.enable()


@contextlib.asynccontextmanager
async def opened(settings: Settings, processes: int = 1, *, warns: bool = True) -> AsyncIterator[Database]:
    """The database, connected and migrated to the current schema. Raises Unavailable, Unfit and SchemaTooNew.

    `processes` is how many processes with these settings open it; `warns` is False for all but one of them.
    """
    database = db.connect(
        settings.database,
        connections=settings.database_connections,
        direct=settings.database_direct,
        processes=processes,
    )
    await database.open()
    for problem in database.warnings if warns else ():
        log.get().warning("database not safe", problem=problem)
    try:
        yield database
    finally:
        await database.close()


async def build(settings: Settings, database: Database, metrics: Metrics, local: Local | None = None) -> Api:
    """The ASGI application on an open database; `local` for a server that is only for this machine."""
    from signalbox.api.routes import LOCAL_ROUTES, ROUTES

    routes = (*ROUTES, *LOCAL_ROUTES) if local else ROUTES

    return Api(database, await database.write(accounts.keyring), settings, metrics, routes, local)


class Guest(Protocol):
    """What a server does for the person at this machine: `signalbox dev`."""

    local: Local

    async def prepare(self, database: Database) -> None:
        """Fills the database before the first request."""

    def started(self, url: str) -> None:
        """Called once, when the server responds at this URL."""


def supervise(settings: Settings) -> "Child | int":
    """Runs `settings.processes` processes that serve. Returns the exit code when all have ended.

    It also returns in each of these processes, which has to call `serve` with the Child. Raises OSError for a port that
    cannot be used.
    """
    # Imported once, before the processes part: each of them starts faster, and they share this memory.
    from signalbox.api import routes  # noqa: F401
    from signalbox.db import postgres  # noqa: F401
    from signalbox.http.server import listen
    from signalbox.supervisor import Supervisor

    sock = listen(settings.host, settings.port)
    url = _url(settings.host, sock.getsockname()[1])
    return Supervisor(sock, settings.processes, lambda: _announce(settings, url)).run()


async def serve(settings: Settings, guest: Guest | None = None, child: "Child | None" = None) -> int:
    """Responds to requests and does the work of the queue until a signal to stop. Returns the exit code.

    `child` is set in a process of a supervisor.
    """
    from signalbox.http.server import Server, listen

    sys.setswitchinterval(_SWITCH_SECONDS)
    stop = _on_signals(child)
    sock = child.sock if child else listen(settings.host, settings.port)
    with contextlib.closing(sock):
        async with opened(settings, settings.processes, warns=child is None or child.first) as database:
            metrics = child.metrics if child else Metrics()
            api = await build(settings, database, metrics, guest.local if guest else None)
            first = await _first_account(settings, database, api.services.keys, guest, child)
            url = _url(settings.host, sock.getsockname()[1])
            workers = Workers(database, settings.workers, metrics, Sink(settings.sink_reports))
            server = Server(api)
            serving = asyncio.create_task(server.serve_on(sock, shared=child is not None))
            if first:
                _show_once(first, url)
            async with _told(metrics, database, child):
                if child is None:
                    _announce(settings, url)
                if guest:
                    guest.started(url)
                start_collecting()
                await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
                log.get().info("stopping")
                _exit_in_time()
                api.stop()
                server.stop()
                await asyncio.gather(serving, workers.stop())
    log.get().info("stopped")
    return 0


def _announce(settings: Settings, url: str) -> None:
    """Prints what one can do next, and logs that the server responds at this URL."""
    _say(lambda: notices.started(settings.public_url or url, _place(settings.database)))
    processes = {"processes": settings.processes} if settings.processes > 1 else {}
    place = db.safe_url(settings.database)
    log.get().info("ready", url=url, database=place, workers=settings.workers, **processes)


@contextlib.asynccontextmanager
async def _told(metrics: Metrics, database: Database, child: "Child | None") -> AsyncIterator[None]:
    """While the block runs, this process counts as ready; the other processes know the figures of its database."""
    if child is None:
        metrics.ready()
        yield
        return

    async def publish() -> None:
        while True:
            metrics.publish(database.figures())
            await asyncio.sleep(_PUBLISH_SECONDS)

    log.get().info("process ready", pid=os.getpid())
    log.flush()  # before the supervisor says that all are ready
    child.ready()
    publishing = asyncio.create_task(publish())
    try:
        yield
    finally:
        publishing.cancel()
        metrics.publish(database.figures())


async def _first_account(
    settings: Settings, database: Database, keys: Keyring, guest: Guest | None, child: "Child | None"
) -> NewAccount | None:
    """Makes the account of an empty database; returns it only if its credentials must be printed."""
    if guest:
        await guest.prepare(database)
        return None
    if child and not child.first:
        return None
    first = await database.write(lambda tx: accounts.create_first(tx, settings.account_sid, settings.auth_token))
    if not first:
        await _warn_of_unused_credentials(settings, database, keys)
    return None if settings.auth_token else first


def _place(url: str) -> str:
    """Where the data is, for people: the file of SQLite, or the URL of PostgreSQL without its password."""
    if not url.startswith("sqlite"):
        return db.safe_url(url)
    path = db.sqlite_path(url)
    return "in memory, until the server stops" if path is None else str(Path(path).absolute())


async def work(settings: Settings) -> int:
    """Only does the work of the queue, until a signal to stop. Returns the exit code."""
    stop = _on_signals()
    async with opened(settings) as database:
        workers = Workers(database, max(1, settings.workers), Metrics(), Sink(settings.sink_reports))
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


def _on_signals(child: "Child | None" = None) -> asyncio.Event:
    """The event of a signal to stop. Processes of a supervisor get SIGTERM from it, and also stop when it ends."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if child is None:
        loop.add_signal_handler(signal.SIGINT, stop.set)
        return stop

    def alone(lifeline: int) -> None:
        loop.remove_reader(lifeline)
        log.get().warning("supervisor ended")
        stop.set()

    loop.add_reader(child.lifeline, alone, child.lifeline)
    return stop


def _url(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _show_once(first: NewAccount, url: str) -> None:
    """Prints the first account with its token. The log must not have the token."""
    sid = first.account.sid
    if lost := _say(lambda: notices.first_account(sid, first.token, url)):
        cure = f"signalbox accounts rotate-token {sid}"
        log.get().warning("first account not shown", account=sid, reason=str(lost), cure=cure)


def _say(notice: Callable[[], None]) -> OSError | None:
    """Prints a notice. Returns the error when standard output is closed or full: the server runs all the same."""
    try:
        notice()
    except OSError as error:
        return error
    return None
