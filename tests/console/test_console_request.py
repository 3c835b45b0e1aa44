"""One request of the log, opened: what it shows, and what is sent again."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import BrowserContext, Route, expect
from visits import ONE_ENGINE, Account, Visit

from processes import SID, TOKEN, Client, Serve
from signalbox.ground.errors import Invalid
from signalbox.http.errors import ERROR_CODES

pytest_plugins = ["browsers"]


@ONE_ENGINE
async def test_row_opens_to_headers_bodies_times_and_the_meaning_of_its_error(visit: Visit, account: Account) -> None:
    account.api.http.post("/v1/SenderPools", params={"colour": "red"}, json={"name": " ", "big": 12345678901234567890})
    account.api.http.get("/v1/Senders")
    await visit.enter(account, "/requests")
    row = visit.page.get_by_role("link", name="POST /v1/SenderPools", exact=True)
    await row.click()
    heading = visit.page.get_by_role("heading", name="POST /v1/SenderPools", exact=True)
    await expect(heading).to_be_focused()
    await expect(visit.page).to_have_title("POST /v1/SenderPools · Requests · Signalbox")
    sent = visit.page.get_by_role("table", name="Headers of the request")
    await expect(sent.get_by_role("row", name="authorization")).to_contain_text("[removed]")
    await expect(sent.get_by_role("row", name="content-type")).to_contain_text("application/json")
    body = visit.page.get_by_role("region", name="Body of the request")
    await expect(body).to_have_text('{"name": " ", "big": 12345678901234567890}')
    received = visit.page.get_by_role("table", name="Headers of the response")
    await expect(received.get_by_role("row", name="x-request-id", exact=False).first).to_contain_text("RQ")
    await expect(visit.page.get_by_role("region", name="Body of the response")).to_contain_text('"context": "$.big"')
    for fact in ("Body read", "Began", "Complete"):
        await expect(visit.page.locator(f"dt:has-text('{fact}') + dd")).to_contain_text("ms")
    wrong = visit.page.get_by_role("region", name="What was wrong")
    for text in ("20001", ERROR_CODES[Invalid].meaning, "$.name", "unknown query parameter colour"):
        await expect(wrong).to_contain_text(text)
    link = wrong.get_by_role("link", name="What 20001 means")
    assert await link.get_attribute("href") == f"{visit.url}/docs/errors#20001"
    for way in (visit.page.keyboard.press("Escape"), visit.page.go_back()):
        await way
        await expect(row).to_be_focused()
        await visit.page.keyboard.press("Enter")
        await expect(heading).to_be_focused()


@ONE_ENGINE
async def test_request_is_sent_again_after_a_question_without_its_key(visit: Visit, account: Account) -> None:
    first = account.api.http.post("/v1/SenderPools", json={"name": "Twice"}, headers={"Idempotency-Key": "once"})
    key = first.headers["x-request-id"]
    await visit.enter(account, "/request", id=key)
    await visit.page.get_by_role("button", name="Send again").click()
    dialog = visit.page.get_by_role("dialog", name="Send this request again?")
    await expect(dialog).to_contain_text("without its Idempotency-Key")
    await dialog.get_by_role("button", name="Go back").click()
    await expect(dialog).to_be_hidden()
    assert len(account.api.get("/v1/SenderPools")["senderPools"]) == 1
    await visit.page.get_by_role("button", name="Send again").click()
    await dialog.get_by_role("button", name="Send again").click()
    await expect(visit.page.locator(".status-line")).not_to_contain_text(key)
    await expect(visit.page.get_by_role("heading", level=1)).to_be_focused()
    await expect(visit.page.get_by_role("region", name="Body of the request")).to_have_text('{"name": "Twice"}')
    assert await visit.page.get_by_role("row", name="idempotency-key").count() == 0
    assert len(account.api.get("/v1/SenderPools")["senderPools"]) == 2
    await visit.page.keyboard.press("Escape")
    await expect(visit.page.locator(".status-line")).to_contain_text(key)
    await expect(visit.page.get_by_role("heading", level=1)).to_be_focused()
    await visit.page.keyboard.press("6")
    sent = visit.page.get_by_role("link", name="POST /v1/SenderPools", exact=True)
    await expect(sent).to_have_count(2)  # also the one that this tab sent: the user wanted it


@ONE_ENGINE
async def test_request_that_reads_is_sent_again_at_once_and_shown_also_without_a_row(
    visit: Visit, account: Account
) -> None:
    """Another process may have served it: then its response is shown where it was sent."""
    key = account.api.http.get("/v1/Senders", params={"channel": "SMS"}).headers["x-request-id"]
    await visit.enter(account, "/request", id=key)
    again = visit.page.get_by_role("button", name="Send again")

    async def gone(route: Route) -> None:
        known = route.request.url.endswith(key)
        await (route.continue_() if known else route.fulfill(status=404, json={"message": "not here"}))

    await visit.page.route("**/signalbox/v1/Requests/*", gone)
    await again.click()
    shown = visit.page.get_by_role("region", name="Response to the request that was sent again")
    await expect(shown).to_contain_text("200")
    await expect(shown.get_by_role("region")).to_contain_text('"senders": []')
    await visit.page.unroute("**/signalbox/v1/Requests/*")
    await again.click()
    await expect(visit.page.locator(".target").first).to_have_text("GET /v1/Senders?channel=SMS")
    await expect(visit.page.locator(".status-line")).not_to_contain_text(key)


@ONE_ENGINE
async def test_request_that_is_not_kept_whole_is_not_sent_again_and_says_why(visit: Visit, account: Account) -> None:
    secret = account.api.http.post("/v1/SenderPools", json={"name": "A", "password": "hunter2hunter2"})
    large = account.api.http.post(
        "/signalbox/v1/Senders", content="channel,address\n" + "x" * 1_100_000, headers={"Content-Type": "text/csv"}
    )
    await visit.enter(account, "/request", id=secret.headers["x-request-id"])
    await expect(visit.page.get_by_text("It is not sent again: the server removed a secret")).to_be_visible()
    await expect(visit.page.get_by_text("a secret in it was replaced by [removed]")).to_be_visible()
    await expect(visit.page.get_by_role("group", name="Copy this request")).to_be_visible()
    assert await visit.page.get_by_role("button", name="Send again").count() == 0
    await visit.open("/request", id=large.headers["x-request-id"])
    await expect(visit.page.get_by_text("its body was not kept whole")).to_be_visible()
    await expect(visit.page.get_by_text("only its beginning was kept")).to_be_visible()
    body = visit.page.get_by_role("region", name="Body of the request")
    assert len(await body.inner_text()) == 50_000
    await visit.page.get_by_role("button", name="Show all 1,048,576 characters").click()
    assert len(await body.inner_text()) == 1_048_576
    assert await visit.page.get_by_role("group", name="Copy this request").count() == 0
    await visit.open("/request", id=f"RQ{'0' * 32}")
    await expect(visit.page.get_by_role("alert")).to_contain_text("404")
    await expect(visit.page.get_by_role("link", name="How long it lasts")).to_be_visible()


async def test_request_without_headers_and_bodies_says_which_setting_keeps_them(
    context: BrowserContext, serve: Serve, tmp_path: Path
) -> None:
    server = serve(f"sqlite:///{tmp_path / 'signalbox.db'}")
    with Client(server.url) as api:
        key = api.http.post("/v1/SenderPools", json={"name": " "}).headers["x-request-id"]
    visit = Visit(await context.new_page(), server.url)
    await visit.open("/request", id=key)
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.locator(".notice")).to_contain_text("The setting request_bodies keeps them")
    await expect(visit.page.locator(".notice")).to_contain_text("signalbox dev")
    await expect(visit.page.get_by_role("heading", name="POST /v1/SenderPools")).to_be_visible()
    await expect(visit.page.get_by_role("region", name="What was wrong")).to_contain_text(ERROR_CODES[Invalid].meaning)
    await expect(visit.page.locator("dt:has-text('Complete') + dd")).to_contain_text("ms")
    assert await visit.page.get_by_role("button", name="Send again").count() == 0
    assert visit.faults == []
