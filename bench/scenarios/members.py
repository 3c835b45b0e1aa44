"""Members of a pool of a million, filtered by channel and status: against a page without a filter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from bench import seed
from bench.compare import one_by_one
from bench.context import Bench
from bench.load import Connection, Login, request
from bench.machine import serve
from bench.report import Figure, Target
from signalbox.ground import clock, ids
from signalbox.inventory import sender_pools

# Half of the members are EMAIL, nearly all are ACTIVATED. One in a thousand is PUSH, and all of these are DEACTIVATED:
# the last two filters match few members and none, where a full scan would be slow.
FILTERS = {
    "no filter": {},
    "channel EMAIL": {"channel": "EMAIL"},
    "status ACTIVATED": {"status": "ACTIVATED"},
    "EMAIL and ACTIVATED": {"channel": "EMAIL", "status": "ACTIVATED"},
    "PUSH and DEACTIVATED, one in a thousand": {"channel": "PUSH", "status": "DEACTIVATED"},
    "PUSH and ACTIVATED, none": {"channel": "PUSH", "status": "ACTIVATED"},
}


async def run(bench: Bench) -> list[Figure]:
    library = await bench.library()
    pool_id = ids.new(sender_pools.SENDER_POOL, clock.now_ms())
    await seed.senders(bench.engine, library.url, library.owner, bench.size.rows)
    await seed.pool_of_all(bench.engine, library.url, library.owner, pool_id)
    await bench.engine.settle(library.url)
    with serve(library.url, bench.log()) as server:
        connection = await Connection.open(server.url)
        acts = {name: _asking(connection, library.owner, pool_id, where) for name, where in FILTERS.items()}
        found = await one_by_one(acts, bench.size.rounds, 20 if bench.quick else 100)
        connection.close()
    floor = found["no filter"]
    return [
        Figure(
            scenario="members",
            engine=bench.engine.name,
            name=f"members of {bench.size.rows:,}: {name}",
            value=one.spread_ms,
            unit="ms",
            floor="no filter",
            floor_value=floor.spread_ms,
            ratio=one.ratio(floor),
            p50_ms=one.p50_ms,
            p99_ms=one.p99_ms,
            target=Target("ratio", "<=", 1.5),
        )
        for name, one in found.items()
    ]


def _asking(
    connection: Connection, login: Login, pool_id: str, where: dict[str, str]
) -> Callable[[], Awaitable[float]]:
    asked = request("GET", f"/v1/SenderPools/{pool_id}/Senders?{urlencode(where)}", login)

    async def ask() -> float:
        response = await connection.ask(asked)
        assert response.status == 200, response.body
        return response.seconds

    return ask
