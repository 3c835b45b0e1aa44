"""kill -9 at random moments: every 202 is kept, nothing is applied twice, the counters always add up."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from depth import searched
from processes import Client, Connect, Serve, Work, unknown_senders

SENDERS = searched(4_000, deep=10_000)
UNKNOWN = 10
ROUNDS = searched(5, deep=20)

pytestmark = pytest.mark.slow


@dataclass
class Promised:
    """A request with its idempotency key, and its response."""

    key: str
    senders: list[str]
    operation_id: str | None = None


@dataclass
class Watched:
    """The states of the operations so far: counters never fall."""

    done: dict[str, int] = field(default_factory=dict)

    def look(self, client: Client, operation_id: str) -> bool:
        """Reads the operation once; returns whether it is final."""
        found = client.operation(operation_id)
        stats = found["stats"]
        done = stats["created"] + stats["failed"]
        assert done >= self.done.get(operation_id, 0), "counters went back"
        self.done[operation_id] = done
        return bool(found["status"] == "COMPLETED")


def _exactly(client: Client, promised: Promised) -> None:
    """The operation did its work exactly once: counters, ledger and memberships agree."""
    assert promised.operation_id
    stats = client.completed(promised.operation_id)["stats"]
    total = len(promised.senders) + 1
    assert stats == {"total": total, "queued": 0, "created": total - UNKNOWN, "failed": UNKNOWN}
    items = client.items(promised.operation_id)
    assert [item["index"] for item in items] == list(range(total))
    assert [item["senderId"] for item in items] == [None, *promised.senders]
    failed = set(unknown_senders(UNKNOWN))
    assert all((item["outcome"] == "FAILED") == (item["senderId"] in failed) for item in items)
    assert {item["outcome"] for item in items} == {"CREATED", "FAILED"}
    members = client.members(client.pool_of(promised.operation_id))
    assert sorted(members) == sorted(set(promised.senders) - failed)


def _shuffled(rng: random.Random, senders: list[str]) -> list[str]:
    mixed = [*senders[: SENDERS - UNKNOWN], *unknown_senders(UNKNOWN)]
    rng.shuffle(mixed)
    return mixed


@pytest.mark.parametrize("seed", range(1, 1 + searched(1, deep=5)))
def test_killed_server_keeps_every_promise(serve: Serve, client: Connect, database_url: str, seed: int) -> None:
    """One process serves and works; the test kills it repeatedly during creates of pools with thousands of senders.

    Each request has an idempotency key. After a kill without a response the test sends the request again, so the
    number of pools is known exactly.
    """
    rng = random.Random(seed)
    server = serve(database_url)
    connection = client(server.url)
    known = connection.enter(SENDERS)
    started = time.monotonic()
    warm = Promised("warm", _shuffled(rng, known))
    warm.operation_id = connection.create_pool(warm.senders, key=warm.key)
    connection.completed(warm.operation_id)
    usual = time.monotonic() - started

    watched = Watched()
    promises = [warm]
    interrupted = 0
    for number in range(ROUNDS):
        promised = Promised(f"round-{number}", _shuffled(rng, known))
        promises.append(promised)
        # The random time of the kill is the subject of the test; this is not a wait for a state.
        killer = threading.Timer(rng.uniform(0, 1.2 * usual), server.kill)
        killer.start()
        try:
            promised.operation_id = connection.create_pool(promised.senders, key=promised.key)
            while True:
                watched.look(connection, promised.operation_id)
        except httpx.TransportError:
            pass
        killer.join()
        interrupted += watched.done.get(promised.operation_id or "", 0) <= SENDERS
        server = serve(database_url)
        connection = client(server.url)
        repeated = connection.create_pool(promised.senders, key=promised.key)
        assert promised.operation_id in (None, repeated), "a promise was lost and made again"
        promised.operation_id = repeated

    assert interrupted >= ROUNDS // 4, "nearly every kill came when all was done: the test proves little"
    for promised in promises:
        _exactly(connection, promised)
    assert len(list(connection.pages("/v1/SenderPools", "senderPools"))) == len(promises)
    assert len(list(connection.pages("/v1/SenderPools/Operations", "operations"))) == len(promises)


def test_killed_workers_lose_and_double_nothing(serve: Serve, work: Work, client: Connect, postgres_url: str) -> None:
    """Two workers do the work of a server that never stops; the test kills either worker and starts another."""
    rng = random.Random(3)
    server = serve(postgres_url, "--workers", "0")
    connection = client(server.url)
    known = connection.enter(SENDERS)
    workers = [work(postgres_url), work(postgres_url)]
    watched = Watched()
    promises = []
    for number in range(searched(4, deep=12)):
        promised = Promised(str(number), _shuffled(rng, known))
        promises.append(promised)
        promised.operation_id = connection.create_pool(promised.senders)
        others = connection.create_pool(promised.senders)
        threshold = rng.randrange(SENDERS)
        finished = False
        while not finished and watched.done.get(promised.operation_id, 0) <= threshold:
            finished = watched.look(connection, promised.operation_id)
        victim = rng.randrange(2)
        workers[victim].kill()
        workers[victim] = work(postgres_url)
        promises.append(Promised("", promised.senders, others))
    for promised in promises:
        _exactly(connection, promised)


def test_request_repeated_across_a_kill_gets_the_same_response(
    serve: Serve, client: Connect, database_url: str
) -> None:
    """The stored response was committed with the operation: the replay has the same id and is marked as replayed."""
    first = serve(database_url, "--workers", "0")
    before = client(first.url)
    body = {"name": "once", "senders": [{"senderId": one} for one in before.enter(5)]}
    headers = {"Idempotency-Key": '"across a kill"'}
    response = before.http.post("/v1/SenderPools", json=body, headers=headers)
    first.kill()
    after = client(serve(database_url).url)
    again = after.http.post("/v1/SenderPools", json=body, headers=headers)
    assert (response.status_code, again.status_code) == (202, 202)
    assert "Idempotency-Replayed" not in response.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["operationId"] == response.json()["operationId"]
    other = after.http.post("/v1/SenderPools", json={"name": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, 20422)
    assert after.completed(response.json()["operationId"])["stats"]["created"] == 6
    assert len(after.get("/v1/SenderPools")["senderPools"]) == 1


def test_kill_in_mid_inventory_enters_all_rows_or_none(serve: Serve, client: Connect, tmp_path: Path) -> None:
    """A request for thousands of rows that got no response has entered all rows or none."""
    rng = random.Random(4)
    body = "channel,address\n" + "\n".join(f"EMAIL,row{number}@example.com" for number in range(SENDERS))
    for number in range(searched(2, deep=8)):
        database_url = f"sqlite:///{tmp_path / f'inventory-{number}.db'}"
        server = serve(database_url)
        connection = client(server.url)
        killer = threading.Timer(rng.uniform(0.2, 1.2), server.kill)
        killer.start()
        try:
            response = connection.http.post("/signalbox/v1/Senders", content=body, headers={"Content-Type": "text/csv"})
            responded = response.status_code == 200
        except httpx.TransportError:
            responded = False
        killer.join()
        again = client(serve(database_url).url)
        found = len(list(again.pages("/v1/Senders", "senders", pageSize=1000)))
        assert found in ((SENDERS,) if responded else (0, SENDERS)), (responded, found)
