"""SIGTERM: the process finishes its current work, the next process does the rest, and no client is kept waiting."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from pathlib import Path

import asyncpg
import httpx
import pytest

from processes import PATIENCE, SID, TOKEN, Connect, Process, Serve, Work, environment, unknown_senders


def test_sigterm_during_work_exits_with_0_and_loses_nothing(serve: Serve, client: Connect, database_url: str) -> None:
    """The first process stops in the middle of ten operations of 10,000 senders; the second process finishes them."""
    first = serve(database_url)
    before = client(first.url)
    senders = before.enter(10_000)
    operations = [before.create_pool(senders) for _ in range(10)]
    started = time.monotonic()
    assert first.stop() == 0
    assert time.monotonic() - started < 10

    idle = serve(database_url, "--workers", "0")
    left = client(idle.url).get("/v1/SenderPools/Operations", status="PROCESSING")["operations"]
    assert left, "the work was done before the signal came: the test needs more of it"
    assert idle.stop() == 0

    after = client(serve(database_url).url)
    for operation_id in operations:
        assert after.completed(operation_id)["stats"] == {
            "total": 10_001,
            "queued": 0,
            "created": 10_001,
            "failed": 0,
        }
    assert sorted(after.members(after.pool_of(operations[-1]))) == sorted(senders)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_server_stops_at_once(serve: Serve, number: signal.Signals) -> None:
    """A client's open connection does not delay the stop."""
    server = serve("sqlite:///idle.db")
    with httpx.Client() as keeping:
        assert keeping.get(f"{server.url}/healthz").status_code == 200
        started = time.monotonic()
        server.signal(number)
        assert server.wait(10) == 0
        assert time.monotonic() - started < 5
    assert [line["event"] for line in server.log][-2:] == ["stopping", "stopped"]


def test_worker_stops_on_sigterm(serve: Serve, work: Work, postgres_url: str) -> None:
    serve(postgres_url, "--workers", "0")
    assert work(postgres_url).stop() == 0


async def test_process_that_cannot_finish_in_time_exits_with_0_and_says_so(
    serve: Serve, client: Connect, postgres_url: str, tmp_path: Path
) -> None:
    """A batch waits for a lock. The process ends before a supervisor kills it, and loses nothing."""
    client(serve(postgres_url, "--workers", "0").url).create_pool(unknown_senders(1))
    impatient = "from signalbox import __main__, app; app._STOP_SECONDS = 0.1; __main__.main()"
    command = [sys.executable, "-c", impatient, "worker", "--database", postgres_url]
    holder = await asyncpg.connect(postgres_url)
    async with holder.transaction():
        await holder.execute("LOCK TABLE sender_pool_members IN ACCESS EXCLUSIVE MODE")
        with Process(command, env=environment({}), cwd=tmp_path) as process:
            async with asyncio.timeout(PATIENCE):
                while not await holder.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                    pass
            assert process.stop() == 0
            assert process.log[-1]["event"] == "stopped before everything was finished"
    await holder.close()


def test_event_stream_ends_on_sigterm(serve: Serve, client: Connect, database_url: str) -> None:
    """The operation is unfinished: the stream has sent its state once, and ends as a complete response."""
    server = serve(database_url, "--workers", "0")
    operation_id = client(server.url).create_pool(client(server.url).enter(10))
    with (
        httpx.Client(auth=(SID, TOKEN), timeout=PATIENCE) as listener,
        listener.stream(
            "GET",
            f"{server.url}/v1/SenderPools/Operations/{operation_id}",
            headers={"Accept": "text/event-stream"},
        ) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "event: operation"
        assert '"status":"PROCESSING"' in next(lines)
        server.signal(signal.SIGTERM)
        assert [line for line in lines if line] == []
    assert server.wait(10) == 0


def test_waiting_request_gets_its_response_on_sigterm(serve: Serve, client: Connect, database_url: str) -> None:
    """A request with `Prefer: wait=60` gets the current state at once, and no connection reset."""
    server = serve(database_url, "--workers", "0")
    operation_id = client(server.url).create_pool(client(server.url).enter(10))
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        login = httpx.Request("GET", server.url)
        login = next(httpx.BasicAuth(SID, TOKEN).sync_auth_flow(login))
        request = (
            f"GET /v1/SenderPools/Operations/{operation_id} HTTP/1.1\r\nHost: x\r\nPrefer: wait=60\r\n"
            f"Authorization: {login.headers['Authorization']}\r\n\r\n"
        )
        # Responses come in order on one connection: after the first response the server has begun the second request.
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + request.encode())
        received = b""
        while b'"alive"' not in received:
            chunk = connection.recv(65536)
            assert chunk, received
            received += chunk
        client(server.url).operation(operation_id)
        server.signal(signal.SIGTERM)
        while chunk := connection.recv(65536):
            received += chunk
    assert b'"status":"PROCESSING"' in received
    assert server.wait(10) == 0
