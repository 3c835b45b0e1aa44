"""The search by name, address, tag and end of an id, beside a million senders: against a page of 50."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from bench import seed
from bench.compare import one_by_one
from bench.context import Bench
from bench.load import Connection, request
from bench.machine import serve
from bench.report import Figure, Target

PAGE = "page of 50 senders"


async def run(bench: Bench) -> list[Figure]:
    library = await bench.library()
    await seed.senders(bench.engine, library.url, library.owner, bench.size.rows)
    await seed.seats(bench.engine, library.url, library.owner)
    await bench.engine.settle(library.url)
    rows = await bench.engine.rows(
        library.url,
        f"SELECT id, address, display_name FROM senders WHERE account_id = {library.owner.account_id}"
        " ORDER BY id DESC LIMIT 1",
    )
    sender_id, address, name = map(str, rows[0])
    # Each text finds many or few, in the first section or in the last.
    texts = {
        "a name that nearly all have": name[:4],
        "one name": name.upper(),
        "an address that many start with": address[:5],
        "one address": address,
        "a tag that one in a hundred has": "seat:7",
        "an end of an id": sender_id[-8:],
        "nothing": "no such name",
    }
    with serve(library.url, bench.log()) as server:
        connection = await Connection.open(server.url)
        asked = {PAGE: request("GET", "/v1/Senders", library.owner)} | {
            what: request("POST", "/signalbox/v1/Senders/Search", library.owner, json.dumps({"text": text}).encode())
            for what, text in texts.items()
        }
        acts = {what: _asking(connection, one) for what, one in asked.items()}
        found = await one_by_one(acts, bench.size.rounds, 20 if bench.quick else 100)
        connection.close()
    floor = found.pop(PAGE)
    return [
        Figure(
            scenario="names",
            engine=bench.engine.name,
            name=f"search among {bench.size.rows:,}: {what}",
            value=one.spread_ms,
            unit="ms",
            floor=PAGE,
            floor_value=floor.spread_ms,
            ratio=one.ratio(floor),
            p50_ms=one.p50_ms,
            p99_ms=one.p99_ms,
            target=Target("ratio", "<=", 2),
        )
        for what, one in found.items()
    ]


def _asking(connection: Connection, asked: bytes) -> Callable[[], Awaitable[float]]:
    async def ask() -> float:
        response = await connection.ask(asked)
        assert response.status == 200, response.body
        return response.seconds

    return ask
