"""What holds for every route, one function each; a new route is covered by being in the table.

A route with a body needs one that is right, in `BODIES`. That routes hide the things of other accounts is
tests/security/test_tenancy.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from people import Person, built, contexts, pairs, problems
from signalbox.http.endpoint import PATH_PARAMS
from signalbox.http.parameters import PAGE_TOKEN
from signalbox.http.router import Route

UNKNOWN: Final = "01hzzzzzzzzzzzzzzzzzzzzzzz"


@dataclass(frozen=True)
class Things:
    """What Ada has: a pool, a sender in it and one outside, the operation that made the pool, and one that waits."""

    pool: str
    member: str
    sender: str
    operation: str

    def places(self, route: Route) -> dict[str, str]:
        """The values of a route's placeholders."""
        sender = self.member if "SenderPools" in route.path else self.sender
        return {
            "senderPoolId": self.pool,
            "senderId": sender,
            "operationId": self.operation,
            "page": "errors",
            "asset": built("assets"),
            "picture": built("images"),
        }


async def things_of(ada: Person) -> Things:
    """New things of Ada's."""
    member, sender = await ada.senders(2)
    pool = await ada.pool(member)
    operation = await ada.finished(await ada.post(f"/v1/SenderPools/{pool}/Senders", json=[{"senderId": member}]))
    return Things(pool, member, sender, operation["id"])


BODIES: Final[dict[str, Callable[[Things], object]]] = {
    "senderPools.create": lambda things: {"name": "New", "senders": [{"senderId": things.sender}]},
    "senderPools.update": lambda _: {"name": "New"},
    "senderPools.addSender": lambda things: [{"senderId": things.sender}],
    "senders.search": lambda _: {"address": "x", "channel": "PUSH"},
    "senders.resolve": lambda things: {
        "recipientAddresses": [{"address": "p", "channel": "PUSH"}],
        "senderPoolId": things.pool,
    },
    "inventory.enter": lambda _: [{"channel": "PUSH", "address": "entered"}],
    "inventory.update": lambda _: {"displayName": "New"},
}

MISSING: Final = {
    "senderPoolId": f"comms_senderpool_{UNKNOWN}",
    "senderId": f"comms_sender_{UNKNOWN}",
    "operationId": f"comms_operation_{UNKNOWN}",
    "page": "missing",
    "asset": "missing.js",
    "picture": "missing.png",
}


def options(route: Route, things: Things) -> dict[str, Any]:
    """The body of a request that is right."""
    return {"json": BODIES[route.name](things)} if route.endpoint.body else {}


def path(route: Route, places: dict[str, str]) -> str:
    """The path of a request."""
    return route.path.format(**places)


async def success(route: Route, ada: Person, things: Things) -> None:
    """A request that is right is answered as documented: `check` has compared it with the document."""
    answer = await ada.call(route.method, path(route, things.places(route)), **options(route, things))
    wanted = 409 if route.name == "ledger.cancel" else route.endpoint.status
    assert answer.status_code == wanted, answer.text


async def auth(route: Route, ada: Person, eve: Person, things: Things) -> None:
    """Nobody without valid credentials learns whether a thing exists, and nothing happens."""
    there, missing = path(route, things.places(route)), path(route, MISSING)
    anonymous = [await ada.call(route.method, one, anonymous=True) for one in (there, missing)]
    if route.endpoint.public:
        assert anonymous[0].status_code == 200
        return
    answers = [*anonymous, *[await eve.call(route.method, one, **options(route, things)) for one in (there, missing)]]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1


async def snapshot(ada: Person, things: Things) -> list[Any]:
    """All that Ada can see of her things."""
    urls = (
        f"/v1/SenderPools/{things.pool}",
        f"/v1/SenderPools/{things.pool}/Senders",
        f"/v1/Senders/{things.member}",
        f"/v1/Senders/{things.sender}",
        f"/v1/SenderPools/Operations/{things.operation}",
    )
    return [(await ada.get(url)).content for url in urls]


async def error_shape(route: Route, ada: Person, things: Things) -> None:
    """Every refusal that a route can give has the documented body: `check` looks at it."""
    there = path(route, things.places(route))
    assert (await ada.call("BREW", there)).status_code == 405
    body = options(route, things)
    for name, missing in MISSING.items():
        if f"{{{name}}}" in route.path:
            places = things.places(route) | {name: missing}
            assert (await ada.call(route.method, path(route, places), **body)).status_code == 404
            if name in PATH_PARAMS:
                places[name] = "nonsense"
                refused = await ada.call(route.method, path(route, places), **body)
                assert problems(refused) == {(name, f"$.{name}")}
    if route.endpoint.body:
        assert (await ada.call(route.method, there, content=b"{", headers={})).status_code == 400
        text = {"content-type": "application/x-www-form-urlencoded"}
        assert (await ada.call(route.method, there, content=b"a=b", headers=text)).status_code == 415
        huge = b" " * (10 * 1024 * 1024 + 1)
        assert (await ada.call(route.method, there, content=huge)).status_code == 413


async def unknown_parameter(route: Route, ada: Person, strict: Person, things: Things) -> None:
    """An unknown query parameter is ignored with a warning; in strict mode it is refused, and nothing happens."""
    there = path(route, things.places(route))
    before = await snapshot(ada, things)
    refused = await strict.call(route.method, f"{there}?colour=red", **options(route, things))
    assert contexts(refused) == ["$.colour"]
    assert await snapshot(ada, things) == before
    warned = await ada.call(route.method, f"{there}?colour=red", **options(route, things))
    assert warned.status_code in (route.endpoint.status, 409)
    assert "colour" in warned.headers["signalbox-warning"]
    assert "signalbox-warning" not in (await ada.call("GET", there)).headers


async def head(route: Route, ada: Person, things: Things) -> None:
    """HEAD answers what GET would, without the body; on other paths it is 405."""
    there = path(route, things.places(route))
    answer = await ada.call("HEAD", there)
    get = await ada.get(there)
    assert answer.status_code == get.status_code
    assert answer.content == b""
    ignored = ("content-length",) if route.name in ("health.metrics",) else ()
    assert {name: value for name, value in pairs(answer) if name not in ignored} == {
        name: value for name, value in pairs(get) if name not in ignored
    }


async def paging(route: Route, ada: Person, things: Things) -> None:
    """A list has its key and `pagination` always, refuses sizes and tokens that are none, and its tokens lead on."""
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
