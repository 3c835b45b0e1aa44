"""Page tokens over HTTP: a token opens only with the database, account, list and filters that it was made for.

tests/ground/test_page_tokens.py tests that no edited token opens.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from every_route import hold
from people import Person, Served, problems
from sends import SMS, sent
from signalbox.api.routes import ROUTES
from signalbox.ground import clock, ids
from signalbox.ground.secrets import new_key
from signalbox.http.parameters import PAGE_TOKEN
from signalbox.http.router import Route
from signalbox.inventory.sender_pools import SENDER_POOL
from signalbox.sending.messages import MESSAGE

LISTS: Final = [route for route in ROUTES if PAGE_TOKEN in route.endpoint.query]


class Lists:
    """Ada's lists, each with items, and a second list of each kind that has a parent.

    `sendings`: operations of messages.
    """

    def __init__(self, pools: list[str], operations: list[str], sendings: list[str], messages: list[str]) -> None:
        self.urls: dict[str, list[str]] = {}
        parents = {"senderPoolId": pools, "operationId": operations, "messageId": messages}
        for route in LISTS:
            values = parents | ({"operationId": sendings} if "/Messages/" in route.path else {})
            name = next((name for name in values if f"{{{name}}}" in route.path), None)
            self.urls[route.name] = [route.path.format(**{name: one}) for one in values[name]] if name else [route.path]

    def others(self, route: Route) -> list[str]:
        """Every list except the first list of this route."""
        first = self.urls[route.name][0]
        return [url for urls in self.urls.values() for url in urls if url != first]


@pytest.fixture
async def lists(ada: Person) -> Lists:
    senders = await ada.senders(2)
    pools = [await ada.pool(*senders), await ada.pool(*senders)]
    for name in ("one", "two"):
        await ada.post("/signalbox/v1/Templates", json={"name": name, "content": {"text": "Hello"}})
    operations = await ada.walk("/v1/SenderPools/Operations", "operations")
    for channel in ("PHONE", "WHATSAPP"):
        await ada.post("/signalbox/v1/OptOuts", json={"address": "+14155550188", "channel": channel})
    await ada.enter([SMS])
    # Two receipts for each message; two errors for each operation.
    sendings = [await sent(ada, "+15005550071", "+15005550001", "+15005550001") for _ in range(2)]
    return Lists(
        pools,
        [one["id"] for one in operations],
        [operation["id"] for operation, _ in sendings],
        [messages[0]["id"] for _, messages in sendings],
    )


async def tokens(person: Person, url: str) -> list[str]:
    """The page tokens in a response."""
    joint = "&" if "?" in url else "?"
    found: dict[str, Any] = (await person.get(f"{url}{joint}pageSize=1")).json()["pagination"]
    return [token for token in (found["self"], found["next"]) if token]


async def refused(person: Person, url: str, token: str) -> bool:
    joint = "&" if "?" in url else "?"
    response = await person.get(f"{url}{joint}pageToken={token}")
    assert response.status_code in (200, 400), response.text
    return response.status_code == 400


async def test_token_of_one_list_opens_no_other(ada: Person, lists: Lists) -> None:
    async def claim(route: Route) -> None:
        url = lists.urls[route.name][0]
        found = await tokens(ada, url)
        assert len(found) == 2
        for token in found:
            assert not await refused(ada, url, token)
            for other in lists.others(route):
                assert await refused(ada, other, token), other

    await hold(LISTS, claim)


async def test_token_holds_for_its_filters_only(ada: Person, lists: Lists) -> None:
    """Each filter of the list is added or changed."""
    values = {
        "startDate": ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.0001Z", "2020-01-01T00:00:00.001Z"],
        "endDate": [f"{datetime.now(UTC).year + n}-01-01T00:00:00Z" for n in (5, 6)],
        "operationId": [ids.new(ids.OPERATION, clock.now_ms()), ids.new(ids.OPERATION, clock.now_ms())],
        "messageId": [ids.new(MESSAGE, clock.now_ms()), ids.new(MESSAGE, clock.now_ms())],
        "sessionId": [ids.new(ids.OPERATION, clock.now_ms()), ids.new(MESSAGE, clock.now_ms())],
        "profile": [ids.new(ids.OPERATION, clock.now_ms()), ids.new(MESSAGE, clock.now_ms())],
        "tags": ["team:red;", "team:blue;", "team:blue;team:red;"],
        "to": ["%2B15005550071", "%2B15005550072"],
        "from": ["%2B14155550123", "%2B14155550124"],
        "contains": ["hello", "goodbye"],
        "senderPoolId": [ids.new(SENDER_POOL, clock.now_ms()), ids.new(SENDER_POOL, clock.now_ms())],
        "address": ["%2B15005550071", "%2B15005550072"],
        "pageToken": [],
        "pageSize": [],
    }

    async def claim(route: Route) -> None:
        url = lists.urls[route.name][0]
        (bare, *_) = await tokens(ada, url)
        filters = {url}
        for param in route.endpoint.query:
            spelt = values.get(param.name)
            if spelt is None:
                words = param.schema["enum"]
                assert isinstance(words, list), f"a filter without values here: {param.name}"
                spelt = [str(word) for word in words]
            filters |= {f"{url}?{param.name}={value}" for value in spelt}
        for one in filters - {url}:
            assert await refused(ada, one, bare)
            (token, *_) = await tokens(ada, one)
            for other in filters - {one}:
                assert await refused(ada, other, token), (one, other)

    await hold(LISTS, claim)


async def test_token_of_a_search_opens_no_other(ada: Person, lists: Lists) -> None:
    """Searches carry page tokens in bodies; a token belongs to its address, channel and status."""
    first, *_ = await ada.walk("/v1/Senders", "senders")
    criteria = {"address": first["address"], "channel": "PUSH"}
    token = (await ada.post("/v1/Senders/Search", json=criteria)).json()["pagination"]["self"]
    same = await ada.post("/v1/Senders/Search", json={**criteria, "pageToken": token})
    assert same.status_code == 200
    for change in ({"address": "other"}, {"channel": "RCS"}, {"status": "ACTIVATED"}):
        response = await ada.post("/v1/Senders/Search", json={**criteria, **change, "pageToken": token})
        assert response.status_code == 400, change
    for urls in lists.urls.values():
        assert await refused(ada, urls[0], token)
        (other, *_) = await tokens(ada, urls[0])
        response = await ada.post("/v1/Senders/Search", json={**criteria, "pageToken": other})
        assert response.status_code == 400


async def test_token_of_another_account_is_refused(ada: Person, ben: Person) -> None:
    for person in (ada, ben):
        await person.senders(2)
    for token in await tokens(ada, "/v1/Senders"):
        assert problems(await ben.get(f"/v1/Senders?pageToken={token}")) == {("pageToken", "$.pageToken")}


async def test_altered_token_is_400_that_names_the_parameter(ada: Person) -> None:
    await ada.senders(2)
    token = (await ada.get("/v1/Senders?pageSize=1")).json()["pagination"]["next"]
    edits = [token[:-1], token + "A", token + "=", token[1:], token.swapcase(), token + "%20", "+" + token, "x", "%FF"]
    for edit in edits:
        assert problems(await ada.get(f"/v1/Senders?pageToken={edit}")) == {("pageToken", "$.pageToken")}


async def test_token_of_another_database_is_refused(ada: Person, lists: Lists) -> None:
    """The account id, list and filters are the same; only the key of the seal differs."""
    served = ada.served
    rekeyed = await Served.on(served.database)
    rekeyed.api.services.keys = type(rekeyed.api.services.keys)(rekeyed.api.services.keys.digests, new_key())
    again = await served.again()

    async def claim(route: Route) -> None:
        url = lists.urls[route.name][0]
        (token, *_) = await tokens(ada, url)
        assert await refused(ada.at(rekeyed), url, token)
        assert not await refused(ada.at(again), url, token)

    await hold(LISTS, claim)
