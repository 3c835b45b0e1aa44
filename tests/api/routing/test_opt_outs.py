"""Opt-outs: who gets nothing, and how a person is forgotten. Contract sections 11 and 15.4."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from people import Person, contexts
from sends import PATH, SMS, TEXT, counts, sent, to

OPT_OUTS = "/signalbox/v1/OptOuts"
WHO = {"address": "+14155550199", "channel": "PHONE"}


async def opt_out(person: Person, **more: object) -> dict[str, Any]:
    response = await person.post(OPT_OUTS, json={**WHO, **more})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def test_who_opted_out_of_the_account_gets_nothing_and_is_not_tried(ada: Person) -> None:
    pool = await ada.pool(*await ada.enter([SMS]))
    made = await opt_out(ada)
    assert (made["address"], made["channel"], made["senderPoolId"]) == ("+14155550199", "PHONE", None)
    for origin in ({}, {"from": {"senderPoolId": pool}}):
        operation, (refused, reached) = await sent(ada, "+14155550199", "+14155550198", **origin)
        assert (refused["status"], reached["status"]) == ("FAILED", "DELIVERED")
        assert counts(operation) == {"failed": 1, "delivered": 1}
        assert operation["stats"]["attempts"] == 1
        errors = (await ada.get(f"{PATH}/Operations/{operation['id']}/Errors")).json()["errors"]
        assert [one["code"] for one in errors] == [21610]
    assert (await ada.delete(f"{OPT_OUTS}/{made['id']}")).status_code == 202
    assert (await ada.delete(f"{OPT_OUTS}/{made['id']}")).status_code == 404
    operation, _ = await sent(ada, "+14155550199")
    assert counts(operation) == {"delivered": 1}


async def test_opt_out_of_a_pool_holds_for_this_pool(ada: Person) -> None:
    senders = await ada.enter([SMS])
    pool, other = await ada.pool(*senders), await ada.pool(*senders)
    assert (await opt_out(ada, senderPoolId=pool))["senderPoolId"] == pool
    for origin, counted in ((pool, {"failed": 1}), (other, {"delivered": 1})):
        operation, _ = await sent(ada, "+14155550199", **{"from": {"senderPoolId": origin}})
        assert counts(operation) == counted
    operation, _ = await sent(ada, "+14155550199")
    assert counts(operation) == {"delivered": 1}


async def test_opt_out_takes_away_the_pairs_of_one_address_and_channel(ada: Person) -> None:
    _, whatsapp = await ada.enter([SMS, {"channel": "WHATSAPP", "address": "+14155550150"}])
    await opt_out(ada)
    person = {"addresses": [WHO, {"address": "+14155550199", "channel": "WHATSAPP"}]}
    _, (message,) = await sent(ada, to=[person])
    assert (message["status"], message["from"]["senderId"]) == ("DELIVERED", whatsapp)


async def test_opt_out_after_the_request_holds_when_the_message_is_due(ada: Person) -> None:
    await ada.enter([SMS])
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    body = {"to": to("+14155550199"), "content": TEXT, "schedule": {"sendAt": [soon]}}
    response = await ada.post(PATH, json=body)
    await opt_out(ada)
    assert counts(await ada.finished(response)) == {"failed": 1}


async def test_opt_out_that_is_there_is_kept(ada: Person) -> None:
    made = await asyncio.gather(*(opt_out(ada) for _ in range(5)))
    assert {one["id"] for one in made} == {made[0]["id"]}
    assert len(await ada.walk(OPT_OUTS, "optOuts")) == 1


async def test_filters_find_the_same_as_a_look_at_all(ada: Person, ben: Person) -> None:
    pools: list[str] = [await ada.pool(), await ada.pool()]
    for number in range(3):
        for kind in ("PHONE", "WHATSAPP"):
            for place in ({}, *({"senderPoolId": one} for one in pools)):
                await opt_out(ada, address=f"+1415555019{number}", channel=kind, **place)
    every = await ada.walk(OPT_OUTS, "optOuts")
    assert len(every) == 18
    assert every == sorted(every, key=lambda one: one["id"], reverse=True)
    for address in (None, "+14155550191", "+14155550777"):
        for channel in (None, "PHONE"):
            for pool in (None, pools[0]):
                given = {"address": address, "channel": channel, "senderPoolId": pool}
                asked = {name: value for name, value in given.items() if value is not None}
                query = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in asked.items())
                wanted = [one for one in every if asked.items() <= one.items()]
                assert await ada.walk(f"{OPT_OUTS}?{query}", "optOuts", 2) == wanted, query
    assert await ben.walk(OPT_OUTS, "optOuts") == []
    assert (await ben.delete(f"{OPT_OUTS}/{every[0]['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"address": "4155550199"}, "$.address"),
        ({"address": ""}, "$.address"),
        ({"channel": "SMS"}, "$.channel"),
        ({"senderPoolId": "pool"}, "$.senderPoolId"),
        ({"pool": "x"}, "$.pool"),
    ],
)
async def test_wrong_opt_out_is_refused_at_its_place(ada: Person, change: dict[str, object], place: str) -> None:
    assert contexts(await ada.post(OPT_OUTS, json={**WHO, **change})) == [place]


async def test_opt_out_of_a_pool_that_is_not_there_is_404(ada: Person, ben: Person) -> None:
    pool = await ben.pool()
    response = await ada.post(OPT_OUTS, json={**WHO, "senderPoolId": pool})
    assert response.status_code == 404


async def test_forgotten_person_has_no_kept_sender_and_keeps_the_opt_outs(ada: Person, ben: Person) -> None:
    pool = await ada.pool(*await ada.enter([SMS]))
    for origin in ({}, {"from": {"senderPoolId": pool}}):
        await sent(ada, "+14155550199", "+14155550198", **origin)
    await opt_out(ada)
    await opt_out(ben)

    async def forget(**more: object) -> dict[str, int]:
        response = await ada.post("/signalbox/v1/Recipients/Forget", json={"address": "+14155550199", **more})
        assert response.status_code == 200, response.text
        found: dict[str, int] = response.json()
        return found

    assert await forget(channel="WHATSAPP", optOuts=True) == {"keptSenders": 0, "optOuts": 0}
    assert await forget() == {"keptSenders": 2, "optOuts": 0}
    assert await forget(channel="PHONE") == {"keptSenders": 0, "optOuts": 0}
    assert len(await ada.walk(OPT_OUTS, "optOuts")) == 1
    assert await forget(optOuts=True) == {"keptSenders": 0, "optOuts": 1}
    assert await ada.walk(OPT_OUTS, "optOuts") == []
    assert len(await ben.walk(OPT_OUTS, "optOuts")) == 1
    # The other person is kept.
    response = await ada.post("/signalbox/v1/Recipients/Forget", json={"address": "+14155550198"})
    assert response.json() == {"keptSenders": 2, "optOuts": 0}
