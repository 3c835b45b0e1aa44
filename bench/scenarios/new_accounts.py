"""Creates a pool for an account that is younger than the statistics: against a database that was never analyzed."""

from __future__ import annotations

from bench.compare import Measured
from bench.context import Bench
from bench.load import Connection
from bench.machine import serve
from bench.report import Figure, Target
from bench.scenarios.creates import SENDERS, create


async def run(bench: Bench) -> list[Figure]:
    if bench.engine.name != "postgres":
        return []  # SQLite collects no statistics by itself
    rounds = 3 if bench.quick else 10
    never, late = await bench.new_account(SENDERS), await bench.new_account(SENDERS, analyzed=True)
    found = {"never": Measured(), "late": Measured()}
    with serve(never.url, bench.log()) as first, serve(late.url, bench.log()) as second:
        connections = {"never": await Connection.open(first.url), "late": await Connection.open(second.url)}
        for number in range(-1, rounds):
            for name, inventory in (("never", never), ("late", late)):
                _, seconds = await create(connections[name], inventory)
                if number >= 0:
                    found[name].add(seconds)
        for connection in connections.values():
            connection.close()
    return [
        Figure(
            scenario="new_accounts",
            engine=bench.engine.name,
            name=f"a new account's pool of {SENDERS:,} after ANALYZE",
            value=found["late"].spread_ms,
            unit="ms",
            floor="never analyzed",
            floor_value=found["never"].spread_ms,
            ratio=found["late"].ratio(found["never"]),
            p50_ms=found["late"].p50_ms,
            p99_ms=found["late"].p99_ms,
            target=Target("ratio", "<=", 1.5),
        )
    ]
