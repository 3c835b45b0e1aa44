"""Streams while the database fails: before the first chunk the response is an error; later the stream continues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from people import Exchange, Person, Served, until
from signalbox.accounts import accounts
from signalbox.api.inventory import pool_operations
from signalbox.db import Database, Tx
from signalbox.ground import clock, ids
from signalbox.ground.errors import Unavailable
from signalbox.http import progress
from signalbox.inventory.senders import SENDER
from working import drain

T = TypeVar("T")
Read = Callable[[Callable[[Tx], Awaitable[T]]], Awaitable[T]]


def _failing(read: Read[T], which: set[int]) -> Read[T]:
    """A `read` of the database that fails at the calls with these numbers, counted from 1."""
    calls = 0

    async def sometimes(work: Callable[[Tx], Awaitable[T]]) -> T:
        nonlocal calls
        calls += 1
        if calls in which:
            raise Unavailable("The database is away.")
        return await read(work)

    return sometimes


async def test_stream_whose_first_event_fails_is_a_503(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = (await ada.post("/v1/SenderPools", json={})).json()["operationId"]
    await ada.get("/v1/Senders")  # the process now has the credentials in memory, so the next reads are the stream's
    database = ada.served.database
    monkeypatch.setattr(database, "read", _failing(database.read, {2}))
    response = await ada.get(f"/v1/SenderPools/Operations/{operation}", headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.json()["code"]) == (503, 20503)
    assert response.headers["Retry-After"] == "1"


async def _unfinished(person: Person, items: int = 1) -> str:
    """The id of an operation that no worker does."""
    senders = [{"senderId": ids.new(SENDER, clock.now_ms())} for _ in range(items)]
    response = await person.post("/v1/SenderPools", json={"senders": senders})
    operation_id: str = response.json()["operationId"]
    return operation_id


async def test_stream_goes_on_when_the_database_was_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the credentials nor the operation can be read for a while; an operation without news sends nothing."""
    monkeypatch.setattr(accounts, "CREDENTIAL_TTL", 0.0)
    monkeypatch.setattr(progress, "_LOOK_SECONDS", 0.01)
    ada = await (await Served.on(database)).account("Ada")
    operation = await _unfinished(ada)
    read, calls = database.read, 0

    async def sometimes(work: Callable[[Tx], Awaitable[T]]) -> T:
        nonlocal calls
        calls += 1
        if calls in (5, 6):
            raise Unavailable("The database is away.")
        return await read(work)

    monkeypatch.setattr(database, "read", sometimes)
    stream = Exchange(ada, f"/v1/SenderPools/Operations/{operation}", {"Accept": "text/event-stream"})
    assert (await stream.next())["status"] == 200
    assert b"PROCESSING" in (await stream.next())["body"]
    await until(lambda: calls > 12)
    await drain(database)
    assert b"COMPLETED" in (await stream.next())["body"]
    await stream.task


@pytest.mark.parametrize("error", [Unavailable("The database is away."), ZeroDivisionError("a mistake")])
async def test_stream_that_fails_in_the_middle_has_no_end(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the last chunk the client knows that the response is not complete; the log has the reason."""
    monkeypatch.setattr(accounts, "CREDENTIAL_TTL", 60.0)
    monkeypatch.setattr(pool_operations, "_STREAM_ITEMS", 1)
    ada = await (await Served.on(database)).account("Ada")
    operation = await _unfinished(ada, items=2)
    path = f"/signalbox/v1/SenderPools/Operations/{operation}/Items"
    read, calls = database.read, 0

    async def once(work: Callable[[Tx], Awaitable[T]]) -> T:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise error
        return await read(work)

    await ada.get("/v1/Senders")  # the process now has the credentials in memory
    monkeypatch.setattr(database, "read", once)
    stream = Exchange(ada, path, {"Accept": "application/x-ndjson"})
    assert (await stream.next())["status"] == 200
    chunk = await stream.next()
    assert (chunk["body"].count(b"\n"), chunk["more_body"]) == (1, True)
    if isinstance(error, Unavailable):
        await stream.task
    else:
        with pytest.raises(ZeroDivisionError):
            await stream.task
    assert stream.nothing_left()
    event = "response cut short" if isinstance(error, Unavailable) else "response broke off"
    assert f'"event":"{event}"' in capfd.readouterr().err


async def test_request_without_accept_gets_json(ada: Person) -> None:
    operation = (await ada.post("/v1/SenderPools", json={})).json()["operationId"]
    response = Exchange(ada, f"/v1/SenderPools/Operations/{operation}", {})
    headers = dict((await response.next())["headers"])
    assert headers[b"content-type"] == b"application/json"
    await response.task


async def test_client_that_leaves_before_the_end_of_its_body_is_in_the_log(
    ada: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    request = Exchange(ada, "/v1/SenderPools", {"Content-Type": "application/json"}, "POST")
    await request.leave()
    assert request.nothing_left()
    await ada.get("/v1/Senders")
    assert '"status":499' in capfd.readouterr().err
