"""Sender pools over HTTP: contract section 6, numbers 1 to 8."""

from __future__ import annotations

import pytest

from people import BASE, Person, contexts, problems
from signalbox.ground import clock, ids
from signalbox.inventory import senders

UNKNOWN_SENDER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
UNKNOWN_POOL = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"
UNKNOWN_OPERATION = "comms_operation_01hzzzzzzzzzzzzzzzzzzzzzzz"


async def test_pool_has_what_it_was_created_with(ada: Person) -> None:
    pool_id = await ada.pool(name="Spring", tags={"team": "blue", "a.b~c": "1"})
    pool = (await ada.get(f"/v1/SenderPools/{pool_id}")).json()
    assert list(pool) == ["id", "name", "tags", "createdAt", "updatedAt"]
    assert (pool["id"], pool["name"], pool["tags"]) == (pool_id, "Spring", {"team": "blue", "a.b~c": "1"})
    assert pool["createdAt"] == pool["updatedAt"] == clock.rfc3339(ids.created_at(pool_id))


async def test_pool_without_anything_is_called_by_its_id(ada: Person) -> None:
    pool_id = await ada.pool()
    pool = (await ada.get(f"/v1/SenderPools/{pool_id}")).json()
    assert (pool["name"], pool["tags"]) == (pool_id, {})


async def test_create_responds_with_an_operation_reference(ada: Person) -> None:
    response = await ada.post("/v1/SenderPools", json={})
    operation_id = response.json()["operationId"]
    assert response.json() == {
        "operationId": operation_id,
        "operationLocation": f"{BASE}/v1/SenderPools/Operations/{operation_id}",
    }
    assert ids.is_id(ids.OPERATION, operation_id)


async def test_names_need_not_be_unique(ada: Person) -> None:
    assert await ada.pool(name="Same") != await ada.pool(name="Same")


@pytest.mark.parametrize("name", ["x", "é" * 256, " padded ", "line\nbreak", "😀" * 256])
async def test_name_of_1_to_256_characters_is_kept_as_it_is(ada: Person, name: str) -> None:
    pool_id = await ada.pool(name=name)
    assert (await ada.get(f"/v1/SenderPools/{pool_id}")).json()["name"] == name


@pytest.mark.parametrize(
    "name", ["", " ", "\t\n", "\u2003", "\u001c", "\u0085", "x" * 257, "a\0b", None, 7, [], {}, True]
)
async def test_name_that_is_none_is_refused_at_its_place(ada: Person, name: object) -> None:
    assert problems(await ada.post("/v1/SenderPools", json={"name": name})) == {("name", "$.name")}
    pool_id = await ada.pool(name="before")
    assert problems(await ada.patch(f"/v1/SenderPools/{pool_id}", json={"name": name})) == {("name", "$.name")}
    assert (await ada.get(f"/v1/SenderPools/{pool_id}")).json()["name"] == "before"


@pytest.mark.parametrize(
    "tags",
    [
        None,
        [],
        "a=b",
        {"": "x"},
        {"k" * 129: "x"},
        {"a b": "x"},
        {"a\n": "x"},
        {"k": ""},
        {"k": "v" * 257},
        {"k": "é"},
        {"k": "v\n"},
        {"k": None},
        {"k": 1},
        {f"k{n}": "v" for n in range(11)},
    ],
)
async def test_tags_that_are_none_are_refused_at_their_place(ada: Person, tags: object) -> None:
    refused = await ada.post("/v1/SenderPools", json={"tags": tags})
    assert all(str(context).startswith("$.tags") for context in contexts(refused))
    pool_id = await ada.pool(tags={"old": "1"})
    assert contexts(await ada.patch(f"/v1/SenderPools/{pool_id}", json={"tags": tags})) == contexts(refused)
    assert (await ada.get(f"/v1/SenderPools/{pool_id}")).json()["tags"] == {"old": "1"}


async def test_tags_at_their_limits_are_accepted(ada: Person) -> None:
    tags = {f"{n}" + "k" * 127: "v" * 256 for n in range(10)}
    pool_id = await ada.pool(tags=tags)
    assert (await ada.get(f"/v1/SenderPools/{pool_id}")).json()["tags"] == tags


async def test_patch_changes_what_it_names_and_is_seen_at_once(ada: Person) -> None:
    pool_id = await ada.pool(name="Old", tags={"a": "1", "b": "2"})
    before = (await ada.get(f"/v1/SenderPools/{pool_id}")).json()
    response = await ada.patch(f"/v1/SenderPools/{pool_id}", json={"name": "New"})
    assert response.status_code == 202
    assert response.json() == {"resourceId": pool_id, "resourceLocation": f"{BASE}/v1/SenderPools/{pool_id}"}
    renamed = (await ada.get(f"/v1/SenderPools/{pool_id}")).json()
    assert renamed == {**before, "name": "New", "updatedAt": renamed["updatedAt"]}
    assert renamed["updatedAt"] > before["updatedAt"]
    await ada.patch(f"/v1/SenderPools/{pool_id}", json={"tags": {"c": "3"}})
    tagged = (await ada.get(f"/v1/SenderPools/{pool_id}")).json()
    assert (tagged["name"], tagged["tags"]) == ("New", {"c": "3"})
    await ada.patch(f"/v1/SenderPools/{pool_id}", json={"name": "Both", "tags": {}})
    both = (await ada.get(f"/v1/SenderPools/{pool_id}")).json()
    assert (both["name"], both["tags"]) == ("Both", {})


async def test_patch_of_nothing_is_refused(ada: Person) -> None:
    pool_id = await ada.pool()
    assert problems(await ada.patch(f"/v1/SenderPools/{pool_id}", json={})) == {(None, "$")}


async def test_deleted_pool_is_gone_and_its_senders_remain(ada: Person) -> None:
    senders = await ada.senders(2)
    pool_id = await ada.pool(*senders)
    response = await ada.delete(f"/v1/SenderPools/{pool_id}")
    assert response.status_code == 202
    assert response.json() == {"resourceId": pool_id, "resourceLocation": f"{BASE}/v1/SenderPools/{pool_id}"}
    gone = [
        await ada.get(f"/v1/SenderPools/{pool_id}"),
        await ada.get(f"/v1/SenderPools/{pool_id}/Senders"),
        await ada.delete(f"/v1/SenderPools/{pool_id}"),
        await ada.patch(f"/v1/SenderPools/{pool_id}", json={"name": "x"}),
        await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=[{"senderId": senders[0]}]),
        await ada.delete(f"/v1/SenderPools/{pool_id}/Senders/{senders[0]}"),
    ]
    assert {one.status_code for one in gone} == {404}
    assert pool_id not in {one["id"] for one in await ada.walk("/v1/SenderPools", "senderPools")}
    assert {one["id"] for one in await ada.walk("/v1/Senders", "senders")} == set(senders)


async def test_list_by_operation_shows_the_pool_that_it_created(ada: Person) -> None:
    one, _ = await ada.pool(), await ada.pool()
    first = (await ada.walk("/v1/SenderPools/Operations", "operations"))[-1]["id"]
    assert [pool["id"] for pool in await ada.walk(f"/v1/SenderPools?operationId={first}", "senderPools")] == [one]
    added = await ada.post(f"/v1/SenderPools/{one}/Senders", json=[{"senderId": UNKNOWN_SENDER}])
    listed = await ada.get(f"/v1/SenderPools?operationId={added.json()['operationId']}")
    assert listed.json()["senderPools"] == []


async def test_sender_may_be_in_any_number_of_pools(ada: Person) -> None:
    (sender,) = await ada.senders(1)
    pools = [await ada.pool(sender) for _ in range(3)]
    assert [await ada.members(pool) for pool in pools] == [{sender}] * 3


async def test_add_puts_senders_in_and_its_location_shows_the_operation(ada: Person) -> None:
    senders = await ada.senders(3, status="DEACTIVATED")
    pool_id = await ada.pool(senders[0])
    response = await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=[{"senderId": one} for one in senders[1:]])
    operation_id = response.json()["operationId"]
    assert response.headers["location"] == f"{BASE}/v1/SenderPools/{pool_id}/Senders/Operations/{operation_id}"
    operation = await ada.finished(response)
    assert operation["stats"] == {"total": 2, "queued": 0, "created": 2, "failed": 0}
    assert (await ada.get(f"/v1/SenderPools/Operations/{operation_id}")).json() == operation
    assert await ada.members(pool_id) == set(senders)


async def test_operation_is_not_found_under_another_pool(ada: Person) -> None:
    one, other = await ada.pool(), await ada.pool()
    response = await ada.post(f"/v1/SenderPools/{one}/Senders", json=[{"senderId": UNKNOWN_SENDER}])
    path = f"/v1/SenderPools/{other}/Senders/Operations/{response.json()['operationId']}"
    assert (await ada.get(path)).status_code == 404


async def test_members_are_filtered_by_channel_and_status(ada: Person) -> None:
    senders = {
        (channel, status): (await ada.senders(1, channel, status))[0]
        for channel in ("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH")
        for status in ("ACTIVATED", "DEACTIVATED")
    }
    pool_id = await ada.pool(*senders.values())
    for base in (f"/v1/SenderPools/{pool_id}/Senders", "/v1/Senders"):
        for channel in (None, "SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH"):
            for status in (None, "ACTIVATED", "DEACTIVATED"):
                given = {"channel": channel, "status": status}
                query = "&".join(f"{name}={value}" for name, value in given.items() if value)
                found = {one["id"] for one in await ada.walk(f"{base}?{query}", "senders", size=3)}
                assert found == {
                    sender
                    for (its_channel, its_status), sender in senders.items()
                    if channel in (None, its_channel) and status in (None, its_status)
                }


async def test_removed_sender_leaves_the_pool_only(ada: Person) -> None:
    one, other = await ada.senders(2)
    pool_id = await ada.pool(one, other)
    response = await ada.delete(f"/v1/SenderPools/{pool_id}/Senders/{one}")
    assert response.status_code == 202
    assert response.json() == {"resourceId": one, "resourceLocation": f"{BASE}/v1/Senders/{one}"}
    assert await ada.members(pool_id) == {other}
    assert (await ada.get(f"/v1/Senders/{one}")).status_code == 200
    assert (await ada.delete(f"/v1/SenderPools/{pool_id}/Senders/{one}")).status_code == 404
    assert (await ada.delete(f"/v1/SenderPools/{pool_id}/Senders/{UNKNOWN_SENDER}")).status_code == 404
    assert (await ada.delete(f"/v1/SenderPools/{UNKNOWN_POOL}/Senders/{other}")).status_code == 404


async def test_ten_thousand_senders_enter_a_pool_with_its_creation(ada: Person) -> None:
    rows: list[dict[str, object]] = [{"channel": "PUSH", "address": f"bulk-{n}"} for n in range(10_000)]
    senders = await ada.enter(rows)
    response = await ada.post("/v1/SenderPools", json={"senders": [{"senderId": one} for one in senders]})
    operation = await ada.finished(response)
    assert operation["stats"] == {"total": 10_001, "queued": 0, "created": 10_001, "failed": 0}
    pool = (await ada.get(f"/v1/SenderPools?operationId={operation['id']}")).json()["senderPools"][0]
    assert await ada.members(pool["id"]) == set(senders)


async def test_operations_is_never_taken_for_a_pool_id(ada: Person) -> None:
    refused = await ada.delete("/v1/SenderPools/Operations")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert (await ada.get("/v1/SenderPools/Operations")).json()["operations"] == []


async def test_operation_id_in_a_query_is_held_to_its_pattern(ada: Person) -> None:
    for wrong in ("", "x", UNKNOWN_POOL, UNKNOWN_OPERATION.upper()):
        assert problems(await ada.get(f"/v1/SenderPools?operationId={wrong}")) == {("operationId", "$.operationId")}
    assert (await ada.get(f"/v1/SenderPools?operationId={UNKNOWN_OPERATION}")).json()["senderPools"] == []


async def test_dates_of_a_pool_s_senders_are_those_of_their_creation(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the dates when the senders joined the pool: the younger sender joined first."""
    start = max(clock.now_ms(), ids.created_at(ids.new(senders.SENDER, clock.now_ms()))) + 1000
    made = []
    for ms in (start, start + 10):
        monkeypatch.setattr(clock, "now_ms", lambda ms=ms: ms)
        made += await ada.senders(1)
    monkeypatch.undo()
    older, younger = made
    pool_id = await ada.pool(younger)
    await ada.finished(await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=[{"senderId": older}]))
    path, between = f"/v1/SenderPools/{pool_id}/Senders", clock.rfc3339(start + 5)
    for query, wanted in (
        ("", [younger, older]),
        (f"?startDate={between}", [younger]),
        (f"?endDate={between}", [older]),
    ):
        assert [one["id"] for one in await ada.walk(f"{path}{query}", "senders")] == wanted


async def test_deleted_pool_looks_missing_to_everything(ada: Person) -> None:
    (sender_id,) = await ada.senders(1)
    deleted = await ada.pool()
    await ada.delete(f"/v1/SenderPools/{deleted}")
    for pool_id in (UNKNOWN_POOL, deleted):
        path = f"/v1/SenderPools/{pool_id}"
        responses = [
            await ada.get(path),
            await ada.patch(path, json={"name": "x"}),
            await ada.delete(path),
            await ada.get(f"{path}/Senders"),
            await ada.post(f"{path}/Senders", json=[{"senderId": sender_id}]),
            await ada.delete(f"{path}/Senders/{sender_id}"),
            await ada.get(f"{path}/Senders/Operations/{UNKNOWN_OPERATION}"),
        ]
        assert [response.status_code for response in responses] == [404] * len(responses)
