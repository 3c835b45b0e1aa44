"""Lists and their pages: contract section 4."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from people import Person
from signalbox.ground import clock, ids
from signalbox.inventory import senders

Make = Callable[[int], Awaitable[list[str]]]


@dataclass(frozen=True)
class Listing:
    """A list under test: its path, its field, and how the test adds and removes items."""

    url: str
    key: str
    make: Make
    drop: Callable[[str], Awaitable[None]]


LISTS = (
    "senders",
    "senders by channel",
    "senders by status",
    "senders by channel and status",
    "members",
    "members by channel",
    "members by status",
    "members by channel and status",
    "pools",
    "operations",
    "operations by status",
)


@pytest.fixture(params=LISTS)
async def listing(request: pytest.FixtureRequest, ada: Person) -> AsyncIterator[Listing]:
    """Each list in turn, with and without filters. A filtered list also gets items that the filter hides."""
    name: str = request.param
    query = ("?channel=PUSH" if "channel" in name else "?") + ("&status=ACTIVATED" if "status" in name else "")
    randomly = random.Random(name)

    async def senders(count: int) -> list[str]:
        await ada.senders(1, randomly.choice(["SMS", "EMAIL"]))
        await ada.senders(1, status="DEACTIVATED")
        return await ada.senders(count)

    async def drop_sender(sender_id: str) -> None:
        assert (await ada.delete(f"/signalbox/v1/Senders/{sender_id}")).status_code == 202

    async def pools(count: int) -> list[str]:
        return [await ada.pool() for _ in range(count)]

    async def drop_pool(pool_id: str) -> None:
        assert (await ada.delete(f"/v1/SenderPools/{pool_id}")).status_code == 202

    async def operations(count: int) -> list[str]:
        return [(await ada.finished(await ada.post("/v1/SenderPools", json={})))["id"] for _ in range(count)]

    async def keep(_: str) -> None:
        """Operations are never deleted."""

    if name.startswith("senders"):
        yield Listing(f"/v1/Senders{query}", "senders", senders, drop_sender)
    elif name.startswith("members"):
        pool_id = await ada.pool()

        async def members(count: int) -> list[str]:
            made = await senders(count)
            everyone = [one["id"] for one in await ada.walk("/v1/Senders", "senders")]
            old = await ada.members(pool_id)
            refs = [{"senderId": one} for one in everyone if one not in old]
            await ada.finished(await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=refs))
            return made

        async def leave(sender_id: str) -> None:
            assert (await ada.delete(f"/v1/SenderPools/{pool_id}/Senders/{sender_id}")).status_code == 202

        yield Listing(f"/v1/SenderPools/{pool_id}/Senders{query}", "senders", members, leave)
    elif name == "pools":
        yield Listing("/v1/SenderPools?", "senderPools", pools, drop_pool)
    else:
        status = "?status=COMPLETED" if "status" in name else "?"
        yield Listing(f"/v1/SenderPools/Operations{status}", "operations", operations, keep)


@pytest.mark.parametrize("seed", range(2))
async def test_walk_gives_each_lasting_item_once_while_others_come_and_go(
    ada: Person, listing: Listing, seed: int
) -> None:
    randomly = random.Random(seed)
    lasting = set(await listing.make(30))
    if "status" not in listing.url and "channel" not in listing.url:
        lasting = {one["id"] for one in await ada.walk(listing.url, listing.key)}
    passing: list[str] = []
    seen: list[str] = []
    token = ""
    while True:
        more = f"&pageToken={token}" if token else ""
        page = (await ada.get(f"{listing.url}&pageSize={randomly.randint(1, 7)}{more}")).json()
        seen += [one["id"] for one in page[listing.key]]
        token = page["pagination"]["next"]
        if token is None:
            break
        passing += await listing.make(1)
        if randomly.random() < 0.7:
            gone = passing.pop(randomly.randrange(len(passing)))
            await listing.drop(gone)
        if randomly.random() < 0.5 and "Operations" not in listing.url:
            # The item at the token's anchor may be deleted too.
            lasting.discard(seen[-1])
            await listing.drop(seen[-1])
    assert len(seen) == len(set(seen)), "an item was shown twice"
    assert lasting <= set(seen), "an item was skipped"
    assert seen == sorted(seen, reverse=True)


async def test_self_gives_the_same_page_again_and_next_the_following_one(ada: Person, listing: Listing) -> None:
    await listing.make(7)
    first = (await ada.get(f"{listing.url}&pageSize=3")).json()
    second = (await ada.get(f"{listing.url}&pageSize=3&pageToken={first['pagination']['next']}")).json()
    await listing.make(2)
    for page in (first, second):
        again = (await ada.get(f"{listing.url}&pageSize=3&pageToken={page['pagination']['self']}")).json()
        assert again == page
    assert not {one["id"] for one in first[listing.key]} & {one["id"] for one in second[listing.key]}
    for page in (first, second):
        assert all(token is None or re.fullmatch("[A-Za-z0-9_-]+", token) for token in page["pagination"].values())


async def test_next_is_null_on_the_last_page_only(ada: Person, listing: Listing) -> None:
    await listing.make(4)
    every = await ada.walk(listing.url, listing.key)
    whole = (await ada.get(f"{listing.url}&pageSize={len(every)}")).json()
    assert whole["pagination"]["next"] is None
    short = (await ada.get(f"{listing.url}&pageSize={len(every) - 1}")).json()
    last = (await ada.get(f"{listing.url}&pageToken={short['pagination']['next']}")).json()
    assert [one["id"] for one in last[listing.key]] == [every[-1]["id"]]
    assert last["pagination"]["next"] is None


async def test_tokens_survive_a_restart(ada: Person, listing: Listing) -> None:
    await listing.make(5)
    first = (await ada.get(f"{listing.url}&pageSize=2")).json()
    elsewhere = ada.at(await ada.served.again())
    path = f"{listing.url}&pageSize=2&pageToken={first['pagination']['next']}"
    assert (await elsewhere.get(path)).json() == (await ada.get(path)).json()


async def test_dates_bound_a_list_strictly(ada: Person, listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may use the time in a response as a filter: the time matches exactly that item."""
    start = max(clock.now_ms(), ids.created_at(ids.new(senders.SENDER, clock.now_ms()))) + 1000
    made = []
    for ms in (start, start + 1, start + 2):
        monkeypatch.setattr(clock, "now_ms", lambda ms=ms: ms)
        made += await listing.make(1)
    monkeypatch.undo()
    times = [ids.created_at(one) for one in made]
    assert times[0] < times[1] < times[2]
    before, at, after = map(clock.rfc3339, times)

    async def found(query: str) -> list[str]:
        return [one["id"] for one in await ada.walk(f"{listing.url}&{query}", listing.key) if one["id"] in made]

    assert await found(f"startDate={at}") == [made[2]]
    assert await found(f"endDate={at}") == [made[0]]
    assert await found(f"startDate={before}&endDate={after}") == [made[1]]
    assert await found(f"startDate={at[:-1]}9Z&endDate={after}") == []
    assert await found(f"endDate={at[:-1]}0001Z") == [made[1], made[0]]
    assert await found("startDate=1969-01-01T00:00:00Z&endDate=9999-12-31T23:59:59Z") == made[::-1]
    assert await found("endDate=1969-01-01T00:00:00Z") == []


async def test_page_of_a_filter_that_matches_nothing_is_empty(ada: Person) -> None:
    page = (await ada.get("/v1/Senders?channel=RCS")).json()
    assert (page["senders"], page["pagination"]["next"]) == ([], None)
    again = await ada.get(f"/v1/Senders?channel=RCS&pageToken={page['pagination']['self']}")
    assert again.json() == page


async def test_token_holds_when_a_filter_is_spelt_otherwise(ada: Person) -> None:
    """The same time with another UTC offset is the same filter."""
    await ada.senders(2)
    page = (await ada.get("/v1/Senders?pageSize=1&startDate=2020-01-01T00:00:00Z")).json()
    path = f"/v1/Senders?startDate=2020-01-01T01:00:00.000%2B01:00&pageToken={page['pagination']['next']}"
    assert (await ada.get(path)).status_code == 200


async def test_ledger_pages_forward(ada: Person) -> None:
    refs = [{"senderId": ids.new(senders.SENDER, clock.now_ms())} for _ in range(9)]
    one = await ada.finished(await ada.post("/v1/SenderPools", json={"senders": refs}))
    path = f"/signalbox/v1/SenderPools/Operations/{one['id']}/Items"
    for size in (1, 3, 10, 1000):
        assert [item["index"] for item in await ada.walk(path, "items", size)] == list(range(10))
    page = (await ada.get(f"{path}?pageSize=4")).json()
    second = (await ada.get(f"{path}?pageSize=4&pageToken={page['pagination']['next']}")).json()
    again = (await ada.get(f"{path}?pageSize=4&pageToken={second['pagination']['self']}")).json()
    assert again == second


async def test_default_page_has_fifty(ada: Person) -> None:
    await ada.senders(51)
    assert len((await ada.get("/v1/Senders")).json()["senders"]) == 50


async def test_walk_beside_writers_skips_nothing(ada: Person) -> None:
    """The test reads pages while other tasks write."""
    lasting = set(await ada.senders(40))
    done = asyncio.Event()

    async def write() -> None:
        while not done.is_set():
            await ada.post("/signalbox/v1/Senders", json=[{"channel": "PUSH", "address": ids.new("x", clock.now_ms())}])

    writer = asyncio.create_task(write())
    try:
        for size in (1, 3, 7):
            seen = [one["id"] for one in await ada.walk("/v1/Senders", "senders", size)]
            assert len(seen) == len(set(seen))
            assert lasting <= set(seen)
    finally:
        done.set()
        await writer


@pytest.mark.parametrize("path", ["/v1/Senders", "/v1/SenderPools", "/v1/SenderPools/Operations"])
async def test_empty_list_has_its_key_and_no_other_members(ada: Person, path: str) -> None:
    page = (await ada.get(path)).json()
    key = {"/v1/Senders": "senders", "/v1/SenderPools": "senderPools"}.get(path, "operations")
    assert page == {key: [], "pagination": {"next": None, "self": page["pagination"]["self"]}}
