"""Operations in progress: their list, one operation until its end, its ledger, and the event stream."""

from __future__ import annotations

import csv
import io
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import BrowserContext, Locator, expect
from visits import Account, Visit, Wire

from processes import SID, TOKEN, Client, Serve, unknown_senders

pytest_plugins = ["browsers"]


def progress(visit: Visit) -> Locator:
    return visit.page.get_by_role("progressbar", name="Items done").first


async def test_operations_are_listed_newest_first_with_their_counters(visit: Visit, account: Account) -> None:
    sender = account.api.enter(1)
    for senders in ([], sender, [*sender, *unknown_senders(2)]):
        account.api.completed(account.api.create_pool(senders))
    await visit.enter(account, "/operations")
    rows = visit.rows("Operations")
    await expect(rows).to_have_count(3)
    cells = [await row.locator("td").all_inner_texts() for row in await rows.all()]
    assert [(state, *numbers) for _, state, _, *numbers, _, _, _ in cells] == [
        ("completed", "4", "2", "0"),
        ("completed", "2", "0", "0"),
        ("completed", "1", "0", "0"),
    ]


async def test_filters_of_operations_are_in_the_url(visit: Visit, account: Account) -> None:
    account.api.completed(account.api.create_pool([]))
    await visit.enter(account, "/operations")
    rows = visit.rows("Operations")
    await expect(rows).to_have_count(1)
    await visit.page.get_by_label("Status").select_option("CANCELED")
    await expect(visit.page.get_by_text("No operation fits these filters")).to_be_visible()
    assert visit.page.url.endswith("/console/operations#status=CANCELED")
    await visit.page.reload()
    await expect(visit.page.get_by_label("Status")).to_have_value("CANCELED")
    await expect(visit.page.get_by_text("No operation fits these filters")).to_be_visible()
    await visit.page.get_by_role("button", name="Clear filters").click()
    await expect(rows).to_have_count(1)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    await visit.page.get_by_label("Created after").fill(tomorrow)
    await expect(visit.page.get_by_text("No operation fits these filters")).to_be_visible()
    await visit.page.get_by_label("Created after").fill("")
    await visit.page.get_by_label("Created before").fill(tomorrow)
    await expect(rows).to_have_count(1)
    await rows.first.get_by_role("link").click()
    await expect(visit.page.get_by_role("heading", name="Create").first).to_be_visible()
    await visit.page.go_back()
    await expect(visit.page.get_by_label("Created before")).to_have_value(tomorrow)


async def test_operations_that_start_and_end_meanwhile_are_shown(visit: Visit, account: Account) -> None:
    await visit.enter(account, "/operations")
    await expect(visit.page.get_by_text("There are no operations yet")).to_be_visible()
    account.api.create_pool(account.api.enter(50))
    await expect(visit.rows("Operations").get_by_text("completed")).to_be_visible()


async def test_ten_thousand_senders_are_watched_to_their_end(visit: Visit, account: Account) -> None:
    senders = account.api.enter(9_990)
    await visit.enter(account, "/operations")
    operation = account.api.create_pool([*senders, *unknown_senders(10)], name="All of them")
    await visit.open("/operation", id=operation)
    bar = progress(visit)
    await expect(bar).to_have_attribute("aria-valuemax", "10001")
    await expect(bar).to_have_attribute("aria-valuetext", "10,001 of 10,001, 10 failed", timeout=60_000)
    await expect(visit.page.get_by_text("completed", exact=True).first).to_be_visible()
    await expect(visit.page.get_by_role("link", name="All of them")).to_be_visible()
    requests = account.api.get("/signalbox/v1/Requests", pageSize=100)["requests"]
    watched = [one for one in requests if one["path"].endswith(operation) and one["method"] == "GET"]
    assert len(watched) < 10, "the page uses the event stream and does not poll"


async def test_timeline_and_plot_of_an_operation_tell_how_it_went(visit: Visit, account: Account) -> None:
    operation = account.api.create_pool([*account.api.enter(3), *unknown_senders(1)])
    account.api.completed(operation)
    await visit.enter(account, "/operation", id=operation)
    steps = visit.page.locator(".timeline li")
    await expect(steps.first).to_contain_text("accepted, 5 items")
    await expect(steps.last).to_contain_text("completed after")
    plot = visit.page.get_by_role("img", name="Counters over time")
    await expect(plot).to_have_accessible_name("Counters over time: 4 created, 1 failed and 0 queued at the end")
    await expect(plot.locator("polyline")).to_have_count(3)


async def test_ledger_shows_failed_items_first_and_any_outcome(visit: Visit, account: Account) -> None:
    operation = account.api.create_pool([*account.api.enter(3), *unknown_senders(2)])
    account.api.completed(operation)
    await visit.enter(account, "/operation", id=operation)
    rows = visit.rows("Items")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("the account has no sender with this id")
    await visit.page.get_by_role("button", name="created", exact=True).click()
    await expect(rows).to_have_count(4)
    await expect(rows.first).to_contain_text("the pool itself")
    assert "outcome=CREATED" in visit.page.url
    await visit.page.get_by_role("button", name="queued", exact=True).click()
    await expect(visit.page.get_by_text("No item of this operation has this outcome")).to_be_visible()
    await visit.page.get_by_role("button", name="all", exact=True).click()
    await expect(rows).to_have_count(6)


async def test_ledger_is_downloaded_as_csv(visit: Visit, account: Account) -> None:
    operation = account.api.create_pool([*account.api.enter(3), *unknown_senders(1)])
    account.api.completed(operation)
    await visit.enter(account, "/operation", id=operation, outcome="ALL")
    async with visit.page.expect_download() as download:
        await visit.page.get_by_role("button", name="Download CSV").click()
    got = await download.value
    assert got.suggested_filename == f"{operation}.csv"
    rows = _csv(await got.path())
    wanted = account.api.items(operation)
    assert [(row["index"], row["senderId"], row["outcome"], row["message"]) for row in rows] == [
        (str(one["index"]), one["senderId"] or "", one["outcome"], one["message"] or "") for one in wanted
    ]


def _csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


async def test_running_operation_is_canceled_after_a_question(
    context: BrowserContext, serve: Serve, database_url: str
) -> None:
    """On a server without workers, where the operation would never end."""
    server = serve(database_url, "--workers", "0")
    visit, _ = await _waiting(context, server.url, server.url)
    await visit.page.get_by_role("button", name="Cancel operation").click()
    dialog = visit.page.get_by_role("dialog", name="Cancel this operation?")
    await dialog.get_by_role("button", name="Go back").click()
    await expect(dialog).to_be_hidden()
    await visit.page.get_by_role("button", name="Cancel operation").click()
    await expect(dialog).to_contain_text("20 items are still queued")
    await dialog.get_by_role("button", name="Cancel operation").click()
    await expect(visit.page.locator(".state.canceled").first).to_be_visible()
    await expect(visit.page.get_by_role("button", name="Cancel operation")).to_be_hidden()
    assert visit.faults == []


async def _waiting(context: BrowserContext, server: str, console: str) -> tuple[Visit, str]:
    """A visit to an operation of 21 items on a server without workers."""
    with Client(server) as api:
        operation = api.create_pool(api.enter(20))
    visit = Visit(await context.new_page(), console)
    await visit.open("/operation", id=operation)
    await visit.sign_in(SID, TOKEN)
    await expect(progress(visit)).to_have_attribute("aria-valuenow", "1")
    await expect(visit.page.locator("[data-stream=live]")).to_be_visible()
    return visit, operation


async def test_screen_shows_the_call_behind_it_as_a_line_of_curl_that_works(visit: Visit, account: Account) -> None:
    operation = account.api.create_pool([])
    await visit.enter(account, "/operation", id=operation)
    await expect(visit.page.get_by_text(f"GET /v1/SenderPools/Operations/{operation}")).to_be_visible()
    line = await visit.page.locator("[data-copy]").first.get_attribute("data-copy")
    assert line
    assert account.token not in line
    words = shlex.split(line)
    assert words[:3] == ["curl", "-u", "$SIGNALBOX_ACCOUNT_SID:$SIGNALBOX_AUTH_TOKEN"]
    response = account.api.http.get(words[-1].removeprefix("$SIGNALBOX_URL"))
    assert response.json()["id"] == operation


async def test_stream_that_breaks_is_opened_again_and_goes_on(
    context: BrowserContext, serve: Serve, database_url: str
) -> None:
    """The connection is reset, then a worker starts; the counters arrive on the new stream without a reload."""
    server = serve(database_url, "--workers", "0")
    async with Wire(server.port) as wire:
        visit, _ = await _waiting(context, server.url, wire.url)
        wire.cut()
        await expect(visit.page.locator("[data-stream=broken]")).to_be_visible()
        await expect(visit.page.get_by_text("connection lost, trying again")).to_be_visible()
        wire.mend()
        await expect(visit.page.locator("[data-stream=live]")).to_be_visible()
        serve(database_url, env={})
        await expect(progress(visit)).to_have_attribute("aria-valuenow", "21")
        await expect(visit.page.locator(".state.completed").first).to_be_visible()
        await expect(visit.page.get_by_text("Operation completed: 21 created, 0 failed")).to_be_attached()
        assert visit.faults == []


async def test_unknown_operation_is_explained(visit: Visit, account: Account) -> None:
    await visit.enter(account, "/operation", id="comms_operation_01h2xcejqtf2nbrexx3vqjhp41")
    alert = visit.page.get_by_role("alert")
    await expect(alert).to_contain_text("404")
    await expect(alert).to_contain_text("RQ")
    await expect(alert.get_by_role("link", name="What 20404 means")).to_have_attribute(
        "href", f"{visit.url}/docs/errors#20404"
    )
    await visit.open("/operation", id="nonsense")
    await expect(alert).to_contain_text("$.operationId")
