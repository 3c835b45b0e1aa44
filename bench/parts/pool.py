"""Compares the connection pool with asyncpg's: 64 callers, 10 connections, one row by id: `make parts ARGS=pool`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import uvloop

from bench.engines import Postgres
from bench.machine import SERVER_CORE
from bench.report import percentile
from signalbox.db.pool import Pool

CALLERS: Final = 64
CONNECTIONS: Final = 10
ROUNDS: Final = 9
SECONDS: Final = 1.0
QUERY: Final = "SELECT id FROM operations WHERE account_id = $1 AND id = $2"


async def burst(ask: Callable[[], Awaitable[object]]) -> tuple[int, float, list[float]]:
    """The number of statements in `SECONDS`, the processor time, and the seconds of each statement."""
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    cpu = time.process_time()

    async def caller() -> None:
        while (started := time.perf_counter()) < end:
            await ask()
            taken.append(time.perf_counter() - started)

    await asyncio.gather(*[caller() for _ in range(CALLERS)])
    return len(taken), time.process_time() - cpu, taken


async def measure(engine: Postgres) -> None:
    url = await engine.new_database("pool")
    os.sched_setaffinity(0, SERVER_CORE)
    settings = {"jit": "off"}

    async def connect() -> Any:
        return await asyncpg.connect(url, server_settings=settings)

    ours: Pool[Any] = Pool(connect, CONNECTIONS)
    theirs = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings=settings)

    async def by_ours() -> object:
        connection = await ours.acquire()
        rows = await connection.fetch(QUERY, 1, "x")
        ours.release(connection)
        return rows

    async def by_theirs() -> object:
        async with theirs.acquire() as connection:
            return await connection.fetch(QUERY, 1, "x")

    async def no_reset(connection: Any) -> None:
        """Does not reset the connection."""

    bare = await asyncpg.create_pool(
        url, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings=settings, reset=no_reset
    )

    async def by_bare() -> object:
        async with bare.acquire() as connection:
            return await connection.fetch(QUERY, 1, "x")

    contenders = {"ours": by_ours, "asyncpg, no reset": by_bare, "asyncpg": by_theirs}
    for ask in contenders.values():
        await burst(ask)
    found: dict[str, list[tuple[int, float, list[float]]]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, ask in contenders.items():
            found[name].append(await burst(ask))
    for name, bursts in found.items():
        ratio = percentile([one[0] / mine[0] for one, mine in zip(bursts, found["ours"], strict=True)], 0.5)
        seconds = [each for one in bursts for each in one[2]]
        print(
            f"{name:<18} {percentile([one[0] / SECONDS for one in bursts], 0.5):8.0f} /s  against ours {ratio:.2f}  "
            f"p99 {percentile(seconds, 0.99) * 1000:6.1f} ms  "
            f"processor time {min(one[1] / one[0] for one in bursts) * 1e6:6.1f} us"
        )
    await theirs.close()
    await bare.close()
    for connection in ours.close():
        await connection.close()


if __name__ == "__main__":
    engine = Postgres()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(engine))
    finally:
        engine.stop()
