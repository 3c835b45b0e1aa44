"""A slow, unreachable or overloaded server; and a very long list."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from playwright.async_api import BrowserContext, Route, expect
from visits import Account, Furnished, Visit, Wire

from processes import SID, TOKEN, Client, Serve

pytest_plugins = ["browsers"]


async def test_slow_server_is_waited_for_without_a_flash_of_an_empty_table(
    context: BrowserContext, serve: Serve, tmp_path: Path
) -> None:
    server = serve(f"sqlite:///{tmp_path / 'signalbox.db'}")
    visit = Visit(await context.new_page(), server.url)
    await visit.open("/resolve")
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.get_by_role("heading", name="Resolve")).to_be_visible()
    server.signal(signal.SIGSTOP)
    try:
        for screen in ("Overview", "Operations", "Pools", "Senders", "Requests"):
            await visit.page.get_by_role("navigation").get_by_role("link", name=screen).click()
            await expect(visit.page.get_by_role("heading", name=screen)).to_be_visible()
            await expect(visit.page.get_by_role("status", name="Loading")).to_be_visible()
            await expect(visit.page.locator(".empty")).to_have_count(0)
    finally:
        server.signal(signal.SIGCONT)
    await visit.page.get_by_role("navigation").get_by_role("link", name="Pools", exact=True).click()
    await expect(visit.page.get_by_text("There are no pools yet")).to_be_visible()
    assert visit.faults == []


async def test_server_that_is_away_is_told_and_comes_back_by_itself(context: BrowserContext, home: Furnished) -> None:
    async with Wire(home.server.port) as wire:
        visit = Visit(await context.new_page(), wire.url)
        await visit.open("/senders")
        await visit.sign_in(SID, TOKEN)
        await expect(visit.rows("Senders").first).to_be_visible()
        wire.cut()
        await visit.page.get_by_role("link", name="Pools", exact=True).click()
        await expect(visit.page.get_by_role("alert")).to_contain_text("The server cannot be reached")
        wire.mend()
        await expect(visit.page.get_by_role("link", name="Everybody")).to_be_visible()
        await expect(visit.page.get_by_role("alert")).to_be_hidden()
        assert visit.faults == []


async def test_sign_in_says_that_the_server_is_away(context: BrowserContext, home: Furnished) -> None:
    async with Wire(home.server.port) as wire:
        visit = Visit(await context.new_page(), wire.url)
        await visit.open()
        wire.cut()
        await visit.sign_in(SID, TOKEN)
        await expect(visit.page.get_by_role("alert")).to_contain_text("The server cannot be reached")
        wire.mend()
        await visit.page.get_by_role("button", name="Sign in").click()
        await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()


async def test_failing_server_is_shown_with_its_message_and_request_id_until_it_works(
    visit: Visit, account: Account
) -> None:
    """The browser gets the error of a server without its database."""
    account.pool("Behind the trouble", [])
    problem = {"code": 20503, "message": "the database cannot be reached", "field": None, "context": None}
    body = {**problem, "status": 503, "errors": [problem]}
    headers = {"retry-after": "1", "x-request-id": "RQ0123456789abcdef0123456789abcdef"}

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, headers=headers, content_type="application/json", body=json.dumps(body))

    await visit.enter(account, "/resolve")
    await visit.page.route("**/v1/SenderPools?**", refuse)
    await visit.page.get_by_role("link", name="Pools", exact=True).click()
    alert = visit.page.get_by_role("alert")
    await expect(alert).to_contain_text("503")
    await expect(alert).to_contain_text("the database cannot be reached")
    await expect(alert).to_contain_text("RQ0123456789abcdef0123456789abcdef")
    await expect(alert.get_by_role("link", name="What 20503 means")).to_be_visible()
    await visit.page.unroute("**/v1/SenderPools?**")
    await visit.page.get_by_role("button", name="Try again").click()
    await expect(visit.page.get_by_role("link", name="Behind the trouble")).to_be_visible()


async def test_rate_limit_is_waited_for(context: BrowserContext, serve: Serve, tmp_path: Path) -> None:
    server = serve(f"sqlite:///{tmp_path / 'signalbox.db'}", "--rate-limit", "2/2")
    visit = Visit(await context.new_page(), server.url)
    await visit.open("/pools")
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.get_by_text("There are no pools yet")).to_be_visible()
    with Client(server.url) as api:
        while api.http.get("/v1/Senders").status_code == 200:
            pass
    await visit.page.get_by_role("navigation").get_by_role("link", name="Senders", exact=True).click()
    await expect(visit.page.get_by_role("alert")).to_contain_text("429")
    await expect(visit.page.get_by_text("There are no senders yet")).to_be_visible()
    assert visit.faults == []


async def test_long_list_is_scrolled_to_its_end_with_few_rows_in_the_page(visit: Visit, account: Account) -> None:
    """The ledger of 9,001 items, fetched with page tokens, scrolled to its end and back."""
    operation = account.api.create_pool(account.api.enter(9_000))
    account.api.completed(operation)
    await visit.enter(account, "/operation", id=operation, outcome="ALL")
    rows = visit.rows("Items")
    await expect(rows.first).to_contain_text("the pool itself")
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    most = 0
    end = visit.page.get_by_text("9,001 in all")
    while not await end.is_visible():
        most = max(most, await rows.count())
        await visit.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await expect(rows.last.locator("td").first).to_have_text("9,000")
    assert most < 100
    assert len([url for url in asked if "pageToken=" in url]) >= 90
    await visit.page.evaluate("scrollTo(0, 0)")
    await expect(rows.first).to_contain_text("the pool itself")
    assert await rows.count() < 100
    kept = await visit.page.evaluate("document.querySelectorAll('main *').length")
    assert kept < 1500
