"""A page of 50 operations out of a million, 100 tenants, Basic auth: against the bare floor and against the peer."""

from __future__ import annotations

from bench.compare import Contender, throughput
from bench.context import Bench
from bench.load import request
from bench.machine import floor, serve
from bench.report import Figure, Target

PATH = "/v1/SenderPools/Operations"


async def run(bench: Bench) -> list[Figure]:
    library = await bench.library()
    ours = [request("GET", PATH, login) for login in library.tenants]
    bare = [request("GET", f"/page/{login.account_id}") for login in library.tenants]
    with (
        floor("bare", library.url, bench.log()) as bare_app,
        floor("peer", library.url, bench.log()) as peer_app,
        serve(library.url, bench.log()) as server,
    ):
        contenders = {
            "ours": Contender(server, ours),
            "bare": Contender(bare_app, bare),
            "peer": Contender(peer_app, ours),
        }
        found = await throughput(contenders, bench.size.rounds, bench.size.burst_seconds)
    return [
        Figure(
            scenario="list",
            engine=bench.engine.name,
            name=f"page of 50 operations, against {against}",
            value=found["ours"].spread,
            unit="/s",
            floor=against,
            floor_value=found[key].spread,
            ratio=found["ours"].ratio(found[key]),
            p50_ms=found["ours"].p50_ms,
            p99_ms=found["ours"].p99_ms,
            cpu_us=found["ours"].cpu,
            floor_cpu_us=found[key].cpu,
            target=Target("ratio", ">=", number),
        )
        for key, against, number in (("bare", "bare app", 0.80), ("peer", "FastAPI + SQLAlchemy", 3.0))
    ]
