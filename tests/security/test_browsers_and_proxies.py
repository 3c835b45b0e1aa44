"""The server trusts forwarded headers of configured proxies only, and web pages of configured origins only."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Final

import httpx
import pytest

from people import BASE, Person
from processes import SID, TOKEN, Serve

LIES: Final = (
    {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
    {"x-forwarded-host": "evil.example:444"},
    {"x-forwarded-prefix": "/evil"},
    {"x-forwarded-port": "6666"},
    {"forwarded": "host=evil.example;proto=https"},
    {"forwarded": "for=10.0.0.1;host=evil.example"},
    {"x-forwarded-for": "10.0.0.1", "x-forwarded-host": "evil.example"},
    {"x-real-ip": "10.0.0.1", "x-forwarded-host": "evil.example"},
    {"x-original-host": "evil.example", "x-host": "evil.example", "x-rewrite-url": "/healthz"},
)


async def _said(person: Person, client: str, headers: dict[str, str]) -> str:
    """All parts of responses that hold a URL: the headers and body of an operation reference, and of an error."""
    made = await person.post("/v1/SenderPools", json={}, headers=headers, client=client)
    wrong = await person.post("/v1/SenderPools", json=[], headers=headers, client=client)
    assert (made.status_code, wrong.status_code) == (202, 400)
    assert made.json()["operationLocation"].startswith(f"{BASE}/v1/")
    return f"{made.headers}{made.text}{wrong.headers}{wrong.text}"


@pytest.mark.parametrize("client", ["127.0.0.1", "10.0.0.1", "::1", "192.168.0.1", ""])
async def test_forwarded_headers_of_nobody_are_believed_by_default(ada: Person, client: str) -> None:
    for lie in LIES:
        assert "evil" not in await _said(ada, client, lie)


@pytest.mark.parametrize("client", ["127.0.0.1", "10.1.0.1", "9.255.255.255", "::1", "::ffff:11.0.0.1", "x", ""])
async def test_forwarded_headers_of_others_than_the_proxy_are_not_believed(ada: Person, client: str) -> None:
    """The address of the TCP connection decides; an address in a header does not."""
    trusting = ada.at(await ada.served.again(trusted_proxies=(ip_network("10.0.0.0/16"),)))
    for lie in LIES:
        assert "evil" not in await _said(trusting, client, lie)


async def test_nearest_proxy_is_believed_and_not_who_is_behind_it(ada: Person) -> None:
    """The proxy appends its value after a client's own value, and the server reads only the last value."""
    trusting = ada.at(await ada.served.again(trusted_proxies=(ip_network("10.0.0.0/16"),)))
    for headers in (
        {"x-forwarded-host": "evil.example, api.example", "x-forwarded-proto": "https"},
        {"forwarded": "host=evil.example, host=api.example;proto=https"},
        {"forwarded": "host=evil.example;proto=ftp, for=1.2.3.4;host=api.example;proto=https"},
    ):
        response = await trusting.post("/v1/SenderPools", json={}, headers=headers, client="10.0.0.1")
        assert response.headers["location"].startswith("https://api.example/v1/")


async def test_proxy_is_known_on_a_socket_of_both_families(ada: Person) -> None:
    """Such a socket reports the address of an IPv4 connection as an IPv6 address."""
    trusting = ada.at(await ada.served.again(trusted_proxies=(ip_network("10.0.0.0/16"),)))
    headers = {"x-forwarded-host": "api.example"}
    response = await trusting.post("/v1/SenderPools", json={}, headers=headers, client="::ffff:10.0.0.1")
    assert response.headers["location"].startswith("http://api.example/v1/")


def test_proxies_are_believed_by_the_address_of_their_connection(serve: Serve, tmp_path: Path) -> None:
    """On a real socket, a local client is trusted exactly when the loopback network is configured."""
    lie = {"X-Forwarded-Host": "proxy.example", "X-Forwarded-For": "203.0.113.9"}
    for options, host in ((("--trusted-proxies", "127.0.0.1"), "proxy.example"), ((), "127.0.0.1")):
        server = serve(f"sqlite:///{tmp_path / (host + '.db')}", *options)
        response = httpx.post(f"{server.url}/v1/SenderPools", json={}, headers=lie, auth=(SID, TOKEN))
        assert httpx.URL(response.headers["location"]).host == host


# --- browsers


ORIGINS: Final = ("https://tools.example", "http://localhost:3000")
STRANGE: Final = (
    "https://evil.example",
    "http://tools.example",
    "https://tools.example:443",
    "https://tools.example.evil.example",
    "https://eviltools.example",
    "https://TOOLS.example",
    "https://tools.example/",
    "https://tools.example, https://evil.example",
    "null",
    "file://",
    "",
)


@pytest.mark.parametrize("origin", STRANGE)
async def test_page_of_another_origin_may_neither_ask_nor_read(ada: Person, origin: str) -> None:
    """Origins match exactly: no suffix, no other scheme or port, not `null`."""
    open_to_tools = ada.at(await ada.served.again(cors_origins=ORIGINS))
    for method, more in (("GET", {}), ("OPTIONS", {"access-control-request-method": "DELETE"})):
        response = await open_to_tools.call(
            method, "/v1/SenderPools", anonymous=method == "OPTIONS", headers={"origin": origin, **more}
        )
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origins", [ORIGINS, ("*",)])
async def test_browser_never_sends_credentials_by_itself(ada: Person, origins: tuple[str, ...]) -> None:
    """No `Access-Control-Allow-Credentials`: a page must know the secret; the browser's stored login does not help."""
    open_to_tools = ada.at(await ada.served.again(cors_origins=origins))
    for origin in ORIGINS:
        response = await open_to_tools.get("/v1/SenderPools", headers={"origin": origin})
        assert response.headers["access-control-allow-origin"] in (origin, "*")
        assert response.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_form_of_a_page_is_of_no_type_that_is_read(ada: Person, media: str) -> None:
    """The media types that a page may post without a preflight request."""
    response = await ada.post("/v1/SenderPools", content=b'{"name": "a"}', headers={"content-type": media})
    assert response.status_code == 415


async def test_nothing_sets_a_cookie(ada: Person) -> None:
    for url in ("/v1/SenderPools", "/docs", "/openapi.json", "/healthz", "/metrics", "/nothing"):
        assert "set-cookie" not in (await ada.get(url)).headers
