"""Start to ready, and resident memory idle and after load: against the bare app."""

from __future__ import annotations

import json

from bench.compare import Measured
from bench.context import Bench
from bench.load import Connection, Load, request
from bench.machine import floor, serve
from bench.report import Figure, Spread, Target

SENDERS = 10_000


async def run(bench: Bench) -> list[Figure]:
    inventory = await bench.inventory(SENDERS)
    ready, bare_ready = Measured(), Measured()
    idle, bare_idle = Measured(), Measured()
    for number in range(-1, 5 if bench.quick else 15):
        with serve(inventory.url, bench.log()) as server:
            await _wake(server.url, "/healthz")
            seconds, resident = server.seconds_to_ready, server.resident_mb
        with floor("bare", inventory.url, bench.log()) as bare_app:
            bare_seconds, bare_resident = bare_app.seconds_to_ready, bare_app.resident_mb
        if number >= 0:
            ready.add(seconds)
            bare_ready.add(bare_seconds)
            idle.values.append(resident)
            bare_idle.values.append(bare_resident)
    body = json.dumps({"senders": [{"senderId": one} for one in inventory.sender_ids]}).encode()
    create = request("POST", "/v1/SenderPools", inventory.login, body)
    listing = request("GET", "/v1/SenderPools/Operations?pageSize=1000", inventory.login)
    with serve(inventory.url, bench.log()) as server:
        for requests, expected in (([create], 202), ([listing], 200)):
            load = await Load.open(server.url, requests, expected, connections=16)
            await load.burst(2 if bench.quick else 6)
            load.close()
        after, peak = server.resident_mb, server.peak_mb
    return [
        Figure(
            scenario="start",
            engine=bench.engine.name,
            name="start to ready",
            value=ready.spread_ms,
            unit="ms",
            floor="bare app",
            floor_value=bare_ready.spread_ms,
            ratio=ready.ratio(bare_ready),
            p50_ms=ready.p50_ms,
            p99_ms=ready.p99_ms,
            target=Target("value", "<=", 300),
        ),
        *[
            Figure(
                scenario="start",
                engine=bench.engine.name,
                name=f"resident memory, {when}",
                value=value,
                unit="MB",
                floor="bare app, idle",
                floor_value=bare_idle.spread,
                ratio=Spread.of(one / bare_idle.spread.median for one in (value.low, value.median, value.high)),
                target=target,
            )
            for when, value, target in (
                ("idle", idle.spread, Target("value", "<=", 60)),
                (
                    "after 16 clients' creates of 10,000 and pages of 1,000",
                    Spread.of([after]),
                    Target("value", "<=", 200),
                ),
                ("at most, meanwhile", Spread.of([peak]), None),
            )
        ],
    ]


async def _wake(url: str, path: str) -> None:
    """Sends one request, so that late imports are counted."""
    connection = await Connection.open(url)
    assert (await connection.ask(request("GET", path))).status == 200
    connection.close()
