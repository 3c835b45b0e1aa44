"""Several processes on one PostgreSQL: wake-ups arrive at once; a restart of the database loses nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres import PostgresServer
from processes import Connect, Serve, Work, at_once, eventually, run


def test_worker_process_does_the_work(serve: Serve, work: Work, client: Connect, postgres_url: str) -> None:
    """The server has no workers of its own: the operation makes no progress until a worker process starts."""
    server = serve(postgres_url, "--workers", "0")
    connection = client(server.url)
    senders = connection.enter(2_500)
    operation_id = connection.create_pool(senders)
    assert connection.operation(operation_id)["stats"]["queued"] == 2_500
    worker = work(postgres_url)
    assert connection.completed(operation_id)["stats"]["created"] == 2_501
    assert sorted(connection.members(connection.pool_of(operation_id))) == sorted(senders)
    assert sum(line["created"] for line in worker.log if line["event"] == "batch") == 2_500
    assert worker.stop() == 0
    assert not [line for line in server.log if line["event"] == "batch"]


def test_work_and_its_end_are_news_to_other_processes_at_once(
    serve: Serve, work: Work, client: Connect, postgres_url: str
) -> None:
    """One server takes the request, a worker works, another server waits: no process waits for its next poll."""
    asked, watched = serve(postgres_url, "--workers", "0"), serve(postgres_url, "--workers", "0")
    work(postgres_url)
    asking, watching = client(asked.url), client(watched.url)
    senders = asking.enter(3)
    at_once(lambda: watching.completed(asking.create_pool(senders)), "both wake-ups")


def test_event_stream_shows_the_work_of_another_process(
    serve: Serve, work: Work, client: Connect, postgres_url: str
) -> None:
    """The stream shows states up to COMPLETED and then ends; the counters add up and never fall."""
    server = serve(postgres_url, "--workers", "0")
    connection = client(server.url)
    senders = connection.enter(5_000)
    operation_id = connection.create_pool(senders)
    path = f"/v1/SenderPools/Operations/{operation_id}"
    seen = []
    with connection.http.stream("GET", path, headers={"Accept": "text/event-stream"}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "event: operation"
        seen.append(json.loads(next(lines).removeprefix("data: ")))
        work(postgres_url)
        seen += [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data")]
    assert (seen[0]["status"], seen[-1]["status"]) == ("PROCESSING", "COMPLETED")
    queued = [one["stats"]["queued"] for one in seen]
    assert queued == sorted(set(queued), reverse=True)
    assert all(one["stats"]["queued"] + one["stats"]["created"] == 5_001 for one in seen)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that only this test uses, so that the test can stop and start the server."""
    server = PostgresServer()
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()


def test_server_outlives_a_restart_of_the_database(serve: Serve, client: Connect, own_server: PostgresServer) -> None:
    """Responses are 503 with Retry-After while the database is down, then normal; the operation completes."""
    database_url = own_server.url("postgres")
    serving, working = serve(database_url, "--workers", "0"), serve(database_url)
    connection = client(serving.url)
    senders = connection.enter(1_000)
    assert connection.completed(connection.create_pool(senders))["stats"]["failed"] == 0

    own_server.halt()
    for _ in range(3):
        started = time.monotonic()
        away = connection.http.get("/v1/SenderPools")
        assert time.monotonic() - started < 5
        assert (away.status_code, away.json()["code"]) == (503, 20503)
        assert int(away.headers["Retry-After"]) >= 1
        assert "postgres" not in away.text.lower(), "the response names the database"
    assert connection.http.get("/healthz").status_code == 200
    assert connection.http.get("/readyz").status_code == 503
    assert connection.http.get("/metrics").status_code == 200
    assert connection.http.post("/v1/SenderPools", json={}).status_code == 503

    own_server.start()
    eventually(lambda: connection.http.get("/readyz").status_code == 200, "ready again")
    operation_id = connection.create_pool(senders)
    assert connection.completed(operation_id)["stats"]["created"] == 1_001
    at_once(lambda: connection.completed(connection.create_pool(senders[:3])), "the wake-ups after the restart")
    assert (serving.stop(), working.stop()) == (0, 0)


def test_database_restart_amid_work_loses_and_doubles_nothing(
    serve: Serve, client: Connect, own_server: PostgresServer
) -> None:
    """The database is halted twice while workers process operations of 10,000 senders."""
    connection = client(serve(own_server.url("postgres")).url)
    senders = connection.enter(10_000)
    operations = [connection.create_pool(senders) for _ in range(6)]
    for _ in range(2):
        own_server.halt()
        assert connection.http.get(f"/v1/SenderPools/Operations/{operations[0]}").status_code == 503
        own_server.start()
        eventually(lambda: connection.http.get("/readyz").status_code == 200, "ready again")
    for operation_id in operations:
        stats = connection.completed(operation_id)["stats"]
        assert stats == {"total": 10_001, "queued": 0, "created": 10_001, "failed": 0}
        assert sorted(connection.members(connection.pool_of(operation_id))) == sorted(senders)


def test_start_without_a_database_fails_in_a_sentence(tmp_path: Path) -> None:
    """The exit code is 1; the output has no traceback and no password."""
    refused = run(tmp_path, "serve", "--port", "0", "--database", "postgresql://ada:hidden-word@127.0.0.1:1/nowhere")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("signalbox: ")
    assert "Traceback" not in refused.stderr
    assert "hidden-word" not in refused.stderr
