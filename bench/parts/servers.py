"""Compares three servers with the same application, on both engines: `make parts ARGS=servers`. Bursts alternate."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Final

import uvloop

from bench.compare import Contender, throughput
from bench.context import QUICK, Bench
from bench.engines import Engine, Postgres, Sqlite
from bench.load import request
from bench.machine import LOAD_CORE, SERVER_CORE, Process
from bench.parts.serving import SERVERS
from bench.scenarios.lists import PATH

ROUNDS: Final = 9


def start(name: str, url: str, log: Path) -> Process:
    command = [sys.executable, "-m", "bench.parts.serving", name, url]
    path = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent.parent), *filter(None, sys.path)])}
    return Process(command, r"running on (http://127\.0\.0\.1:\d+)", log, SERVER_CORE, path)


async def measure(engine: Engine) -> None:
    bench = Bench(engine, QUICK, quick=True)
    library = await bench.library()
    accounts = {login.account_id: login for login in library.tenants}
    rows = await engine.rows(library.url, "SELECT account_id, id FROM operations ORDER BY id DESC LIMIT 2000")
    kinds = {
        "page of 50": [request("GET", PATH, login) for login in library.tenants],
        "one operation by id": [
            request("GET", f"{PATH}/{one}", accounts[account]) for account, one in rows if account in accounts
        ]
        or [request("GET", PATH + "/" + one, library.owner) for account, one in rows],
    }
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(start(name, library.url, bench.log())) for name in SERVERS}
        for kind, requests in kinds.items():
            found = await throughput({name: Contender(one, requests) for name, one in servers.items()}, ROUNDS, 0.7)
            for name, one in found.items():
                ratio = one.ratio(found["ours"])
                print(
                    f"{engine.name:<9} {kind:<20} {name:<8} {one.spread.median:7.0f} /s  p99 {one.p99_ms:6.1f} ms  "
                    f"processor time {one.cpu.low:5.0f} us  against ours {ratio.median:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    os.sched_setaffinity(0, LOAD_CORE)
    for kind in (Sqlite, Postgres):
        engine: Engine = kind()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(engine))
        finally:
            engine.stop()
