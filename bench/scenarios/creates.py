"""A create with 10,000 senders, to its 202 and to its end, against a bare insert of the same rows and the peer."""

from __future__ import annotations

import asyncio
import json
import time

from bench.compare import Measured
from bench.context import Bench, Inventory
from bench.load import Connection, request
from bench.machine import floor, serve
from bench.report import Figure, Target

SENDERS = 10_000


async def run(bench: Bench) -> list[Figure]:
    rounds = 5 if bench.quick else 15
    # One database each: they grow alike, and no worker sees another contender's operations.
    ours, bare, peer = [await bench.inventory(SENDERS) for _ in range(3)]
    names = ("bare insert", "ours 202", "ours final", "peer 202", "peer final")
    found = {name: Measured() for name in names}
    with (
        floor("bare", bare.url, bench.log()) as bare_app,
        floor("peer", peer.url, bench.log()) as peer_app,
        serve(ours.url, bench.log()) as server,
    ):
        connections = [await Connection.open(one.url) for one in (server, bare_app, peer_app)]
        for number in range(-1, rounds):
            seconds = [
                await _bare(connections[1], bare),
                *await create(connections[0], ours),
                *await create(connections[2], peer, waits=False),
            ]
            for one, taken in zip(found.values(), seconds, strict=True):
                if number >= 0:
                    one.add(taken)
        for connection in connections:
            connection.close()
    lowest = found["bare insert"]
    targets = {"ours 202": Target("ratio", "<=", 1.5), "ours final": Target("ratio", "<=", 2.5)}
    return [
        Figure(
            scenario="creates",
            engine=bench.engine.name,
            name=f"create with {SENDERS:,} senders, {name}",
            value=found[name].spread_ms,
            unit="ms",
            floor="bare insert",
            floor_value=lowest.spread_ms,
            ratio=found[name].ratio(lowest),
            p50_ms=found[name].p50_ms,
            p99_ms=found[name].p99_ms,
            target=targets.get(name),
        )
        for name in names[1:]
    ]


async def _bare(connection: Connection, inventory: Inventory) -> float:
    """Seconds of the bare insert, without its HTTP request."""
    asked = request("POST", f"/insert/{inventory.login.account_id}", body=json.dumps(inventory.sender_ids).encode())
    seconds: float = (await connection.ask(asked)).json()
    return seconds


async def create(connection: Connection, inventory: Inventory, waits: bool = True) -> tuple[float, float]:
    """Seconds until the 202, and until the operation is final; `waits` if the server supports `Prefer: wait`."""
    senders = [{"senderId": one} for one in inventory.sender_ids]
    body = json.dumps({"name": "a pool", "senders": senders}).encode()
    asked = request("POST", "/v1/SenderPools", inventory.login, body)
    started = time.perf_counter()
    accepted = await connection.ask(asked)
    assert accepted.status == 202, accepted.body
    path = f"/v1/SenderPools/Operations/{accepted.json()['operationId']}"
    watch = request("GET", path, inventory.login, headers=["Prefer: wait=30"] if waits else [])
    while (operation := (await connection.ask(watch)).json())["status"] != "COMPLETED":  # noqa: ASYNC110 (the peer's)
        await asyncio.sleep(0.005)
    took = time.perf_counter() - started
    assert operation["stats"]["failed"] == 0, operation
    return accepted.seconds, took
