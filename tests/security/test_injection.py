"""Text of a request reaches SQL, headers, log lines and pages as text, never as syntax."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
import pytest
from bare import HEAD, Bare, statuses

from people import Person, built
from processes import ACCOUNT, COMMAND, Process, environment
from signalbox.api.routes import ROUTES
from signalbox.http.parameters import IdParam
from signalbox.http.router import Route

PRINTABLE: Final = {
    "sql": "'; DROP TABLE senders; --",
    "sql or": "' OR '1'='1",
    "sql double": '" OR ""="',
    "sql parameters": ":account_id $1 ?1 %s {0}",
    "sql like": "%_\\",
    "jsonpath": "$..*'].x[?(@.a)]",
    "json": '"},{"a":"b"}',
    "array": "{a,b,NULL}",
    "template": "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "lookup": "${jndi:ldap://127.0.0.1/a}",
    "shell": "$(touch x) `touch x` | touch x &",
    "path": "../../../../etc/passwd",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)',
    "formula": '=HYPERLINK("http://127.0.0.1/","x")',
    "formula at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "long": "x" * 300,
}
UNPRINTABLE: Final = {
    "header": "a\r\nSet-Cookie: stolen=1\r\n\r\n<html>",
    "line": 'a\n{"level":"info","event":"forged"}',
    "terminal": "\x1b]0;owned\x07\x1b[2J",
    "line separator": "a\u2028b\u2029c\u0085d",
    "direction": "\u202egnp.exe",
    "nul": "a\0b",
    "zero width": "a\u200bb\ufeff",
}
NASTY: Final = PRINTABLE | UNPRINTABLE
# Headers that accept any text, and headers that may refuse a text.
READ_HEADERS: Final = (
    ("accept", "prefer", "if-none-match", "x-request-id", "origin", "user-agent"),
    ("if-match", "idempotency-key"),
)
HARMLESS_HEADER: Final = re.compile(r"[ -~]*")

TEMPLATE: Final = {"name": "n", "content": {"text": "t"}, "defaults": {"k": "v"}}

with_body = pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.endpoint.body], ids=lambda route: route.name
)
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


class Scene:
    """What Ada has, and for each route with a body a right body with every possible field.

    `sending` is the operation of the message, `sid` its id downstream.
    """

    def __init__(
        self, pool: str, sender: str, operation: str, template: str, request: str, message: str, sending: str, sid: str
    ) -> None:
        self._operations = {"SenderPools": operation, "Messages": sending}
        self.places = {
            "senderPoolId": pool,
            "senderId": sender,
            "contentId": template,
            "requestId": request,
            "messageId": message,
            "itemId": message,
            "sid": sid,
            "page": "sender-pools",
            "asset": built("assets"),
            "picture": built("images"),
        }
        address = {"address": "p", "channel": "PUSH"}
        sent = {
            "to": [
                {"address": "+14155550199", "channel": "PHONE", "variables": {"k": "v"}},
                {"addresses": [{"address": "+14155550199", "channel": "PHONE"}]},
            ],
            "from": {"senderPoolId": pool, "channels": {"filterIn": ["SMS"]}},
            "content": {"text": "t", "media": [{"url": "https://example.com/a.png"}]},
            "schedule": {"sendAt": ["2026-01-31T09:30:00Z"]},
            "tags": {"k": "v"},
        }
        self.bodies: dict[str, Any] = {
            "messages.send": sent,
            "messages.explain": sent,
            "optOuts.create": {"address": "+14155550188", "channel": "PHONE", "senderPoolId": pool},
            "senderPools.create": {"name": "n", "tags": {"k": "v"}, "senders": [{"senderId": sender}]},
            "senderPools.update": {"name": "n", "tags": {"k": "v"}},
            "senderPools.addSender": [{"senderId": sender}],
            "senders.search": {**address, "status": "ACTIVATED", "pageToken": "t", "pageSize": 7},
            "senders.resolve": {
                "recipientAddresses": [address, {"address": "a@example.com", "channel": "EMAIL"}],
                "senderAddresses": [{"fcm": "f", "apn": "a"}, {"address": "b@example.com", "name": "N"}],
                "channels": {"filterIn": ["PUSH"], "priority": [{"channel": "PUSH", "priority": 1}]},
            },
            "inventory.enter": [{**address, "displayName": "d", "status": "ACTIVATED", "tags": {"k": "v"}}],
            "templates.create": TEMPLATE,
            "templates.put": TEMPLATE,
            "inventory.update": {"displayName": "d", "status": "ACTIVATED", "tags": {"k": "v"}},
        }

    def body(self, route: Route) -> Any:
        """The body for a route; for other routes the example of the document."""
        assert route.endpoint.body
        return self.bodies.get(route.name) or msgspec.to_builtins(route.endpoint.body.example)

    def placed(self, route: Route) -> dict[str, str]:
        """The values of a route's placeholders."""
        operation = self._operations["Messages" if "/Messages/" in route.path else "SenderPools"]
        return {
            param.name: operation if param.name == "operationId" else self.places.get(param.name) or str(param.example)
            for param in route.endpoint.path
        }

    def path(self, route: Route) -> str:
        return route.path.format(**self.placed(route))


def poisoned(value: Any, text: str) -> Iterator[Any]:
    """The value with each of its strings and field names replaced by the text, one at a time."""
    if isinstance(value, str):
        yield text
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for other in poisoned(item, text):
                yield [*value[:index], other, *value[index + 1 :]]
    elif isinstance(value, dict):
        for name, item in value.items():
            for other in poisoned(item, text):
                yield {**value, name: other}
            yield {text if one == name else one: copy.deepcopy(kept) for one, kept in value.items()}


@pytest.fixture
async def scene(ada: Person) -> Scene:
    (sender,) = await ada.senders(1)
    pool = await ada.pool(sender)
    operation = await ada.finished(await ada.post(f"/v1/SenderPools/{pool}/Senders", json=[{"senderId": sender}]))
    template = await ada.post("/signalbox/v1/Templates", json=TEMPLATE)
    request = template.headers["x-request-id"]
    message, sid = await ada.message()
    sending = message["related"][0]["id"]
    return Scene(pool, sender, operation["id"], template.json()["contentId"], request, message["id"], sending, sid)


def harmless(headers: Any) -> None:
    """No header contains a line break, and the client's text added no header."""
    for name, value in headers.items():
        assert HARMLESS_HEADER.fullmatch(value), (name, value)
    assert "set-cookie" not in headers


@with_body
async def test_every_text_of_a_body_is_kept_or_refused(
    route: Route, ada: Person, ben: Person, scene: Scene, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each string and field name is replaced by each hostile text: never a 5xx, and other data does not change."""
    bens = await ben.pool(*await ben.senders(1), name="Ben's")
    capfd.readouterr()
    for text in NASTY.values():
        for body in poisoned(scene.body(route), text):
            response = await ada.call(route.method, scene.path(route), json=body)
            assert response.status_code in (route.endpoint.status, 400, 404), response.text
            harmless(response.headers)
    assert (await ben.get(f"/v1/SenderPools/{bens}")).json()["name"] == "Ben's"
    assert len(await ben.members(bens)) == len(await ben.walk("/v1/Senders", "senders")) == 1
    told(capfd.readouterr().err)


def told(log: str) -> None:
    """Every line of the log is JSON of the program, and no line holds the text that was sent."""
    for line in log.splitlines():
        read = json.loads(line)
        assert read["event"] in ("request", "batch", "messages handed over"), line
        assert "forged" not in line
        assert "alert(1)" not in line
        assert "DROP TABLE" not in line
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202e]", log)


async def test_text_that_may_be_stored_comes_back_as_it_is(ada: Person) -> None:
    """As a pool's name, on both engines: neither escaped nor truncated."""
    for text in NASTY.values():
        response = await ada.post("/v1/SenderPools", json={"name": text})
        if response.status_code == 400:
            assert "\0" in text or len(text) > 256
            continue
        found = await ada.walk(f"/v1/SenderPools?operationId={response.json()['operationId']}", "senderPools")
        assert [one["name"] for one in found] == [text]


async def test_display_name_comes_back_as_it_is(ada: Person) -> None:
    """A formula too: a program that writes names into a spreadsheet must quote them."""
    (sender,) = await ada.senders(1)
    for text in NASTY.values():
        response = await ada.patch(f"/signalbox/v1/Senders/{sender}", json={"displayName": text})
        if response.status_code == 400:
            assert re.search("[\0-\x1f\x7f-\x9f]", text) or len(text) > 256
            continue
        assert response.json()["displayName"] == text
        assert response.headers["content-type"] == "application/json"


async def test_csv_cell_is_a_value_and_nothing_else(ada: Person) -> None:
    """A cell is stored unchanged or refused; no cell is evaluated or adds a row."""
    kept = []
    for number, text in enumerate(NASTY.values()):
        written = io.StringIO()
        csv.writer(written).writerows([["channel", "address", "displayName"], ["PUSH", f"app-{number}", text]])
        body = written.getvalue().encode()
        response = await ada.post("/signalbox/v1/Senders", content=body, headers={"content-type": "text/csv"})
        if response.status_code == 200 and response.json()["created"]:
            kept.append(text)
        else:
            assert re.search("[\0-\x1f\x7f-\x9f]", text) or len(text) > 256
    found = await ada.walk("/v1/Senders", "senders")
    assert [one["displayName"] for one in reversed(found)] == kept


@every_route
async def test_path_and_query_are_text(route: Route, ada: Person, scene: Scene) -> None:
    """In every placeholder, as the value of every parameter, and as the name of an unknown parameter."""
    body = {"json": scene.body(route)} if route.endpoint.body else {}
    for sent in (quote(text, safe="") for text in NASTY.values()):
        for name in re.findall(r"\{(\w+)\}", route.path):
            url = route.path.format(**{**scene.placed(route), name: sent})
            response = await ada.call(route.method, url, **body)
            assert response.status_code in (400, 404), response.text
            harmless(response.headers)
        if route.method == "GET" and route.name != "health.metrics":
            known = "&".join(f"{param.name}={sent}" for param in route.endpoint.query)
            response = await ada.get(f"{scene.path(route)}?{known}&{sent}=1&colour={sent}")
            assert response.status_code == (400 if known else route.endpoint.status), response.text
            harmless(response.headers)


@pytest.mark.parametrize(
    # A delete or cancel works only once; /metrics is slow and reads no parameter.
    "route",
    [
        one
        for one in ROUTES
        if one.method != "DELETE" and not one.path.endswith(("/Cancel", "/Retry")) and one.name != "health.metrics"
    ],
    ids=lambda route: route.name,
)
async def test_headers_are_text(route: Route, ada: Person, scene: Scene) -> None:
    """In every request header that the server reads, with every text that an HTTP client can put into a header."""
    body = {"json": scene.body(route)} if route.endpoint.body else {}
    # Ada's message is there: the wait ends at once.
    path = scene.path(route)
    for text in PRINTABLE.values():
        for names in READ_HEADERS:
            response = await ada.call(route.method, path, headers=dict.fromkeys(names, text), **body)
            assert response.status_code in (route.endpoint.status, 400, 412, 422), response.text
            harmless(response.headers)
            assert text not in str(response.headers)


async def test_credentials_are_text(ada: Person) -> None:
    """A SID or a secret that contains SQL is wrong, as any other wrong text."""
    user, secret = ada.user, ada.secret
    for text in NASTY.values():
        for login in ((text, secret), (user, text), (user + text, secret), (user, secret + text)):
            response = await ada.get("/v1/Senders", auth=(login[0].encode(), login[1].encode()))
            assert response.status_code == 401
            harmless(response.headers)


async def test_pages_hold_nothing_that_a_visitor_can_choose(ada: Person) -> None:
    """The page's name, the query, the host and a proxy's prefix cannot add HTML to the documentation."""
    script = "<script>alert(1)</script>"
    plain = (await ada.get("/docs", anonymous=True)).content
    assert (await ada.get(f"/docs?{quote(script)}={quote(script)}", anonymous=True)).content == plain
    response = await ada.get(f"/docs/{quote(script, safe='')}", anonymous=True)
    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert "script" not in response.text
    for host in ('x"><script>alert(1)</script>', "x/y", "x y", "user@x", "x#y", "x?y", "x\\y", "x;y", "x,y"):
        response = await ada.get("/docs", anonymous=True, headers={"host": host})
        assert (response.status_code, response.headers["content-type"]) == (400, "application/json"), host
        assert "alert" not in response.text


async def test_pages_run_no_script_but_our_files_and_are_framed_by_nobody(ada: Person) -> None:
    """The policy forbids inline scripts, frames, forms and requests to other origins, even if a page had them."""
    for page in ("/docs", "/docs/errors", "/docs/security"):
        response = await ada.get(page, anonymous=True)
        policy = dict(
            part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
        assert not re.search("unsafe|http|[*]", " ".join(policy.values()))
        for directive in ("base-uri", "form-action", "frame-ancestors"):
            assert policy[directive] == "'none'"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<(iframe|object|embed)\b|\bon[a-z]+=|javascript:", response.text)
        scripts = re.findall(r"<script[^>]*>", response.text)
        ours = r'<script (src="(docs/)?assets/[a-z]+\.[0-9a-f]{12}\.js"|id="__config" type="application/json")>'
        assert [one for one in scripts if not re.fullmatch(ours, one)] == []


async def test_picture_that_is_opened_by_itself_runs_nothing(ada: Person) -> None:
    response = await ada.get("/docs/performance-sqlite.svg", anonymous=True)
    assert response.headers["content-type"] == "image/svg+xml"
    assert {"default-src 'none'", "sandbox"} <= set(response.headers["content-security-policy"].split("; "))


FORGED: Final = "%0a%7B%22event%22%3A%22forged%22%7D%0d%0a2026-01-01T00:00:00.000Z%20info%20forged%1b%5b2J"
FORGING: Final = (
    f"GET /{FORGED} HTTP/1.1\r\n",
    f"GET /v1/SenderPools/{FORGED} HTTP/1.1\r\n",
    f"GET /v1/SenderPools?{FORGED}=1 HTTP/1.1\r\n",
    f"GET /v1/SenderPools?a={FORGED} HTTP/1.1\r\n",
    "GET /\x1b[2Jforged HTTP/1.1\r\n",
    "FORGED\x1b /v1/SenderPools HTTP/1.1\r\n",
    "GET /v1/SenderPools HTTP/1.1\r\nX-Forged: a\x1b[2J\r\n",
    "GET /v1/SenderPools HTTP/1.1\r\nUser-Agent: a\nforged: 1\r\n",
    "POST /v1/SenderPools HTTP/1.1\r\nContent-Length: 2\r\nIdempotency-Key: \x1b[2Jforged\r\n",
)


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_request_forges_a_line_of_the_log(stack: ExitStack, tmp_path: Path, form: str) -> None:
    """Line breaks and escapes, raw and encoded, in every place of a request: the log has only the program's lines."""
    command: list[str | Path] = [COMMAND, "serve", "--port", "0", "--database", "sqlite://", "--log-format", form]
    server = stack.enter_context(Process(command, env=environment(ACCOUNT), cwd=tmp_path))
    port = int(server.printed(r'"?ready"?.*http://127.0.0.1:(\d+)')[1])
    for request in FORGING:
        with Bare(port) as bare:
            bare.send(f"{request}{HEAD}Connection: close\r\n\r\n{{}}")
            assert statuses(bare.rest())[0] in (200, 400, 404, 405)
    assert server.stop() == 0
    lines = server.stderr.splitlines()
    assert len(lines) >= len(FORGING)
    for line in lines:
        assert line.isprintable()
        assert "forged" not in line
        if form == "json":
            json.loads(line)
        else:
            assert re.match(r"\d{4}-\d\d-\d\dT\S+Z (info|warning) ", line), line


def test_all_placeholders_are_known() -> None:
    named = {param.name for route in ROUTES for param in route.endpoint.path if not isinstance(param, IdParam)}
    assert named == {"page", "asset", "picture"}
