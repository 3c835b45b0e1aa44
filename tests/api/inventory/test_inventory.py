"""Entering inventory over HTTP: contract section 8. test_inventory_rows.py tests what a row may be."""

from __future__ import annotations

import msgspec
import pytest

from people import Person, contexts


async def test_rows_of_every_format_enter(ada: Person) -> None:
    bodies = {
        "application/json": b'[{"channel": "PUSH", "address": "one", "tags": {"k": "v"}}]',
        "application/x-ndjson": b'{"channel": "PUSH", "address": "two", "tags": {"k": "v"}}\n',
        "text/csv; charset=utf-8": b"channel,address,tags\r\nPUSH,three,k=v\r\n",
    }
    for media, body in bodies.items():
        response = await ada.post("/signalbox/v1/Senders", content=body, headers={"content-type": media})
        assert (response.status_code, response.json()) == (
            200,
            {"created": 1, "updated": 0, "refused": [], "warnings": []},
        )
    senders = (await ada.get("/v1/Senders")).json()["senders"]
    assert [(one["address"], one["tags"]) for one in senders] == [
        ("three", {"k": "v"}),
        ("two", {"k": "v"}),
        ("one", {"k": "v"}),
    ]


async def test_known_address_is_updated_and_absent_members_keep_their_values(ada: Person) -> None:
    row: dict[str, object] = {"channel": "PUSH", "address": "one", "displayName": "A", "tags": {"a": "1"}}
    (sender_id,) = await ada.enter([row | {"status": "DEACTIVATED"}])
    response = await ada.post("/signalbox/v1/Senders", json=[{"channel": "PUSH", "address": "one", "displayName": "B"}])
    assert response.json() == {"created": 0, "updated": 1, "refused": [], "warnings": []}
    sender = (await ada.get(f"/v1/Senders/{sender_id}")).json()
    assert (sender["displayName"], sender["status"], sender["tags"]) == ("B", "DEACTIVATED", {"a": "1"})
    await ada.post(
        "/signalbox/v1/Senders", json=[{"channel": "PUSH", "address": "one", "displayName": None, "tags": {}}]
    )
    sender = (await ada.get(f"/v1/Senders/{sender_id}")).json()
    assert (sender["displayName"], sender["tags"]) == (None, {})


async def test_row_that_changes_nothing_leaves_the_sender_as_it_was(ada: Person) -> None:
    row: dict[str, object] = {"channel": "PUSH", "address": "one", "displayName": "A"}
    (sender_id,) = await ada.enter([row])
    before = (await ada.get(f"/v1/Senders/{sender_id}")).json()
    assert (await ada.post("/signalbox/v1/Senders", json=[row])).json()["updated"] == 1
    assert (await ada.get(f"/v1/Senders/{sender_id}")).json() == before


async def test_rows_of_one_request_apply_in_their_order(ada: Person) -> None:
    rows = [{"channel": "PUSH", "address": "one", "displayName": name} for name in ("A", "B", "C")]
    response = await ada.post("/signalbox/v1/Senders", json=rows)
    assert (response.json()["created"], response.json()["updated"]) == (1, 2)
    (sender,) = (await ada.get("/v1/Senders")).json()["senders"]
    assert sender["displayName"] == "C"


async def test_one_address_on_two_channels_is_two_senders(ada: Person) -> None:
    rows = [{"channel": channel, "address": "+14155550100"} for channel in ("SMS", "WHATSAPP", "RCS")]
    assert (await ada.post("/signalbox/v1/Senders", json=rows)).json()["created"] == 3


async def test_good_rows_enter_and_every_refused_one_is_named(ada: Person) -> None:
    rows = [
        {"channel": "PUSH", "address": "good"},
        {"channel": "FAX", "address": "x"},
        {"channel": "SMS", "address": "+555"},
        {"channel": "PUSH"},
    ]
    response = (await ada.post("/signalbox/v1/Senders", json=rows)).json()
    assert response["created"] == 1
    assert [(one["context"], one["code"], one["line"]) for one in response["refused"]] == [
        ("$[1].channel", 20001, None),
        ("$[2].address", 20001, None),
        ("$[3].address", 20001, None),
    ]
    lines = b"\n".join(msgspec.json.encode(row) for row in rows)
    response = (
        await ada.post("/signalbox/v1/Senders", content=lines, headers={"content-type": "application/x-ndjson"})
    ).json()
    assert [one["line"] for one in response["refused"]] == [2, 3, 4]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"[", b'[{"channel":]', b"\xff"])
async def test_body_without_rows_is_refused_whole(ada: Person, body: bytes) -> None:
    assert contexts(await ada.post("/signalbox/v1/Senders", content=body)) == ["$"]


async def test_more_than_ten_thousand_rows_are_refused_whole(ada: Person) -> None:
    rows = [{"channel": "PUSH", "address": f"x{n}"} for n in range(10_001)]
    for media, body in (
        ("application/json", msgspec.json.encode(rows)),
        ("application/x-ndjson", b"\n".join(msgspec.json.encode(row) for row in rows)),
        ("text/csv", b"channel,address\n" + b"".join(f"PUSH,x{n}\n".encode() for n in range(10_001))),
    ):
        response = await ada.post("/signalbox/v1/Senders", content=body, headers={"content-type": media})
        assert contexts(response) == ["$"]
    assert (await ada.get("/v1/Senders")).json()["senders"] == []


async def test_status_entered_again_spreads_to_the_pools(ada: Person) -> None:
    (sender_id,) = await ada.enter([{"channel": "PUSH", "address": "one"}])
    pool_id = await ada.pool(sender_id)
    await ada.enter([{"channel": "PUSH", "address": "one", "status": "DEACTIVATED"}])
    (member,) = await ada.walk(f"/v1/SenderPools/{pool_id}/Senders?status=DEACTIVATED", "senders")
    assert member["id"] == sender_id
