"""Lists by names, with totals; the search box; the way back; a server or workers that are away."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Route, expect
from visits import NARROW, ONE_ENGINE, Account, Furnished, Visit, Wire

from processes import SID, TOKEN, Client, Serve, unknown_senders

pytest_plugins = ["browsers"]


async def test_lists_show_what_people_call_a_thing_first(visit: Visit, account: Account) -> None:
    account.pool("Reminders", account.api.enter(2))
    await visit.enter(account, "/pools")
    row = visit.rows("Pools").filter(has_text="Reminders")
    await expect(row.locator("td").nth(1)).to_have_text("2")
    await visit.open("/operations")
    operation = visit.rows("Operations").filter(has_text="Create Reminders")
    await expect(operation).to_have_count(1)
    await expect(operation).to_contain_text(" ago")
    await visit.open("/senders")
    await expect(visit.rows("Senders").filter(has_text="Reminders").first).to_be_visible()
    copied = operation.get_by_role("button", name="Copy id")
    await visit.open("/operations")
    await expect(copied).to_have_attribute(
        "data-copy-id", account.api.get("/v1/SenderPools/Operations")["operations"][-1]["id"]
    )
    await operation.get_by_role("link").click()
    await expect(visit.page.get_by_role("heading", name="Create Reminders")).to_be_visible()
    await expect(visit.page).to_have_title("Create Reminders · Operations · Signalbox")


async def test_total_on_top_of_a_list_follows_its_filters(visit: Visit, account: Account) -> None:
    rows = [{"channel": "SMS", "address": f"+1202555010{n}"} for n in range(3)]
    account.api.http.post("/signalbox/v1/Senders", json=[*rows, {"channel": "PUSH", "address": "app"}])
    await visit.enter(account, "/senders")
    total = visit.page.locator(".total")
    await expect(total).to_have_text("4 senders")
    await visit.page.get_by_label("Channel", exact=True).select_option("PUSH")
    await expect(total).to_have_text("1 sender")


async def test_search_box_finds_pools_and_senders_by_the_keyboard(visit: Visit, account: Account) -> None:
    account.api.http.post(
        "/signalbox/v1/Senders", json=[{"channel": "SMS", "address": "+12025550100", "displayName": "Reminder desk"}]
    )
    account.pool("Reminders", [])
    await visit.enter(account, "/operations")
    await visit.page.keyboard.press("Control+k")
    box = visit.page.get_by_role("combobox", name="Search")
    await expect(box).to_be_focused()
    await visit.page.keyboard.type("remind")
    options = visit.page.get_by_role("listbox", name="Found").get_by_role("option")
    await expect(options).to_have_count(2)
    await expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    await visit.page.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    selected = await options.nth(1).get_attribute("id")
    await expect(box).to_have_attribute("aria-activedescendant", selected or "")
    await visit.page.keyboard.press("Escape")
    await expect(box).to_have_attribute("aria-expanded", "false")
    await visit.page.keyboard.press("ArrowUp")
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.get_by_role("heading", name="Reminders")).to_be_visible()
    await visit.page.keyboard.press("/")
    await visit.page.keyboard.type("nothing like this")
    await expect(visit.page.get_by_text("Nothing found")).to_be_visible()
    requests = account.api.get("/signalbox/v1/Requests", pageSize=100)["requests"]
    assert not [one for one in requests if "remind" in one["path"] + one["query"]], "the text is in no URL"


@ONE_ENGINE
async def test_channels_of_a_pool_are_shown_whole(visit: Visit, account: Account) -> None:
    """Also those of a large pool, whose counts the test changes on their way."""
    account.pool("Large", [])
    channels = [{"channel": one, "count": 10_000} for one in ("WHATSAPP", "EMAIL", "SMS", "RCS", "PUSH")]

    async def enlarge(route: Route) -> None:
        names = await (response := await route.fetch()).json()
        names["senderPools"] = [{**one, "channels": channels} for one in names["senderPools"]]
        await route.fulfill(response=response, json=names)

    await visit.page.route("**/signalbox/v1/Names", enlarge)
    await visit.enter(account, "/pools")
    cell = visit.rows("Pools").locator("td > .channels-of")
    await expect(cell).to_contain_text("PUSH 10,000")
    for width in (1000, 1200, 1440, 2560):
        await visit.page.set_viewport_size({"width": width, "height": 900})
        hidden = await cell.evaluate("at => [at.scrollHeight - at.clientHeight, at.scrollWidth - at.clientWidth]")
        assert hidden == [0, 0], width
        cut = await cell.evaluate("at => at.parentElement.scrollWidth - at.parentElement.clientWidth")
        assert cut == 0, width


async def test_way_back_leads_to_the_row_that_was_opened(visit: Visit, account: Account) -> None:
    for name in ("First", "Second", "Third"):
        account.pool(name, [])
    await visit.enter(account, "/pools")
    await visit.rows("Pools").get_by_role("link", name="Second").click()
    await expect(visit.page.get_by_role("heading", name="Second")).to_be_focused()
    for way in (visit.page.keyboard.press("Escape"), visit.page.go_back()):
        await way
        await expect(visit.rows("Pools").get_by_role("link", name="Second")).to_be_focused()
        await visit.page.keyboard.press("Enter")
        await expect(visit.page.get_by_role("heading", name="Second")).to_be_visible()


async def test_strip_tells_that_the_server_is_away_and_how_old_the_list_is(
    context: BrowserContext, home: Furnished
) -> None:
    async with Wire(home.server.port) as wire:
        visit = Visit(await context.new_page(), wire.url)
        await visit.open("/operations")
        await visit.sign_in(SID, TOKEN)
        await expect(visit.rows("Operations").first).to_be_visible()
        wire.cut()
        strip = visit.page.locator(".strip")
        await expect(strip).to_contain_text("The server cannot be reached")
        await expect(strip.locator("[data-age]")).to_contain_text("Shown is the state of")
        await expect(visit.rows("Operations").first).to_be_visible()
        wire.mend()
        await strip.get_by_role("button", name="Try now").click()
        await expect(strip).to_have_count(0)
        assert visit.faults == []


async def test_operation_that_waits_says_that_no_worker_is_running_until_one_is(
    context: BrowserContext, serve: Serve, database_url: str
) -> None:
    server = serve(database_url, "--workers", "0")
    with Client(server.url) as api:
        operation = api.create_pool(unknown_senders(1))
    visit = Visit(await context.new_page(), server.url)
    await visit.open("/operation", id=operation)
    await visit.sign_in(SID, TOKEN)
    notice = visit.page.locator(".notice")
    await expect(notice).to_contain_text("No worker is running")
    await visit.open("/operations")
    await expect(notice).to_contain_text("No worker is running")
    serve(database_url, env={})
    await expect(notice).to_have_count(0)
    assert visit.faults == []


async def test_filters_are_folded_on_a_phone(visit: Visit, account: Account) -> None:
    await visit.page.set_viewport_size(NARROW)
    await visit.enter(account, "/senders", channel="SMS")
    await expect(visit.page.get_by_label("Channel", exact=True)).to_be_hidden()
    await visit.page.get_by_text("Filters 1").click()
    await expect(visit.page.get_by_label("Channel", exact=True)).to_have_value("SMS")
