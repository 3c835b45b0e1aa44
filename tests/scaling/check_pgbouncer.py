"""The program behind a real PgBouncer in transaction mode: `make scaling`, which needs PgBouncer.

`make test` does not run this file, because PgBouncer is not a Python package. PGBOUNCER names a program other than the
one on the path.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pgbouncer import PgBouncer

from processes import ACCOUNT, Client, Connect, Serve, Work, run

CLIENTS = 16
ROUNDS = 8


@pytest.fixture
def pooled(postgres_url: str) -> Iterator[PgBouncer]:
    with PgBouncer(postgres_url) as pooler:
        yield pooler


def test_processes_share_few_server_connections(
    serve: Serve, work: Work, client: Connect, pooled: PgBouncer, postgres_url: str
) -> None:
    """Two servers, two workers, sixteen clients and three server connections: all promised work is done, and wake-ups
    arrive at once.
    """
    direct = ("--database-direct", postgres_url)
    servers = [serve(pooled.url, "--workers", "0", *direct) for _ in range(2)]
    workers = [work(pooled.url, "--workers", "2", *direct) for _ in range(2)]
    senders = client(servers[0].url).enter(200)

    def go(number: int) -> None:
        with Client(servers[number % 2].url) as one, Client(servers[1 - number % 2].url) as other:
            for turn in range(ROUNDS):
                operation_id = one.create_pool(senders, key=f"{number}-{turn}")
                assert other.completed(operation_id)["stats"]["created"] == len(senders) + 1
                assert sorted(other.members(other.pool_of(operation_id))) == sorted(senders)
                assert one.create_pool(senders, key=f"{number}-{turn}") == operation_id

    with ThreadPoolExecutor(CLIENTS) as threads:
        for done in [threads.submit(go, number) for number in range(CLIENTS)]:
            done.result()
    asking, watching = (client(server.url) for server in servers)
    seconds = []
    for _ in range(15):
        started = time.monotonic()
        watching.completed(asking.create_pool(senders[:1]))
        seconds.append(time.monotonic() - started)
    assert statistics.median(seconds) < 0.3, seconds
    assert not [line for one in (*servers, *workers) for line in one.troubles]


def test_schema_is_made_and_commands_work_through_it(
    serve: Serve, client: Connect, empty_postgres_url: str, tmp_path: Path
) -> None:
    with PgBouncer(empty_postgres_url) as pooler:
        server = serve(pooler.url, "--database-direct", empty_postgres_url)
        assert client(server.url).get("/readyz") == {"status": "ready"}
        options = ("--database", pooler.url, "--database-direct", empty_postgres_url)
        assert run(tmp_path, "accounts", "create", "Ben", *options).returncode == 0
        assert "Ben" in run(tmp_path, "accounts", "list", *options).stdout


def test_restart_of_the_pooler_is_survived(serve: Serve, client: Connect, postgres_url: str) -> None:
    """503 while the pooler is down; afterwards everything continues without a restart."""
    with PgBouncer(postgres_url) as pooler:
        server = serve(pooler.url, "--database-direct", postgres_url)
        connection = client(server.url)
        senders = connection.enter(10)
        connection.completed(connection.create_pool(senders))
        pooler.stop()
        away = connection.http.get("/v1/SenderPools")
        assert (away.status_code, away.json()["code"]) == (503, 20503)
        assert connection.http.get("/readyz").status_code == 503
        pooler.start()
        assert connection.completed(connection.create_pool(senders))["stats"]["created"] == len(senders) + 1


def test_without_a_direct_url_it_does_not_start(postgres_url: str, pooled: PgBouncer, tmp_path: Path) -> None:
    """The program fails at the start with a clear message, instead of with wrong results later."""
    refused = run(tmp_path, "serve", "--port", "0", "--database", pooled.url, env=ACCOUNT)
    assert refused.returncode == 1
    assert "unsupported startup parameter: jit" in refused.stderr
