"""Senders over HTTP: contract section 7, and changing and removing them, contract section 8."""

from __future__ import annotations

import pytest

from people import BASE, Person, contexts, problems
from signalbox.ground import clock, ids

UNKNOWN_SENDER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
UNKNOWN_POOL = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"


async def test_sender_has_exactly_the_documented_members(ada: Person) -> None:
    (sender_id,) = await ada.enter(
        [{"channel": "SMS", "address": "+14155550100", "displayName": "Shop", "tags": {"a": "b"}}]
    )
    sender = (await ada.get(f"/v1/Senders/{sender_id}")).json()
    made = clock.rfc3339(ids.created_at(sender_id))
    assert list(sender) == ["id", "displayName", "address", "channel", "status", "tags", "updatedAt", "createdAt"]
    assert sender == {
        "id": sender_id,
        "displayName": "Shop",
        "address": "+14155550100",
        "channel": "SMS",
        "status": "ACTIVATED",
        "tags": {"a": "b"},
        "updatedAt": made,
        "createdAt": made,
    }


async def test_senders_are_listed_newest_first(ada: Person) -> None:
    senders = await ada.senders(5)
    assert [one["id"] for one in (await ada.get("/v1/Senders")).json()["senders"]] == senders[::-1]


async def test_search_finds_the_sender_with_an_address_and_a_channel(ada: Person, ben: Person) -> None:
    sms, _ = await ada.enter(
        [{"channel": "SMS", "address": "+14155550100"}, {"channel": "WHATSAPP", "address": "+14155550100"}]
    )
    await ben.enter([{"channel": "SMS", "address": "+14155550100"}])
    wanted = {"address": "+14155550100", "channel": "SMS"}
    found = (await ada.post("/v1/Senders/Search", json=wanted)).json()
    assert [one["id"] for one in found["senders"]] == [sms]
    assert found["pagination"]["next"] is None
    for more, count in (({"status": "ACTIVATED"}, 1), ({"status": "DEACTIVATED"}, 0), ({"pageSize": 1}, 1)):
        assert len((await ada.post("/v1/Senders/Search", json=wanted | more)).json()["senders"]) == count
    again = wanted | {"pageToken": found["pagination"]["self"]}
    assert (await ada.post("/v1/Senders/Search", json=again)).json() == found
    elsewhere = wanted | {"channel": "WHATSAPP", "pageToken": found["pagination"]["self"]}
    assert problems(await ada.post("/v1/Senders/Search", json=elsewhere)) == {("pageToken", "$.pageToken")}


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["$.address", "$.channel"]),
        ({"address": "", "channel": "FAX"}, ["$.address", "$.channel"]),
        ({"address": None, "channel": None}, ["$.address", "$.channel"]),
        ({"address": "a\0b", "channel": "SMS"}, ["$.address"]),
        ({"address": "x", "channel": "SMS", "status": None}, ["$.status"]),
        ({"address": "x", "channel": "SMS", "pageSize": 0}, ["$.pageSize"]),
        ({"address": "x", "channel": "SMS", "pageSize": 1001}, ["$.pageSize"]),
        ({"address": "x", "channel": "SMS", "pageSize": "5"}, ["$.pageSize"]),
        ({"address": "x", "channel": "SMS", "pageToken": ""}, ["$.pageToken"]),
        ({"address": "x", "channel": "SMS", "pageToken": "made-up"}, ["$.pageToken"]),
        ({"address": "x", "channel": "SMS", "Status": "ACTIVATED"}, ["$.Status"]),
    ],
)
async def test_search_refuses_with_each_place(ada: Person, body: object, places: list[str]) -> None:
    assert sorted(map(str, contexts(await ada.post("/v1/Senders/Search", json=body)))) == places


async def test_search_for_an_odd_address_finds_nothing(ada: Person) -> None:
    for address in ("x" * 320, "' OR 1=1 --", "\ud7ff", "+1 415"):
        body = {"address": address, "channel": "SMS"}
        response = await ada.post("/v1/Senders/Search", json=body)
        assert (response.status_code, response.json()["senders"]) == (200, [])


PHONE = {"address": "+14155559999", "channel": "PHONE"}


async def test_patch_changes_what_it_names(ada: Person) -> None:
    (sender_id,) = await ada.enter(
        [{"channel": "PUSH", "address": "one", "displayName": "Old", "tags": {"a": "1", "b": "2"}}]
    )
    path = f"/signalbox/v1/Senders/{sender_id}"
    before = (await ada.get(f"/v1/Senders/{sender_id}")).json()
    for change in (
        {"displayName": "New"},
        {"status": "DEACTIVATED"},
        {"tags": {"c": "3"}},
        {"displayName": None},
        {"displayName": "", "tags": {}},
    ):
        response = await ada.patch(path, json=change)
        assert response.json() == {**before, **change, "updatedAt": response.json()["updatedAt"]}
        assert response.json()["updatedAt"] > before["updatedAt"]
        before = (await ada.get(f"/v1/Senders/{sender_id}")).json()
        assert before == response.json()


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["$"]),
        ({"status": None}, ["$.status"]),
        ({"status": "activated"}, ["$.status"]),
        ({"tags": None, "status": 1}, ["$.status", "$.tags"]),
        ({"displayName": "x" * 257}, ["$.displayName"]),
        ({"displayName": "a\u0000b"}, ["$.displayName"]),
        ({"displayName": "a\nb"}, ["$.displayName"]),
        ({"displayName": 1}, ["$.displayName"]),
        ({"address": "other"}, ["$", "$.address"]),
        ([], ["$"]),
    ],
)
async def test_patch_refuses_with_each_place(ada: Person, body: object, places: list[str]) -> None:
    (sender_id,) = await ada.senders(1)
    response = await ada.patch(f"/signalbox/v1/Senders/{sender_id}", json=body)
    assert set(map(str, contexts(response))) == set(places)


async def test_status_of_a_sender_is_that_of_its_membership(ada: Person) -> None:
    one, other = await ada.senders(2)
    pool_id = await ada.pool(one, other)
    await ada.patch(f"/signalbox/v1/Senders/{one}", json={"status": "DEACTIVATED"})
    path = f"/v1/SenderPools/{pool_id}/Senders"
    assert [sender["id"] for sender in await ada.walk(f"{path}?status=ACTIVATED", "senders")] == [other]
    (sender,) = await ada.walk(f"{path}?status=DEACTIVATED&channel=PUSH", "senders")
    assert (sender["id"], sender["status"]) == (one, "DEACTIVATED")


async def test_deleted_sender_leaves_every_pool(ada: Person) -> None:
    one, other = await ada.senders(2)
    pools = [await ada.pool(one, other), await ada.pool(one)]
    response = await ada.delete(f"/signalbox/v1/Senders/{one}")
    assert response.status_code == 202
    assert response.json() == {"resourceId": one, "resourceLocation": f"{BASE}/v1/Senders/{one}"}
    assert [await ada.members(pool) for pool in pools] == [{other}, set()]
    assert (await ada.get(f"/v1/Senders/{one}")).status_code == 404
    assert (await ada.delete(f"/signalbox/v1/Senders/{one}")).status_code == 404
    assert (await ada.delete(f"/v1/SenderPools/{pools[0]}/Senders/{one}")).status_code == 404


async def test_senders_are_read_only_under_v1(ada: Person) -> None:
    (sender_id,) = await ada.senders(1)
    for method in ("PATCH", "PUT", "DELETE", "POST"):
        refused = await ada.call(method, f"/v1/Senders/{sender_id}", json={"status": "DEACTIVATED"})
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert (await ada.post("/v1/Senders", json=[])).status_code == 405


@pytest.mark.parametrize(
    "sender_id",
    [
        "comms_sender_81hzzzzzzzzzzzzzzzzzzzzzzz",
        "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzz",
        "comms_sender_01HZZZZZZZZZZZZZZZZZZZZZZZ",
        "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzl",
        "comms_sender_" + "0" * 36,
        "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz",
        "01hzzzzzzzzzzzzzzzzzzzzzzz",
        "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz%0A",
        "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz%00",
        "search",
    ],
)
async def test_id_off_its_pattern_is_400_and_not_404(ada: Person, sender_id: str) -> None:
    assert problems(await ada.get(f"/v1/Senders/{sender_id}")) == {("senderId", "$.senderId")}


@pytest.mark.parametrize("sender_id", ["comms_sender_0" + "0" * 25, "comms_sender_7" + "z" * 34, UNKNOWN_SENDER])
async def test_id_on_its_pattern_that_is_unknown_is_404(ada: Person, sender_id: str) -> None:
    assert (await ada.get(f"/v1/Senders/{sender_id}")).status_code == 404
