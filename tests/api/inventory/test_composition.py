"""The composition of a sender pool."""

from __future__ import annotations

import asyncio

import pytest

from people import Person, until


async def test_composition_counts_members_by_channel_and_country(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalbox.api.inventory.composition._SLICE", 2)
    rows: list[dict[str, object]] = [
        {"channel": "SMS", "address": "+12025550100"},
        {"channel": "SMS", "address": "+33123456789"},
        {"channel": "WHATSAPP", "address": "+12025550101"},
        {"channel": "EMAIL", "address": "a@example.com"},
        {"channel": "SMS", "address": "+12025550102", "status": "DEACTIVATED"},
        {"channel": "PUSH", "address": "outside"},
    ]
    senders = await ada.enter(rows)
    pool = await ada.pool(*senders[:-1])
    response = await ada.get(f"/signalbox/v1/SenderPools/{pool}/Composition")
    assert response.json() == {
        "counted": 5,
        "complete": True,
        "channels": [
            {"channel": "SMS", "count": 3},
            {"channel": "EMAIL", "count": 1},
            {"channel": "WHATSAPP", "count": 1},
        ],
        "countries": [
            {"country": "US", "count": 3},
            {"country": None, "count": 1},
            {"country": "FR", "count": 1},
        ],
    }


async def test_composition_of_an_empty_pool_is_nothing(ada: Person) -> None:
    response = await ada.get(f"/signalbox/v1/SenderPools/{await ada.pool()}/Composition")
    assert response.json() == {"counted": 0, "complete": True, "channels": [], "countries": []}


@pytest.mark.parametrize(("members", "complete"), [(3, True), (4, True), (5, False)])
async def test_composition_says_whether_it_counted_all(
    ada: Person, monkeypatch: pytest.MonkeyPatch, members: int, complete: bool
) -> None:
    monkeypatch.setattr("signalbox.api.inventory.composition._SLICE", 2)
    monkeypatch.setattr("signalbox.api.inventory.composition.MOST_MEMBERS", 4)
    pool = await ada.pool(*await ada.senders(members))
    seen = (await ada.get(f"/signalbox/v1/SenderPools/{pool}/Composition")).json()
    assert (seen["counted"], seen["complete"]) == (min(members, 4), complete)


async def test_composition_lets_others_in_between_its_slices(ada: Person) -> None:
    """The count of a large pool spreads over many turns of the event loop."""
    rows: list[dict[str, object]] = [{"channel": "PUSH", "address": f"app-{n}"} for n in range(2_000)]
    pool = await ada.pool(*await ada.enter(rows))
    counting = asyncio.create_task(ada.get(f"/signalbox/v1/SenderPools/{pool}/Composition"))
    turns = 0

    def another_turn() -> bool:
        nonlocal turns
        turns += 1
        return counting.done()

    await until(another_turn)
    assert (await counting).json()["counted"] == 2_000
    assert turns >= 8
