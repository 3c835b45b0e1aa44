"""Streams while the database fails: before the first chunk the response is an error; later the stream continues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from people import Person
from signalbox.db import Tx
from signalbox.ground.errors import Unavailable

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
