"""The overview of an account."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from people import Person, Served
from signalbox import db
from signalbox.inventory import overview
from signalbox.inventory.overview import Minute
from signalbox.inventory.pool_operations import PoolOperation
from working import step

UNKNOWN_SENDER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
MINUTE = 60_000


@pytest.fixture
async def idle_ada(database: db.Database) -> Person:
    """Ada on a database without workers: only the test does work."""
    return await (await Served.on(database)).account("Ada")


async def _overview(person: Person) -> dict[str, Any]:
    response = await person.get("/signalbox/v1/Overview")
    assert response.status_code == 200, response.text
    seen: dict[str, Any] = response.json()
    return seen


async def _counts(person: Person) -> dict[tuple[str, str], int]:
    seen = (await _overview(person))["senders"]
    assert seen["total"] == sum(one["count"] for one in seen["counts"])
    return {(one["channel"], one["status"]): one["count"] for one in seen["counts"]}


async def _really(person: Person) -> dict[tuple[str, str], int]:
    """The same counts, computed from the list of all senders."""
    found: dict[tuple[str, str], int] = {}
    for one in await person.walk("/v1/Senders", "senders"):
        kind = one["channel"], one["status"]
        found[kind] = found.get(kind, 0) + 1
    return found


# --- senders


async def test_overview_of_a_new_account_is_all_nothing(ada: Person) -> None:
    seen = await _overview(ada)
    assert seen["senders"] == {"total": 0, "counts": []}
    assert seen["senderPools"] == {"count": 0, "more": False}
    assert seen["inFlight"] == {"count": 0, "more": False, "queued": 0, "operations": []}
    assert seen["failures"] == []
    assert seen["throughput"]["complete"]
    assert [(one["created"], one["failed"]) for one in seen["throughput"]["minutes"]] == [(0, 0)] * 60


async def test_senders_are_counted_through_everything_that_changes_them(ada: Person) -> None:
    first, second, third = await ada.senders(3)
    assert await _counts(ada) == {("PUSH", "ACTIVATED"): 3}
    await ada.patch(f"/signalbox/v1/Senders/{first}", json={"status": "DEACTIVATED"})
    await ada.patch(f"/signalbox/v1/Senders/{second}", json={"displayName": "As it was otherwise"})
    assert await _counts(ada) == {("PUSH", "ACTIVATED"): 2, ("PUSH", "DEACTIVATED"): 1}
    await ada.delete(f"/signalbox/v1/Senders/{third}")
    assert await _counts(ada) == {("PUSH", "ACTIVATED"): 1, ("PUSH", "DEACTIVATED"): 1}
    row = {"channel": "SMS", "address": "+12025550100"}
    again = [row, {**row, "status": "DEACTIVATED"}, {"channel": "EMAIL", "address": "a@example.com"}]
    assert (await ada.post("/signalbox/v1/Senders", json=again)).json() == {
        "created": 2,
        "updated": 1,
        "refused": [],
        "warnings": [],
    }
    assert await _counts(ada) == await _really(ada)
    assert await _counts(ada) == {
        ("SMS", "DEACTIVATED"): 1,
        ("EMAIL", "ACTIVATED"): 1,
        ("PUSH", "ACTIVATED"): 1,
        ("PUSH", "DEACTIVATED"): 1,
    }
    await ada.post("/signalbox/v1/Senders", json=again)
    assert await _counts(ada) == await _really(ada)


async def test_refused_change_counts_nothing(ada: Person) -> None:
    (sender,) = await ada.senders(1)
    url = f"/signalbox/v1/Senders/{sender}"
    refused = await ada.patch(url, json={"status": "DEACTIVATED"}, headers={"if-match": '"no"'})
    assert refused.status_code == 412
    assert (await ada.delete(url, headers={"if-match": '"no"'})).status_code == 412
    assert await _counts(ada) == {("PUSH", "ACTIVATED"): 1}


async def test_counts_are_exact_after_many_writers_at_once(ada: Person) -> None:
    """Two processes on one database; their writers change the same rows, in every order."""
    chance = random.Random(7)
    channels = ("PUSH", "RCS")
    people = [ada, ada.at(await ada.served.again())]

    async def enter(number: int) -> None:
        rows = [
            {
                "channel": chance.choice(channels),
                "address": f"app-{chance.randrange(40)}",
                "status": chance.choice(("ACTIVATED", "DEACTIVATED")),
            }
            for _ in range(30)
        ]
        response = await people[number % 2].post("/signalbox/v1/Senders", json=rows)
        assert response.status_code == 200, response.text
        one = chance.choice((await ada.get("/v1/Senders")).json()["senders"])["id"]
        response = await people[number % 2].delete(f"/signalbox/v1/Senders/{one}")
        assert response.status_code in (202, 404)

    await asyncio.gather(*map(enter, range(16)))
    assert await _counts(ada) == await _really(ada)


async def test_counts_come_in_one_order(ada: Person) -> None:
    for channel in ("PUSH", "WHATSAPP", "EMAIL", "SMS"):
        await ada.senders(1, channel)
        await ada.senders(1, channel, "DEACTIVATED")
    assert list(await _counts(ada)) == [
        (channel, status) for channel in ("SMS", "EMAIL", "WHATSAPP", "PUSH") for status in ("ACTIVATED", "DEACTIVATED")
    ]


async def test_overview_shows_nothing_of_another_account(ada: Person, ben: Person) -> None:
    (sender,) = await ada.senders(1)
    await ada.pool(sender, UNKNOWN_SENDER)
    seen = await _overview(ben)
    assert (seen["senders"]["total"], seen["senderPools"]["count"]) == (0, 0)
    assert seen["failures"] == []
    assert not any(one["created"] or one["failed"] for one in seen["throughput"]["minutes"])


# --- pools and operations


async def test_pools_are_counted_no_further_than_the_limit(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MOST_POOLS", 2)
    for count, more in ((1, False), (2, False), (2, True)):
        await ada.pool()
        assert (await _overview(ada))["senderPools"] == {"count": count, "more": more}


async def test_operations_in_flight_are_counted_with_their_queue(
    idle_ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    senders = await idle_ada.senders(3)
    started = []
    for _ in range(7):
        response = await idle_ada.post("/v1/SenderPools", json={"senders": [{"senderId": one} for one in senders]})
        started.append(response.json()["operationId"])
    seen = (await _overview(idle_ada))["inFlight"]
    assert (seen["count"], seen["more"], seen["queued"]) == (7, False, 21)
    assert [one["id"] for one in seen["operations"]] == started[:1:-1]
    assert seen["operations"][0] == (await idle_ada.get(f"/v1/SenderPools/Operations/{started[-1]}")).json()
    monkeypatch.setattr(overview, "MOST_IN_FLIGHT", 6)
    seen = (await _overview(idle_ada))["inFlight"]
    assert (seen["count"], seen["more"]) == (6, True)
    monkeypatch.undo()
    while await step(idle_ada.served.database):
        pass
    assert (await _overview(idle_ada))["inFlight"] == {"count": 0, "more": False, "queued": 0, "operations": []}


async def test_latest_failures_come_with_their_reasons(ada: Person) -> None:
    (sender,) = await ada.senders(1)
    unknown = [f"{UNKNOWN_SENDER[:-1]}{n}" for n in range(1, 5)]
    failed = []
    for number in range(6):
        refs = [{"senderId": one} for one in (sender, *unknown[: number % 4 + 1])]
        failed.append(await ada.finished(await ada.post("/v1/SenderPools", json={"senders": refs})))
        await ada.pool(sender)
    seen = (await _overview(ada))["failures"]
    assert [one["operation"] for one in seen] == failed[:0:-1]
    for one in seen:
        ledger = f"/signalbox/v1/SenderPools/Operations/{one['operation']['id']}/Items?outcome=FAILED"
        assert one["items"] == (await ada.get(f"{ledger}&pageSize=3")).json()["items"]
        assert one["items"][0]["message"] == "the account has no sender with this id"


# --- throughput


async def test_throughput_has_the_items_that_were_done(ada: Person) -> None:
    senders = await ada.senders(4)
    await ada.pool(*senders)
    await ada.pool(UNKNOWN_SENDER)
    seen = (await _overview(ada))["throughput"]
    assert seen["complete"]
    assert sum(one["created"] for one in seen["minutes"]) == 5 + 1
    assert sum(one["failed"] for one in seen["minutes"]) == 1
    assert len({one["at"] for one in seen["minutes"]}) == 60
    assert [one["at"] for one in seen["minutes"]] == sorted(one["at"] for one in seen["minutes"])


async def test_throughput_says_when_there_was_more_than_it_read(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalbox.api.inventory.overview._SLICE", 2)
    monkeypatch.setattr("signalbox.api.inventory.overview.MOST_OPERATIONS", 4)
    for _ in range(3):
        await ada.pool()
    assert (await _overview(ada))["throughput"]["complete"]
    for _ in range(3):
        await ada.pool()
    seen = (await _overview(ada))["throughput"]
    assert not seen["complete"]
    assert sum(one["created"] for one in seen["minutes"]) == 4


def _operation(created_at: int, updated_at: int, created: int, failed: int = 0) -> PoolOperation:
    return PoolOperation("x", "COMPLETED", created + failed, 0, created, failed, created_at, updated_at)


def _throughput(newest_first: list[PoolOperation], first: int) -> list[Minute]:
    done = overview.Throughput(first)
    for one in reversed(newest_first):
        done.add([one])
    return done.minutes()


def _shown(minutes: list[Minute]) -> dict[int, tuple[int, int]]:
    return {n: (one.created, one.failed) for n, one in enumerate(minutes) if one.created or one.failed}


def test_throughput_spreads_an_operation_evenly_over_its_time() -> None:
    first = 1_000 * MINUTE
    moved = [_operation(first + 2 * MINUTE + 30_000, first + 4 * MINUTE + 30_000, 10, 2)]
    assert _shown(_throughput(moved, first)) == {2: (2, 0), 3: (5, 1), 4: (3, 1)}


def test_throughput_loses_no_item_to_rounding() -> None:
    first = 1_000 * MINUTE
    moved = [_operation(first + 61, first + 59 * MINUTE + 17, 7, 3)]
    shown = _throughput(moved, first)
    assert (sum(one.created for one in shown), sum(one.failed for one in shown)) == (7, 3)


def test_throughput_leaves_out_what_was_done_before_the_hour() -> None:
    first = 1_000 * MINUTE
    assert _shown(_throughput([_operation(first - 5 * MINUTE, first - 1, 9)], first)) == {}
    half = _throughput([_operation(first - 2 * MINUTE, first + 2 * MINUTE, 40)], first)
    assert _shown(half) == {0: (10, 0), 1: (10, 0)}


def test_throughput_begins_an_operation_when_those_before_it_were_done() -> None:
    """Both operations were started in minute 1; the second waited for the first until minute 10."""
    first = 1_000 * MINUTE
    older = _operation(first + MINUTE, first + 10 * MINUTE, 900)
    newer = _operation(first + MINUTE + 5, first + 11 * MINUTE, 100)
    shown = _shown(_throughput([newer, older], first))
    assert shown == dict.fromkeys(range(1, 11), (100, 0))
