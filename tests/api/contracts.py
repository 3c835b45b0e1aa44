"""One function for each claim about every route of the table; a new route in the table is covered.

A right request is the example of the document with ids of Ada's account. tests/security/test_tenancy.py tests that
routes hide what other accounts have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from people import Person, built, contexts, pairs, problems
from signalbox.api.inventory.sender_pools import OPERATION_ID, OTHER_SENDER_ID, SENDER_POOL_ID
from signalbox.api.inventory.senders import SENDER_ID
from signalbox.api.routes import ROUTES
from signalbox.http.parameters import PAGE_TOKEN, IdParam
from signalbox.http.router import Route


@dataclass(frozen=True)
class Things:
    """What Ada has: a pool, a sender in it, one outside, the pool's operation, a request, a message, an opt-out.

    `sending` is the operation of the message, `sid` its id downstream.
    """

    pool: str
    member: str
    sender: str
    operation: str
    request: str
    message: str
    sending: str
    sid: str
    opt_out: str

    def places(self, route: Route) -> dict[str, str]:
        """The values of a route's placeholders; where Ada has no such thing, the example of the parameter."""
        sender = self.member if "SenderPools" in route.path else self.sender
        ours = {
            "senderPoolId": self.pool,
            "senderId": sender,
            "operationId": self.sending if "/Messages/" in route.path else self.operation,
            "requestId": self.request,
            "messageId": self.message,
            "itemId": self.message,
            "sid": self.sid,
            "optOutId": self.opt_out,
            "page": "sender-pools",
            "asset": built("assets"),
            "picture": built("images"),
        }
        return {param.name: ours.get(param.name) or str(param.example) for param in route.endpoint.path}

    def body(self, route: Route) -> Any:
        """The example body of the document, with these ids."""
        assert route.endpoint.body
        text = msgspec.json.encode(route.endpoint.body.example).decode()
        for param, real in ((SENDER_POOL_ID, self.pool), (SENDER_ID, self.sender), (OPERATION_ID, self.operation)):
            text = text.replace(param.example, real)
        return json.loads(text.replace(OTHER_SENDER_ID, self.member))


async def things_of(ada: Person) -> Things:
    """Makes new things in Ada's account."""
    member, sender = await ada.senders(2)
    pool = await ada.pool(member)
    operation = await ada.finished(await ada.post(f"/v1/SenderPools/{pool}/Senders", json=[{"senderId": member}]))
    request = (await ada.get("/v1/Senders")).headers["x-request-id"]
    message, sid = await ada.message()
    sending = message["related"][0]["id"]
    body = {"address": "+14155550188", "channel": "PHONE"}
    opt_out = (await ada.post("/signalbox/v1/OptOuts", json=body)).json()["id"]
    return Things(pool, member, sender, operation["id"], request, message["id"], sending, sid, opt_out)


def missing(route: Route) -> dict[str, str]:
    """Values of a route's placeholders that no account has."""
    files = {"page": "missing", "asset": "missing.js", "picture": "missing.png"}
    return {
        param.name: param.example[:-6] + "000000" if isinstance(param, IdParam) else files[param.name]
        for param in route.endpoint.path
    }


def options(route: Route, things: Things) -> dict[str, Any]:
    """The body of a right request."""
    return {"json": things.body(route)} if route.endpoint.body else {}


def put_of(route: Route) -> Route | None:
    """The PUT at the route's path, where clients choose the id."""
    return next((one for one in ROUTES if one.method == "PUT" and one.path == route.path), None)


async def put(route: Route, person: Person, things: Things) -> None:
    """Makes the thing at a route's path, where clients choose the id."""
    if other := put_of(route):
        made = await person.call("PUT", path(other, things.places(other)), **options(other, things))
        assert made.status_code == other.endpoint.status, made.text


def path(route: Route, places: dict[str, str]) -> str:
    """The path of a request to the route."""
    return route.path.format(**places)


async def success(route: Route, ada: Person, things: Things) -> None:
    """A right request gets a documented response: `check` compares the response with the document."""
    await put(route, ada, things)
    response = await ada.call(route.method, path(route, things.places(route)), **options(route, things))
    # All that Ada has started is done.
    wanted = 409 if route.path.endswith(("/Cancel", "/Retry")) else route.endpoint.status
    assert response.status_code == wanted, response.text


async def auth(route: Route, ada: Person, eve: Person, things: Things) -> None:
    """A request without valid credentials does not learn whether a thing exists, and changes nothing."""
    there, nowhere = path(route, things.places(route)), path(route, missing(route))
    anonymous = [await ada.call(route.method, one, anonymous=True) for one in (there, nowhere)]
    if route.endpoint.public:
        assert anonymous[0].status_code == 200
        return
    responses = [*anonymous, *[await eve.call(route.method, one, **options(route, things)) for one in (there, nowhere)]]
    assert {response.status_code for response in responses} == {401}
    assert len({response.content for response in responses}) == 1


async def snapshot(ada: Person, things: Things, route: Route) -> list[Any]:
    """Everything that Ada's account shows, and the thing at the route's path where clients choose the id."""
    urls = (
        f"/v1/SenderPools/{things.pool}",
        f"/v1/SenderPools/{things.pool}/Senders",
        f"/v1/Senders/{things.member}",
        f"/v1/Senders/{things.sender}",
        f"/v1/SenderPools/Operations/{things.operation}",
    )
    # The overview, the metrics and the request log change with every request.
    own = [path(route, things.places(route))] if route.endpoint.ids else []
    return [(await ada.get(url)).content for url in (*urls, *own)]


async def error_shape(route: Route, ada: Person, things: Things) -> None:
    """Every error of a route has the documented body: `check` compares the body with the document."""
    there = path(route, things.places(route))
    assert (await ada.call("BREW", there)).status_code == 405
    body = options(route, things)
    for param in route.endpoint.path:
        places = things.places(route) | {param.name: missing(route)[param.name]}
        # A PUT creates what is missing, and so has no 404.
        wanted = route.endpoint.status if route.method == "PUT" else 404
        assert (await ada.call(route.method, path(route, places), **body)).status_code == wanted
        if isinstance(param, IdParam):
            places[param.name] = "nonsense"
            refused = await ada.call(route.method, path(route, places), **body)
            assert problems(refused) == {(param.name, f"$.{param.name}")}
    if route.endpoint.body:
        assert (await ada.call(route.method, there, content=b"{", headers={})).status_code == 400
        text = {"content-type": "application/x-www-form-urlencoded"}
        assert (await ada.call(route.method, there, content=b"a=b", headers=text)).status_code == 415
        huge = b" " * (10 * 1024 * 1024 + 1)
        assert (await ada.call(route.method, there, content=huge)).status_code == 413


async def unknown_parameter(route: Route, ada: Person, strict: Person, things: Things) -> None:
    """An unknown query parameter is ignored with a warning; strict mode refuses the request, which changes nothing."""
    there = path(route, things.places(route))
    await put(route, ada, things)
    before = await snapshot(ada, things, route)
    refused = await strict.call(route.method, f"{there}?colour=red", **options(route, things))
    assert contexts(refused) == ["$.colour"]
    assert await snapshot(ada, things, route) == before
    warned = await ada.call(route.method, f"{there}?colour=red", **options(route, things))
    assert warned.status_code in (route.endpoint.status, 409)
    assert "colour" in warned.headers["signalbox-warning"]
    assert "signalbox-warning" not in (await ada.call("GET", there)).headers


async def head(route: Route, ada: Person, things: Things) -> None:
    """HEAD has the response of GET without the body; on paths without GET it is 405."""
    there = path(route, things.places(route))
    response = await ada.call("HEAD", there)
    get = await ada.get(there)
    assert response.status_code == get.status_code
    assert response.content == b""
    ignored = ("content-length",) if route.name in ("health.metrics",) else ()
    assert {name: value for name, value in pairs(response) if name not in ignored} == {
        name: value for name, value in pairs(get) if name not in ignored
    }


async def paging(route: Route, ada: Person, things: Things) -> None:
    """A list always has its field and `pagination`, refuses invalid sizes and tokens, and its tokens open pages."""
    if PAGE_TOKEN not in route.endpoint.query:
        return
    there = path(route, things.places(route))
    for wrong in ("pageSize=0", "pageSize=1001", "pageSize=x", "pageSize=", "pageToken=", "pageToken=x"):
        name = wrong.partition("=")[0]
        assert problems(await ada.get(f"{there}?{wrong}")) == {(name, f"$.{name}")}
    page = (await ada.get(f"{there}?pageSize=1")).json()
    (key,) = set(page) - {"pagination"}
    assert list(page["pagination"]) == ["next", "self"]
    whole = (await ada.get(f"{there}?pageSize=1000")).json()[key]
    assert await ada.walk(there, key, size=1) == whole
    again = (await ada.get(f"{there}?pageSize=1&pageToken={page['pagination']['self']}")).json()
    assert again == page
