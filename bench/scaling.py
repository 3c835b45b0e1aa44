"""`python -m bench.scaling`: two servers and two workers on one PostgreSQL, and the cost of each act for PostgreSQL.

It makes the figures of docs/scaling.md. A cost is CPU time of all PostgreSQL processes, bytes of WAL, or bytes of
tables with their indexes: unlike rates, these hardly depend on the number of cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from bench import seed
from bench.engines import Postgres
from bench.load import Load, Login, request
from bench.machine import ALL_CORES, CORES, Process, serve, worker

ITEMS: Final = 10_000  # senders in one create: the limit of the API
LIST: Final = "/v1/SenderPools/Operations"
QUEUED: Final = "SELECT sum(total - created - failed)::int8 FROM operations WHERE status = 'PROCESSING'"
TICKS: Final = os.sysconf("SC_CLK_TCK")
TABLES: Final = ("senders", "sender_pools", "operations", "operation_items", "sender_pool_members")


@dataclass
class Cost:
    """The total cost of an act that was done `count` times."""

    count: int = 0
    seconds: float = 0.0
    database_cpu: float = 0.0
    ours_cpu: float = 0.0
    wal: int = 0

    def line(self, name: str) -> str:
        each = max(1, self.count)
        return (
            f"{name:<42} {self.count:>9,} {self.count / self.seconds:>10,.0f} {self.database_cpu / each * 1e6:>12.1f}"
            f" {self.ours_cpu / each * 1e6:>12.1f} {self.wal / each:>12,.0f}"
            f" {self.database_cpu / self.seconds:>9.2f} {self.ours_cpu / self.seconds:>7.2f}"
        )


HEADING: Final = (
    f"{'':<42} {'count':>9} {'per second':>10} {'database us':>12} {'Signalbox us':>12} {'WAL bytes':>12}"
    f" {'db cores':>9} {'cores':>7}"
)


@dataclass
class Cluster:
    """A database and the processes of Signalbox on it."""

    engine: Postgres
    url: str
    postmaster: int
    processes: list[Process] = field(default_factory=list)

    @classmethod
    async def make(cls, engine: Postgres, name: str) -> Cluster:
        url = await engine.new_database(name)
        # The parent is read from the checkpointer, which does not end; a backend could be gone by then.
        ((checkpointer,),) = await engine.rows(
            url, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        )
        return cls(engine, url, _parent(checkpointer))

    async def wal(self) -> int:
        ((written,),) = await self.engine.rows(
            self.url, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8"
        )
        assert isinstance(written, int)
        return written

    @asynccontextmanager
    async def measured(self, into: Cost) -> AsyncIterator[None]:
        """Adds the cost of the block to `into`; the block sets the count."""
        wal, database, ours = await self.wal(), _tree_cpu(self.postmaster), sum(p.cpu_seconds for p in self.processes)
        started = time.perf_counter()
        yield
        into.seconds += time.perf_counter() - started
        into.database_cpu += _tree_cpu(self.postmaster) - database
        into.ours_cpu += sum(p.cpu_seconds for p in self.processes) - ours
        into.wal += await self.wal() - wal

    async def idle(self) -> None:
        """Waits until all operations are final."""
        while await self.engine.rows(  # noqa: ASYNC110 (PostgreSQL has no event for this)
            self.url, "SELECT 1 FROM operations WHERE status = 'PROCESSING' LIMIT 1"
        ):
            await asyncio.sleep(0.02)

    def log(self) -> Path:
        return self.engine.folder / f"scaling-{time.monotonic_ns()}"


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _tree_cpu(postmaster: int) -> float:
    """CPU seconds of PostgreSQL: of the parent, of its ended children and of its running ones."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(entry.name) == postmaster:
            ticks += sum(int(number) for number in fields[11:15])
        elif int(fields[1]) == postmaster:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


async def burst(
    cluster: Cluster, servers: Sequence[Process], requests: list[bytes], status: int, seconds: float
) -> Cost:
    """Load on all servers at once, with 32 connections each."""
    loads = [await Load.open(server.url, requests, status, connections=32) for server in servers]
    await asyncio.gather(*[load.burst(0.5) for load in loads])
    cost = Cost()
    async with cluster.measured(cost):
        bursts = await asyncio.gather(*[load.burst(seconds) for load in loads])
    cost.count = sum(len(one.seconds) for one in bursts)
    for load in loads:
        load.close()
    return cost


async def creates(
    cluster: Cluster, servers: Sequence[Process], login: Login, sender_ids: list[str], count: int
) -> Cost:
    """Creates with `ITEMS` senders each, measured until their 202; two at a time on each server."""
    bodies = [
        json.dumps(
            {"name": "bench", "senders": [{"senderId": one} for one in sender_ids[start : start + ITEMS]]}
        ).encode()
        for start in range(0, len(sender_ids), ITEMS)
    ]
    requests = [request("POST", "/v1/SenderPools", login, body) for body in bodies]
    loads = [await Load.open(server.url, requests, 202, connections=1) for server in servers for _ in range(2)]
    cost = Cost()
    done = 0
    async with cluster.measured(cost):

        async def go(load: Load) -> None:
            nonlocal done
            while done < count:
                done += 1
                await load.burst(0)

        await asyncio.gather(*[go(load) for load in loads])
    cost.count = count * ITEMS
    for load in loads:
        load.close()
    return cost


async def batches(cluster: Cluster, workers: int) -> Cost:
    """Processes the queue with `workers` processes."""
    cost = Cost()
    with ExitStack() as stack:
        cluster.processes = [
            stack.enter_context(worker(cluster.url, cluster.log(), cores=ALL_CORES)) for _ in range(workers)
        ]
        async with cluster.measured(cost):
            ((cost.count,),) = await cluster.engine.rows(cluster.url, QUEUED)
            await cluster.idle()
        cluster.processes = []
    return cost


async def sizes(cluster: Cluster) -> list[str]:
    lines = [f"{'table':<22} {'rows':>10} {'bytes a row':>12} {'of these indexes':>17}"]
    for table in TABLES:
        ((rows, total, indexes),) = await cluster.engine.rows(
            cluster.url,
            f"SELECT (SELECT count(*) FROM {table}), pg_total_relation_size('{table}'), pg_indexes_size('{table}')",
        )
        lines.append(f"{table:<22} {rows:>10,} {total / max(1, rows):>12.0f} {indexes / max(1, rows):>17.0f}")
    return lines


async def run(rows: int, seconds: float) -> None:
    engine = Postgres()
    try:
        print(f"{engine.version}, {len(CORES)} cores, load {os.getloadavg()[0]:.1f}")
        engine.use(ALL_CORES)
        cluster = await Cluster.make(engine, "scaling")
        (login,) = await seed.make_accounts(engine, cluster.url, 1)
        await seed.senders(engine, cluster.url, login, rows // 10)
        sender_ids = [str(row[0]) for row in await engine.rows(cluster.url, "SELECT id FROM senders ORDER BY id")]
        await engine.settle(cluster.url)
        print("\n" + HEADING)
        half = rows // ITEMS // 2
        with ExitStack() as stack:
            servers = [
                stack.enter_context(serve(cluster.url, cluster.log(), "--workers", "0", cores=ALL_CORES))
                for _ in range(2)
            ]
            for workers in (1, 2):
                cluster.processes = servers
                print(
                    (await creates(cluster, servers, login, sender_ids, half)).line("item of a create, until its 202")
                )
                name = f"membership, {workers} worker process{'es' * (workers > 1)}"
                print((await batches(cluster, workers)).line(name), flush=True)
            print("\n" + "\n".join(await sizes(cluster)))
            await seed.operations(engine, cluster.url, [login], rows)
            await seed.pools(engine, cluster.url, [login], rows // 10)
            await engine.settle(cluster.url)
            print(f"with {rows:,} operations and {rows // 10:,} pools:")
            print("\n".join(line for line in await sizes(cluster) if line.startswith(("operations ", "sender_pools "))))
            print("\n" + HEADING)
            cluster.processes = servers
            page = [request("GET", LIST, login)]
            print((await burst(cluster, servers[:1], page, 200, seconds)).line("page of 50 operations, one server"))
            print((await burst(cluster, servers, page, 200, seconds)).line("page of 50 operations, two servers"))
            ((operation_id,),) = await engine.rows(cluster.url, "SELECT id FROM operations ORDER BY id LIMIT 1")
            one = [request("GET", f"{LIST}/{operation_id}", login)]
            print((await burst(cluster, servers, one, 200, seconds)).line("operation by id, two servers"))
            pooled = [
                stack.enter_context(
                    serve(
                        cluster.url, cluster.log(), "--workers", "0", "--database-direct", cluster.url, cores=ALL_CORES
                    )
                )
                for _ in range(2)
            ]
            cluster.processes = pooled
            print(
                (await burst(cluster, pooled, page, 200, seconds)).line("page of 50, as through a pooler, two servers")
            )
            workers_too = [stack.enter_context(worker(cluster.url, cluster.log(), cores=ALL_CORES)) for _ in range(2)]
            cluster.processes = [*servers, *workers_too]
            small = [
                request(
                    "POST", "/v1/SenderPools", login, json.dumps({"senders": [{"senderId": sender_ids[0]}]}).encode()
                )
            ]
            cost = await burst(cluster, servers, small, 202, seconds)
            print(cost.line("create with one sender, done meanwhile"))
            started = time.perf_counter()
            await cluster.idle()
            print(f"  the last of them was done {time.perf_counter() - started:.2f} s after the last 202")
        started = time.perf_counter()
        await engine.script(cluster.url, "CREATE INDEX another ON sender_pool_members (account_id, sender_id, pool_id)")
        print(f"  CREATE INDEX on sender_pool_members took {time.perf_counter() - started:.2f} s")
    finally:
        engine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="memberships, items and operations to make")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each load lasts")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(options.rows, options.seconds))


if __name__ == "__main__":
    main()
