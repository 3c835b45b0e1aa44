"""The time of a transaction and its new ids, on each engine."""

from __future__ import annotations

import itertools

import pytest

from people import Person
from signalbox.db import Database, Tx
from signalbox.ground import clock, ids
from signalbox.inventory import senders


async def test_time_of_a_transaction_is_read_once(database: Database) -> None:
    ticks = itertools.count(1_000_000)

    async def work(tx: Tx) -> list[int]:
        return [tx.now, ids.created_at(tx.new_id(senders.SENDER)), tx.now]

    assert await database.read(work, lambda: next(ticks)) == [1_000_000] * 3
    assert await database.write(work, lambda: next(ticks)) == [1_000_001] * 3


async def test_time_of_a_transaction_is_the_real_one_unless_told(database: Database) -> None:
    before = clock.now_ms()

    async def now(tx: Tx) -> int:
        return tx.now

    told = [await database.read(now), await database.write(now)]
    assert before <= told[0] <= told[1] <= clock.now_ms()


async def test_new_ids_never_go_behind_the_newest_of_the_account(
    ada: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process, whose clock is ahead, has made ids; then this process makes ids."""
    later = clock.now_ms() + 60_000
    of_this_process = ids._last
    with monkeypatch.context() as ahead:
        ahead.setattr(clock, "now_ms", lambda: later)
        first = [*await ada.senders(1), await ada.pool()]
    monkeypatch.setattr(ids, "_last", of_this_process)
    second = [*await ada.senders(1), await ada.pool()]
    operations = (await ada.get("/v1/SenderPools/Operations")).json()["operations"]
    assert [one["createdAt"] for one in operations] == [clock.rfc3339(later)] * 2
    assert operations[0]["id"] > operations[1]["id"]
    for older, newer in zip(first, second, strict=True):
        assert newer > older
        assert ids.created_at(newer) == later
    # The newest id of one account also moves the ids of other accounts forward, since all accounts share the clock.
    assert await ben.pool() > second[-1]
