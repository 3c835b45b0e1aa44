"""The search by names, addresses, tags and ends of ids, and the names of ids."""

from __future__ import annotations

import random

import pytest

from people import Person, contexts

POOLS, SENDERS, NAMES = "/signalbox/v1/SenderPools/Search", "/signalbox/v1/Senders/Search", "/signalbox/v1/Names"


async def new_pool(person: Person, name: str, *senders: str, **tags: str) -> str:
    return await person.pool(*senders, name=name, tags=tags)


async def found_pools(person: Person, text: str) -> list[str]:
    response = await person.post(POOLS, json={"text": text})
    assert response.status_code == 200, response.text
    return [pool["name"] for pool in response.json()["senderPools"]]


async def found_senders(person: Person, text: str) -> list[str]:
    response = await person.post(SENDERS, json={"text": text})
    assert response.status_code == 200, response.text
    return [sender["address"] for sender in response.json()["senders"]]


async def named(person: Person, *ids: str) -> dict[str, list[dict[str, object]]]:
    response = await person.post(NAMES, json={"ids": list(ids)})
    assert response.status_code == 200, response.text
    found: dict[str, list[dict[str, object]]] = response.json()
    return found


async def test_pools_are_found_by_the_start_of_their_name_in_any_case(ada: Person, ben: Person) -> None:
    for name in ("Straße Nord", "École", "reminders", "Reminders 2", "Old reminders"):
        await new_pool(ada, name)
    await new_pool(ben, "reminders of Ben")
    assert await found_pools(ada, "REMIND") == ["reminders", "Reminders 2"]
    assert await found_pools(ada, "éCO") == ["École"]
    assert await found_pools(ada, "STRASSE") == ["Straße Nord"]
    assert await found_pools(ada, "nothing like this") == []


@pytest.mark.parametrize(
    "text", ["%", "_", "*", "'", '"', "\\", "\U0010ffff", "a" * 320, "%s", "$1", ":name", "é\u0301"]
)
async def test_text_is_taken_as_it_is(ada: Person, text: str) -> None:
    await new_pool(ada, "reminders")
    assert await found_pools(ada, text) == []
    assert await found_senders(ada, text) == []
    await new_pool(ada, f"{text[:200]} and more")
    assert await found_pools(ada, text[:200]) == [f"{text[:200]} and more"]


async def test_pools_are_found_by_tag_and_by_the_end_of_their_id(ada: Person) -> None:
    pool = await new_pool(ada, "reminders", team="red", use="2fa")
    await new_pool(ada, "others", team="redder")
    assert await found_pools(ada, "team:red") == await found_pools(ada, "team=red") == ["reminders"]
    for ending in (pool, pool[-4:], pool[-8:].upper(), pool[-26:]):
        assert "reminders" in await found_pools(ada, ending)
    assert await found_pools(ada, pool[-3:]) == []
    await ada.patch(f"/v1/SenderPools/{pool}", json={"name": "Alerts", "tags": {"team": "blue"}})
    assert await found_pools(ada, "team:red") == await found_pools(ada, "reminders") == []
    assert await found_pools(ada, "team:blue") == await found_pools(ada, "alerts") == ["Alerts"]
    await ada.delete(f"/v1/SenderPools/{pool}")
    assert await found_pools(ada, "team:blue") == await found_pools(ada, "alerts") == []


async def test_senders_are_found_by_address_name_tag_and_end_of_id(ada: Person) -> None:
    shop, _, mail = await ada.enter(
        [
            {"channel": "SMS", "address": "+14155550100", "displayName": "Shop", "tags": {"team": "red"}},
            {"channel": "SMS", "address": "+14155550199"},
            {"channel": "EMAIL", "address": "hello@example.com", "displayName": "Shop by mail"},
        ]
    )
    assert await found_senders(ada, "+1415555") == ["+14155550100", "+14155550199"]
    assert await found_senders(ada, "1 (415) 555-0100") == ["+14155550100"]
    assert await found_senders(ada, "hello@") == ["hello@example.com"]
    assert await found_senders(ada, "shop") == ["+14155550100", "hello@example.com"]
    assert await found_senders(ada, "team:red") == ["+14155550100"]
    assert mail[-26:] in (await ada.post(SENDERS, json={"text": mail[-10:]})).json()["senders"][0]["id"]
    await ada.patch(f"/signalbox/v1/Senders/{shop}", json={"displayName": None, "tags": {}})
    assert await found_senders(ada, "shop") == ["hello@example.com"]
    assert await found_senders(ada, "team:red") == []
    await ada.enter([{"channel": "SMS", "address": "+14155550100", "displayName": "Front", "tags": {"team": "red"}}])
    assert await found_senders(ada, "FRONT") == await found_senders(ada, "team:red") == ["+14155550100"]
    await ada.delete(f"/signalbox/v1/Senders/{shop}")
    assert await found_senders(ada, "+14155550100") == await found_senders(ada, "team:red") == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_show_each_result_once_in_the_order_of_one_page(ada: Person, size: int) -> None:
    """Also what several sections find: a name that is the address, a tag that is the name."""
    rows: list[dict[str, object]] = [
        {"channel": channel, "address": f"team:red{n}", "displayName": "team:red", "tags": {"team": "red"}}
        for n, channel in enumerate(["PUSH", "PUSH", "PUSH", "PUSH"])
    ]
    rows += [{"channel": "PUSH", "address": f"team:red-only-by-address-{n}"} for n in range(3)]
    rows += [{"channel": "PUSH", "address": f"by-tag-{n}", "tags": {"team": "red"}} for n in range(3)]
    await ada.enter(rows)
    whole = await found_senders(ada, "team:red")
    assert sorted(whole) == sorted(str(row["address"]) for row in rows)
    seen: list[str] = []
    tokens: set[str] = set()
    body: dict[str, object] = {"text": "team:red", "pageSize": size}
    while True:
        page = (await ada.post(SENDERS, json=body)).json()
        assert len(page["senders"]) <= size
        assert (await ada.post(SENDERS, json=body | {"pageToken": page["pagination"]["self"]})).json() == page
        seen += [sender["address"] for sender in page["senders"]]
        token = page["pagination"]["next"]
        if token is None:
            break
        assert token not in tokens
        tokens.add(token)
        body["pageToken"] = token
    assert seen == whole


async def test_page_token_of_another_search_is_refused(ada: Person, ben: Person) -> None:
    await ada.senders(3)
    token = (await ada.post(SENDERS, json={"text": "+1", "pageSize": 1})).json()["pagination"]["next"]
    for person, path, text in ((ada, SENDERS, "+14"), (ada, POOLS, "+1"), (ben, SENDERS, "+1")):
        response = await person.post(path, json={"text": text, "pageToken": token})
        assert (response.status_code, contexts(response)) == (400, ["$.pageToken"])


@pytest.mark.parametrize("text", ["", " ", "\n", "a\0b", "a" * 321, "x" * 10_000, 5, None])
async def test_text_that_finds_nothing_is_an_error_at_its_place(ada: Person, text: object) -> None:
    for path in (POOLS, SENDERS):
        response = await ada.post(path, json={"text": text})
        assert (response.status_code, contexts(response)) == (400, ["$.text"]), response.text


async def test_names_of_ids_are_what_people_call_them(ada: Person, ben: Person) -> None:
    sms, mail, alone = await ada.enter(
        [
            {"channel": "SMS", "address": "+14155550100", "displayName": "Shop"},
            {"channel": "EMAIL", "address": "hello@example.com"},
            {"channel": "PUSH", "address": "alone"},
        ]
    )
    pools = [await new_pool(ada, f"pool {n}", sms) for n in range(4)]
    both = await new_pool(ada, "both", sms, mail)
    (theirs,) = await ben.senders(1)
    added = (await ada.finished(await ada.post(f"/v1/SenderPools/{pools[0]}/Senders", json=[{"senderId": mail}])))["id"]
    (created,) = (op for op in (await ada.get("/v1/SenderPools/Operations")).json()["operations"][-1:])
    found = await named(ada, both, pools[0], sms, mail, alone, theirs, added, created["id"], "no id")
    assert {one["id"]: one for one in found["senderPools"]} == {
        both: {
            "id": both,
            "name": "both",
            "senders": 2,
            "channels": [{"channel": "EMAIL", "count": 1}, {"channel": "SMS", "count": 1}],
        },
        pools[0]: {
            "id": pools[0],
            "name": "pool 0",
            "senders": 2,
            "channels": [{"channel": "EMAIL", "count": 1}, {"channel": "SMS", "count": 1}],
        },
    }
    by_id = {one["id"]: one for one in found["senders"]}
    assert set(by_id) == {sms, mail, alone}
    assert (by_id[sms]["displayName"], by_id[sms]["moreSenderPools"]) == ("Shop", True)
    assert len(by_id[sms]["senderPools"]) == 3  # type: ignore[arg-type]
    assert by_id[mail] == {
        "id": mail,
        "displayName": None,
        "address": "hello@example.com",
        "channel": "EMAIL",
        "senderPools": [{"id": pools[0], "name": "pool 0"}, {"id": both, "name": "both"}],
        "moreSenderPools": False,
    }
    assert by_id[alone]["senderPools"] == []
    assert {one["id"]: one for one in found["operations"]} == {
        added: {"id": added, "kind": "ADD", "items": 1, "senderPool": {"id": pools[0], "name": "pool 0"}},
        created["id"]: {
            "id": created["id"],
            "kind": "CREATE",
            "items": 2,
            "senderPool": {"id": pools[0], "name": "pool 0"},
        },
    }
    await ada.delete(f"/v1/SenderPools/{pools[0]}")
    assert (await named(ada, added))["operations"] == [{"id": added, "kind": "ADD", "items": 1, "senderPool": None}]


@pytest.mark.parametrize("seed", range(3))
async def test_numbers_of_members_are_exact_after_every_change(ada: Person, seed: int) -> None:
    rng = random.Random(seed)
    rows: list[dict[str, object]] = [
        {"channel": channel, "address": address.format(n)}
        for n in range(4)
        for channel, address in (("SMS", "+1415555010{}"), ("EMAIL", "a{}@example.com"), ("PUSH", "app-{}"))
    ]
    senders = dict(zip(await ada.enter(rows), [str(row["channel"]) for row in rows], strict=True))
    pools: dict[str, set[str]] = {}
    for number in range(12):
        act = rng.choice(["create", "add", "add", "remove", "forget", "delete", "deactivate"]) if number else "create"
        some = rng.sample(sorted(senders), min(4, len(senders)))
        pool = rng.choice(sorted(pools)) if pools else ""
        if act == "create" or not pools:
            pools[await new_pool(ada, "x", *some)] = set(some)
        elif act == "add":
            refs = [{"senderId": one} for one in some]
            await ada.finished(await ada.post(f"/v1/SenderPools/{pool}/Senders", json=refs))
            pools[pool] |= set(some)
        elif act == "remove" and pools[pool]:
            gone = rng.choice(sorted(pools[pool]))
            await ada.delete(f"/v1/SenderPools/{pool}/Senders/{gone}")
            pools[pool].discard(gone)
        elif act == "forget" and len(senders) > 4:
            await ada.delete(f"/signalbox/v1/Senders/{some[0]}")
            del senders[some[0]]
            for members in pools.values():
                members.discard(some[0])
        elif act == "deactivate":
            await ada.patch(f"/signalbox/v1/Senders/{some[0]}", json={"status": "DEACTIVATED"})
        elif act == "delete":
            await ada.delete(f"/v1/SenderPools/{pool}")
            del pools[pool]
        expected = {pool: len(members) for pool, members in pools.items()}
        assert {
            one["id"]: one["senders"] for one in (await named(ada, *pools, senders_of(senders)))["senderPools"]
        } == (expected)
    found = (await named(ada, *pools, senders_of(senders)))["senderPools"]
    for one in found:
        counted = {each["channel"]: each["count"] for each in one["channels"]}  # type: ignore[attr-defined]
        channels = [senders[sender] for sender in pools[str(one["id"])]]
        assert counted == {channel: channels.count(channel) for channel in channels}


def senders_of(senders: dict[str, str]) -> str:
    """One sender, so that the request is never empty."""
    return next(iter(senders))
