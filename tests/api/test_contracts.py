"""Every line of the route table keeps every contract."""

from __future__ import annotations

import contracts
import pytest
from contracts import Things

from people import Person
from signalbox.api.routes import ROUTES
from signalbox.http.router import Route


@pytest.fixture
async def things(ada: Person) -> Things:
    member, sender = await ada.senders(2)
    pool = await ada.pool(member)
    operation = await ada.finished(await ada.post(f"/v1/SenderPools/{pool}/Senders", json=[{"senderId": member}]))
    return Things(pool, member, sender, operation["id"])


every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


@every_route
async def test_route_responds_to_a_right_request(route: Route, ada: Person, things: Things) -> None:
    await contracts.success(route, ada, things)


@every_route
async def test_route_asks_for_credentials(route: Route, ada: Person, eve: Person, things: Things) -> None:
    await contracts.auth(route, ada, eve, things)


@every_route
async def test_route_hides_the_things_of_others(route: Route, ada: Person, ben: Person, things: Things) -> None:
    await contracts.foreign_tenant(route, ada, ben, things)


@every_route
async def test_route_refuses_in_the_documented_shape(route: Route, ada: Person, things: Things) -> None:
    await contracts.error_shape(route, ada, things)


@every_route
async def test_route_names_unknown_parameters(route: Route, ada: Person, things: Things) -> None:
    strict = ada.at(await ada.served.again(strict=True))
    await contracts.unknown_parameter(route, ada, strict, things)


@every_route
async def test_route_responds_to_head(route: Route, ada: Person, things: Things) -> None:
    await contracts.head(route, ada, things)


@every_route
async def test_route_pages(route: Route, ada: Person, things: Things) -> None:
    await contracts.paging(route, ada, things)


async def test_foreign_senders_are_not_taken_into_a_pool(ada: Person, ben: Person, things: Things) -> None:
    pool = await ben.pool()
    refs = [{"senderId": things.sender}]
    operation = await ben.finished(await ben.post(f"/v1/SenderPools/{pool}/Senders", json=refs))
    assert operation["stats"] == {"total": 1, "queued": 0, "created": 0, "failed": 1}
    assert await ben.members(pool) == set()


async def test_lists_of_one_account_never_show_another_s_things(ada: Person, ben: Person, things: Things) -> None:
    for url, key in (
        ("/v1/SenderPools", "senderPools"),
        ("/v1/SenderPools/Operations", "operations"),
        ("/v1/Senders", "senders"),
        (f"/v1/SenderPools?operationId={things.operation}", "senderPools"),
    ):
        assert (await ben.get(url)).json()[key] == []
    address = (await ada.get(f"/v1/Senders/{things.sender}")).json()["address"]
    assert (await ben.post("/v1/Senders/Search", json={"address": address, "channel": "PUSH"})).json()["senders"] == []
    criteria = {"recipientAddresses": [{"address": "p", "channel": "PUSH"}]}
    assert (await ben.post("/v1/Senders/Resolve", json=criteria)).json()["results"] == []
