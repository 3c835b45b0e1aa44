"""Runs: random requests, faults, an audit, and the checker. `make chaos ARGS="--runs 20 --seed 1"`."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import asyncpg
import click
from audits import audit, know_senders
from checker import check
from deeds import work
from journal import Journal
from message_deeds import introduce
from mischief import Mischief, PostgresMischief, SqliteMischief
from places import Postgres, Proxy, Seat
from tenants import Tenant

from clients import Client
from processes import SID, TOKEN, run

NAMES = ("ada", "ben", "cleo")
BUILD = Path(__file__).parents[2] / "build"
ACCOUNT = {"SIGNALBOX_ACCOUNT_SID": SID, "SIGNALBOX_AUTH_TOKEN": TOKEN}


@dataclass
class Result:
    """The result of a run."""

    engine: str
    seed: int
    seconds: float
    totals: dict[str, int]
    statuses: dict[str, int]
    violations: list[str]
    notes: list[str] = field(default_factory=list)


class Run:
    """One run on one engine with three tenants; each has that many senders at the start, and that many clients.

    With `reports` the audit waits for every report, which takes 10 seconds for some messages.
    """

    def __init__(
        self,
        engine: str,
        seed: int,
        seconds: float,
        folder: Path,
        inventory: int = 900,
        clients: int = 4,
        reports: bool = True,
    ) -> None:
        self.journal = Journal()
        self.engine = engine
        self.seed = seed
        self.seconds = seconds
        self.inventory = inventory
        self.clients = clients
        self.reports = reports
        self.folder = folder
        self.urls: list[str] = []
        self.seats: list[Seat] = []
        self.tenants: list[Tenant] = []
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.mischief: Mischief
        self._stack = AsyncExitStack()

    async def go(self) -> Result:
        """The whole run."""
        started = time.monotonic()
        # A thread waits for each process of the run.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(24))
        async with self._stack:
            if self.engine == "postgres":
                await self._open_postgres()
            else:
                await self._open_sqlite()
            await self._enter_inventory()
            await self._trouble()
            await self._restart_all()
            await self._audit()
            await self._close_all()
        verdict = check(self.journal)
        totals = dict(self.mischief.totals) | verdict.totals
        totals["failed starts"] = sum(seat.failed_starts for seat in self.seats)
        self._read_logs()
        problems = [*self.problems, *self._ends(), *verdict.lines()]
        took = round(time.monotonic() - started, 1)
        return Result(self.engine, self.seed, took, totals, statuses(self.journal), problems[:100], self.notes)

    # --- setup

    async def _open_postgres(self) -> None:
        postgres = Postgres(fsync=self.seed % 2 == 0)
        self._stack.push_async_callback(asyncio.to_thread, postgres.stop)
        await asyncio.to_thread(postgres.create)
        await asyncio.to_thread(postgres.start)
        direct = postgres.url("postgres")
        proxies = []
        # All start at once on an empty database: the first one creates the schema and the first account.
        commands = [["serve", "--port", "0"], ["serve", "--port", "0", "--workers", "0"], ["worker"], ["worker"]]
        for command in commands:
            proxy = Proxy(postgres.socket)
            port = await proxy.open()
            self._stack.push_async_callback(proxy.close)
            proxies.append(proxy)
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
            self.seats.append(self._seat([*command, "--database", url, "--database-connections", "6"]))
        self.mischief = PostgresMischief(self.seats, proxies, postgres, direct, self._seeded("mischief"), self.seconds)
        self._direct = direct
        await self._begin(direct)

    async def _open_sqlite(self) -> None:
        file = self.folder / "chaos.db"
        url = f"sqlite:///{file}"
        self.seats.append(self._seat(["serve", "--port", "0", "--database", url]))
        self.mischief = SqliteMischief(self.seats, file, self._seeded("mischief"), self.seconds)
        await self._begin(url)

    def _seat(self, command: list[str]) -> Seat:
        return Seat(command, ACCOUNT, self.folder, self.urls)

    def _seeded(self, name: str) -> str:
        return f"{self.engine}/{self.seed}/{name}"

    async def _begin(self, database: str) -> None:
        self._stack.push_async_callback(self._close_all)
        for seat in self.seats:
            seat.open()
        for seat in self.seats:
            await seat.up(30)
        self.tenants = [Tenant(NAMES[0], SID, TOKEN, 0)]
        for number, name in enumerate(NAMES[1:], 1):
            made = await asyncio.to_thread(
                run, self.folder, "accounts", "create", name, "--json", "--database", database
            )
            account = json.loads(made.stdout)
            self.tenants.append(Tenant(name, account["accountSid"], account["authToken"], number))

    def _clients(self, each: int, phase: str) -> Iterator[Client]:
        for tenant in self.tenants:
            others = [other for other in self.tenants if other is not tenant]
            for number in range(each):
                seed = self._seeded(f"{tenant.name}/{phase}-{number}")
                yield Client(tenant, others, self.urls, self.journal, seed)

    # --- phases

    async def _enter_inventory(self) -> None:
        for client in self._clients(1, "before"):
            client.polite = True
            entry = await client.send_inventory(client.tenant.rows(self.inventory))
            assert entry.done, entry
            await know_senders(client)
            await client.introduce()
            await introduce(client)
            client.close()

    async def _trouble(self) -> None:
        stop = asyncio.Event()
        clients = list(self._clients(self.clients, "during"))
        working = [asyncio.create_task(work(client, stop)) for client in clients]
        await self.mischief.make()
        stop.set()
        await asyncio.gather(*working)
        for client in clients:
            client.close()

    async def _restart_all(self) -> None:
        """Ends all processes with SIGTERM and starts them again: no earlier request can take effect afterwards."""
        await self._close_all()
        if self.engine == "postgres":
            await _nobody_connected(self._direct)
        for seat in self.seats:
            seat.open()
        for seat in self.seats:
            await seat.up(30)

    async def _audit(self) -> None:
        clients = list(self._clients(1, "after"))
        try:
            await asyncio.gather(*(audit(client, 60, self.reports) for client in clients))
        except TimeoutError:
            self.problems.append("lost: not everything could be read, or was final, 60 seconds after the last trouble")
        for client in clients:
            client.close()

    async def _close_all(self) -> None:
        await asyncio.gather(*(seat.close() for seat in self.seats))

    def _ends(self) -> Iterator[str]:
        for seat in self.seats:
            yield from (f"process: {line}" for line in seat.ended_badly)

    def _read_logs(self) -> None:
        """Counts the errors in the logs of the processes, for information; the checker does not use them."""
        found: Counter[str] = Counter()
        for line in (line for seat in self.seats for log in seat.logs for line in log.splitlines()):
            if '"level":"error"' in line or not line.startswith("{"):
                found[line[:2000]] += 1
        self.notes += [f"{count} x {line}" for line, count in found.most_common(20)]


async def _nobody_connected(url: str) -> None:
    admin = await asyncpg.connect(url)
    async with asyncio.timeout(30):
        while await admin.fetchval("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = 'postgres'") > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await admin.close()


def statuses(journal: Journal) -> dict[str, int]:
    """The number of responses with each status."""
    counts = Counter(str(entry.status) if entry.status else "no response" for entry in journal)
    return dict(sorted(counts.items()))


def chaos(engine: str, seed: int, seconds: float, *, reports: bool = True, **size: int) -> tuple[Result, Journal]:
    """One run in its own folder."""
    with tempfile.TemporaryDirectory(prefix="signalbox-chaos-") as folder:
        one = Run(engine, seed, seconds, Path(folder), reports=reports, **size)
        return asyncio.run(one.go()), one.journal


def recorded(engine: str, seed: int, seconds: float) -> Result:
    """One run, appended to `build/chaos.jsonl`. The journal of a failed run is kept beside that file."""
    try:
        result, journal = chaos(engine, seed, seconds)
    except Exception:  # the harness itself failed: recorded as a failure, and the other seeds still run
        totals = {"requests": 0, "items": 0, "messages": 0, "broken off": 1}
        result, journal = Result(engine, seed, seconds, totals, {}, [traceback.format_exc()]), Journal()
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "chaos.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(result)) + "\n")
    if result.violations:
        recorded_failure(result, journal)
    return result


def recorded_failure(result: Result, journal: Journal) -> None:
    """Keeps what is needed to find the cause: the journal, and the errors in the logs."""
    BUILD.mkdir(exist_ok=True)
    name = f"chaos-{result.engine}-{result.seed}"
    journal.save(BUILD / f"{name}.jsonl")
    (BUILD / f"{name}.txt").write_text("\n".join([*result.violations, *result.notes]), encoding="utf-8")


def summary(results: list[Result]) -> str:
    """The totals of all runs, by engine."""
    lines = []
    for engine in sorted({result.engine for result in results}):
        mine = [result for result in results if result.engine == engine]
        totals: Counter[str] = Counter()
        responses: Counter[str] = Counter()
        for result in mine:
            totals.update(result.totals)
            responses.update(result.statuses)
        lines.append(f"{engine}: {len(mine)} runs, {sum(bool(one.violations) for one in mine)} failed")
        lines.append("  " + ", ".join(f"{name} {count}" for name, count in totals.items()))
        lines.append("  responses: " + ", ".join(f"{status} {count}" for status, count in sorted(responses.items())))
    return "\n".join(lines)


@click.command()
@click.option("--runs", default=10, help="Number of seeds.")
@click.option("--seed", default=1, help="The first seed.")
@click.option("--engine", type=click.Choice(["both", "postgres", "sqlite"]), default="both")
@click.option("--seconds", default=6.0, help="Seconds with faults in one run.")
@click.option("--jobs", default=1, help="Number of runs at once.")
def main(runs: int, seed: int, engine: str, seconds: float, jobs: int) -> None:
    """Runs with random requests and random faults from a seed, each checked by the checker."""
    engines = ("postgres", "sqlite") if engine == "both" else (engine,)
    results: list[Result] = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        asked = [pool.submit(recorded, one, number, seconds) for number in range(seed, seed + runs) for one in engines]
        for future in asked:
            result = future.result()
            results.append(result)
            ending = "ok" if not result.violations else f"{len(result.violations)} VIOLATIONS"
            counted = ", ".join(f"{result.totals[name]} {name}" for name in ("requests", "items", "messages"))
            click.echo(f"{result.engine} seed {result.seed}: {result.seconds} s, {counted}: {ending}")
            for line in [*result.violations[:20], *result.notes]:
                click.echo(f"    {line}")
    click.echo(summary(results))
    if any(result.violations for result in results):
        raise SystemExit(1)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "error::ResourceWarning")
    main()
