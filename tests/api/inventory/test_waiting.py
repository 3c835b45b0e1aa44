"""Waiting for an operation: `Prefer: wait` and event streams. Contract section 8."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import pytest

from people import Exchange, Person, Served, until
from signalbox import db
from signalbox.accounts import accounts
from signalbox.http import progress
from signalbox.inventory import pool_operations
from working import step

UNKNOWN_OPERATION = "comms_operation_01hzzzzzzzzzzzzzzzzzzzzzzz"
STREAM = {"accept": "text/event-stream"}


@pytest.fixture
async def idle_ada(database: db.Database) -> Person:
    """Ada on a database without workers: only the test does work."""
    return await (await Served.on(database)).account("Ada")


async def _start(person: Person, senders: int = 4) -> str:
    refs = [{"senderId": one} for one in await person.senders(senders)]
    response = await person.post("/v1/SenderPools", json={"senders": refs})
    return f"/v1/SenderPools/Operations/{response.json()['operationId']}"


async def _batch(person: Person) -> None:
    await step(person.served.database)


def _events(text: bytes) -> list[Any]:
    events = []
    for block in text.decode().split("\n\n"):
        if block and not block.startswith(":"):
            kind, data = block.split("\n")
            assert kind == "event: operation"
            events.append(msgspec.json.decode(data.removeprefix("data: ")))
    return events


async def _waiter(person: Person, path: str, **headers: str) -> asyncio.Task[Any]:
    """Sends a request; returns its task once the request has begun to wait."""
    task = asyncio.create_task(person.get(path, headers=headers))
    topic = path.rpartition("/")[2]
    await until(lambda: topic in person.served.database.wakeups._listeners)
    return task


async def test_wait_ends_when_the_operation_is_final(idle_ada: Person) -> None:
    path = await _start(idle_ada)
    waiter = await _waiter(idle_ada, path, prefer="wait=30")
    assert not waiter.done()
    await _batch(idle_ada)
    response = await asyncio.wait_for(waiter, 10)
    assert response.json()["status"] == "COMPLETED"
    assert response.headers["preference-applied"] == "wait=30"
    assert response.headers["etag"] == (await idle_ada.get(path)).headers["etag"]


async def test_wait_ends_when_the_operation_is_cancelled(idle_ada: Person) -> None:
    path = await _start(idle_ada)
    waiter = await _waiter(idle_ada, path, prefer="respond-async, wait=30")
    await idle_ada.post(f"/signalbox{path}/Cancel")
    assert (await asyncio.wait_for(waiter, 10)).json()["status"] == "CANCELED"


async def test_wait_that_is_over_responds_with_the_operation_as_it_is(idle_ada: Person) -> None:
    path = await _start(idle_ada)
    for seconds in (0, 1):
        started = time.monotonic()
        response = await idle_ada.get(path, headers={"prefer": f"wait={seconds}"})
        assert time.monotonic() - started >= seconds
        assert (response.status_code, response.json()["status"]) == (200, "PROCESSING")
        assert response.headers["preference-applied"] == f"wait={seconds}"


async def test_wait_works_at_the_location_of_an_add(idle_ada: Person) -> None:
    pool_id = await idle_ada.pool()
    (sender_id,) = await idle_ada.senders(1)
    added = await idle_ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=[{"senderId": sender_id}])
    path = added.headers["location"].removeprefix("http://signalbox.test:8080")
    waiter = await _waiter(idle_ada, path, prefer="wait=30")
    await _batch(idle_ada)
    assert (await asyncio.wait_for(waiter, 10)).json()["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=99999", "wait=60"),
        ("wait=60", "wait=60"),
        ('wait="5"', "wait=5"),
        ("WAIT = 5", "wait=5"),
        ("return=minimal; x=y, wait=5", "wait=5"),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=soon", None),
        ("await=5", None),
        ("return=minimal", None),
    ],
)
async def test_preference_is_applied_as_documented_or_ignored(ada: Person, prefer: str, applied: str | None) -> None:
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={}))
    response = await ada.get(f"/v1/SenderPools/Operations/{operation['id']}", headers={"prefer": prefer})
    assert (response.status_code, response.headers.get("preference-applied")) == (200, applied)


async def test_wait_for_what_is_not_there_is_404_at_once(ada: Person, ben: Person) -> None:
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={}))
    for person, operation_id in ((ada, UNKNOWN_OPERATION), (ben, operation["id"])):
        for headers in ({"prefer": "wait=60"}, STREAM):
            path = f"/v1/SenderPools/Operations/{operation_id}"
            assert (await asyncio.wait_for(person.get(path, headers=headers), 10)).status_code == 404


async def test_shutdown_lets_those_who_wait_go(idle_ada: Person) -> None:
    path = await _start(idle_ada)
    waiter, stream = (
        await _waiter(idle_ada, path, prefer="wait=60"),
        asyncio.create_task(idle_ada.get(path, headers=STREAM)),
    )
    idle_ada.served.api.stop()
    response = await asyncio.wait_for(waiter, 10)
    assert (response.status_code, response.json()["status"]) == (200, "PROCESSING")
    assert (await asyncio.wait_for(stream, 10)).status_code == 200
    assert (await idle_ada.get("/readyz")).status_code == 503


async def test_stream_tells_each_change_once_until_final(idle_ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", 2)
    path = await _start(idle_ada, senders=4)
    exchange = Exchange(idle_ada, path, STREAM)
    start = await exchange.next()
    assert start["status"] == 200
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"text/event-stream"
    assert headers[b"cache-control"] == b"no-store"
    for queued, status in ((4, "PROCESSING"), (2, "PROCESSING"), (0, "COMPLETED")):
        (event,) = _events((await exchange.next())["body"])
        assert (event["stats"]["queued"], event["status"]) == (queued, status)
        assert event == (await idle_ada.get(path)).json()
        await _batch(idle_ada)
    assert await exchange.next() == {"type": "http.response.body", "body": b""}
    await exchange.leave()


async def test_stream_ends_with_the_credentials_that_opened_it(idle_ada: Person) -> None:
    exchange = Exchange(idle_ada, await _start(idle_ada), STREAM)
    await exchange.next()
    await exchange.next()
    await idle_ada.served.database.write(lambda tx: accounts.rotate_token(tx, idle_ada.user))
    while (await exchange.next()).get("more_body"):
        pass
    await exchange.task


async def test_stream_of_a_final_operation_is_one_event(ada: Person) -> None:
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={}))
    response = await ada.get(f"/v1/SenderPools/Operations/{operation['id']}", headers=STREAM)
    assert response.headers["content-type"] == "text/event-stream"
    assert _events(response.content) == [operation]


@pytest.mark.parametrize(
    ("accept", "streamed"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; q=0.5", True),
        ("text/event-stream, */*", True),
        ("application/json; q=0.9, text/event-stream", True),
        ("text/event-stream, application/json", False),
        ("application/json, text/event-stream;q=0.9", False),
        ("text/event-stream; q=0", False),
        ("*/*", False),
    ],
)
async def test_stream_is_for_those_who_want_it_more_than_json(ada: Person, accept: str, streamed: bool) -> None:
    operation = await ada.finished(await ada.post("/v1/SenderPools", json={}))
    response = await ada.get(f"/v1/SenderPools/Operations/{operation['id']}", headers={"Accept": accept})
    assert (response.headers["content-type"] == "text/event-stream") == streamed


async def test_stream_comments_when_nothing_changes(idle_ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalbox.http.progress._COMMENT_SECONDS", 0)
    path = await _start(idle_ada)
    exchange = Exchange(idle_ada, path, STREAM)
    await exchange.next()
    await exchange.next()
    assert (await exchange.next())["body"].startswith(b":")
    await exchange.leave()


async def test_client_that_leaves_is_listened_to_no_more(idle_ada: Person) -> None:
    path = await _start(idle_ada)
    exchange = Exchange(idle_ada, path, STREAM)
    await exchange.next()
    await exchange.next()
    assert path.rpartition("/")[2] in idle_ada.served.database.wakeups._listeners
    await exchange.leave()
    assert path.rpartition("/")[2] not in idle_ada.served.database.wakeups._listeners


async def test_head_of_a_stream_is_its_headers(idle_ada: Person) -> None:
    path = await _start(idle_ada)
    response = await asyncio.wait_for(idle_ada.call("HEAD", path, headers=STREAM), 10)
    assert response.headers["content-type"] == "text/event-stream"


async def test_many_watchers_all_see_the_end(ada: Person) -> None:
    refs = [{"senderId": one} for one in await ada.senders(20)]
    response = await ada.post("/v1/SenderPools", json={"senders": refs})
    path = response.headers["location"]
    seen = await asyncio.gather(*(ada.get(path, headers=STREAM) for _ in range(20)))
    assert [_events(one.content)[-1]["status"] for one in seen] == ["COMPLETED"] * 20


def test_event_stream_comments_after_fifteen_seconds_and_waits_last_sixty_at_most() -> None:
    assert progress._COMMENT_SECONDS == 15
    assert progress._MOST_WAIT_SECONDS == 60
