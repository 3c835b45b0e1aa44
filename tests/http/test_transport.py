"""Transport: contract section 1. Paths, methods, base URLs, unknown parameters, CORS."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from people import BASE, Person, contexts, pairs, problems
from signalbox.ground.setting_forms import RateLimit

POOL = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"
ORIGIN = "https://app.example.com"


async def test_request_ids_differ_from_one_request_to_the_next(ada: Person) -> None:
    responses = [await ada.get("/v1/Senders", headers={"x-request-id": "mine"}) for _ in range(3)]
    assert len({response.headers["x-request-id"] for response in responses} - {"mine"}) == 3


async def test_request_id_is_in_the_log_line_and_no_query_or_secret_is(
    ada: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    response = await ada.get("/v1/Senders?startDate=2026-01-01T00:00:00Z&kunde=mueller%40example.com&%2B4915112345=x")
    await asyncio.sleep(0)  # the log writes its lines at the end of a turn of the loop
    log = capfd.readouterr().err
    (line,) = [line for line in log.splitlines() if response.headers["x-request-id"] in line]
    assert ada.account_sid in line
    assert "kunde" in line
    for private in (ada.secret, "2026-01-01", "mueller", "15112345"):
        assert private not in log


async def test_search_leaves_no_address_in_the_log(ada: Person, capfd: pytest.CaptureFixture[str]) -> None:
    await ada.post("/v1/Senders/Search", json={"address": "mueller@example.com", "channel": "EMAIL"})
    await ada.post("/v1/Senders/Search", json={"address": "mueller@example.com", "channel": "FAX"})
    await ada.get("/v1/Senders/mueller@example.com")
    await ada.get("/v1/mueller@example.com/+4915112345")
    await asyncio.sleep(0)  # the log writes its lines at the end of a turn of the loop
    log = capfd.readouterr().err
    assert "mueller" not in log
    assert "15112345" not in log


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v2/SenderPools",
        "/V1/SenderPools",
        "/v1/senderpools",
        "/v1/SenderPools/",
        "//v1/SenderPools",
        "/v1//SenderPools",
        f"/v1/SenderPools/{POOL}/",
        f"/v1/SenderPools/{POOL}/senders",
        f"/v1/SenderPools/{POOL}/Senders/Operations",
        "/v1/SenderPools/Operations/",
        f"/v1/SenderPools/{POOL}/Senders/x/y",
        "/v1/Senders/Search/x",
        "/signalbox/v1/SenderPools",
        "/openapi.json/",
        "/favicon.ico",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
async def test_path_that_is_not_ours_is_404_with_and_without_credentials(ada: Person, path: str, method: str) -> None:
    url = httpx.URL(BASE).copy_with(raw_path=path.encode())
    for anonymous in (False, True):
        assert (await ada.call(method, str(url), anonymous=anonymous)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/SenderPools", "GET, HEAD, POST"),
        ("DELETE", "/v1/SenderPools", "GET, HEAD, POST"),
        ("GET", "/v1/Senders/Search", "POST"),
        ("HEAD", "/v1/Senders/Search", "POST"),
        ("GET", "/v1/Senders/Resolve", "POST"),
        ("DELETE", "/v1/SenderPools/Operations", "GET, HEAD"),
        ("POST", f"/v1/SenderPools/{POOL}", "DELETE, GET, HEAD, PATCH"),
        ("OPTIONS", f"/v1/SenderPools/{POOL}", "DELETE, GET, HEAD, PATCH"),
        ("TRACE", "/v1/Senders", "GET, HEAD"),
        ("BREW", "/v1/Senders", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("GET", "/signalbox/v1/Senders", "POST"),
    ],
)
async def test_method_that_is_not_there_is_405_with_those_that_are(
    ada: Person, method: str, path: str, allow: str
) -> None:
    refused = await ada.call(method, path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allow)


async def test_head_is_get_without_its_body(ada: Person) -> None:
    pool_id = await ada.pool()
    for path in ("/v1/SenderPools", f"/v1/SenderPools/{pool_id}", "/v1/SenderPools/x", "/healthz", "/openapi.json"):
        get, head = await ada.get(path), await ada.call("HEAD", path)
        assert head.status_code == get.status_code
        assert dict(pairs(head)) == dict(pairs(get))
        assert int(head.headers["content-length"]) == len(get.content)


# --- URLs in responses


async def _location(person: Person, **options: Any) -> str:
    response = await person.post("/v1/SenderPools", json={}, **options)
    assert response.status_code == 202, response.text
    location: str = response.headers["location"]
    return location.partition("/v1/")[0]


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("https://api.example.com", "https://api.example.com"),
        ("https://API.example.com:8443", "https://api.example.com:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
async def test_urls_are_on_the_scheme_host_and_port_that_was_called(ada: Person, base: str, wanted: str) -> None:
    assert await _location(ada, base=base) == wanted


FORWARDED = [
    ({"x-forwarded-proto": "https"}, "https://signalbox.test:8080"),
    ({"x-forwarded-host": "api.example.com"}, "http://api.example.com"),
    ({"x-forwarded-host": "api.example.com", "x-forwarded-port": "8443"}, "http://api.example.com:8443"),
    ({"x-forwarded-host": "a.example.com:1", "x-forwarded-port": "8443"}, "http://a.example.com:1"),
    (
        {"x-forwarded-proto": "https", "x-forwarded-host": "api.example.com", "x-forwarded-prefix": "/comms/"},
        "https://api.example.com/comms",
    ),
    ({"x-forwarded-host": "evil.example, api.example.com"}, "http://api.example.com"),
    ({"forwarded": 'for=1.2.3.4;host="api.example.com:8443";proto=https'}, "https://api.example.com:8443"),
    ({"forwarded": "host=evil.example;proto=http, Host=api.example.com;Proto=HTTPS"}, "https://api.example.com"),
    ({"forwarded": "for=1.2.3.4"}, "http://signalbox.test:8080"),
]


@pytest.mark.parametrize(("headers", "wanted"), FORWARDED)
async def test_urls_follow_a_trusted_proxy(ada: Person, headers: dict[str, str], wanted: str) -> None:
    trusting = ada.at(await ada.served.again(trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("::1/128"))))
    assert await _location(trusting, headers=headers, client="10.1.2.3") == wanted
    assert await _location(trusting, headers=headers, client="::1") == wanted


@pytest.mark.parametrize(("headers", "_"), FORWARDED)
async def test_urls_follow_nobody_else(ada: Person, headers: dict[str, str], _: str) -> None:
    assert await _location(ada, headers=headers) == BASE
    trusting = ada.at(await ada.served.again(trusted_proxies=(ip_network("10.0.0.0/8"),)))
    for client in ("11.1.2.3", "a socket without an address"):
        assert await _location(trusting, headers=headers, client=client) == BASE


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-host": "evil.example/path"},
        {"x-forwarded-host": "a b"},
        {"x-forwarded-proto": "javascript"},
        {"x-forwarded-prefix": "//evil.example"},
        {"x-forwarded-prefix": "/a?b"},
        {"forwarded": 'host="a@b"'},
    ],
)
async def test_forwarded_garbage_is_refused_and_not_repeated(ada: Person, headers: dict[str, str]) -> None:
    trusting = ada.at(await ada.served.again(trusted_proxies=(ip_network("10.0.0.0/8"),)))
    refused = await trusting.post("/v1/SenderPools", json={}, headers=headers, client="10.0.0.1")
    assert refused.status_code == 400
    assert "evil" not in refused.text


async def test_public_url_wins(ada: Person) -> None:
    public = ada.at(
        await ada.served.again(public_url="https://comms.example.com/base", trusted_proxies=(ip_network("10.0.0.0/8"),))
    )
    for headers in ({}, {"x-forwarded-host": "other.example"}, {"host": "garbage host"}):
        assert await _location(public, headers=headers, client="10.0.0.1") == "https://comms.example.com/base"


@pytest.mark.parametrize(
    "host",
    ["a b", "evil.example/x", "user@host", "a:b", "a:123456", "[::1", "x" * 254, "<script>", "a,b", "caf\xe9", ""],
)
async def test_host_that_is_none_is_refused_and_not_repeated(ada: Person, host: str) -> None:
    refused = await ada.post("/v1/SenderPools", json={}, headers=[("host", host.encode("latin-1"))])
    if host == "":  # as in HTTP/1.0: the address of the connection
        assert refused.headers["location"].startswith("http://signalbox.test:8080/")
        return
    assert problems(refused) == {("Host", None)}
    assert host not in refused.text


async def test_links_of_errors_lead_to_the_docs_of_the_host_that_was_called(ada: Person) -> None:
    refused = await ada.get("/v1/SenderPools/x", base="https://api.example.com")
    link = refused.json()["errors"][0]["infoUrl"]
    assert link == "https://api.example.com/docs/errors#20001"
    page = await ada.get(link.partition("#")[0], base="https://api.example.com", anonymous=True)
    assert (page.status_code, 'id="20001"' in page.text) == (200, True)


# --- unknown parameters


async def test_unknown_parameter_is_ignored_and_named_with_the_nearest(ada: Person) -> None:
    response = await ada.get("/v1/SenderPools?operation_id=x&PageSize=1&zzz=2")
    assert response.status_code == 200
    warnings = response.headers.get_list("signalbox-warning")
    assert len(warnings) == 3
    for warning, words in zip(
        warnings, (("operation_id", "operationId"), ("PageSize", "pageSize"), ("zzz",)), strict=True
    ):
        assert all(word in warning for word in words), warning
    assert "did you mean" not in warnings[2]


async def test_unknown_parameter_is_400_when_strict(ada: Person) -> None:
    strict = ada.at(await ada.served.again(strict=True))
    refused = await strict.get("/v1/SenderPools?operation_id=x&pageSize=0")
    assert sorted(map(str, contexts(refused))) == ["$.operation_id", "$.pageSize"]
    assert "operationId" in refused.text
    assert (
        await strict.get("/v1/SenderPools?operationId=comms_operation_01hzzzzzzzzzzzzzzzzzzzzzzz")
    ).status_code == 200


@pytest.mark.parametrize("name", ["%0D%0Aset-cookie:x", "%F0%9F%98%80", "x" * 200, "%00", "<b>", "", "%FF"])
async def test_name_that_could_do_harm_is_made_harmless(ada: Person, name: str) -> None:
    response = await ada.get(f"/v1/SenderPools?{name}=1")
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    (warning,) = response.headers.get_list("signalbox-warning")
    assert re.fullmatch("[ -~]{1,250}", warning)
    assert "<b>" not in warning


async def test_thousand_unknown_parameters_get_few_warnings(ada: Person) -> None:
    response = await ada.get("/v1/SenderPools?" + "&".join(f"x{n}=1" for n in range(1000)))
    assert len(response.headers.get_list("signalbox-warning")) <= 100


async def test_known_parameters_get_no_warning(ada: Person) -> None:
    assert "signalbox-warning" not in (await ada.get("/v1/SenderPools?pageSize=1")).headers


# --- CORS


async def test_without_cors_settings_no_response_has_cors_headers(ada: Person) -> None:
    headers = {"origin": ORIGIN, "access-control-request-method": "POST"}
    for response in (
        await ada.get("/v1/Senders", headers=headers),
        await ada.call("OPTIONS", "/v1/SenderPools", headers=headers),
    ):
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert response.status_code == 405


@pytest.mark.parametrize(("origins", "told"), [((ORIGIN,), ORIGIN), (("*",), "*")])
async def test_configured_origin_may_ask_and_read(ada: Person, origins: tuple[str, ...], told: str) -> None:
    there = ada.at(await ada.served.again(cors_origins=origins))
    asked = await there.call(
        "OPTIONS",
        "/v1/SenderPools",
        anonymous=True,
        headers={"origin": ORIGIN, "access-control-request-method": "POST"},
    )
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == told
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert {"authorization", "content-type", "idempotency-key"} <= set(
        asked.headers["access-control-allow-headers"].split(", ")
    )
    responses = [
        await there.get("/v1/SenderPools", headers={"origin": ORIGIN}),
        await there.get("/v1/SenderPools", headers={"origin": ORIGIN}, anonymous=True),
        await there.get("/nowhere", headers={"origin": ORIGIN}),
    ]
    assert [response.status_code for response in responses] == [200, 401, 404]
    for response in responses:
        assert response.headers["access-control-allow-origin"] == told
        assert "x-request-id" in response.headers["access-control-expose-headers"]
        assert response.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in response.headers


async def test_other_origin_is_told_nothing(ada: Person) -> None:
    there = ada.at(await ada.served.again(cors_origins=(ORIGIN,)))
    for origin in ("https://evil.example", f"{ORIGIN}.evil.example", "null", f"{ORIGIN}:444"):
        headers = {"origin": origin, "access-control-request-method": "GET"}
        for response in (
            await there.get("/v1/Senders", headers=headers),
            await there.call("OPTIONS", "/v1/Senders", headers=headers, anonymous=True),
        ):
            assert not [name for name in response.headers if name.startswith("access-control")]
            assert response.headers["vary"] == "origin"


async def test_preflight_takes_nothing_of_the_rate_limit(ada: Person) -> None:
    there = ada.at(await ada.served.again(cors_origins=("*",), rate_limit=RateLimit(1, 1000)))
    headers = {"origin": ORIGIN, "access-control-request-method": "GET"}
    for _ in range(3):
        assert (await there.call("OPTIONS", "/v1/Senders", headers=headers)).status_code == 204
    assert (await there.get("/v1/Senders")).status_code == 200


async def test_client_that_asks_for_nothing_of_ours_gets_nothing_of_ours(ada: Person) -> None:
    pool_id = await ada.pool(*await ada.senders(1))
    created = await ada.post("/v1/SenderPools", json={})
    for response in (
        created,
        await ada.get(created.headers["location"]),
        await ada.get("/v1/Senders"),
        await ada.get(f"/v1/SenderPools/{pool_id}"),
        await ada.get("/v1/SenderPools/x"),
    ):
        ours = ("signalbox", "idempotency", "preference", "ratelimit", "access-control")
        assert not [name for name, _ in pairs(response) if name.startswith(ours)]
