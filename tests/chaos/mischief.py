"""Faults of processes and their database while clients are at work, on a schedule from the seed."""

from __future__ import annotations

import asyncio
import random
import resource
import signal
import sqlite3
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import asyncpg
from places import Postgres, Proxy, Seat

QUIET: Final = (0.05, 0.6)  # seconds between two faults
LOCKED: Final = ("operations", "sender_pools", "senders", "message_operations", "messages", "inbox_arrivals")
UNLIMITED: Final = resource.RLIM_INFINITY


class Mischief(ABC):
    """`totals` counts the faults."""

    deeds: Mapping[str, int]

    def __init__(self, seats: Sequence[Seat], seed: str, seconds: float) -> None:
        self.totals: Counter[str] = Counter()
        self.seats = seats
        rng = random.Random(seed)
        at, names = 0.0, list(self.deeds)
        self.schedule: list[tuple[float, str, int]] = []
        while (at := at + rng.uniform(*QUIET)) < seconds:
            name = rng.choices(names, list(self.deeds.values()))[0]
            self.schedule.append((at, name, rng.randrange(2**32)))
        self._running: set[asyncio.Task[None]] = set()

    async def make(self) -> None:
        """Causes all scheduled faults; returns when their effects have ended."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for at, name, seed in self.schedule:
            await asyncio.sleep(max(0.0, start + at - loop.time()))
            task = asyncio.create_task(self._guarded(self.do(name, random.Random(seed))))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        await asyncio.gather(*self._running)

    async def _guarded(self, deed: Coroutine[Any, Any, None]) -> None:
        # Faults overlap: one may need a connection that another has broken.
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error):
            await deed

    @abstractmethod
    async def do(self, name: str, rng: random.Random) -> None:
        """Causes one fault."""

    def end_one(self, name: str, rng: random.Random) -> None:
        """Sends SIGKILL or SIGTERM to a process, whatever it is doing."""
        seat = rng.choice(self.seats)
        if seat.pid or rng.random() < 0.2:  # sometimes also to one that is still starting
            self.totals[name] += seat.end(signal.SIGKILL if name == "kills" else signal.SIGTERM)


class PostgresMischief(Mischief):
    """Several processes, each with a proxy, on one PostgreSQL."""

    deeds = MappingProxyType(
        {
            "kills": 30,
            "terms": 8,
            "cuts": 25,
            "delays": 10,
            "swallowed": 6,
            "lost commits": 12,
            "terminated": 6,
            "restarts": 7,
            "filled": 6,
            "locked": 6,
        }
    )

    def __init__(
        self, seats: Sequence[Seat], proxies: Sequence[Proxy], postgres: Postgres, url: str, seed: str, seconds: float
    ) -> None:
        super().__init__(seats, seed, seconds)
        self._proxies = proxies
        self._postgres = postgres
        self._url = url
        self._restarting = asyncio.Lock()

    async def do(self, name: str, rng: random.Random) -> None:
        proxy = rng.choice(self._proxies)
        match name:
            case "kills" | "terms":
                self.end_one(name, rng)
            case "cuts":
                share = rng.choice((0.3, 1.0))
                self.totals["cuts"] += proxy.cut(lambda: rng.random() < share)
            case "delays":
                self.totals["delays"] += 1
                longest = rng.choice((0.005, 0.05))
                proxy.delay = lambda: random.uniform(0, longest)
                await asyncio.sleep(rng.uniform(0.2, 1.0))
                proxy.delay = None
            case "swallowed":
                # The database carries out the statement, but its response is lost.
                self.totals["swallowed"] += proxy.swallow()
                await asyncio.sleep(rng.uniform(0.01, 0.3))
                proxy.cut(lambda: True)
            case "lost commits":
                # The client cannot know the outcome of a lost commit: this is done as often as possible.
                before = proxy.commits_lost
                proxy.commits_to_lose = rng.randint(1, 8)
                await asyncio.sleep(rng.uniform(0.1, 0.5))
                proxy.commits_to_lose = 0
                self.totals["lost commits"] += proxy.commits_lost - before
            case "terminated":
                await self._terminate(rng)
            case "restarts":
                await self._restart(rng)
            case "filled":
                await self._fill(rng.uniform(0.2, 1.5))
            case _:
                await self._lock(rng.choice(LOCKED), rng.uniform(0.2, 1.2))

    async def _terminate(self, rng: random.Random) -> None:
        async with asyncio.timeout(5):
            admin = await asyncpg.connect(self._url)
            rows = await admin.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < $1",
                rng.choice((0.2, 1.0)),
            )
            self.totals["terminated"] += len(rows)
            await admin.close()

    async def _restart(self, rng: random.Random) -> None:
        async with self._restarting:
            how = rng.choice((signal.SIGINT, signal.SIGQUIT))
            self.totals["restarts fast" if how == signal.SIGINT else "restarts immediate"] += 1
            await asyncio.to_thread(self._postgres.end, how)
            await asyncio.sleep(rng.uniform(0, 0.8))
            await asyncio.to_thread(self._postgres.start)

    async def _fill(self, seconds: float) -> None:
        """Takes every free connection of PostgreSQL."""
        taken: list[Any] = []
        try:
            with suppress(asyncpg.TooManyConnectionsError):
                while len(taken) < 100:
                    taken.append(await asyncpg.connect(self._url, timeout=5))
            self.totals["filled"] += 1
            await asyncio.sleep(seconds)
        finally:
            for connection in taken:
                connection.terminate()

    async def _lock(self, table: str, seconds: float) -> None:
        """Locks a table against writers, so that the connection pools of the processes become exhausted."""
        connection = await asyncpg.connect(self._url, timeout=5)
        try:
            await connection.execute("BEGIN")
            await connection.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE", timeout=5)
            self.totals["locked"] += 1
            await asyncio.sleep(seconds)
        finally:
            connection.terminate()


class SqliteMischief(Mischief):
    """One process on one file."""

    deeds = MappingProxyType(
        {"kills": 14, "kills in commit": 10, "terms": 8, "locked": 10, "full": 12, "checkpoints": 8}
    )

    def __init__(self, seats: Sequence[Seat], file: Path, seed: str, seconds: float) -> None:
        super().__init__(seats, seed, seconds)
        self._file = file

    async def do(self, name: str, rng: random.Random) -> None:
        match name:
            case "kills" | "terms":
                self.end_one(name, rng)
            case "kills in commit":
                await asyncio.to_thread(self._kill_in_commit)
            case "full":
                await self._full(rng.choice((0, 64, 512)), rng.uniform(0.2, 0.8))
            case "locked":
                with closing(self._connect()) as file:
                    file.execute("BEGIN IMMEDIATE")
                    self.totals["locked"] += 1
                    await asyncio.sleep(rng.uniform(0.1, 1.5))
            case _:
                await asyncio.to_thread(self._checkpoint)
                self.totals["checkpoints"] += 1

    async def _full(self, room: int, seconds: float) -> None:
        """Lets no file of the process grow by more than `room` KiB."""
        pid = self.seats[0].pid
        if pid is None:
            return
        wal = self._file.with_name(self._file.name + "-wal")
        size = max(path.stat().st_size for path in (self._file, wal) if path.exists())
        self.totals["full"] += 1
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + room * 1024, UNLIMITED))
            await asyncio.sleep(seconds)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))

    def _kill_in_commit(self) -> None:
        """Kills the process right after a write to the WAL, before the commit is on the disk."""
        log, give_up = self._file.with_name(self._file.name + "-wal"), time.monotonic() + 1
        with suppress(OSError):
            before = log.stat().st_mtime_ns
            while log.stat().st_mtime_ns == before:
                if time.monotonic() > give_up:
                    return
            self.totals["kills in commit"] += self.seats[0].end(signal.SIGKILL)

    def _checkpoint(self) -> None:
        with closing(self._connect()) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=0.2, isolation_level=None)
