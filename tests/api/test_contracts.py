"""Every claim of contracts.py holds for every route, on each database; a failure names all routes that break it."""

from __future__ import annotations

import re

import contracts
import pytest
from contracts import Things, things_of

from every_route import hold
from people import Person
from signalbox.api.routes import ROUTES
from signalbox.http.router import Route


@pytest.fixture
async def things(ada: Person) -> Things:
    return await things_of(ada)


async def test_route_responds_to_a_right_request(ada: Person, things: Things) -> None:
    async def claim(route: Route) -> None:
        # A request may change or delete what it names, so each request gets new things.
        await contracts.success(route, ada, things if route.method == "GET" else await things_of(ada))

    await hold(ROUTES, claim)


async def test_route_asks_for_credentials(ada: Person, eve: Person, things: Things) -> None:
    await hold(ROUTES, lambda route: contracts.auth(route, ada, eve, things))


async def test_route_refuses_in_the_documented_shape(ada: Person, things: Things) -> None:
    async def claim(route: Route) -> None:
        if route.method != "PUT":
            await contracts.error_shape(route, ada, things)
            return
        # A PUT creates the missing thing, so the next route needs another missing id.
        other = await ada.served.account("Ada")
        await contracts.error_shape(route, other, await things_of(other))

    await hold(ROUTES, claim)


async def test_route_names_unknown_parameters(ada: Person, things: Things) -> None:
    strict = ada.at(await ada.served.again(strict=True))

    async def claim(route: Route) -> None:
        # The claim sends many requests to each route, and the log keeps the last 500.
        lasting = route.method == "GET" and route.name != "requests.fetch"
        of_route = things if lasting else await things_of(ada)
        await contracts.unknown_parameter(route, ada, strict, of_route)

    await hold(ROUTES, claim)


async def test_route_responds_to_head(ada: Person, things: Things) -> None:
    await hold(ROUTES, lambda route: contracts.head(route, ada, things))


async def test_route_pages(ada: Person, things: Things) -> None:
    await hold(ROUTES, lambda route: contracts.paging(route, ada, things))


async def test_failure_names_every_route_that_breaks_the_contract() -> None:
    async def claim(route: Route) -> None:
        assert route.method == "GET", "writes"

    with pytest.raises(ExceptionGroup) as caught:
        await hold(ROUTES, claim)
    writes = [route.name for route in ROUTES if route.method != "GET"]
    assert [failure.__notes__ for failure in caught.value.exceptions] == [[f"route: {name}"] for name in writes]
    assert all(name in str(caught.value) for name in writes)


async def test_times_of_every_resource_have_three_decimals_and_z(ada: Person) -> None:
    await ada.pool(*await ada.senders(1))
    for path, key in (
        ("/v1/Senders", "senders"),
        ("/v1/SenderPools", "senderPools"),
        ("/v1/SenderPools/Operations", "operations"),
    ):
        (one,) = await ada.walk(path, key)
        for name in ("createdAt", "updatedAt"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one[name])
