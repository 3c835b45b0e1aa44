"""Resolve over HTTP: contract section 7; tests/routing/test_resolve_ranking.py holds the ranking."""

from __future__ import annotations

import pytest

from people import Person, contexts

UNKNOWN_POOL = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"
PHONE = {"address": "+14155559999", "channel": "PHONE"}


async def test_resolve_lists_who_can_reach_a_person_best_first(ada: Person) -> None:
    sms, rcs, off, mail = await ada.enter(
        [
            {"channel": "SMS", "address": "+14155550100", "displayName": "Shop"},
            {"channel": "RCS", "address": "shop-agent"},
            {"channel": "SMS", "address": "+14155550101", "status": "DEACTIVATED"},
            {"channel": "EMAIL", "address": "shop@example.com"},
        ]
    )
    body = {
        "recipientAddresses": [
            {"address": "ann@example.com", "channel": "EMAIL"},
            {"address": "+14155559999", "channel": "PHONE"},
        ]
    }
    results = (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"]
    assert [(one["from"]["senderId"], one["priority"]) for one in results] == [(mail, 0), (rcs, 1), (sms, 2)]
    assert results[2] == {
        "from": {"senderId": sms, "displayName": "Shop", "channel": "SMS", "address": "+14155550100"},
        "to": {"address": "+14155559999", "channel": "PHONE"},
        "priority": 2,
    }
    only = body | {"channels": {"filterIn": ["SMS", "EMAIL"], "priority": [{"channel": "SMS", "priority": 1}]}}
    results = (await ada.post("/v1/Senders/Resolve", json=only)).json()["results"]
    assert [one["from"]["senderId"] for one in results] == [sms, mail]
    pool_id = await ada.pool(rcs, off)
    results = (await ada.post("/v1/Senders/Resolve", json=body | {"senderPoolId": pool_id})).json()["results"]
    assert [one["from"]["senderId"] for one in results] == [rcs]
    named = body | {"senderAddresses": [{"address": "+14155550100", "channel": "SMS"}]}
    results = (await ada.post("/v1/Senders/Resolve", json=named)).json()["results"]
    assert [one["from"]["senderId"] for one in results] == [sms]


async def test_resolve_in_an_unknown_pool_is_not_found(ada: Person, ben: Person) -> None:
    body = {"recipientAddresses": [{"address": "+14155559999", "channel": "PHONE"}]}
    for pool_id in (UNKNOWN_POOL, await ben.pool()):
        assert (await ada.post("/v1/Senders/Resolve", json=body | {"senderPoolId": pool_id})).status_code == 404


async def test_resolve_gives_ten_at_most(ada: Person) -> None:
    await ada.senders(12, "SMS")
    body = {"recipientAddresses": [{"address": "+14155559999", "channel": "PHONE"}]}
    results = (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"]
    assert [one["priority"] for one in results] == list(range(10))


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["$.recipientAddresses"]),
        ({"recipientAddresses": []}, ["$.recipientAddresses"]),
        ({"recipientAddresses": [PHONE] * 101}, ["$.recipientAddresses"]),
        (
            {"recipientAddresses": [PHONE, {"channel": "SMS"}]},
            ["$.recipientAddresses[1].address", "$.recipientAddresses[1].channel"],
        ),
        ({"recipientAddresses": [PHONE], "senderPoolId": "x"}, ["$.senderPoolId"]),
        ({"recipientAddresses": [PHONE], "senderPoolId": None}, ["$.senderPoolId"]),
        ({"recipientAddresses": [PHONE], "senderAddresses": []}, ["$.senderAddresses"]),
        ({"recipientAddresses": [PHONE], "senderAddresses": [{}]}, ["$.senderAddresses[0]"]),
        (
            {"recipientAddresses": [PHONE], "senderAddresses": [{"fcm": "a", "address": "b"}]},
            ["$.senderAddresses[0]"],
        ),
        (
            {"recipientAddresses": [PHONE], "senderPoolId": UNKNOWN_POOL, "senderAddresses": [{"fcm": "a"}]},
            ["$.senderAddresses"],
        ),
        ({"recipientAddresses": [PHONE], "channels": {"filterIn": ["SMS", "SMS"]}}, ["$.channels.filterIn[1]"]),
        (
            {
                "recipientAddresses": [PHONE],
                "channels": {"priority": [{"channel": "SMS", "priority": 1}, {"channel": "SMS", "priority": 2}]},
            },
            ["$.channels.priority[1].channel"],
        ),
        (
            {"recipientAddresses": [PHONE], "channels": {"priority": [{"channel": "SMS"}]}},
            ["$.channels.priority[0].priority"],
        ),
    ],
)
async def test_resolve_refuses_with_each_place(ada: Person, body: object, places: list[str]) -> None:
    assert sorted(map(str, contexts(await ada.post("/v1/Senders/Resolve", json=body)))) == places


async def test_resolve_reaches_each_address_by_the_channels_of_its_kind(ada: Person) -> None:
    """RCS and SMS reach a phone number; every other channel reaches the address of the same name."""
    await ada.enter(
        [
            {"channel": "SMS", "address": "+14155550100"},
            {"channel": "RCS", "address": "shop-agent"},
            {"channel": "EMAIL", "address": "shop@example.com"},
            {"channel": "WHATSAPP", "address": "+14155550100"},
            {"channel": "PUSH", "address": "com.example.shop"},
        ]
    )
    for channel, address, wanted in (
        ("PHONE", "+14155559999", ["RCS", "SMS"]),
        ("WHATSAPP", "+14155559999", ["WHATSAPP"]),
        ("EMAIL", "ann@example.org", ["EMAIL"]),
        ("PUSH", "device", ["PUSH"]),
    ):
        body = {"recipientAddresses": [{"address": address, "channel": channel}]}
        results = (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"]
        assert [one["from"]["channel"] for one in results] == wanted
        assert all(one["to"] == {"address": address, "channel": channel} for one in results)


async def test_resolve_takes_every_form_of_sender_address(ada: Person) -> None:
    sms, mail, apn, fcm, _, whatsapp, rcs = await ada.enter(
        [
            {"channel": "SMS", "address": "+14155550100"},
            {"channel": "EMAIL", "address": "shop@example.com"},
            {"channel": "PUSH", "address": "com.example.shop"},
            {"channel": "PUSH", "address": "shop-project"},
            {"channel": "PUSH", "address": "another-project"},
            {"channel": "WHATSAPP", "address": "+14155550100"},
            {"channel": "RCS", "address": "shop-agent"},
        ]
    )
    recipients = [
        {"address": "+14155559999", "channel": "PHONE"},
        {"address": "ann@example.org", "channel": "EMAIL"},
        {"address": "device", "channel": "PUSH"},
        {"address": "+14155559999", "channel": "WHATSAPP"},
    ]
    for named, wanted in (
        ({"address": "+14155550100", "channel": "SMS"}, [sms]),
        ({"address": "+14155550100", "channel": "WHATSAPP"}, [whatsapp]),
        ({"address": "shop-agent", "channel": "RCS"}, [rcs]),
        ({"address": "shop@example.com", "name": "The Shop"}, [mail]),
        ({"fcm": "shop-project", "apn": "com.example.shop"}, [apn, fcm]),
        ({"fcm": "nobody", "apn": "com.example.shop"}, [apn]),
        ({"address": "+14155550111", "channel": "SMS"}, []),
    ):
        body = {"recipientAddresses": recipients, "senderAddresses": [named]}
        results = (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"]
        assert [one["from"]["senderId"] for one in results] == wanted


async def test_resolve_takes_a_hundred_addresses_on_either_side(ada: Person) -> None:
    to = [{"address": f"p{n}@example.org", "channel": "EMAIL"} for n in range(100)]
    named = [{"address": f"s{n}@example.org", "name": "S"} for n in range(101)]
    body = {"recipientAddresses": to, "senderAddresses": named[:100]}
    assert (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"] == []
    refused = await ada.post("/v1/Senders/Resolve", json={"recipientAddresses": to, "senderAddresses": named})
    assert contexts(refused) == ["$.senderAddresses"]


async def test_resolve_finds_the_same_senders_in_every_process(ada: Person) -> None:
    for channel in ("SMS", "RCS", "EMAIL"):
        await ada.senders(5, channel)
    elsewhere = ada.at(await ada.served.again())
    body = {
        "recipientAddresses": [
            {"address": "+14155559999", "channel": "PHONE"},
            {"address": "ann@example.org", "channel": "EMAIL"},
        ]
    }
    responses = [await person.post("/v1/Senders/Resolve", json=body) for person in (ada, elsewhere) * 3]
    assert len(responses[0].json()["results"]) == 10
    assert len({response.content for response in responses}) == 1
