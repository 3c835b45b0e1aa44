"""Pool operations over HTTP: contract section 6, numbers 9 and 10; ledger and cancelling, contract section 8."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from people import BASE, Exchange, Person, Served
from signalbox import db
from signalbox.ground import clock, ids
from signalbox.inventory import pool_operations, senders
from working import step

UNKNOWN_SENDER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
UNKNOWN_OPERATION = "comms_operation_01hzzzzzzzzzzzzzzzzzzzzzzz"


@pytest.fixture
async def idle_ada(database: db.Database) -> Person:
    """Ada on a database without workers: her operations stay queued."""
    return await (await Served.on(database)).account("Ada")


async def test_operation_of_a_create_counts_the_pool_and_each_sender(ada: Person) -> None:
    senders = await ada.senders(3)
    refs = [{"senderId": one} for one in [*senders, UNKNOWN_SENDER]]
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={"senders": refs}))
    assert list(operation) == ["id", "status", "stats", "createdAt", "updatedAt"]
    assert operation["status"] == "COMPLETED"
    assert operation["stats"] == {"total": 5, "queued": 0, "created": 4, "failed": 1}
    assert operation["createdAt"] == clock.rfc3339(ids.created_at(operation["id"]))
    assert operation["updatedAt"] > operation["createdAt"]


async def test_operation_without_senders_is_complete_at_once(idle_ada: Person) -> None:
    response = await idle_ada.post("/v1/SenderPools", json={})
    operation = (await idle_ada.get(response.headers["location"])).json()
    assert operation["status"] == "COMPLETED"
    assert operation["stats"] == {"total": 1, "queued": 0, "created": 1, "failed": 0}


async def test_operations_are_listed_by_status(idle_ada: Person) -> None:
    refs = [{"senderId": UNKNOWN_SENDER}]
    done, waiting, stopped = [
        (await idle_ada.post("/v1/SenderPools", json=body)).json()["operationId"]
        for body in ({}, {"senders": refs}, {"senders": refs})
    ]
    await idle_ada.post(f"/signalbox/v1/SenderPools/Operations/{stopped}/Cancel")
    for status, wanted in (
        ("", [stopped, waiting, done]),
        ("?status=PROCESSING", [waiting]),
        ("?status=COMPLETED", [done]),
        ("?status=CANCELED", [stopped]),
    ):
        found = await idle_ada.walk(f"/v1/SenderPools/Operations{status}", "operations")
        assert [one["id"] for one in found] == wanted


async def test_ledger_says_what_became_of_every_item(ada: Person, ben: Person) -> None:
    old, new, gone = await ada.senders(3)
    (another,) = await ben.senders(1)
    pool_id = await ada.pool(old)
    await ada.delete(f"/signalbox/v1/Senders/{gone}")
    refs = [{"senderId": one} for one in (new, UNKNOWN_SENDER, old, another, gone)]
    operation = await ada.finished(await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=refs))
    assert operation["stats"] == {"total": 5, "queued": 0, "created": 2, "failed": 3}
    path = f"/signalbox/v1/SenderPools/Operations/{operation['id']}/Items"
    items = await ada.walk(path, "items", size=2)
    assert [(one["index"], one["senderId"], one["outcome"]) for one in items] == [
        (0, new, "CREATED"),
        (1, UNKNOWN_SENDER, "FAILED"),
        (2, old, "ALREADY_MEMBER"),
        (3, another, "FAILED"),
        (4, gone, "FAILED"),
    ]
    for one in items:
        assert (one["code"] is not None, bool(one["message"])) == (one["outcome"] == "FAILED",) * 2
    # Another account's, an unknown and a deleted sender get the same problem.
    assert len({(one["code"], one["message"]) for one in items if one["outcome"] == "FAILED"}) == 1
    for outcome in ("QUEUED", "CREATED", "ALREADY_MEMBER", "FAILED"):
        wanted = [one for one in items if one["outcome"] == outcome]
        assert await ada.walk(f"{path}?outcome={outcome}", "items", size=1) == wanted
    assert await ada.members(pool_id) == {old, new}


async def test_ledger_of_a_create_begins_with_the_pool(idle_ada: Person) -> None:
    response = await idle_ada.post("/v1/SenderPools", json={"senders": [{"senderId": UNKNOWN_SENDER}]})
    path = f"/signalbox/v1/SenderPools/Operations/{response.json()['operationId']}/Items"
    first, second = (await idle_ada.get(path)).json()["items"]
    assert first == {"index": 0, "senderId": None, "outcome": "CREATED", "code": None, "message": None}
    assert second == {"index": 1, "senderId": UNKNOWN_SENDER, "outcome": "QUEUED", "code": None, "message": None}


@pytest.mark.parametrize("count", [1, 999, 1000, 2001])
async def test_ledger_streams_as_ndjson(ada: Person, count: int) -> None:
    """The server reads a thousand items at a time; no item is lost or repeated between two reads."""
    refs = [{"senderId": ids.new(senders.SENDER, clock.now_ms())} for _ in range(count)]
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={"senders": refs}))
    path = f"/signalbox/v1/SenderPools/Operations/{operation['id']}/Items"
    response = await ada.get(path, headers={"accept": "application/x-ndjson"})
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [msgspec.json.decode(line) for line in response.content.splitlines()]
    assert lines == await ada.walk(path, "items")
    failed = await ada.get(f"{path}?outcome=FAILED", headers={"accept": "application/x-ndjson"})
    assert [msgspec.json.decode(line)["index"] for line in failed.content.splitlines()] == list(range(1, count + 1))


async def test_ledger_stream_of_nothing_is_empty(ada: Person) -> None:
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={}))
    path = f"/signalbox/v1/SenderPools/Operations/{operation['id']}/Items?outcome=FAILED"
    response = await ada.get(path, headers={"accept": "application/x-ndjson"})
    assert (response.status_code, response.content) == (200, b"")


async def test_ledger_stream_begins_at_a_token(ada: Person) -> None:
    refs = [{"senderId": UNKNOWN_SENDER}]
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={"senders": refs}))
    path = f"/signalbox/v1/SenderPools/Operations/{operation['id']}/Items"
    token = (await ada.get(f"{path}?pageSize=1")).json()["pagination"]["next"]
    rest = await ada.get(f"{path}?pageToken={token}", headers={"accept": "application/x-ndjson"})
    assert [msgspec.json.decode(line)["index"] for line in rest.content.splitlines()] == [1]


async def test_client_that_leaves_ends_the_ledger_stream(ada: Person) -> None:
    refs = [{"senderId": ids.new(senders.SENDER, clock.now_ms())} for _ in range(3000)]
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={"senders": refs}))
    path = f"/signalbox/v1/SenderPools/Operations/{operation['id']}/Items"
    exchange = Exchange(ada, path, {"accept": "application/x-ndjson"})
    assert (await exchange.next())["status"] == 200
    await exchange.leave()
    assert (await ada.get("/healthz")).status_code == 200


async def test_cancelled_operation_keeps_what_was_never_tried_and_stays(
    idle_ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", 2)
    senders = await idle_ada.senders(5)
    response = await idle_ada.post("/v1/SenderPools", json={"senders": [{"senderId": one} for one in senders]})
    await step(idle_ada.served.database)
    operation_id = response.json()["operationId"]
    before = (await idle_ada.get(response.headers["location"])).json()
    cancelled = await idle_ada.post(f"/signalbox/v1/SenderPools/Operations/{operation_id}/Cancel")
    assert cancelled.status_code == 202
    assert cancelled.json() == {
        "resourceId": operation_id,
        "resourceLocation": f"{BASE}/v1/SenderPools/Operations/{operation_id}",
    }
    operation = (await idle_ada.get(response.headers["location"])).json()
    assert operation["status"] == "CANCELED"
    assert operation["stats"] == before["stats"] == {"total": 6, "queued": 3, "created": 3, "failed": 0}
    assert operation["updatedAt"] > before["updatedAt"]
    assert await step(idle_ada.served.database) is None
    assert (await idle_ada.get(response.headers["location"])).json() == operation
    again = await idle_ada.post(f"/signalbox/v1/SenderPools/Operations/{operation_id}/Cancel")
    assert again.status_code == 409
    queued = f"/signalbox/v1/SenderPools/Operations/{operation_id}/Items?outcome=QUEUED"
    assert [one["index"] for one in await idle_ada.walk(queued, "items")] == [3, 4, 5]


async def test_completed_operation_cannot_be_cancelled(ada: Person) -> None:
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={}))
    refused = await ada.post(f"/signalbox/v1/SenderPools/Operations/{operation['id']}/Cancel")
    assert refused.status_code == 409
    assert (await ada.get(f"/v1/SenderPools/Operations/{operation['id']}")).json() == operation


async def test_unknown_operation_is_not_found(ada: Person) -> None:
    for method, path in (
        ("GET", f"/v1/SenderPools/Operations/{UNKNOWN_OPERATION}"),
        ("GET", f"/signalbox/v1/SenderPools/Operations/{UNKNOWN_OPERATION}/Items"),
        ("POST", f"/signalbox/v1/SenderPools/Operations/{UNKNOWN_OPERATION}/Cancel"),
    ):
        assert (await ada.call(method, path)).status_code == 404


async def test_deletion_of_a_pool_cancels_its_operations(idle_ada: Person) -> None:
    refs = [{"senderId": UNKNOWN_SENDER}]
    response = await idle_ada.post("/v1/SenderPools", json={"senders": refs})
    operation_id = response.json()["operationId"]
    listed = (await idle_ada.get(f"/v1/SenderPools?operationId={operation_id}")).json()
    pool_id = listed["senderPools"][0]["id"]
    added = await idle_ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=refs)
    await idle_ada.delete(f"/v1/SenderPools/{pool_id}")
    for one in (operation_id, added.json()["operationId"]):
        operation = (await idle_ada.get(f"/v1/SenderPools/Operations/{one}")).json()
        assert (operation["status"], operation["stats"]["queued"]) == ("CANCELED", 1)


async def test_counters_add_up_for_everyone_who_reads_while_work_goes_on(ada: Person) -> None:
    """Every response on the way is checked: total = queued + created + failed, and no counter ever falls."""
    refs = [{"senderId": ids.new(senders.SENDER, clock.now_ms())} for _ in range(10_000)]
    response = await ada.post("/v1/SenderPools", json={"senders": refs})

    async def read() -> int:
        seen = -1
        moved = 0
        while True:
            operation = (await ada.get(response.headers["location"])).json()
            assert operation["stats"]["failed"] >= seen
            moved += int(operation["stats"]["failed"] > seen)
            seen = operation["stats"]["failed"]
            if operation["status"] == "COMPLETED":
                return moved
            await asyncio.sleep(0)

    async with asyncio.timeout(60):
        assert min(await asyncio.gather(*(read() for _ in range(4)))) >= 1


async def test_updated_at_moves_with_every_change_of_an_operation(
    idle_ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", 1)
    now = clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now)  # all changes have the same millisecond
    refs = [{"senderId": one} for one in [*await idle_ada.senders(2), UNKNOWN_SENDER]]
    response = await idle_ada.post("/v1/SenderPools", json={"senders": refs})
    seen = [(await idle_ada.get(response.headers["location"])).json()]
    while await step(idle_ada.served.database):
        seen.append((await idle_ada.get(response.headers["location"])).json())
    assert [one["stats"]["queued"] for one in seen] == [3, 2, 1, 0]
    times = [one["updatedAt"] for one in seen]
    assert times == sorted(set(times))
    assert (await idle_ada.get(response.headers["location"])).json() == seen[-1]
