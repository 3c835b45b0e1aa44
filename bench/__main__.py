"""`python -m bench`: runs the scenarios on both engines, prints a table and writes JSON."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, cast

import uvloop

from bench.context import FULL, QUICK, RESULTS, Bench, Size, say
from bench.engines import Engine, Postgres, Sqlite
from bench.machine import CORES, LOAD_CORE
from bench.report import Figure, markdown, table, write_json

Scenario = Callable[[Bench], Awaitable[list[Figure]]]

SCENARIOS: Final = (
    "lists",
    "by_id",
    "paging",
    "members",
    "names",
    "creates",
    "small_creates",
    "new_accounts",
    "memberships",
    "latency",
    "growth",
    "start",
)
ENGINES: Final[dict[str, Callable[[], Engine]]] = {"sqlite": Sqlite, "postgres": Postgres}


async def measure(engine: Engine, size: Size, names: list[str], quick: bool, failed: list[str]) -> list[Figure]:
    """Runs scenarios on one engine and returns their figures; adds the names of scenarios that failed to `failed`."""
    bench = Bench(engine, size, quick)
    figures = []
    for name in names:
        started = time.perf_counter()
        run = cast("Scenario", importlib.import_module(f"bench.scenarios.{name}").run)
        try:
            figures += await run(bench)
        except Exception:  # the figures of the other scenarios are still useful
            traceback.print_exc()
            failed.append(f"{engine.name}: {name}")
        say(f"{engine.name}: {name} took {time.perf_counter() - started:.1f} s")
    return figures


def main() -> int:
    """Runs the bench; returns 1 when a scenario failed. A missed target is shown, but is not a failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less data and shorter rounds, for work on the bench")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="only this scenario; may be repeated")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only this engine")
    options = parser.parse_args()
    started = time.perf_counter()
    RESULTS.mkdir(exist_ok=True)
    os.sched_setaffinity(0, LOAD_CORE)
    # So that SIGTERM also runs the cleanup: the databases take gigabytes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    figures: list[Figure] = []
    versions: list[str] = []
    failed: list[str] = []
    for name in options.engine or ENGINES:
        engine = ENGINES[name]()
        versions.append(engine.version)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures += runner.run(
                    measure(
                        engine, QUICK if options.quick else FULL, options.only or list(SCENARIOS), options.quick, failed
                    )
                )
        finally:
            engine.stop()
    print(table(figures))
    about: dict[str, object] = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(time.perf_counter() - started),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "machine": _machine(),
        "cores": len(CORES),
        "python": platform.python_version(),
        "engines": versions,
        "load": os.getloadavg(),
    }
    path = RESULTS / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}{'-quick' if options.quick else ''}.json"
    write_json(path, figures, about)
    path.with_suffix(".md").write_text(markdown(figures))
    say(f"{about['seconds']} s; written to {path}")
    if failed:
        say(f"broke off: {', '.join(failed)}")
    return 1 if failed else 0


def _machine() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return f"{names[0] if names else platform.machine()}, {platform.system()} {platform.release()}"


if __name__ == "__main__":
    sys.exit(main())
