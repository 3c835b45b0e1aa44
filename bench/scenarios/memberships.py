"""Memberships per second: one worker process and two, against the bare insert of memberships in the same batches.

Each measurement has its own database. The index of a sender's pools gets entries in random places; in a shared
database a later run would mainly measure how many pools each sender is in already.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from datetime import datetime

from bench import seed
from bench.compare import Measured
from bench.context import Bench
from bench.load import Connection, request
from bench.machine import ALL_CORES, floor, worker
from bench.report import Figure, Target

ITEMS = 10_000
TARGETS = {("sqlite", 1): 100_000, ("postgres", 2): 60_000}


async def run(bench: Bench) -> list[Figure]:
    operations = 6 if bench.quick else 15
    # Otherwise two workers and the database would share one core, which would hide the gain of the second worker.
    bench.engine.use(ALL_CORES)
    found = {workers: Measured() for workers in (1, 2)}
    lowest = Measured()
    for _ in range(2 if bench.quick else 3):
        for workers, one in found.items():
            one.values.append(await _rate(bench, workers, operations))
        lowest.values.append(await _bare_rate(bench, operations))
    bench.engine.use(None)
    figures = [
        Figure(
            scenario="memberships",
            engine=bench.engine.name,
            name=f"memberships, {workers} worker{'s' if workers > 1 else ''}",
            value=one.spread,
            unit="/s",
            floor="bare insert",
            floor_value=lowest.spread,
            ratio=one.ratio(lowest),
            target=Target("value", ">=", number) if (number := TARGETS.get((bench.engine.name, workers))) else None,
        )
        for workers, one in found.items()
    ]
    figures.append(
        Figure(
            scenario="memberships",
            engine=bench.engine.name,
            name="memberships, the second worker",
            value=found[2].spread,
            unit="/s",
            floor="1 worker",
            floor_value=found[1].spread,
            ratio=found[2].ratio(found[1]),
            target=Target("ratio", ">=", 1.0) if bench.engine.name == "postgres" else None,
        )
    )
    return figures


async def _bare_rate(bench: Bench, operations: int) -> float:
    inventory = await bench.inventory(ITEMS)
    insert = request("POST", f"/members/{inventory.login.account_id}", body=json.dumps(inventory.sender_ids).encode())
    with floor("bare", inventory.url, bench.log(), ALL_CORES) as bare_app:
        connection = await Connection.open(bare_app.url)
        seconds = [float((await connection.ask(insert)).json()) for _ in range(operations)]
        connection.close()
    return operations * ITEMS / sum(seconds)


async def _rate(bench: Bench, workers: int, operations: int) -> float:
    """Memberships per second from the end of the first batch to the end of the last, computed from the log lines."""
    inventory = await bench.inventory(ITEMS)
    await seed.queue(bench.engine, inventory.url, inventory.login, operations, ITEMS)
    await bench.engine.settle(inventory.url)
    unfinished = "SELECT 1 FROM operations WHERE status = 'PROCESSING' LIMIT 1"
    with ExitStack() as stack:
        started = [stack.enter_context(worker(inventory.url, bench.log(), cores=ALL_CORES)) for _ in range(workers)]
        while await bench.engine.rows(inventory.url, unfinished):  # noqa: ASYNC110 (other processes' work)
            await asyncio.sleep(0.05)
    # The workers have ended, so the log is complete.
    lines = [json.loads(line) for one in started for line in one.output.splitlines() if '"batch"' in line]
    ends = sorted((datetime.fromisoformat(line["timestamp"]).timestamp(), line["created"]) for line in lines)
    assert sum(created for _, created in ends) == operations * ITEMS
    after_first = float(operations * ITEMS - ends[0][1])
    return after_first / (ends[-1][0] - ends[0][0])
