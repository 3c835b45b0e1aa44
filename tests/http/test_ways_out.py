"""Addresses that people type: contract section 1. Where they lead, and the page for one that does not exist."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import httpx
import pytest

from people import Served

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
PROGRAMS = [{}, {"Accept": "*/*"}, {"Accept": "application/json"}, {"Accept": "text/html, application/json"}]
PREFIX = "https://gate.example.com/team/comms"


@pytest.fixture
async def web(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials that follows no redirect."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served.api), base_url="http://server") as client:
        yield client


async def test_root_leads_a_browser_to_the_console(web: httpx.AsyncClient) -> None:
    response = await web.get("/", headers=BROWSER)
    assert response.status_code == 302
    assert urljoin(f"{PREFIX}/", response.headers["location"]) == f"{PREFIX}/console"
    assert "accept" in response.headers["vary"]


@pytest.mark.parametrize("headers", PROGRAMS, ids=str)
async def test_root_is_the_documented_404_for_a_program(web: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await web.get("/", headers=headers)
    assert (response.status_code, response.json()["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("typed", "leads"),
    [
        ("/console/", "/console"),
        ("/docs/", "/docs"),
        ("/console/pools/", "/console/pools"),
        ("/docs/quickstart/", "/docs/quickstart"),
        ("/docs/contract/sending/", "/docs/contract/sending"),
        ("/docs/a%2Fb/", "/docs/a%2Fb"),
        ("/docs/quickstart/?q=a%20b", "/docs/quickstart?q=a%20b"),
        ("/docs/javascript:alert(1)/", "/docs/javascript:alert(1)"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_slash_at_the_end_of_a_page_leads_to_the_page(
    web: httpx.AsyncClient, method: str, typed: str, leads: str
) -> None:
    response = await web.request(method, typed)
    assert response.status_code == 302
    assert urljoin(PREFIX + typed, response.headers["location"]) == PREFIX + leads


@pytest.mark.parametrize(
    "path",
    [
        "/v1/",
        "/v1/SenderPools/",
        "/v1/Senders/",
        "/signalbox/v1/Templates/",
        "/signalbox/",
        "//docs/",
        "//evil.example/",
        "/docsx/",
    ],
)
async def test_no_other_path_redirects(web: httpx.AsyncClient, path: str) -> None:
    response = await web.get(f"http://server{path}", headers=BROWSER)
    assert response.status_code == 404
    assert "location" not in response.headers


@pytest.mark.parametrize("path", ["/", "/console/", "/docs/"])
async def test_only_reading_redirects(web: httpx.AsyncClient, path: str) -> None:
    assert (await web.post(path, headers=BROWSER)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/nothing", "/console/nothing", "/docs/nothing", "/docs/contract/nothing", "/a/b/c/", "/index.html"]
)
async def test_path_that_does_not_exist_is_a_page_with_ways_out(web: httpx.AsyncClient, path: str) -> None:
    response = await web.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-request-id"].startswith("RQ")
    assert "unsafe" not in response.headers["content-security-policy"]
    ways = [urljoin(PREFIX + path, target) for target in re.findall('href="([^"]*)"', response.text)]
    assert ways == [f"{PREFIX}/console", f"{PREFIX}/docs"]


@pytest.mark.parametrize("path", ["/nothing", "/console/nothing", "/docs/nothing", "/docs/contract/nothing"])
@pytest.mark.parametrize("headers", PROGRAMS, ids=str)
async def test_path_that_does_not_exist_is_json_for_a_program(
    web: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    response = await web.get(path, headers=headers)
    assert (response.status_code, response.json()["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/nothing", 404), ("/signalbox/v1/nothing", 404), ("/v1", 404), ("/v1/SenderPools", 401)]
)
async def test_errors_of_the_api_are_json_for_a_browser_too(web: httpx.AsyncClient, path: str, status: int) -> None:
    response = await web.get(path, headers=BROWSER)
    assert (response.status_code, response.json()["status"]) == (status, status)


async def test_page_repeats_nothing_of_the_request(web: httpx.AsyncClient) -> None:
    response = await web.get("/docs/<script>alert(1)</script>", params={"q": "<b>"}, headers=BROWSER)
    assert response.status_code == 404
    assert "<script" not in response.text
    assert "<b>" not in response.text


async def test_style_of_the_page_is_the_one_that_its_policy_permits(web: httpx.AsyncClient) -> None:
    response = await web.get("/nothing", headers=BROWSER)
    (style,) = re.findall("<style>(.*?)</style>", response.text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["content-security-policy"]


async def test_folder_of_the_contract_leads_to_its_first_page(web: httpx.AsyncClient) -> None:
    response = await web.get("/docs/contract")
    assert response.status_code == 302
    assert urljoin(f"{PREFIX}/docs/contract", response.headers["location"]) == f"{PREFIX}/docs/contract/index"
