"""How the console is served: policy, compression, prefixes, size."""

from __future__ import annotations

import asyncio
import gzip
import re
from contextlib import AsyncExitStack
from typing import Final

import httpx
import pytest
from playwright.async_api import BrowserContext, expect
from visits import ROOT, Account, Furnished, Visit
from weight import weigh

from signalbox.api.routes import ROUTES

pytest_plugins = ["browsers"]

FILES: Final = [route.path for route in ROUTES if route.name.startswith("console.")]
MOST_BYTES: Final = 150_000
MOST_MILLISECONDS: Final = 200


@pytest.mark.parametrize("path", FILES)
def test_file_of_the_console_comes_with_a_strict_policy(home: Furnished, path: str) -> None:
    response = httpx.get(home.server.url + path)
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", FILES)
def test_file_of_the_console_is_compressed_and_asked_for_once(home: Furnished, path: str) -> None:
    plain = httpx.get(home.server.url + path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with httpx.stream("GET", home.server.url + path, headers={"accept-encoding": "gzip, br"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
    known = httpx.get(home.server.url + path, headers={"if-none-match": plain.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_page_has_no_script_and_no_style_of_its_own(home: Furnished) -> None:
    page = httpx.get(f"{home.server.url}/console").text
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    assert "style=" not in page
    assert "://" not in page


@pytest.mark.parametrize("path", ["/console/nothing", "/console/operations/x", "/Console"])
def test_path_that_is_no_screen_is_404_and_never_a_redirect(home: Furnished, path: str) -> None:
    response = httpx.get(home.server.url + path)
    assert response.status_code == 404
    assert response.json()["code"] == 20404


async def test_console_weighs_little_and_is_there_at_once(visit: Visit, account: Account) -> None:
    """The size of all files as sent, and the time of a load: one must be fast, as other programs slow down some."""
    await visit.enter(account)
    weight = await weigh(visit.page, 5, "h2")
    assert len(weight.files) >= 3
    assert sum(weight.files.values()) < MOST_BYTES, weight.files
    for _ in range(20):
        if min(weight.loaded) < MOST_MILLISECONDS:
            break
        weight.loaded.extend((await weigh(visit.page, 5, "h2")).loaded)
    assert min(weight.loaded) < MOST_MILLISECONDS, weight.loaded


def test_pages_of_the_docs_that_the_console_leads_to_exist() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "console" / "src").rglob("*.ts*")]
    named = {name for text in sources for name in re.findall(r'\b(?:page=|docs\()\{?"([^"]+)"', text)}
    assert {"overview", "operations#watch", "console"} <= named
    for name in named:
        page, _, anchor = name.partition("#")
        path = ROOT / "docs" / f"{page}.md"
        assert path.is_file(), name
        headings = re.findall("^#+ (.+)$", path.read_text("utf-8"), flags=re.MULTILINE)
        assert not anchor or anchor in [re.sub("[^a-z0-9]+", "-", one.lower()) for one in headings], name


@pytest.mark.parametrize("told", [True, False])
async def test_console_works_below_a_prefix_that_a_proxy_takes_away(
    context: BrowserContext, account: Account, told: bool
) -> None:
    """Whether or not the proxy sends the prefix to the server: every URL in the page is relative."""
    account.pool("Behind a proxy", [])
    async with httpx.AsyncClient(base_url=account.site.url) as upstream, AsyncExitStack() as open_until_then:
        server = await asyncio.start_server(
            lambda reader, writer: _below("/box", upstream, reader, writer, told), "127.0.0.1", 0
        )
        open_until_then.callback(server.close)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/box"
        visit = Visit(await context.new_page(), url)
        await visit.enter(account, "/operations")
        await visit.page.get_by_role("link", name="Pools", exact=True).click()
        await visit.page.get_by_role("link", name="Behind a proxy").click()
        await visit.page.reload()
        await expect(visit.page.get_by_role("heading", name="Behind a proxy")).to_be_visible()
        assert visit.page.url.startswith(f"{url}/console/pool#id=")
        await visit.page.get_by_role("link", name="Overview", exact=True).click()
        await expect(visit.page.locator(".figure").nth(1)).to_have_text("1Pools")
        assert visit.page.url == f"{url}/console"
        assert visit.faults == []
        await visit.page.close()


async def _below(
    prefix: str, upstream: httpx.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: bool
) -> None:
    """One request through a proxy that adds a path prefix; the connection is closed after it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.split(": ", 1) for line in lines if line)
    headers = {name.lower(): value for name, value in pairs}
    del headers["connection"]
    if told:
        headers["x-forwarded-prefix"] = prefix
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    response = await upstream.request(method, target.removeprefix(prefix), headers=headers, content=body)
    kept = {k: v for k, v in response.headers.items() if k not in ("content-length", "content-encoding", "date")}
    said = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
    length = f"content-length: {len(response.content)}\r\nconnection: close\r\n\r\n"
    writer.write(f"HTTP/1.1 {response.status_code} -\r\n{said}{length}".encode() + response.content)
    await writer.drain()
    writer.close()
