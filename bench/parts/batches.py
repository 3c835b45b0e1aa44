"""Compares batches of a worker with and without a second write of each item: `make parts ARGS=batches`.

10,000 items in batches of 1,000: only the memberships, or the memberships and `outcome` of every item.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import uvloop

from bench.context import QUICK, Bench
from bench.engines import Engine, Postgres, Sqlite
from bench.report import Spread
from signalbox.ground import clock, ids
from signalbox.inventory.sender_pools import SENDER_POOL

ROUNDS: Final = 7
ITEMS: Final = 10_000
BATCH: Final = 1_000


async def measure(engine: Engine) -> None:
    bench = Bench(engine, QUICK, quick=True)
    store = await bench.inventory(ITEMS)
    account = store.login.account_id
    found: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * ROUNDS):
        twice = number % 2 == 1
        operation, pool = ids.new(ids.OPERATION, clock.now_ms()), ids.new(SENDER_POOL, clock.now_ms())
        await engine.script(
            store.url,
            f"""INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
            SELECT account_id, '{operation}', ROW_NUMBER() OVER (ORDER BY id) - 1, id FROM senders
            WHERE account_id = {account} ORDER BY id""",
        )
        statements = []
        for start in range(0, ITEMS, BATCH):
            mine = f"account_id = {account} AND operation_id = '{operation}'"
            some = f"item_index >= {start} AND item_index < {start + BATCH}"
            insert = f"""INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
                SELECT s.account_id, '{pool}', s.id, s.channel, s.status FROM operation_items AS i
                JOIN senders AS s ON s.account_id = i.account_id AND s.id = i.sender_id
                WHERE i.{mine.replace("operation_id", "i.operation_id")} AND {some} ORDER BY s.id"""
            statements.append(insert)
            if twice:
                statements.append(f"UPDATE operation_items SET outcome = 'CREATED' WHERE {mine} AND {some}")
        started = time.perf_counter()
        await engine.script(store.url, *statements)
        found[twice].append((time.perf_counter() - started) * 1000)
    ratio = Spread.of(two / one for one, two in zip(found[False], found[True], strict=True))
    print(
        f"{engine.name:<9} memberships alone {Spread.of(found[False]).median:6.1f} ms   with outcomes "
        f"{Spread.of(found[True]).median:6.1f} ms   ratio {ratio.median:.2f} ({ratio.low:.2f}..{ratio.high:.2f})",
        flush=True,
    )


if __name__ == "__main__":
    for kind in (Sqlite, Postgres):
        engine: Engine = kind()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(engine))
        finally:
            engine.stop()
