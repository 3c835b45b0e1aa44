"""Creates with one sender, per second under load: against the bare insert of the same rows."""

from __future__ import annotations

import json

from bench.compare import Contender, throughput
from bench.context import Bench
from bench.load import request
from bench.machine import floor, serve
from bench.report import Figure

SENDERS = 100


async def run(bench: Bench) -> list[Figure]:
    ours, bare = [await bench.inventory(SENDERS) for _ in range(2)]
    # No workers: only the requests are measured.
    with (
        floor("bare", bare.url, bench.log()) as bare_app,
        serve(ours.url, bench.log(), "--workers", "0") as server,
    ):
        creates = [
            request("POST", "/v1/SenderPools", ours.login, json.dumps({"senders": [{"senderId": one}]}).encode())
            for one in ours.sender_ids
        ]
        inserts = [
            request("POST", f"/insert/{bare.login.account_id}", body=json.dumps([one]).encode())
            for one in bare.sender_ids
        ]
        contenders = {"ours": Contender(server, creates, 202), "bare": Contender(bare_app, inserts)}
        found = await throughput(contenders, bench.size.rounds, bench.size.burst_seconds)
    return [
        Figure(
            scenario="small_creates",
            engine=bench.engine.name,
            name="creates of one sender a second",
            value=found["ours"].spread,
            unit="/s",
            floor="bare insert",
            floor_value=found["bare"].spread,
            ratio=found["ours"].ratio(found["bare"]),
            p50_ms=found["ours"].p50_ms,
            p99_ms=found["ours"].p99_ms,
            cpu_us=found["ours"].cpu,
            floor_cpu_us=found["bare"].cpu,
        )
    ]
