"""The old and the new version on one database: an upgrade without downtime."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import pytest
from next_version import VERSION, make_next_version

from processes import (
    ACCOUNT,
    COMMAND,
    PATIENCE,
    WORKING,
    Client,
    Connect,
    Process,
    Serve,
    Server,
    Work,
    environment,
    run,
)

NONE_HERE = ("--workers", "0")


@pytest.fixture
def next_version(tmp_path: Path) -> Mapping[str, str]:
    return make_next_version(tmp_path / "next")


@contextmanager
def _work(database: str, folder: Path, env: Mapping[str, str]) -> Iterator[Process]:
    """A worker process of another version."""
    with Process([COMMAND, "worker", "--database", database], env=environment(env), cwd=folder) as worker:
        worker.printed(WORKING)
        yield worker


class Clients:
    """Clients that send requests all the time, to the server that the load balancer currently names."""

    def __init__(self, server: Server, senders: list[str]) -> None:
        self._server = server
        self._senders = senders
        self._moved = Event()
        self._ended = Event()
        self.promised: list[str] = []

    def move(self, server: Server) -> None:
        """Returns when the other server has no open request and gets no new ones."""
        self._server = server
        self._moved.clear()
        assert self._moved.wait(PATIENCE)

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> int:
        """Creates pools, reads and lists until stopped; returns the number of rounds. Raises for any error response."""
        rounds = 0
        with ExitStack() as stack:
            clients: dict[str, Client] = {}
            while not self._ended.is_set():
                moving = not self._moved.is_set()
                url = self._server.url
                if moving:
                    self._moved.set()
                if url not in clients:
                    clients[url] = stack.enter_context(Client(url))
                one = clients[url]
                operation_id = one.create_pool(self._senders)
                self.promised.append(operation_id)
                one.operation(operation_id)
                one.get("/v1/SenderPools", pageSize=5)
                one.get("/v1/SenderPools/Operations", status="PROCESSING")
                one.get("/readyz")
                rounds += 1
        return rounds


def test_next_version_takes_over_while_clients_go_on(
    serve: Serve, work: Work, client: Connect, postgres_url: str, tmp_path: Path, next_version: Mapping[str, str]
) -> None:
    """Two old processes, two new ones, then the old ones end; no request fails, and all promised work is done."""
    command = [sys.executable, "-m", "signalbox", "--version"]
    assert VERSION in subprocess.run(command, env=environment(next_version), capture_output=True, text=True).stdout
    old, old_worker = serve(postgres_url, *NONE_HERE), work(postgres_url)
    before = client(old.url)
    senders = before.enter(20)
    clients = Clients(old, senders)
    with ThreadPoolExecutor(1) as thread:
        rounds = thread.submit(clients.run)
        try:
            new = serve(postgres_url, *NONE_HERE, env=ACCOUNT | dict(next_version))
            after = client(new.url)
            assert after.get("/openapi.json")["info"]["version"] == VERSION
            # The schema is the new one now, and the old processes continue.
            assert before.get("/readyz") == {"status": "ready"}
            started_by_new = after.create_pool(senders)
            assert before.completed(started_by_new)["stats"]["created"] == len(senders) + 1
            assert _worked_on(old_worker, started_by_new)
            assert old_worker.stop() == 0
            started_by_old = before.create_pool(senders)
            with _work(postgres_url, tmp_path, next_version) as new_worker:
                assert before.completed(started_by_old)["stats"]["created"] == len(senders) + 1
                assert _worked_on(new_worker, started_by_old)
                clients.move(new)
                assert before.pool_of(started_by_new) == after.pool_of(started_by_new)
                before.http.close()
                assert old.stop() == 0
                clients.stop()
                assert rounds.result() > 0
                for operation_id in clients.promised:
                    assert after.completed(operation_id)["stats"]["created"] == len(senders) + 1
        finally:
            clients.stop()
    assert old.troubles + new.troubles == []


def test_old_version_does_not_start_once_the_schema_is_newer(
    serve: Serve, postgres_url: str, tmp_path: Path, next_version: Mapping[str, str]
) -> None:
    """A rollout must continue: the old version cannot be started again."""
    serve(postgres_url, env=ACCOUNT | dict(next_version))
    refused = run(tmp_path, "serve", "--port", "0", "--database", postgres_url)
    assert refused.returncode == 1
    assert "A newer Signalbox has upgraded it" in refused.stderr


def _worked_on(worker: Process, operation_id: str) -> bool:
    worker.printed(operation_id)
    return any(line["event"] == "batch" and line["operation"] == operation_id for line in worker.log)
