"""Page 1, a page deep inside and the last page of a million operations of one account, with every filter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from bench import seed
from bench.compare import one_by_one
from bench.context import Bench
from bench.load import Connection, Login, request
from bench.machine import serve
from bench.report import Figure, Target
from signalbox.ground.clock import rfc3339

PATH = "/v1/SenderPools/Operations"
PAGE = 50
STRIDE = 1_000  # items of each page on the way to a deep page


async def run(bench: Bench) -> list[Figure]:
    library = await bench.library()
    deep = min(1_000, bench.size.rows // PAGE // 2)
    first = library.first_ms
    # Excludes the oldest and the newest tenth.
    dates = {
        "startDate": rfc3339(first + bench.size.rows * seed.STEP_MS // 10),
        "endDate": rfc3339(first + bench.size.rows * seed.STEP_MS * 9 // 10),
    }
    status = {"status": "COMPLETED"}
    filters = {"": {}, " by status": status, " by dates": dates, " by both": status | dates}
    with serve(library.url, bench.log()) as server:
        connection = await Connection.open(server.url)
        acts: dict[str, Callable[[], Awaitable[float]]] = {}
        for words, where in filters.items():
            tokens = await _tokens(connection, library.owner, where, deep)
            for place, token in zip(("page 1", f"page {deep:,}", "last page"), tokens, strict=True):
                acts[place + words] = _asking(connection, library.owner, where | token)
        found = await one_by_one(acts, bench.size.rounds, 20 if bench.quick else 100)
        connection.close()
    floor = found["page 1"]
    return [
        Figure(
            scenario="paging",
            engine=bench.engine.name,
            name=f"{name} of {bench.size.rows:,}",
            value=one.spread_ms,
            unit="ms",
            floor="page 1",
            floor_value=floor.spread_ms,
            ratio=one.ratio(floor),
            p50_ms=one.p50_ms,
            p99_ms=one.p99_ms,
            target=Target("ratio", "<=", 1.1),
        )
        for name, one in found.items()
    ]


def _asking(connection: Connection, login: Login, query: dict[str, str]) -> Callable[[], Awaitable[float]]:
    asked = request("GET", f"{PATH}?{urlencode(query)}", login)

    async def ask() -> float:
        response = await connection.ask(asked)
        assert response.status == 200, response.body
        return response.seconds

    return ask


async def _tokens(
    connection: Connection, login: Login, where: dict[str, str], deep: int
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The query parameters for page 1, the deep page and the last full page, found by following page tokens."""

    async def step(token: str | None, items: int) -> tuple[str | None, int]:
        query = where | {"pageSize": str(items)} | ({"pageToken": token} if token else {})
        page = (await connection.ask(request("GET", f"{PATH}?{urlencode(query)}", login))).json()
        return page["pagination"]["next"], len(page["operations"])

    token: str | None = None
    before = (deep - 1) * PAGE
    for _ in range(before // STRIDE):
        token, _ = await step(token, STRIDE)
    deep_token, _ = await step(token, before % STRIDE) if before % STRIDE else (token, 0)
    while token:
        start = token
        token, count = await step(token, STRIDE)
    last_token, _ = await step(start, count - PAGE)
    assert deep_token
    assert last_token
    return {}, {"pageToken": deep_token}, {"pageToken": last_token}
