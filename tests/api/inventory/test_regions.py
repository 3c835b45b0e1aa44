"""Regions of senders: numbers that no plan knows, short codes and alphanumeric ids. Contract sections 5, 7 and 8."""

from __future__ import annotations

from typing import Any

import pytest

from people import Person

INVENTORY = "/signalbox/v1/Senders"
# Area code +1 436 is in service since 2024; the library's numbering plan is older.
NEW = "+14365550123"
CODE: dict[str, object] = {"channel": "SMS", "address": "27312"}


async def entered(person: Person, *rows: dict[str, object]) -> dict[str, Any]:
    response = await person.post(INVENTORY, json=rows)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def searched(person: Person, address: object, **more: object) -> list[dict[str, Any]]:
    response = await person.post("/v1/Senders/Search", json={"channel": "SMS", "address": address, **more})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["senders"]
    return found


async def regions(person: Person, address: object) -> list[str | None]:
    """The regions of the senders with this address, newest first."""
    return [(await person.get(f"{INVENTORY}/{one['id']}")).json()["region"] for one in await searched(person, address)]


async def test_number_that_no_plan_knows_enters_with_a_warning(ada: Person) -> None:
    found = await entered(ada, {"channel": "PUSH", "address": "one"}, {"channel": "SMS", "address": NEW})
    assert (found["created"], found["refused"]) == (2, [])
    warning = {"context": "$[1].address", "code": 20001, "message": "no numbering plan assigns such a number"}
    assert found["warnings"] == [warning | {"line": None}]
    assert await regions(ada, NEW) == ["US"]


async def test_number_that_no_plan_knows_is_refused_as_the_setting_says(ada: Person) -> None:
    strict = ada.at(await ada.served.again(inventory_numbers="known"))
    found = await entered(strict, {"channel": "SMS", "address": NEW}, {"channel": "SMS", "address": "+12025550100"})
    assert (found["created"], found["warnings"]) == (1, [])
    assert [(one["context"], one["message"]) for one in found["refused"]] == [
        ("$[0].address", "no numbering plan assigns such a number")
    ]


async def test_sender_comes_with_its_region_from_the_inventory(ada: Person) -> None:
    """The documented Sender does not have the region."""
    rows: list[dict[str, object]] = [
        {"channel": "SMS", "address": "+14165550123"},
        {"channel": "EMAIL", "address": "ada@example.org"},
        {"channel": "RCS", "address": "my_brand_agent", "region": "DE"},
        CODE | {"region": "CA"},
    ]
    for sender_id, region in zip(await ada.enter(rows), ("CA", None, "DE", "CA"), strict=True):
        documented = await ada.get(f"/v1/Senders/{sender_id}")
        with_region = await ada.get(f"{INVENTORY}/{sender_id}")
        assert with_region.json() == documented.json() | {"region": region}
        assert with_region.headers["etag"] == documented.headers["etag"]


async def test_etag_of_a_sender_with_its_region_serves_for_conditions(ada: Person) -> None:
    (sender_id,) = await ada.enter([CODE | {"region": "CA"}])
    etag = (await ada.get(f"{INVENTORY}/{sender_id}")).headers["etag"]
    assert (await ada.get(f"{INVENTORY}/{sender_id}", headers={"if-none-match": etag})).status_code == 304
    condition = {"if-match": etag}
    assert (await ada.patch(f"{INVENTORY}/{sender_id}", json={"tags": {}}, headers=condition)).status_code == 200
    assert (await ada.patch(f"{INVENTORY}/{sender_id}", json={"tags": {}}, headers=condition)).status_code == 412


@pytest.mark.parametrize("address", ["27312", "Acme & Co.", "+1BRAND"])
async def test_one_short_code_or_alphanumeric_id_is_a_sender_in_each_country(ada: Person, address: str) -> None:
    row: dict[str, object] = {"channel": "SMS", "address": address}
    found = await entered(ada, *(row | {"region": region} for region in ("US", "CA", "US")))
    assert (found["created"], found["updated"], found["refused"]) == (2, 1, [])
    again = await entered(ada, row | {"region": "CA", "displayName": "Canada"})
    assert (again["created"], again["updated"]) == (0, 1)
    assert await regions(ada, address) == ["CA", "US"]
    assert [one["displayName"] for one in await searched(ada, address)] == ["Canada", None]


async def test_short_code_or_alphanumeric_id_without_its_country_is_refused(ada: Person) -> None:
    found = await entered(ada, CODE, {"channel": "SMS", "address": "BRAND"}, CODE | {"region": "ca"})
    assert [one["context"] for one in found["refused"]] == ["$[0].region", "$[1].region", "$[2].region"]
    assert found["created"] == 0


async def test_number_is_one_sender_whatever_its_region(ada: Person) -> None:
    """A better guess, or a newer numbering plan, must not make a second sender of it."""
    for given, stored in ((None, "US"), ("CA", "CA"), (None, "CA"), ("US", "US")):
        row: dict[str, object] = {"channel": "SMS", "address": NEW, **({"region": given} if given else {})}
        before = await searched(ada, NEW)
        found = await entered(ada, row)
        assert (found["created"], found["updated"]) == ((0, 1) if before else (1, 0))
        assert await regions(ada, NEW) == [stored]
    assert len(await searched(ada, NEW)) == 1


async def test_new_region_of_a_sender_is_a_change(ada: Person) -> None:
    row: dict[str, object] = {"channel": "SMS", "address": NEW}
    (sender_id,) = await ada.enter([row])
    before = await ada.get(f"/v1/Senders/{sender_id}")
    await entered(ada, row | {"region": "US"})
    assert (await ada.get(f"/v1/Senders/{sender_id}")).json() == before.json()
    await entered(ada, row | {"region": "CA"})
    after = await ada.get(f"/v1/Senders/{sender_id}")
    assert after.json()["updatedAt"] > before.json()["updatedAt"]
    assert after.headers["etag"] != before.headers["etag"]


async def test_change_of_a_sender_keeps_its_region(ada: Person) -> None:
    us, ca = await _of_two_countries(ada)
    await ada.patch(f"{INVENTORY}/{us}", json={"status": "DEACTIVATED", "displayName": "US"})
    assert (await ada.get(f"{INVENTORY}/{us}")).json()["region"] == "US"
    assert (await ada.get(f"{INVENTORY}/{ca}")).json()["status"] == "ACTIVATED"
    await ada.delete(f"{INVENTORY}/{us}")
    assert [one["id"] for one in await searched(ada, "27312")] == [ca]


async def test_search_pages_and_filters_the_senders_with_one_address(ada: Person) -> None:
    us, ca = await _of_two_countries(ada)
    await ada.patch(f"{INVENTORY}/{ca}", json={"status": "DEACTIVATED"})
    assert [one["id"] for one in await searched(ada, "27312")] == [ca, us]
    assert [one["id"] for one in await searched(ada, "27312", status="ACTIVATED", pageSize=1)] == [us]
    asked: dict[str, object] = {"channel": "SMS", "address": "27312", "pageSize": 1}
    first = (await ada.post("/v1/Senders/Search", json=asked)).json()
    token = first["pagination"]["next"]
    second = (await ada.post("/v1/Senders/Search", json=asked | {"pageToken": token})).json()
    assert [page["senders"][0]["id"] for page in (first, second)] == [ca, us]
    assert second["pagination"]["next"] is None


async def test_resolve_takes_the_region_of_a_sender_for_its_country(ada: Person) -> None:
    us, ca = await _of_two_countries(ada)
    (uk,) = await ada.enter([{"channel": "SMS", "address": "+447400123456"}])
    named = [{"address": "27312", "channel": "SMS"}]
    sources: list[tuple[dict[str, object], set[str]]] = [
        ({}, {us, ca, uk}),
        ({"senderAddresses": named}, {us, ca}),
        ({"senderPoolId": await ada.pool(us, ca, uk)}, {us, ca, uk}),
    ]
    for number, best in (("+14165550123", ca), ("+12025550123", us), (NEW, us)):
        body: dict[str, object] = {"recipientAddresses": [{"address": number, "channel": "PHONE"}]}
        for source, expected in sources:
            results = (await ada.post("/v1/Senders/Resolve", json=body | source)).json()["results"]
            found = [one["from"]["senderId"] for one in results]
            assert (found[0], set(found)) == (best, expected)


async def _of_two_countries(person: Person) -> tuple[str, str]:
    """Enters one short code in the United States, and then in Canada."""
    await entered(person, CODE | {"region": "US"})
    await entered(person, CODE | {"region": "CA"})
    ca, us = await searched(person, "27312")
    return us["id"], ca["id"]
