"""Tenancy: Ben sends requests to every route with every kind of Ada's ids, in every place that takes an id.

The response to another account's id is exactly the response to an unknown id, and nothing changes. A new route in the
table is covered; a route with a body names in `BODIES_WITH_IDS` the ids that the body can hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from secrets import token_hex
from typing import Any, Final

import httpx
import pytest

from every_route import hold
from people import Person
from signalbox.api.routes import ROUTES
from signalbox.ground import clock, ids
from signalbox.http.exchange import new_request_id
from signalbox.http.parameters import PAGE_TOKEN
from signalbox.http.router import Route
from signalbox.inventory import sender_pools, senders
from signalbox.routing import opt_outs
from signalbox.sending import messages, templates


@dataclass(frozen=True)
class Things:
    """What an account has: a pool, a sender in it, the operation that added it, a template, a request, an address.

    And a message that arrived, its operation and its id downstream; and an opt-out.
    """

    senderPoolId: str  # noqa: N815 (the names of the placeholders)
    senderId: str  # noqa: N815
    operationId: str  # noqa: N815
    contentId: str  # noqa: N815
    requestId: str  # noqa: N815
    address: str
    messageId: str  # noqa: N815
    optOutId: str  # noqa: N815
    sending: str
    sid: str

    def places(self, route: Route, names: Iterable[str] | None = None) -> dict[str, str]:
        """The values of a route's placeholders."""
        own = {"itemId": self.messageId, **asdict(self)}
        if "/Messages/" in route.path:
            own["operationId"] = self.sending
        return {name: own[name] for name in (placeholders(route) if names is None else names)}


KINDS: Final = {
    "senderPoolId": sender_pools.SENDER_POOL,
    "senderId": senders.SENDER,
    "operationId": ids.OPERATION,
    "messageId": messages.MESSAGE,
    "optOutId": opt_outs.OPT_OUT,
}
OTHERS: Final = frozenset(
    {"startDate", "endDate", "pageSize", "tags", "sessionId", "profile", "to", "from", "contains", "address"}
)
OPTED_OUT: Final = {"address": "+14155550188", "channel": "PHONE"}
TEMPLATE: Final = {"name": "Hello", "content": {"text": "Hello"}}
PRIVATE: Final = [route for route in ROUTES if not route.endpoint.public]


def unknown_things() -> Things:
    """Ids that no account has."""
    made = {name: ids.new(kind, clock.now_ms()) for name, kind in KINDS.items()}
    made |= {"contentId": templates.new_content_id(), "requestId": new_request_id()}
    sending = ids.new(ids.OPERATION, clock.now_ms())
    return Things(**made, address="nobody-has-this", sending=sending, sid=f"SM{token_hex(16)}")


def refs(things: Things) -> list[dict[str, str]]:
    return [{"senderId": things.senderId}]


def message(**more: Any) -> dict[str, Any]:
    return {"to": [{"address": "+14155550199", "channel": "PHONE"}], "content": {"text": "hello"}, **more}


def resolve(**more: Any) -> dict[str, Any]:
    return {"recipientAddresses": [{"address": "p", "channel": "PUSH"}], **more}


Bodies = Callable[[Things], list[object]]
# The bodies of a route that can name an account's things; requests with ids in the path send the first body.
BODIES_WITH_IDS: Final[dict[str, Bodies]] = {
    "senderPools.create": lambda of: [{"name": "Ben's", "senders": refs(of)}],
    "senderPools.update": lambda _: [{"name": "Ben's"}, {"tags": {"a": "b"}}],
    "senderPools.addSender": lambda of: [refs(of)],
    "senders.search": lambda of: [{"address": of.address, "channel": "PUSH"}],
    "names.searchSenderPools": lambda of: [{"text": of.senderPoolId}, {"text": of.senderPoolId[-6:]}],
    "names.searchSenders": lambda of: [{"text": of.address}, {"text": of.senderId}, {"text": of.senderId[-6:]}],
    "names.name": lambda of: [{"ids": [of.senderPoolId, of.senderId, of.operationId]}],
    "senders.resolve": lambda of: [
        resolve(senderPoolId=of.senderPoolId),
        resolve(senderAddresses=[{"fcm": of.address}]),
        resolve(senderAddresses=[{"apn": of.address}]),
    ],
    # The address is Ada's: Ben may enter the same address, and gets his own sender.
    "inventory.enter": lambda of: [[{"channel": "PUSH", "address": of.address, "displayName": "Ben's"}]],
    "inventory.update": lambda _: [{"displayName": "Ben's"}, {"status": "DEACTIVATED"}, {"tags": {"a": "b"}}],
    "messages.send": lambda of: [
        message(**{"from": {"senderPoolId": of.senderPoolId}}),
        message(**{"from": {"senderId": of.senderId}}),
        message(content={"contentId": of.contentId}),
    ],
    "messages.explain": lambda of: [
        message(**{"from": {"senderPoolId": of.senderPoolId}}),
        message(**{"from": {"senderId": of.senderId}}),
        message(content={"contentId": of.contentId}),
    ],
    "optOuts.create": lambda of: [{**OPTED_OUT, "senderPoolId": of.senderPoolId}],
    "recipients.forget": lambda of: [OPTED_OUT],
    "inbox.report": lambda _: [{"status": "READ"}],
    "inbox.reply": lambda _: [{"text": "hello"}],
    "templates.create": lambda _: [TEMPLATE],
    "templates.put": lambda _: [TEMPLATE],
}


async def _things(person: Person) -> Things:
    (sender,) = await person.senders(1)
    pool = await person.pool(sender)
    operation = await person.finished(await person.post(f"/v1/SenderPools/{pool}/Senders", json=[{"senderId": sender}]))
    address = (await person.get(f"/v1/Senders/{sender}")).json()["address"]
    template = await person.post("/signalbox/v1/Templates", json=TEMPLATE)
    content_id, request_id = template.json()["contentId"], template.headers["x-request-id"]
    sent, sid = await person.message()
    sending = sent["related"][0]["id"]
    opted_out = (await person.post("/signalbox/v1/OptOuts", json=OPTED_OUT)).json()["id"]
    return Things(pool, sender, operation["id"], content_id, request_id, address, sent["id"], opted_out, sending, sid)


@pytest.fixture
async def adas(ada: Person) -> Things:
    return await _things(ada)


@pytest.fixture
async def bens(ben: Person) -> Things:
    return await _things(ben)


async def everything(person: Person) -> list[Any]:
    """Everything that the person's account shows."""
    found: list[Any] = [
        await person.walk("/v1/Senders", "senders"),
        await person.walk("/v1/SenderPools", "senderPools"),
        await person.walk("/v1/SenderPools/Operations", "operations"),
        await person.walk("/signalbox/v1/Templates", "templates"),
        await person.walk("/v1/Messages", "messages"),
        await person.walk("/v1/Messages/Operations", "operations"),
        await person.walk("/signalbox/v1/Inbox", "items"),
        await person.walk("/signalbox/v1/OptOuts", "optOuts"),
    ]
    pools = [await person.walk(f"/v1/SenderPools/{one['id']}/Senders", "senders") for one in found[1]]
    ledger = "/signalbox/v1/SenderPools/Operations"
    operations = [await person.walk(f"{ledger}/{one['id']}/Items", "items") for one in found[2]]
    return [*found, *pools, *operations]


def masked(response: httpx.Response, things: Things) -> tuple[int, str, list[str]]:
    """Status, body and header names of a response, with ids replaced by their names, without times."""
    text = response.text
    for name in (field.name for field in fields(things)):
        text = re.sub(re.escape(getattr(things, name)) + "(?![0-9A-Za-z])", name, text)
    text = re.sub(r"comms_operation_\w+", "a new operation", text)
    text = re.sub(r"comms_sender_\w+", "a new sender", text)
    text = re.sub(r"comms_message_\w+", "a message", text)
    text = re.sub(r"HX[0-9a-f]{32}", "a new template", text)
    text = re.sub(r'"self":"[^"]+"', '"self":"..."', text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "a time", text)
    return response.status_code, text, sorted(response.headers)


def placeholders(route: Route) -> list[str]:
    return [param.name for param in route.endpoint.ids]


def bodies(route: Route, of: Things) -> list[dict[str, Any]]:
    if not route.endpoint.body:
        return [{}]
    assert route.name in BODIES_WITH_IDS, "say which ids of others its body can hold"
    return [{"json": body} for body in BODIES_WITH_IDS[route.name](of)]


def test_every_kind_of_id_is_tried() -> None:
    """A new kind of id needs a field in `Things`."""
    own = {"contentId", "requestId", "itemId", "sid"}
    assert {name for route in PRIVATE for name in placeholders(route)} == {*KINDS, *own}


async def test_another_accounts_id_in_a_path_is_one_that_no_account_has(
    ada: Person, ben: Person, adas: Things, bens: Things
) -> None:
    """In each placeholder, and combined with Ben's ids: his pool with Ada's sender, her pool with his sender.

    The response is 404; a PUT creates Ben's own thing with the same id.
    """
    before = await everything(ada)

    async def claim(route: Route) -> None:
        puts = route.method == "PUT"
        asks = await ada.served.account("Ben") if puts else ben
        names = placeholders(route)
        for count in range(1, len(names) + 1):
            for of_ada in combinations(names, count):
                for body in bodies(route, bens):
                    responses = []
                    for others in (adas, unknown_things()):
                        places = bens.places(route) | others.places(route, of_ada)
                        response = await asks.call(route.method, route.path.format(**places), **body)
                        assert response.status_code == (route.endpoint.status if puts else 404), (
                            of_ada,
                            response.text,
                        )
                        responses.append(masked(response, others))
                    assert responses[0] == responses[1]
        assert await everything(ada) == before

    await hold([route for route in PRIVATE if placeholders(route)], claim)


async def test_another_accounts_id_in_a_body_is_one_that_no_account_has(ada: Person, adas: Things) -> None:
    """Ben's pools do not take Ada's senders, her pool does not resolve, and a search does not find her addresses."""
    before = await everything(ada)

    async def claim(route: Route) -> None:
        # A sender that one route enters would be found by another route.
        ben = await ada.served.account("Ben")
        bens = await _things(ben)
        url = route.path.format(**bens.places(route))
        for of_ada, of_none in zip(bodies(route, adas), bodies(route, unknown := unknown_things()), strict=True):
            responses = []
            for others, body in ((adas, of_ada), (unknown, of_none)):
                response = await ben.call(route.method, url, **body)
                assert response.status_code in (route.endpoint.status, 404)
                if "operationId" in response.text and route.name != "messages.send":
                    operation = await ben.finished(response)
                    assert operation["stats"]["failed"] == 1
                responses.append(masked(response, others))
            assert responses[0] == responses[1]
        assert await everything(ada) == before
        assert {one["id"] for one in await ben.walk("/v1/Senders", "senders")}.isdisjoint({adas.senderId})
        assert await ben.members(bens.senderPoolId) <= {bens.senderId}

    await hold([route for route in PRIVATE if route.endpoint.body], claim)


async def test_another_accounts_value_in_a_query_finds_nothing(
    ada: Person, ben: Person, adas: Things, bens: Things
) -> None:
    """Every parameter of every route: Ada's ids find nothing, and her page tokens are refused as any text."""

    async def claim(route: Route) -> None:
        places, of_ada = bens.places(route), adas.places(route)
        for param in route.endpoint.query:
            if param.name in KINDS:
                for others in (adas, unknown_things()):
                    response = await ben.get(
                        f"{route.path.format(**places)}?{param.name}={getattr(others, param.name)}"
                    )
                    (found,) = (value for key, value in response.json().items() if key != "pagination")
                    assert found == []
            elif param is PAGE_TOKEN:
                page = (await ada.get(f"{route.path.format(**of_ada)}?pageSize=1")).json()["pagination"]
                texts = set()
                for token in (page["self"], page["next"] or page["self"], "made-up"):
                    response = await ben.get(f"{route.path.format(**places)}?pageToken={token}")
                    assert response.status_code == 400
                    texts.add(response.text)
                assert len(texts) == 1
            else:
                # Any other parameter is a date, a size, a fixed word or a text, and names no account's thing.
                assert "enum" in param.schema or param.name in OTHERS, param.name

    await hold([route for route in PRIVATE if route.name != "inbox.wait"], claim)
    response = await ben.get(f"/signalbox/v1/Inbox/Wait?messageId={adas.messageId}&timeout=1")
    assert response.json() == {"item": None, "timedOut": True}
    unknown = unknown_things().messageId
    responses = [await ben.get(f"/signalbox/v1/Inbox/Wait?after={one}") for one in (adas.messageId, unknown)]
    assert [one.status_code for one in responses] == [400, 400]
    assert responses[0].json() == responses[1].json()


async def test_opt_in_headers_open_nothing(ada: Person, ben: Person, adas: Things, bens: Things) -> None:
    """Event streams, waiting, entity tags and Ada's idempotency keys: the response is that without the header."""
    before = await everything(ada)
    seen = await ada.get(f"/v1/SenderPools/{adas.senderPoolId}")

    async def claim(route: Route) -> None:
        url = route.path.format(**adas.places(route))
        for headers in (
            {"accept": "text/event-stream"},
            {"accept": "application/x-ndjson"},
            {"prefer": "wait=1"},
            {"if-match": seen.headers["etag"]},
            {"if-match": "*"},
            {"if-match": '"0"'},
            {"if-none-match": seen.headers["etag"]},
            {"if-none-match": "*"},
            {"idempotency-key": f"ada-s-{route.name}"},
            {"x-forwarded-user": ada.account_sid},
            {"x-account-sid": ada.account_sid},
        ):
            response = await ben.call(route.method, url, headers=headers, **bodies(route, bens)[0])
            assert response.status_code == 404, (headers, response.text)
        assert await everything(ada) == before

    await hold([route for route in PRIVATE if placeholders(route) and route.method != "PUT"], claim)


async def test_lists_of_one_account_never_show_the_things_of_another(ada: Person, ben: Person, adas: Things) -> None:
    for url, key in (
        ("/v1/SenderPools", "senderPools"),
        ("/v1/SenderPools/Operations", "operations"),
        ("/v1/Senders", "senders"),
        ("/signalbox/v1/Templates", "templates"),
        (f"/v1/SenderPools?operationId={adas.operationId}", "senderPools"),
    ):
        assert (await ben.get(url)).json()[key] == []
    criteria = {"address": adas.address, "channel": "PUSH"}
    assert (await ben.post("/v1/Senders/Search", json=criteria)).json()["senders"] == []
    resolved = (await ben.post("/v1/Senders/Resolve", json=resolve())).json()
    assert resolved["results"] == []


async def test_idempotency_keys_of_one_account_are_unknown_to_others(ada: Person, ben: Person) -> None:
    """Ben gets neither the replay of Ada's response nor a conflict that reveals her key."""
    key = {"idempotency-key": "monday"}
    of_ada = await ada.post("/v1/SenderPools", json={"name": "Ada's"}, headers=key)
    of_ben = await ben.post("/v1/SenderPools", json={"name": "Ben's"}, headers=key)
    assert of_ada.status_code == of_ben.status_code == 202
    assert of_ada.json() != of_ben.json()
    assert "idempotency-replayed" not in of_ben.headers


async def test_account_cannot_be_named_by_a_request(ada: Person, ben: Person, adas: Things) -> None:
    """The credential determines the account: no path, parameter, header or cookie chooses another account."""
    for url in ("/v1/Senders", "/v1/SenderPools", "/v1/SenderPools/Operations"):
        for name in ("accountSid", "account_id", "AccountSid", "account"):
            response = await ben.get(
                f"{url}?{name}={ada.account_sid}",
                headers={"x-account": ada.account_sid, "cookie": f"account={ada.account_sid}"},
            )
            assert adas.senderId not in response.text
            assert adas.senderPoolId not in response.text


async def test_addresses_of_one_account_are_free_in_another(ada: Person, ben: Person, adas: Things) -> None:
    """Ben cannot learn whether Ada has an address by entering the address."""
    row = {"channel": "PUSH", "address": adas.address}
    known = await ben.post("/signalbox/v1/Senders", json=[row])
    unknown = await ben.post("/signalbox/v1/Senders", json=[{**row, "address": "nobody-has-this"}])
    assert known.json() == unknown.json() == {"created": 1, "updated": 0, "refused": [], "warnings": []}
