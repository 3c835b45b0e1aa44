"""Compares NOTIFY inside each transaction with NOTIFY after the commits: `make parts ARGS=notify`."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import asyncpg
import uvloop

from bench.engines import Postgres
from bench.report import Spread
from signalbox.db.notify import CHANNEL, PAUSE_SECONDS

WRITERS: Final = 16
ROUNDS: Final = 7
SECONDS: Final = 1.0
NOTIFY: Final = f"SELECT pg_notify('{CHANNEL}', 'a topic')"


async def burst(writers: list[Any], inside: bool, after: Any | None) -> float:
    """Commits a second of all writers together. `after` is the connection that sends NOTIFY after the commits."""
    commits = 0
    news = asyncio.Event()
    end = time.perf_counter() + SECONDS

    async def write(connection: Any) -> None:
        nonlocal commits
        while time.perf_counter() < end:
            await connection.execute("BEGIN")
            await connection.execute("INSERT INTO marks VALUES (1)")
            if inside:
                await connection.execute(NOTIFY)
            await connection.execute("COMMIT")
            commits += 1
            news.set()

    async def tell() -> None:
        while after:
            await news.wait()
            news.clear()
            await after.execute(NOTIFY)
            await asyncio.sleep(PAUSE_SECONDS)

    telling = asyncio.create_task(tell())
    await asyncio.gather(*[write(one) for one in writers])
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    return commits / SECONDS


async def measure(engine: Postgres) -> None:
    url = await engine.new_database("notify")
    await engine.script(url, "CREATE TABLE marks (number INTEGER)")
    writers = [await asyncpg.connect(url) for _ in range(WRITERS)]
    notifier = await asyncpg.connect(url, server_settings={"synchronous_commit": "off"})
    found: dict[str, list[float]] = {"without": [], "after": [], "inside": []}
    for _ in range(ROUNDS):
        found["without"].append(await burst(writers, False, None))
        found["after"].append(await burst(writers, False, notifier))
        found["inside"].append(await burst(writers, True, None))
    for name, values in found.items():
        ratio = Spread.of(one / base for one, base in zip(values, found["without"], strict=True))
        spread = f"{ratio.median:.2f} ({ratio.low:.2f}..{ratio.high:.2f})"
        print(f"{name:<8} {Spread.of(values).median:7.0f} /s  against without {spread}")
    for connection in [*writers, notifier]:
        await connection.close()


if __name__ == "__main__":
    engine = Postgres()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(engine))
    finally:
        engine.stop()
