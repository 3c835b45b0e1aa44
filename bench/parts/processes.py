"""Reads a second with one and with two processes on one port: `make parts ARGS=processes`.

PostgreSQL and the load run on the same cores as the server, so on two cores the figures are not those of a server that
has them for itself. Bursts alternate, because other programs of the machine slow some of them down.
"""

from __future__ import annotations

import asyncio
import statistics
from contextlib import ExitStack
from typing import Final

import uvloop

from bench import seed
from bench.engines import Postgres
from bench.load import Load, request
from bench.machine import ALL_CORES, CORES, serve

LIST: Final = "/v1/SenderPools/Operations"
OPERATIONS: Final = 20_000
ROUNDS: Final = 5
SECONDS: Final = 2.0


async def run() -> None:
    engine = Postgres()
    try:
        engine.use(ALL_CORES)
        url = await engine.new_database("processes")
        (login,) = await seed.make_accounts(engine, url, 1)
        await seed.operations(engine, url, [login], OPERATIONS)
        await engine.settle(url)
        ((operation_id,),) = await engine.rows(url, "SELECT id FROM operations ORDER BY id LIMIT 1")
        with ExitStack() as stack:
            servers = [
                stack.enter_context(
                    serve(url, engine.folder / f"{count}.log", "--processes", str(count), cores=ALL_CORES)
                )
                for count in (1, 2)
            ]
            print(f"{len(CORES)} cores; requests a second, medians of {ROUNDS} bursts")
            for name, path in (
                ("operation by id", f"{LIST}/{operation_id}"),
                ("page of 50 operations", LIST),
                ("page of 1,000 operations", f"{LIST}?pageSize=1000"),
            ):
                loads = [await Load.open(server.url, [request("GET", path, login)], 200) for server in servers]
                rates: list[list[float]] = [[], []]
                for _ in range(ROUNDS):
                    for load, rate in zip(loads, rates, strict=True):
                        rate.append((await load.burst(SECONDS)).per_second)
                for load in loads:
                    load.close()
                one, two = (statistics.median(rate) for rate in rates)
                print(f"{name:<26} one process {one:>7,.0f}   two processes {two:>7,.0f}   ratio {two / one:.2f}")
    finally:
        engine.stop()


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


if __name__ == "__main__":
    main()
