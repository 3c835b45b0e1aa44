"""Enters a million senders, then a thousand pools and ten thousand operations: does the cost of one of them grow?"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence

from bench import svg
from bench.compare import Measured
from bench.context import RESULTS, Bench
from bench.load import Connection, Login, request
from bench.machine import Process, floor, serve
from bench.report import Figure, Spread, Target
from bench.seed import make_accounts

ROWS = 10_000  # in one request that enters senders
MEMBERS = 100  # senders in one add
STEPS = 50  # points in a curve


async def run(bench: Bench) -> list[Figure]:
    senders, pools, operations = (100_000, 100, 1_000) if bench.quick else (1_000_000, 1_000, 10_000)
    url = await bench.engine.new_database("growth")
    (login,) = await make_accounts(bench.engine, url, 1)
    with serve(url, bench.log()) as server:
        connection = await Connection.open(server.url)
        resident: list[float] = []
        entering = await _enter(connection, login, senders, server, resident)
        beside = await _against_the_floor(bench, url, connection, login, senders)
        sender_ids = [row[0] for row in await bench.engine.rows(url, "SELECT id FROM senders ORDER BY id")]
        adding = await _add(connection, login, sender_ids, pools, operations, server, resident)
        connection.close()
    curves = [
        svg.Curve(
            f"{bench.engine.version}: entering {ROWS:,} senders, by senders entered before",
            [(ROWS * number, one * 1000) for number, one in enumerate(entering)],
            "ms",
        ),
        svg.Curve(f"an add of {MEMBERS} senders to its end, by operations before", _medians(adding), "ms"),
        svg.Curve("resident memory, over the whole run", list(enumerate(resident)), "MB"),
    ]
    (RESULTS / f"growth-{bench.engine.name}.svg").write_text(svg.stacked(curves))
    return [
        _figure(bench, f"entering {ROWS:,} senders, at {senders:,}", entering),
        beside,
        _figure(bench, f"an add of {MEMBERS} senders to its end, at {operations:,}", adding),
        _memory(bench, resident),
    ]


async def _enter(
    connection: Connection, login: Login, count: int, server: Process, resident: list[float]
) -> list[float]:
    seconds = []
    for start in range(0, count, ROWS):
        rows = [_row(number) for number in range(start, start + ROWS)]
        response = await connection.ask(request("POST", "/signalbox/v1/Senders", login, json.dumps(rows).encode()))
        assert response.status == 200, response.body
        assert response.json()["created"] == ROWS, response.body
        seconds.append(response.seconds)
        resident.append(server.resident_mb)
    return seconds


async def _against_the_floor(bench: Bench, url: str, connection: Connection, login: Login, count: int) -> Figure:
    """Entering senders beside all that are there, in turns with the bare insert of as many rows into the same table."""
    ours, bare = Measured(), Measured()
    with floor("bare", url, bench.log()) as bare_app:
        below = await Connection.open(bare_app.url)
        for number in range(count, count + (6 if bench.quick else 20) * ROWS, 2 * ROWS):
            first, second = [
                json.dumps([_row(one) for one in range(start, start + ROWS)]).encode()
                for start in (number, number + ROWS)
            ]
            entered = await connection.ask(request("POST", "/signalbox/v1/Senders", login, first))
            assert entered.json()["created"] == ROWS, entered.body
            inserted = await below.ask(request("POST", f"/senders/{login.account_id}", body=second))
            ours.add(entered.seconds)
            bare.add(inserted.json())
        below.close()
    return Figure(
        scenario="growth",
        engine=bench.engine.name,
        name=f"entering {ROWS:,} senders beside {count:,}",
        value=ours.spread_ms,
        unit="ms",
        floor="bare insert",
        floor_value=bare.spread_ms,
        ratio=ours.ratio(bare),
        p50_ms=ours.p50_ms,
        p99_ms=ours.p99_ms,
        target=Target("ratio", "<=", 4.0),
    )


def _row(number: int) -> dict[str, str]:
    if number % 2:
        return {"channel": "EMAIL", "address": f"person{number}@example.com", "displayName": f"Person {number}"}
    return {"channel": "SMS", "address": f"+49151{10_000_000 + number}", "displayName": f"Number {number}"}


async def _add(
    connection: Connection,
    login: Login,
    sender_ids: Sequence[str],
    pools: int,
    operations: int,
    server: Process,
    resident: list[float],
) -> list[float]:
    """Creates pools, then adds senders to them in turn; each operation is awaited."""
    create = request("POST", "/v1/SenderPools", login, b"{}")
    for _ in range(pools):
        assert (await connection.ask(create)).status == 202
    pool_ids = []
    token = ""
    while True:
        page = (await connection.ask(request("GET", f"/v1/SenderPools?pageSize=1000{token}", login))).json()
        pool_ids += [pool["id"] for pool in page["senderPools"]]
        if page["pagination"]["next"] is None:
            break
        token = f"&pageToken={page['pagination']['next']}"
    seconds = []
    for number in range(operations - pools):
        first = number * MEMBERS % (len(sender_ids) - MEMBERS)
        body = json.dumps([{"senderId": one} for one in sender_ids[first : first + MEMBERS]]).encode()
        path = f"/v1/SenderPools/{pool_ids[number % pools]}/Senders"
        accepted = await connection.ask(request("POST", path, login, body))
        assert accepted.status == 202, accepted.body
        watch = f"/v1/SenderPools/Operations/{accepted.json()['operationId']}"
        final = await connection.ask(request("GET", watch, login, headers=["Prefer: wait=30"]))
        assert final.json()["stats"]["created"] == MEMBERS, final.body
        seconds.append(accepted.seconds + final.seconds)
        if number % (operations // 100) == 0:
            resident.append(server.resident_mb)
    return seconds


def _medians(seconds: Sequence[float]) -> list[tuple[float, float]]:
    """The points of a curve in milliseconds, each the median of a range of operations."""
    step = max(1, len(seconds) // STEPS)
    return [
        (start, statistics.median(seconds[start : start + step]) * 1000)
        for start in range(0, len(seconds) - step + 1, step)
    ]


def _figure(bench: Bench, name: str, seconds: Sequence[float]) -> Figure:
    """The ratio of the last tenth to the first: the cost of growth."""
    tenth = len(seconds) // 10
    first, last = [Spread.of(one * 1000 for one in part) for part in (seconds[:tenth], seconds[-tenth:])]
    ratio = last.median / first.median
    ordered = sorted(seconds[-tenth:])
    return Figure(
        scenario="growth",
        engine=bench.engine.name,
        name=name,
        value=last,
        unit="ms",
        floor="first tenth",
        floor_value=first,
        ratio=Spread(ratio, ratio, ratio),
        p50_ms=last.median,
        p99_ms=ordered[int(0.99 * len(ordered))] * 1000,
        target=Target("ratio", "<=", 1.2),
    )


def _memory(bench: Bench, resident: Sequence[float]) -> Figure:
    tenth = len(resident) // 10
    first, last = Spread.of(resident[tenth : 2 * tenth]), Spread.of(resident[-tenth:])
    ratio = last.median / first.median
    return Figure(
        scenario="growth",
        engine=bench.engine.name,
        name="resident memory, last tenth of that",
        value=last,
        unit="MB",
        floor="second tenth",
        floor_value=first,
        ratio=Spread(ratio, ratio, ratio),
        target=Target("ratio", "<=", 1.2),
    )
