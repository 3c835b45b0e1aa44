"""The request log of an account, live."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import BrowserContext, expect
from visits import ONE_ENGINE, Account, Visit, Wire

from processes import SID, TOKEN, Serve

pytest_plugins = ["browsers"]

LIST = "Requests, newest first"


@ONE_ENGINE
async def test_requests_appear_as_they_arrive_with_problems_and_warnings(visit: Visit, account: Account) -> None:
    await visit.enter(account, "/requests")
    await expect(visit.page.locator("[data-stream=live]")).to_be_visible()
    await expect(visit.page.get_by_text("No request that the server remembers fits")).to_be_visible()
    good = account.api.http.get("/v1/SenderPools", params={"operation_id": "x"})
    bad = account.api.http.post("/v1/SenderPools", json={"name": " ", "colour": "red"})
    rows = visit.rows(LIST)
    await expect(rows).to_have_count(4)
    first, remarks, second, warning = [await row.inner_text() for row in await rows.all()]
    assert "POST /v1/SenderPools" in first
    assert "400" in first
    assert bad.headers["x-request-id"][-10:] in first
    assert "$.name" in remarks
    assert "$.colour" in remarks
    assert "GET /v1/SenderPools" in second
    assert good.headers["x-request-id"][-10:] in second
    assert "did you mean operationId?" in warning


@ONE_ENGINE
async def test_requests_are_narrowed_down_and_paused(visit: Visit, account: Account) -> None:
    account.api.http.get("/v1/Senders")
    account.api.http.get("/v1/Senders", params={"colour": "red"})
    account.api.http.get("/v1/Senders/nonsense")
    await visit.enter(account, "/requests")
    requests = visit.page.locator("[data-row]")
    await expect(requests).to_have_count(3)
    await visit.page.get_by_role("button", name="refused").click()
    await expect(requests).to_have_count(1)
    await visit.page.get_by_role("button", name="warned").click()
    await expect(requests).to_have_count(1)
    await visit.page.get_by_role("button", name="all", exact=True).click()
    await visit.page.get_by_label("those of this tab").check()
    await expect(requests).to_have_count(4)
    await visit.page.get_by_role("button", name="Pause").click()
    account.api.http.get("/v1/Senders")
    await expect(visit.page.locator("[data-stream]")).to_be_hidden()
    await expect(requests).to_have_count(4)
    await visit.page.get_by_role("button", name="Go on").click()
    await expect(requests).to_have_count(5)


@ONE_ENGINE
async def test_requests_go_on_after_their_stream_broke(context: BrowserContext, account: Account) -> None:
    """No request is missing, and none is shown twice."""
    async with Wire(account.site.port) as wire:
        visit = Visit(await context.new_page(), wire.url)
        await visit.enter(account, "/requests")
        account.api.http.get("/v1/Senders")
        requests = visit.page.locator("[data-row]")
        await expect(requests).to_have_count(1)
        wire.cut()
        await expect(visit.page.locator("[data-stream=broken]")).to_be_visible()
        for _ in range(3):
            account.api.http.get("/v1/SenderPools")
        wire.mend()
        await expect(requests).to_have_count(4)
        assert visit.faults == []


async def test_request_log_that_is_off_says_which_setting_turns_it_on(
    context: BrowserContext, serve: Serve, tmp_path: Path
) -> None:
    server = serve(f"sqlite:///{tmp_path / 'signalbox.db'}", "--no-request-log")
    visit = Visit(await context.new_page(), server.url)
    await visit.open("/requests")
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.get_by_text("request_log")).to_be_visible()
    await expect(visit.page.get_by_role("link", name="Settings")).to_be_visible()
    assert visit.faults == []
