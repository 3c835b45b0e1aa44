"""Fetches one operation by id, and one pool by id."""

from __future__ import annotations

from bench.compare import Contender, throughput
from bench.context import Bench, Library
from bench.load import Login, request
from bench.machine import floor, serve
from bench.report import Figure, Target

KINDS = (
    ("operation", "operations", "/v1/SenderPools/Operations"),
    ("pool", "sender_pools", "/v1/SenderPools"),
)


async def run(bench: Bench) -> list[Figure]:
    library = await bench.library()
    figures = []
    with floor("bare", library.url, bench.log()) as bare_app, serve(library.url, bench.log()) as server:
        for kind, table, path in KINDS:
            some = await _some(bench, library, table)
            ours = [request("GET", f"{path}/{one}", login) for login, one in some]
            bare = [request("GET", f"/{kind}/{login.account_id}/{one}") for login, one in some]
            contenders = {"ours": Contender(server, ours), "bare": Contender(bare_app, bare)}
            found = await throughput(contenders, bench.size.rounds, bench.size.burst_seconds)
            figures.append(
                Figure(
                    scenario="by_id",
                    engine=bench.engine.name,
                    name=f"one {kind} by id",
                    value=found["ours"].spread,
                    unit="/s",
                    floor="bare app",
                    floor_value=found["bare"].spread,
                    ratio=found["ours"].ratio(found["bare"]),
                    p50_ms=found["ours"].p50_ms,
                    p99_ms=found["ours"].p99_ms,
                    cpu_us=found["ours"].cpu,
                    floor_cpu_us=found["bare"].cpu,
                    target=Target("ratio", ">=", 0.75),
                )
            )
    return figures


async def _some(bench: Bench, library: Library, table: str) -> list[tuple[Login, str]]:
    """Twenty rows of each tenant, spread over all of its rows."""
    some = []
    for login in library.tenants:
        rows = await bench.engine.rows(
            library.url, f"SELECT id FROM {table} WHERE account_id = {login.account_id} ORDER BY id"
        )
        step = max(1, len(rows) // 20)
        some += [(login, row[0]) for row in rows[::step][:20]]
    # Consecutive requests are for different tenants.
    return [pair for start in range(20) for pair in some[start::20]]
