"""Persons who send requests to an API in this process. The contract's rules are checked in every response."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jsonschema_rs
import msgspec

from signalbox import app
from signalbox.accounts import accounts
from signalbox.api import document
from signalbox.api.program.docs import SITE
from signalbox.api.routes import ROUTES
from signalbox.db import Database
from signalbox.ground.metrics import Metrics
from signalbox.ground.settings import Settings
from signalbox.http.application import Api
from signalbox.http.router import Route
from signalbox.http.shapes import ErrorBody
from signalbox.sending.codes import MEANINGS

BASE: Final = "http://signalbox.test:8080"
CODES: Final = {
    400: 20001,
    401: 20003,
    403: 20403,
    404: 20404,
    405: 20004,
    409: 20409,
    412: 20412,
    413: 20413,
    415: 20415,
    422: 20422,
    429: 20429,
    500: 20500,
    503: 20503,
}
_DOCUMENT: Final = document.build(ROUTES, BASE)
_NUMBERS: Final = itertools.count(1)


class Served:
    """An API on a database; `again` makes a second API on the same database, like another process."""

    def __init__(self, database: Database, api: Api) -> None:
        self.database = database
        self.api = api

    @classmethod
    async def on(cls, database: Database, settings: Settings | None = None) -> Served:
        return cls(database, await app.build(settings or Settings(), database, Metrics()))

    async def again(self, **changes: Any) -> Served:
        return await Served.on(self.database, replace(Settings(), **changes))

    def with_routes(self, *routes: Route) -> Served:
        """The same database behind an API with other routes."""
        services = self.api.services
        return Served(self.database, Api(services.db, services.keys, Settings(), Metrics(), routes))

    async def account(self, name: str) -> Person:
        """A person with a new account."""
        made = await self.database.write(lambda tx: accounts.create(tx, name))
        return Person(self, made.account.sid, made.account.sid, made.token)


class Person:
    """A user with credentials, and helpers for the usual preparations of a test."""

    def __init__(self, served: Served, account_sid: str, user: str, secret: str) -> None:
        self.served = served
        self.account_sid = account_sid
        self.user = user
        self.secret = secret

    def at(self, served: Served) -> Person:
        """The same person with another API."""
        return Person(served, self.account_sid, self.user, self.secret)

    async def key(self, name: str = "") -> tuple[Person, str]:
        """A person with a new API key of this account, and the key's SID."""
        made = await self.served.database.write(lambda tx: accounts.create_key(tx, self.account_sid, name))
        return Person(self.served, self.account_sid, made.key.sid, made.secret), made.key.sid

    async def call(
        self,
        method: str,
        url: str,
        *,
        base: str = BASE,
        client: str = "127.0.0.1",
        anonymous: bool = False,
        **options: Any,
    ) -> httpx.Response:
        """Sends one request; its response is checked."""
        transport = httpx.ASGITransport(self.served.api, client=(client, 4711))
        auth = None if anonymous else httpx.BasicAuth(self.user, self.secret)
        options.setdefault("auth", auth)
        async with httpx.AsyncClient(transport=transport, base_url=base, timeout=60, trust_env=False) as http:
            response = await http.request(method, url, **options)
        check(response)
        return response

    async def get(self, url: str, **options: Any) -> httpx.Response:
        return await self.call("GET", url, **options)

    async def post(self, url: str, **options: Any) -> httpx.Response:
        return await self.call("POST", url, **options)

    async def patch(self, url: str, **options: Any) -> httpx.Response:
        return await self.call("PATCH", url, **options)

    async def delete(self, url: str, **options: Any) -> httpx.Response:
        return await self.call("DELETE", url, **options)

    async def enter(self, rows: Sequence[dict[str, object]]) -> list[str]:
        """Enters inventory; returns the ids of the senders in the order of the rows."""
        response = await self.post("/signalbox/v1/Senders", json=rows)
        assert response.status_code == 200, response.text
        assert response.json()["refused"] == []
        ids = {(one["channel"], one["address"]): one["id"] for one in await self.walk("/v1/Senders", "senders")}
        return [ids[str(row["channel"]), str(row["address"])] for row in rows]

    async def senders(self, count: int, channel: str = "PUSH", status: str = "ACTIVATED") -> list[str]:
        """Enters `count` new senders; returns their ids, oldest first."""
        rows: list[dict[str, object]] = [
            {"channel": channel, "address": _address(channel), "status": status} for _ in range(count)
        ]
        return await self.enter(rows)

    async def pool(self, *sender_ids: str, **members: object) -> str:
        """Creates a pool with these senders; returns its id."""
        body = {**members, "senders": [{"senderId": one} for one in sender_ids]}
        response = await self.post("/v1/SenderPools", json=body)
        assert response.status_code == 202, response.text
        await self.finished(response)
        found = await self.get(f"/v1/SenderPools?operationId={response.json()['operationId']}")
        pool_id: str = found.json()["senderPools"][0]["id"]
        return pool_id

    async def message(self, address: str = "+14155550199") -> tuple[dict[str, Any], str]:
        """Sends a text that arrives; returns the message and its id downstream."""
        (sender_id,) = await self.senders(1, "SMS")
        body = {
            "to": [{"address": address, "channel": "PHONE"}],
            "from": {"senderId": sender_id},
            "content": {"text": "hello"},
        }
        operation = await self.finished(await self.post("/v1/Messages", json=body))
        (listed,) = await self.walk(f"/v1/Messages?operationId={operation['id']}", "messages")
        fetched = (await self.get(f"/v1/Messages/{listed['id']}")).json()
        return listed, fetched["attempts"][0]["id"]

    async def finished(self, reference: httpx.Response) -> dict[str, Any]:
        """Waits until the operation of a 202 is final; returns it."""
        assert reference.status_code == 202, reference.text
        response = await self.get(reference.headers["location"], headers={"prefer": "wait=30"})
        operation: dict[str, Any] = response.json()
        assert operation["status"] != "PROCESSING"
        return operation

    async def walk(self, url: str, key: str, size: int = 1000) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        token: str | None = ""
        while token is not None:
            more = {"pageToken": token} if token else {}
            page = await self.get(str(httpx.URL(url).copy_merge_params({"pageSize": str(size), **more})))
            assert page.status_code == 200, page.text
            found += page.json()[key]
            token = page.json()["pagination"]["next"]
        return found

    async def members(self, pool_id: str) -> set[str]:
        """The ids of a pool's senders."""
        return {one["id"] for one in await self.walk(f"/v1/SenderPools/{pool_id}/Senders", "senders")}


async def until(holds: Callable[[], bool]) -> None:
    """Waits for a state of this process that other tasks change and that has no event."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0)


def problems(response: httpx.Response) -> set[tuple[str | None, str | None]]:
    """The places (field and context) of the problems in a 400."""
    assert response.status_code == 400, response.text
    return {(one["field"], one["context"]) for one in response.json()["errors"]}


def contexts(response: httpx.Response) -> list[str | None]:
    """The contexts of the problems in a 400, in order."""
    assert response.status_code == 400, response.text
    return [one["context"] for one in response.json()["errors"]]


def _address(channel: str) -> str:
    number = next(_NUMBERS)
    if channel in ("SMS", "WHATSAPP"):
        return f"+1415{2000000 + number}"
    return f"s{number}@example.com" if channel == "EMAIL" else f"{channel.lower()}-{number}"


# --- checks of every response


def check(response: httpx.Response) -> None:
    """Asserts what holds for every response: request ids, types, shapes, codes, references."""
    names = ("twilio-request-id", "x-twilio-request-id", "x-request-id")
    request_ids = {value for name in names for value in response.headers.get_list(name)}
    assert len(request_ids) == 1, response.headers
    assert len(response.headers.get_list("x-request-id")) == 1
    assert re.fullmatch("RQ[0-9a-f]{32}", request_ids.pop())
    head = response.request.method == "HEAD"
    route = route_of(response.request.method, urlsplit(str(response.request.url)).path)
    # The one redirect of the API.
    seeks = route is not None and route.name == "messages.seek"
    assert not 300 <= response.status_code < 400 or response.status_code == 304 or seeks
    if response.status_code == 304:
        assert response.content == b""
        assert "etag" in response.headers
        return
    media = response.headers.get("content-type", "")
    if response.status_code == 204:
        assert response.content == b""
    elif media not in ("text/event-stream", "application/x-ndjson") and not head:
        assert int(response.headers["content-length"]) == response.num_bytes_downloaded
    if head:
        assert response.content == b""
    elif response.status_code >= 400:
        _check_error(response)
    elif route and route.endpoint.response_type and media == "application/json":
        assert response.status_code == route.endpoint.status
        _check_shape(route.endpoint.response_type, response.content)
        _check_stats(response.json())
    if response.status_code == 202 and not head:
        _check_reference(response)
    if route and response.status_code != 204:
        _check_documented(route, response.status_code)


def route_of(method: str, path: str) -> Route | None:
    """The route of a request; HEAD is GET."""
    wanted = "GET" if method == "HEAD" else method
    for route, pattern in _patterns():
        if pattern.fullmatch(path):
            return next((one for one in ROUTES if one.path == route.path and one.method == wanted), None)
    return None


@cache
def _patterns() -> list[tuple[Route, re.Pattern[str]]]:
    ordered = sorted(ROUTES, key=lambda route: [segment.startswith("{") for segment in route.path.split("/")])
    return [(route, re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path.replace(".", r"\.")))) for route in ordered]


@cache
def _validator(type_: type) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(msgspec.json.schema(type_), validate_formats=True)


def _check_shape(type_: type, body: bytes) -> None:
    value: object = msgspec.json.decode(body, type=type_)
    assert msgspec.json.encode(value) == body, "fields that are not documented, or in another spelling"
    _validator(type_).validate(msgspec.json.decode(body))


def _check_error(response: httpx.Response) -> None:
    status = response.status_code
    assert response.headers["content-type"] == "application/json"
    _check_shape(ErrorBody, response.content)
    body = response.json()
    assert 1 <= len(body["errors"]) <= 100
    codes = {one["code"] for one in body["errors"]}
    assert (body["status"], body["code"]) == (status, codes.pop() if len(codes) == 1 else CODES[status])
    for one in body["errors"]:
        assert one["code"] == CODES[status] or (status == 400 and one["code"] in MEANINGS)
        assert one["infoUrl"].endswith(f"/docs/errors#{one['code']}")
        assert one["message"]
        assert "Traceback" not in one["message"]
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert ("allow" in response.headers) == (status == 405)
    if status in (429, 503):
        assert int(response.headers["retry-after"]) >= 1


def _check_stats(body: Any) -> None:
    for operation in body.get("operations", [body]):
        if stats := operation.get("stats"):
            counters = set(stats) - {"total", "recipients", "attempts"}
            assert stats["total"] == sum(stats[name] for name in counters)
            assert operation["status"] != "COMPLETED" or stats["queued"] == stats.get("scheduled", 0) == 0


def _check_reference(response: httpx.Response) -> None:
    body = response.json()
    if not body:
        return
    kind = "operation" if "operationId" in body else "resource"
    location, name = body[f"{kind}Location"], body[f"{kind}Id"]
    for header in ("location", f"{kind}Location", f"{kind}-location"):
        assert response.headers[header] == location
    for header in (f"{kind}Id", f"{kind}-id"):
        assert response.headers[header] == name
    assert location.endswith(f"/{name}")
    assert re.fullmatch(r"https?://[^?#]+", location)


def _check_documented(route: Route, status: int) -> None:
    if route.endpoint.group is None:
        assert status in {200, 304, 400, 405, *route.endpoint.errors}, f"{route.name}: {status}"
        return
    paths: Any = _DOCUMENT["paths"]
    assert str(status) in paths[route.path][route.method.lower()]["responses"], f"{route.name}: {status}"


def built(folder: str) -> str:
    """The name of a generated file of the documentation; the folder is `assets` or `images`."""
    return min(path.name for path in (SITE / "docs" / folder).iterdir())


# --- the raw ASGI interface, for responses that arrive in parts


class Exchange:
    """One request whose response is read message by message; `leave` closes the client's side."""

    def __init__(self, person: Person, path: str, headers: dict[str, str], method: str = "GET") -> None:
        request = httpx.Request(method, BASE + path, headers=headers)
        signed = next(httpx.BasicAuth(person.user, person.secret).auth_flow(request))
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(name.lower(), value) for name, value in signed.headers.raw],
            "client": ("127.0.0.1", 4711),
            "server": ("signalbox.test", 8080),
        }
        self._sent: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self.task = asyncio.ensure_future(person.served.api(scope, self._receive, self._sent.put))

    async def next(self) -> MutableMapping[str, Any]:
        async with asyncio.timeout(60):
            return await self._sent.get()

    def nothing_left(self) -> bool:
        """Whether every message that was sent has been read."""
        return self._sent.empty()

    async def leave(self) -> None:
        self._gone.set()
        async with asyncio.timeout(60):
            await self.task

    async def _receive(self) -> MutableMapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}


def pairs(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """The headers that do not differ between responses to the same request."""
    for name, value in response.headers.items():
        if not name.endswith("request-id"):
            yield name, value
