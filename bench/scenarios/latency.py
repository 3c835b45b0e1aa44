"""The latency of small work: alone, and while another tenant's large work runs.

Measured from 202 to COMPLETED for one sender, and for one operation by id.
"""

from __future__ import annotations

import asyncio
import json
import time

from bench import seed
from bench.compare import Measured
from bench.context import Bench, Inventory
from bench.load import Connection, request
from bench.machine import floor, serve
from bench.report import Figure, Spread, Target

OPERATIONS, ITEMS = 100, 10_000


async def run(bench: Bench) -> list[Figure]:
    return [await _idle(bench), await _busy(bench), *await _beside(bench)]


async def _idle(bench: Bench) -> Figure:
    ours, bare = [await bench.inventory(ITEMS) for _ in range(2)]
    found, lowest = Measured(), Measured()
    with floor("bare", bare.url, bench.log()) as bare_app, serve(ours.url, bench.log()) as server:
        connection, below = await Connection.open(server.url), await Connection.open(bare_app.url)
        insert = request("POST", f"/insert/{bare.login.account_id}", body=json.dumps(bare.sender_ids[:1]).encode())
        for number in range(-20, 100 if bench.quick else 600):
            seconds = await _one_sender(connection, ours)
            floor_seconds: float = (await below.ask(insert)).json()
            if number >= 0:
                found.add(seconds)
                lowest.add(floor_seconds)
        connection.close()
        below.close()
    return Figure(
        scenario="latency",
        engine=bench.engine.name,
        name="202 to COMPLETED, one sender, idle server",
        value=found.spread_ms,
        unit="ms",
        floor="bare insert",
        floor_value=lowest.spread_ms,
        ratio=found.ratio(lowest),
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        target=Target("p99_ms", "<=", 15),
    )


async def _busy(bench: Bench) -> Figure:
    operations = 10 if bench.quick else OPERATIONS
    inventory, neighbour = await bench.inventories(ITEMS, ITEMS)
    found, idle = Measured(), Measured()
    with serve(inventory.url, bench.log()) as server:
        connection = await Connection.open(server.url)
        for _ in range(50):
            idle.add(await _one_sender(connection, inventory))
        await seed.queue(bench.engine, inventory.url, neighbour.login, operations, ITEMS)
        await _one_sender(connection, inventory)  # wakes the worker: from here on it is busy
        while await _unfinished(bench, inventory.url) and len(found.values) < 1000:
            for _ in range(20):
                found.add(await _one_sender(connection, inventory))
        connection.close()
    found.values, idle.values = [found.p50_ms / 1000], [idle.p50_ms / 1000]
    return Figure(
        scenario="latency",
        engine=bench.engine.name,
        name=f"the same, another tenant's {operations} operations of {ITEMS:,} waiting",
        value=found.spread_ms,
        unit="ms",
        floor="idle server",
        floor_value=idle.spread_ms,
        ratio=found.ratio(idle),
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        target=Target("p99_ms", "<=", 100),
    )


async def _beside(bench: Bench) -> list[Figure]:
    """Fetches one operation by id repeatedly while another tenant sends large requests: is the event loop blocked?"""
    inventory, neighbour = await bench.inventories(1, ITEMS)
    create = json.dumps({"senders": [{"senderId": one} for one in neighbour.sender_ids]}).encode()
    rows = [{"channel": "SMS", "address": f"+4915112{1_000_000 + 2 * n + 1}", "displayName": "x"} for n in range(ITEMS)]
    large = {
        f"creates with {ITEMS:,} senders": request("POST", "/v1/SenderPools", neighbour.login, create),
        f"entering {ITEMS:,} senders": request(
            "POST", "/signalbox/v1/Senders", neighbour.login, json.dumps(rows).encode()
        ),
    }
    figures = []
    with serve(inventory.url, bench.log()) as server:
        connection, other = await Connection.open(server.url), await Connection.open(server.url)
        made = await connection.ask(request("POST", "/v1/SenderPools", inventory.login, b"{}"))
        asked = request("GET", f"/v1/SenderPools/Operations/{made.json()['operationId']}", inventory.login)
        idle = Measured()
        for _ in range(500):
            idle.add((await connection.ask(asked)).seconds)
        for name, body in large.items():
            found = Measured()
            for _ in range(3 if bench.quick else 10):
                work = asyncio.create_task(other.ask(body))
                while not work.done():
                    found.add((await connection.ask(asked)).seconds)
                assert work.result().status < 300, work.result().body
            figures.append(
                Figure(
                    scenario="latency",
                    engine=bench.engine.name,
                    name=f"one operation by id, beside {name}",
                    value=found.spread_ms,
                    unit="ms",
                    floor="idle server",
                    floor_value=idle.spread_ms,
                    ratio=Spread.of(value / idle.spread.median for value in found.values),
                    p50_ms=found.p50_ms,
                    p99_ms=found.p99_ms,
                )
            )
        connection.close()
        other.close()
    return figures


async def _unfinished(bench: Bench, url: str) -> int:
    count: int = (await bench.engine.rows(url, "SELECT COUNT(*) FROM operations WHERE status = 'PROCESSING'"))[0][0]
    return count


async def _one_sender(connection: Connection, inventory: Inventory) -> float:
    """Seconds from the 202 until the response that says COMPLETED."""
    body = json.dumps({"name": "a pool", "senders": [{"senderId": inventory.sender_ids[0]}]}).encode()
    accepted = await connection.ask(request("POST", "/v1/SenderPools", inventory.login, body))
    started = time.perf_counter()
    assert accepted.status == 202, accepted.body
    path = f"/v1/SenderPools/Operations/{accepted.json()['operationId']}"
    response = await connection.ask(request("GET", path, inventory.login, headers=["Prefer: wait=30"]))
    took = time.perf_counter() - started
    assert response.json()["status"] == "COMPLETED", response.body
    return took
