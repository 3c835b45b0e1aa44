"""The published document is valid and complete, and the server does what the document says."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias, cast

import httpx
import jsonschema_rs
import pytest
from message_wishes import wish_messages

from depth import DEEP, searched
from processes import ACCOUNT, PATIENCE, SID, TOKEN, Connect, Serve, Server, environment, unknown_senders
from signalbox.api.document import build, described
from signalbox.api.inventory import inventory_rows
from signalbox.api.inventory.pool_operations import SenderPoolOperation
from signalbox.api.inventory.sender_pools import SenderPool
from signalbox.api.inventory.senders import Sender
from signalbox.api.routes import ROUTES
from signalbox.api.routing.resolve import SENDER_RESOLVE
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.errors import Invalid
from signalbox.http.bodies import RawBody

Document: TypeAlias = dict[str, Any]
# The document leaves out the files that a page loads.
DESCRIBED = described(ROUTES)
EXAMPLES = {param.name: param.example for route in DESCRIBED for param in route.endpoint.path}
OF_BROWSERS = ("cache-control", "content-security-policy", "x-content-type-options")

# Two checks of schemathesis do not fit every operation of this API.
# positive_data_acceptance: a schema cannot express some rules, so the server may refuse a request that fits the schema:
# an endDate before the startDate, a page token of another server, an idempotency key of another request.
# negative_data_rejection: inventory responds 200 and names each bad row, since the good rows enter. Unknown query
# parameters are refused only in strict mode, so the test runs in strict mode.
CONFIGURATION = """
[checks.positive_data_acceptance]
enabled = false

[[operations]]
include-name = "POST /signalbox/v1/Senders"
checks.negative_data_rejection.enabled = false
"""


def resolve(document: Document, reference: str) -> Any:
    """The object that a `$ref` names."""
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def resolved(document: Document, value: dict[str, Any]) -> Any:
    return resolve(document, value["$ref"]) if "$ref" in value else value


def validator(document: Document, schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"components": document["components"], **schema}, validate_formats=True)


def valid(document: Document, schema: dict[str, Any], value: Any) -> None:
    validator(document, schema).validate(value)


@pytest.fixture
def server(serve: Serve, tmp_path: Path) -> Server:
    return serve(f"sqlite:///{tmp_path / 'signalbox.db'}", "--strict")


@pytest.fixture
def document(server: Server) -> Document:
    found: Document = httpx.get(f"{server.url}/openapi.json").json()
    return found


def test_document_is_valid_openapi_31(document: Document) -> None:
    """By the schema of OpenAPI 3.1, which schemathesis contains, and by that of JSON Schema; every `$ref` resolves."""
    import schemathesis  # takes two seconds, in each process that collects tests

    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    for reference in set(re.findall(r'"\$ref":"#/([^"]+)"', json.dumps(document, separators=(",", ":")))):
        assert resolve(document, f"#/{reference}"), reference


def test_document_has_exactly_the_routes(document: Document) -> None:
    described = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert sorted(described) == sorted((route.method, route.path) for route in DESCRIBED)


def test_document_gives_each_operation_a_name_a_summary_and_a_described_tag(document: Document) -> None:
    found = [one for methods in document["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in found]
    assert len(set(names)) == len(names)
    assert all(one["summary"].endswith(".") for one in found)
    assert {tag for one in found for tag in one["tags"]} == {tag["name"] for tag in document["tags"]}
    for about in (document, *document["tags"]):
        assert httpx.get(about["externalDocs"]["url"]).status_code == 200


def test_document_asks_credentials_where_the_server_does(server: Server, document: Document) -> None:
    """A request without credentials gets 401 exactly where the document has a security requirement."""
    with httpx.Client(base_url=server.url) as unknown:
        for path, methods in document["paths"].items():
            for method, openapi_operation in methods.items():
                response = unknown.request(method, path.replace("{", "").replace("}", ""))
                assert (response.status_code == 401) == ("security" not in openapi_operation), (method, path)
                assert ("401" in openapi_operation["responses"]) == (response.status_code == 401), (method, path)


def test_document_has_every_parameter_that_the_server_reads(document: Document) -> None:
    """The parameters are those of the route table, and conditional headers where 304 or 412 is documented."""
    for route in DESCRIBED:
        openapi_operation = document["paths"][route.path][route.method.lower()]
        described = {(one["in"], one["name"]): one for one in openapi_operation["parameters"]}
        wanted = {("path", name) for name in re.findall(r"{(\w+)}", route.path)}
        wanted |= {("query", param.name) for param in route.endpoint.query}
        wanted |= {("header", param.name) for param in route.endpoint.headers}
        wanted |= {("header", "If-None-Match")} if "304" in openapi_operation["responses"] else set()
        wanted |= {("header", "If-Match")} if "412" in openapi_operation["responses"] else set()
        assert described.keys() == wanted
        for param in (*route.endpoint.query, *route.endpoint.headers):
            where = "query" if param in route.endpoint.query else "header"
            schema = resolved(document, described[where, param.name]["schema"])
            assert {**schema, "enum": sorted(schema.get("enum", []))} == {
                **param.schema,
                "enum": sorted(cast("list[str]", param.schema.get("enum", []))),
            }
            assert described[where, param.name]["description"] == param.description


async def test_examples_of_the_document_are_valid(document: Document) -> None:
    """Examples fit their schemas; the server also accepts the examples of bodies."""
    seen = 0
    for route in DESCRIBED:
        openapi_operation = document["paths"][route.path][route.method.lower()]
        for param in openapi_operation["parameters"]:
            if "example" in param:
                valid(document, param["schema"], param["example"])
        for response in openapi_operation["responses"].values():
            for media in resolved(document, response).get("content", {}).values():
                if "example" in media:
                    valid(document, media["schema"], media["example"])
                    seen += 1
        for name, media in openapi_operation.get("requestBody", {"content": {}})["content"].items():
            valid(document, media["schema"], media["example"])
            body = route.endpoint.body
            assert body
            if isinstance(body, RawBody):
                text = media["example"] if isinstance(media["example"], str) else json.dumps(media["example"])
                rows = await inventory_rows.rows(cast("inventory_rows.ContentType", name), text.encode())
                assert (len(rows.good), rows.refused) == (3, [])
            else:
                assert await body.read(json.dumps(media["example"]).encode())
        if route.endpoint.response_type:
            assert (
                "example" in openapi_operation["responses"][str(route.endpoint.status)]["content"]["application/json"]
            )
    assert seen > 100


def test_example_was_created_at_the_time_in_its_id() -> None:
    for one in (route.endpoint.example for route in DESCRIBED):
        if isinstance(one, Sender | SenderPool | SenderPoolOperation):
            assert rfc3339(ids.created_at(one.id)) == one.created_at


async def test_sender_address_has_the_forms_that_the_server_accepts(document: Document) -> None:
    """Every combination of fields fits the schema exactly when the server accepts it."""
    members = {"address": "+14155550123", "channel": "SMS", "name": "Ada", "fcm": "one", "apn": "two"}
    for count in range(len(members) + 1):
        for names in itertools.combinations(members, count):
            body = {
                "recipientAddresses": [{"address": "+14155550199", "channel": "PHONE"}],
                "senderAddresses": [{name: members[name] for name in names}],
            }
            fits = validator(document, {"$ref": "#/components/schemas/SenderResolve"}).is_valid(body)
            try:
                await SENDER_RESOLVE.read(json.dumps(body).encode())
            except Invalid:
                assert not fits, names
            else:
                assert fits, names


def test_document_names_what_the_settings_switch_on() -> None:
    """A header that a setting adds to responses is documented only with that setting: rate limit, strict mode."""
    everything = json.dumps(build(ROUTES, "http://host"))
    least = json.dumps(build(ROUTES, "http://host", strict=True, rate_limited=False))
    for text in ("RateLimit", '"429"', "TooMany", "Retry-After", "Signalbox-Warning"):
        assert text in everything
    for text in ("RateLimit", '"429"', "TooMany", "Signalbox-Warning"):
        assert text not in least


def test_document_is_about_the_server_as_the_client_called_it(server: Server, document: Document) -> None:
    """For another host name the document differs in that name only."""
    other = httpx.get(f"{server.url}/openapi.json", headers={"Host": "signalbox.example:8443"})
    assert other.json()["servers"] == [{"url": "http://signalbox.example:8443"}]
    assert other.text.replace("http://signalbox.example:8443", server.url) == json.dumps(
        document, separators=(",", ":"), ensure_ascii=False
    )
    assert "base-url.invalid" not in other.text


def test_responses_have_the_headers_and_types_that_the_document_gives_them(serve: Serve, tmp_path: Path) -> None:
    """Responses with success and with each error that a client can cause have the documented headers, and no others."""
    server = serve(f"sqlite:///{tmp_path / 'signalbox.db'}", env={**ACCOUNT, "SIGNALBOX_RATE_LIMIT": "600/3600"})
    with httpx.Client(base_url=server.url, auth=(SID, TOKEN), timeout=PATIENCE) as http:
        client = CheckedClient(http, httpx.get(f"{server.url}/openapi.json").json())
        wished(client)
        refused(client)
        succeeded = {path_and_method for path_and_method, status in client.seen if status < 302}
        assert succeeded == {(route.path, route.method) for route in DESCRIBED}
    statuses = {200, 201, 202, 301, 304, 400, 401, 404, 409, 412, 413, 415, 422, 429}
    assert {status for _, status in client.seen} == statuses


def wished(client: CheckedClient) -> None:
    """Sends a request that succeeds to every OpenAPI operation."""
    for body, media in (
        (json.dumps([{"channel": "SMS", "address": f"+1415555010{n}"} for n in range(3)]), "application/json"),
        ('{"channel":"SMS","address":"+14155550103"}', "application/x-ndjson"),
        ("channel,address\nSMS,+14155550104", "text/csv"),
    ):
        client("POST", "/signalbox/v1/Senders", content=body, headers={"Content-Type": media})
    senders = [one["id"] for one in client("GET", "/v1/Senders", params={"nonsense": 1}).json()["senders"]]
    phone = {"address": "+14155550199", "channel": "PHONE"}
    client("POST", "/v1/Senders/Search", json={"address": "+14155550100", "channel": "SMS"})
    client("POST", "/v1/Senders/Resolve", json={"recipientAddresses": [phone]})
    wish_messages(client, phone)
    new = {"json": {"senders": [{"senderId": one} for one in senders]}, "headers": {"Idempotency-Key": "a-key"}}
    operation_id = client("POST", "/v1/SenderPools", **new).json()["operationId"]
    assert client("POST", "/v1/SenderPools", **new).headers["Idempotency-Replayed"] == "true"
    operation = f"/v1/SenderPools/Operations/{operation_id}"
    client("GET", operation, headers={"Prefer": "wait=30"})
    client("GET", operation, headers={"Accept": "text/event-stream"})
    client("GET", "/v1/SenderPools/Operations")
    for accept in ("application/json", "application/x-ndjson"):
        client("GET", f"/signalbox{operation}/Items", headers={"Accept": accept})
    assert client("POST", f"/signalbox{operation}/Cancel").status_code == 409
    pool = "/v1/SenderPools/" + client("GET", "/v1/SenderPools").json()["senderPools"][0]["id"]
    started = client("POST", f"{pool}/Senders", json=[{"senderId": senders[0]}]).json()
    client("GET", f"{pool}/Senders/Operations/{started['operationId']}", headers={"Prefer": "wait=30"})
    logged = f"/v1/Requests/{client('GET', f'{pool}/Senders').headers['x-request-id']}"
    client("POST", "/signalbox/v1/SenderPools/Search", json={"text": "a"})
    client("POST", "/signalbox/v1/Senders/Search", json={"text": "+1"})
    client("POST", "/signalbox/v1/Names", json={"ids": [pool.rpartition("/")[2]]})
    lists = ("/v1/Senders", "/v1/SenderPools", f"{pool}/Senders", "/v1/SenderPools/Operations")
    for path in (*(f"{one}/Total" for one in lists), f"{pool}/Composition", "/v1/Workers", "/v1/Overview", logged):
        client("GET", f"/signalbox{path}")
    put = {"name": "A", "content": {"text": "Hello {{ name }}"}}
    made = client("POST", "/signalbox/v1/Templates", json=put).json()
    template = f"/signalbox/v1/Templates/{made['contentId']}"
    etag = client("PUT", template, json=put).headers["etag"]
    client("GET", "/signalbox/v1/Templates")
    assert client("GET", template, headers={"If-None-Match": etag}).status_code == 304
    client("GET", template)
    client("PUT", template, json={**put, "name": "B"})
    assert client("PUT", template, json=put, headers={"If-Match": etag}).status_code == 412
    assert client("DELETE", template, headers={"If-Match": etag}).status_code == 412
    client("DELETE", template)
    client("GET", "/signalbox/v1/Requests", params={"pageSize": 5})
    sender = f"/v1/Senders/{senders[1]}"
    for path in (pool, sender, f"/signalbox{sender}", operation):
        etag = client("GET", path).headers["etag"]
        assert client("GET", path, headers={"If-None-Match": etag}).status_code == 304
    etag = client("GET", pool).headers["etag"]
    client("PATCH", pool, json={"name": "Another"}, headers={"If-Match": etag})
    for method, path in (("PATCH", pool), ("DELETE", pool), ("DELETE", f"{pool}/Senders/{senders[0]}")):
        assert client(method, path, json={"name": "Another"}, headers={"If-Match": etag}).status_code == 412
    for method in ("PATCH", "DELETE"):
        response = client(method, f"/signalbox{sender}", json={"displayName": "A"}, headers={"If-Match": etag})
        assert response.status_code == 412
    client("PATCH", f"/signalbox{sender}", json={"displayName": "Front desk"})
    client("DELETE", f"/signalbox{sender}")
    client("DELETE", f"{pool}/Senders/{senders[0]}")
    client("DELETE", pool)
    docs = ("/docs", "/docs/errors", "/docs/errors.md", "/docs/contract/emails", "/docs/contract/emails.md")
    for path in (*docs, "/healthz", "/readyz", "/metrics", "/openapi.json", "/llms.txt", "/llms-full.txt"):
        client("GET", path)
    # Only a queued operation can be cancelled: retried until the request is faster than the worker.
    many, status = {"senders": [{"senderId": one} for one in unknown_senders(10_000)]}, 409
    while status == 409:
        operation_id = client("POST", "/v1/SenderPools", json=many).json()["operationId"]
        status = client("POST", f"/signalbox/v1/SenderPools/Operations/{operation_id}/Cancel").status_code


def refused(client: CheckedClient) -> None:
    """Causes each kind of error that a client can cause, at every OpenAPI operation that documents it."""
    for path, methods in client.document["paths"].items():
        for method, openapi_operation in methods.items():
            url = path.format_map({**EXAMPLES, "page": "nothing"})
            body = {"content": b"{}", "headers": {"Content-Type": "image/png"}}
            if "401" in openapi_operation["responses"]:
                assert client(method, url, auth=("nobody", "nothing")).status_code == 401
            if "415" in openapi_operation["responses"]:
                assert client(method, url, **body).status_code == 415
                # Chunked: without a Content-Length the server must count the bytes.
                large = iter([b" " * (10 * 1024 * 1024 + 1)])
                assert client(method, url, content=large).status_code == 413
            if "404" in openapi_operation["responses"]:
                example = openapi_operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                assert client(method, url, json=example.get("example")).status_code == 404, url
            assert client(method, url, headers={"Host": "no host"}).status_code == 400
    pool = {"headers": {"Idempotency-Key": "a-key"}, "json": {"name": "Another request"}}
    assert client("POST", "/v1/SenderPools", **pool).status_code == 422
    while client("GET", "/v1/Senders").status_code != 429:
        pass


class CheckedClient:
    """Sends requests and compares each response with the document."""

    # Headers of the protocol, or of no use to a client; the document describes all others.
    UNDESCRIBED = frozenset({"connection", "content-length", "content-type", "date", "transfer-encoding", *OF_BROWSERS})

    def __init__(self, http: httpx.Client, document: Document) -> None:
        self.http = http
        self.document = document
        self.seen: set[tuple[tuple[str, str], int]] = set()
        # Paths with fixed segments come before paths with placeholders.
        paths = sorted(document["paths"], key=lambda path: [segment.startswith("{") for segment in path.split("/")])
        self._patterns = [(path, re.compile(re.sub(r"{\w+}", "[^/]+", path))) for path in paths]

    def __call__(self, method: str, url: str, **options: Any) -> httpx.Response:
        response = self.http.request(method, url, **options)
        path = next(path for path, pattern in self._patterns if pattern.fullmatch(url))
        self.seen.add(((path, method.upper()), response.status_code))
        what = (method, url, response.status_code)
        responses = self.document["paths"][path][method.lower()]["responses"]
        assert str(response.status_code) in responses, what
        described = resolved(self.document, responses[str(response.status_code)])
        headers = {name.lower(): resolved(self.document, one) for name, one in described["headers"].items()}
        sent = set(response.headers) - self.UNDESCRIBED
        always = {name for name, header in headers.items() if header["required"]}
        assert always <= sent <= headers.keys(), what
        for name in sent & headers.keys():
            value: str | int = response.headers[name]
            if headers[name]["schema"]["type"] == "integer":
                value = int(value)
            valid(self.document, headers[name]["schema"], value)
        media = response.headers.get("content-type", "").partition(";")[0]
        assert (media in described["content"]) if "content" in described else not response.content, what
        if media == "application/json":
            valid(self.document, described["content"][media]["schema"], response.json())
            if response.status_code == 200:
                assert ("etag" in sent) == ("etag" in headers), what
        return response


def test_other_methods_get_the_documented_405(server: Server, document: Document) -> None:
    described = document["components"]["responses"]["MethodNotAllowed"]
    for path in document["paths"]:
        response = httpx.request("TRACE", server.url + path.format_map(EXAMPLES), auth=(SID, TOKEN))
        assert response.status_code == 405
        assert all(name in response.headers for name in described["headers"])
        listed = {method.upper() for method in document["paths"][path]}
        assert set(response.headers["allow"].split(", ")) - {"HEAD"} == listed
        assert ("HEAD" in response.headers["allow"]) == ("GET" in listed)


@pytest.mark.slow
@pytest.mark.timeout(36_000 if DEEP else 1_200)
def test_server_does_what_the_document_says(server: Server, client: Connect, tmp_path: Path) -> None:
    """Schemathesis finds no difference in valid and invalid requests to every path, single and in sequences."""
    known = client(server.url)
    known.completed(known.create_pool(known.enter(100)))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        *("--config-file", str(tmp_path / "schemathesis.toml")),
        *("run", f"{server.url}/openapi.json", "--auth", f"{SID}:{TOKEN}"),
        # tests/api/test_published_constraints.py breaks every published constraint.
        *("--phases", "coverage,fuzzing,stateful" if DEEP else "fuzzing,stateful"),
        *("--max-examples", str(searched(8, deep=1_000)), "--seed", "20260131", "--continue-on-failure"),
        *("--warnings", "off", "--request-timeout", "20"),
    ]
    run = subprocess.run(
        command,
        env=environment({"NO_COLOR": "1"}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=35_000 if DEEP else 1_100,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    bugs = [line for line in server.log if line["event"] == "bug"]
    assert not bugs
