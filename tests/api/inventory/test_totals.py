"""The totals of lists: as many as the lists have, up to 10,000."""

from __future__ import annotations

import itertools
from urllib.parse import urlencode

import pytest

from people import Person, contexts
from signalbox.inventory import totals

SENDERS, POOLS = "/signalbox/v1/Senders/Total", "/signalbox/v1/SenderPools/Total"
OPERATIONS = "/signalbox/v1/SenderPools/Operations/Total"
CHANNELS, STATUSES = ("SMS", "EMAIL", "PUSH"), ("ACTIVATED", "DEACTIVATED")


async def total(person: Person, path: str, **filters: str) -> tuple[int, bool]:
    response = await person.get(path, params=filters)
    assert response.status_code == 200, response.text
    found = response.json()
    assert found.keys() == {"count", "more"}
    return found["count"], found["more"]


async def listed_with(person: Person, path: str, key: str, **filters: str) -> list[dict[str, object]]:
    return await person.walk(f"{path}?{urlencode(filters)}", key)


async def senders(person: Person) -> list[str]:
    """Twelve senders: for each pair of channel and status a different number."""
    rows: list[dict[str, object]] = [
        {"channel": channel, "status": status, "address": f"a{n}@example.com" if channel == "EMAIL" else f"app-{n}"}
        for number, (channel, status) in enumerate(itertools.product(("EMAIL", "PUSH"), STATUSES), 1)
        for n in range(10 * number, 11 * number)
    ]
    rows += [{"channel": "SMS", "address": f"+1202555010{n}"} for n in range(2)]
    return await person.enter(rows)


FILTERS = [
    {name: value for name, value in (("channel", channel), ("status", status)) if value}
    for channel, status in itertools.product((None, *CHANNELS), (None, *STATUSES))
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
async def test_total_is_the_length_of_the_list(ada: Person, ben: Person, filters: dict[str, str]) -> None:
    """Of all senders and of the senders of a pool; with dates, too."""
    everyone = await senders(ada)
    await senders(ben)
    pool = await ada.pool(*everyone[:7])
    for path in ("/v1/Senders", f"/v1/SenderPools/{pool}/Senders"):
        listed = await listed_with(ada, path, "senders", **filters)
        assert await total(ada, f"/signalbox{path}/Total", **filters) == (len(listed), False)
        middle = (await ada.get(f"/v1/Senders/{everyone[3]}")).json()["createdAt"]
        for dates in ({"startDate": middle}, {"endDate": middle}):
            listed = await listed_with(ada, path, "senders", **filters, **dates)
            assert await total(ada, f"/signalbox{path}/Total", **filters, **dates) == (len(listed), False)


async def test_pools_and_operations_are_counted_with_the_filters_of_their_lists(ada: Person, ben: Person) -> None:
    assert await total(ada, POOLS) == await total(ada, OPERATIONS) == (0, False)
    for number in range(3):
        await ada.pool(name=f"Pool {number}")
    await ben.pool()
    first = (await ada.walk("/v1/SenderPools", "senderPools"))[-1]["createdAt"]
    assert await total(ada, POOLS) == (3, False)
    newer = await listed_with(ada, "/v1/SenderPools", "senderPools", startDate=first)
    assert await total(ada, POOLS, startDate=first) == (len(newer), False)
    assert await total(ada, OPERATIONS) == await total(ada, OPERATIONS, status="COMPLETED") == (3, False)
    assert await total(ada, OPERATIONS, status="PROCESSING") == (0, False)
    assert await total(ada, OPERATIONS, endDate=first) == (0, False)


async def test_total_says_that_there_are_more_than_it_counts(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = await senders(ada)
    pool = await ada.pool(*everyone)
    for most, more in ((len(everyone), False), (len(everyone) - 1, True), (3, True)):
        monkeypatch.setattr(totals, "MOST", most)
        assert await total(ada, SENDERS) == (most, more)
        assert await total(ada, f"/signalbox/v1/SenderPools/{pool}/Senders/Total") == (most, more)
    assert await total(ada, SENDERS, channel="PUSH") == await total(ada, SENDERS, status="ACTIVATED") == (3, True)
    assert await total(ada, SENDERS, channel="SMS") == (2, False)


async def test_total_refuses_what_its_list_refuses(ada: Person) -> None:
    for path, filters, place in (
        (SENDERS, {"channel": "FAX"}, "channel"),
        (OPERATIONS, {"status": "DONE"}, "status"),
        (POOLS, {"startDate": "yesterday"}, "startDate"),
        (POOLS, {"startDate": "2026-01-02T00:00:00Z", "endDate": "2026-01-01T00:00:00Z"}, "endDate"),
    ):
        response = await ada.get(path, params=filters)
        assert (response.status_code, contexts(response)) == (400, [f"$.{place}"]), response.text
    missing = await ada.get("/signalbox/v1/SenderPools/comms_senderpool_01h2xcejqtf2nbrexx3vqjhp41/Senders/Total")
    assert missing.status_code == 404
