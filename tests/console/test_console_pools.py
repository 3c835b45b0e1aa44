"""Pools: created from pasted, picked or dropped senders; shown, changed, emptied, deleted."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Locator, expect
from visits import Account, Visit

pytest_plugins = ["browsers"]

GOOD = "channel,address,displayName,tags\nSMS,+12025550100,Support,team=red\nEMAIL,hello@EXAMPLE.com,,\n"


def new_pool(visit: Visit) -> Locator:
    return visit.page.get_by_role("dialog", name="New pool")


def members(account: Account, pool: str) -> set[str]:
    found = account.api.pages(f"/v1/SenderPools/{pool}/Senders", "senders", pageSize=1000)
    return {f"{one['channel']} {one['address']}" for one in found}


async def _made(visit: Visit, account: Account) -> str:
    """Waits for the operation that the page shows; returns the id of its pool."""
    await expect(visit.page.locator(".state.completed").first).to_be_visible()
    operation = visit.page.url.partition("id=")[2]
    return account.api.pool_of(operation)


async def test_pool_is_made_of_a_csv_that_is_pasted(visit: Visit, account: Account) -> None:
    """One of its senders is in the inventory already, in normalized spelling."""
    account.api.http.post("/signalbox/v1/Senders", json=[{"channel": "EMAIL", "address": "hello@example.com"}])
    await visit.enter(account, "/pools")
    await expect(visit.page.get_by_text("There are no pools yet")).to_be_visible()
    await visit.page.get_by_role("button", name="New pool").click()
    dialog = new_pool(visit)
    await dialog.get_by_label("Name").fill("Support")
    await dialog.get_by_label("Tags").fill("team=red; env=test")
    await dialog.get_by_label("Senders").fill(GOOD)
    await dialog.get_by_role("button", name="Create with 2 senders").click()
    pool = await _made(visit, account)
    assert members(account, pool) == {"SMS +12025550100", "EMAIL hello@example.com"}
    found = account.api.get(f"/v1/SenderPools/{pool}")
    assert (found["name"], found["tags"]) == ("Support", {"team": "red", "env": "test"})


async def test_pool_is_made_of_a_file_that_is_picked(visit: Visit, account: Account, tmp_path: Path) -> None:
    file = tmp_path / "senders.csv"
    file.write_text(GOOD, "utf-8")
    await visit.enter(account, "/pools", new="1")
    await new_pool(visit).get_by_label("Choose a file").set_input_files(file)
    await new_pool(visit).get_by_role("button", name="Create with 2 senders").click()
    assert members(account, await _made(visit, account)) == {"SMS +12025550100", "EMAIL hello@example.com"}


async def test_pool_is_made_of_ids_in_a_file_that_is_dropped(visit: Visit, account: Account) -> None:
    ids = account.api.enter(3)
    await visit.enter(account, "/pools", new="1")
    made = "text => { const all = new DataTransfer(); all.items.add(new File([text], 'ids.txt')); return all; }"
    files = await visit.page.evaluate_handle(made, "senderId\n" + "\n".join(ids))
    await visit.page.dispatch_event("dialog .desk", "drop", {"dataTransfer": files})
    await new_pool(visit).get_by_role("button", name="Create with 3 senders").click()
    assert set(account.api.members(await _made(visit, account))) == set(ids)


async def test_problems_of_a_csv_stand_beside_their_lines_at_once(visit: Visit, account: Account) -> None:
    await visit.enter(account, "/pools", new="1")
    dialog = new_pool(visit)
    text = dialog.get_by_label("Senders")
    beside = dialog.locator(".beside span")
    await text.fill("channel,adress\nSMS,+1\n")
    await expect(beside.nth(0)).to_contain_text("column 2, adress, is none that a sender has")
    await expect(beside.nth(0)).to_contain_text("the column address is missing")
    await expect(dialog.locator("button.main")).to_be_disabled()
    rows = ("SMS,+12025550100", "sms,+12025550101", "SMS,12025550102", "EMAIL,nobody", "SMS", "SMS,+12025550100")
    await text.fill("\n".join(("channel,address", *rows)))
    await expect(beside.nth(1)).to_have_text("")
    await expect(beside.nth(2)).to_contain_text("channel must be one of SMS, RCS, EMAIL, WHATSAPP, PUSH")
    await expect(beside.nth(3)).to_contain_text("a number is + and digits alone")
    await expect(beside.nth(4)).to_contain_text("a mailbox has an @")
    await expect(beside.nth(5)).to_contain_text("1 cells, the header has 2")
    await expect(beside.nth(6)).to_contain_text("the same sender as in line 2")
    await expect(dialog.get_by_text("6 rows, 5 lines with problems")).to_be_visible()
    await expect(dialog.get_by_text("5 lines with problems will be left out")).to_be_visible()
    await expect(dialog.get_by_role("button", name="Create with 1 sender", exact=True)).to_be_enabled()
    await text.fill('channel,address,displayName\nSMS,+12025550100,"open')
    said = "the row is badly quoted: a quote does not close, or the delimiter does not follow it"
    await expect(beside.nth(1)).to_contain_text(said)


async def test_rows_that_the_server_refuses_are_shown_with_their_lines_and_the_rest_goes_on(
    visit: Visit, account: Account
) -> None:
    await visit.enter(account, "/pools", new="1")
    dialog = new_pool(visit)
    await dialog.get_by_label("Senders").fill("channel,address\nSMS,+12025550100\n\nSMS,+1555\n")
    await dialog.get_by_role("button", name="Create with 2 senders").click()
    await expect(dialog.locator(".beside span").nth(3)).to_contain_text("address: ")
    await expect(dialog.get_by_text("The server refused some lines")).to_be_visible()
    await dialog.get_by_role("button", name="Create with 1 sender", exact=True).click()
    assert members(account, await _made(visit, account)) == {"SMS +12025550100"}


async def test_pool_is_made_of_one_short_code_in_the_right_country(visit: Visit, account: Account) -> None:
    rows = [{"channel": "SMS", "address": "27312", "region": region} for region in ("CA", "US")]
    assert account.api.http.post("/signalbox/v1/Senders", json=rows).json()["created"] == 2
    await visit.enter(account, "/pools", new="1")
    dialog = new_pool(visit)
    await dialog.get_by_label("Senders").fill("channel,address,region\nSMS,27312,CA\n")
    await dialog.get_by_role("button", name="Create with 1 sender", exact=True).click()
    pool = await _made(visit, account)
    (sender,) = account.api.pages(f"/v1/SenderPools/{pool}/Senders", "senders")
    assert account.api.get(f"/signalbox/v1/Senders/{sender['id']}")["region"] == "CA"


async def test_empty_pool_is_made_and_a_refused_name_is_explained(visit: Visit, account: Account) -> None:
    await visit.enter(account, "/pools", new="1")
    dialog = new_pool(visit)
    await dialog.get_by_label("Name").fill("  ")
    await dialog.get_by_role("button", name="Create empty pool").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("$.name")
    await expect(dialog.get_by_role("alert")).to_contain_text("RQ")
    await dialog.get_by_label("Tags").fill("no pair")
    await expect(dialog.locator("button.main")).to_be_disabled()
    await dialog.get_by_label("Tags").fill("")
    await dialog.get_by_label("Name").fill("Empty")
    await dialog.get_by_role("button", name="Create empty pool").click()
    pool = await _made(visit, account)
    await visit.open("/pools")
    await visit.rows("Pools").get_by_role("link", name="Empty").click()
    await expect(visit.page.get_by_text("The pool is empty")).to_be_visible()
    assert visit.page.url.endswith(f"/console/pool#id={pool}")


async def test_pool_gets_another_name_and_other_tags(visit: Visit, account: Account) -> None:
    pool = account.pool("Old", [])
    await visit.enter(account, "/pool", id=pool)
    await visit.page.get_by_role("button", name="Name and tags").click()
    dialog = visit.page.get_by_role("dialog", name="Name and tags")
    await dialog.get_by_label("Name").fill("New")
    await dialog.get_by_label("Tags").fill("team=blue")
    await dialog.get_by_role("button", name="Save").click()
    await expect(visit.page.get_by_role("heading", name="New")).to_be_visible()
    await expect(visit.page.locator(".status-line .tag")).to_have_text("teamblue")
    found = account.api.get(f"/v1/SenderPools/{pool}")
    assert (found["name"], found["tags"]) == ("New", {"team": "blue"})


async def test_members_are_filtered_added_and_removed(visit: Visit, account: Account) -> None:
    rows = [
        {"channel": "SMS", "address": "+12025550100"},
        {"channel": "PUSH", "address": "app", "status": "DEACTIVATED"},
    ]
    account.api.http.post("/signalbox/v1/Senders", json=rows)
    pool = account.pool("Members", [one["id"] for one in account.api.get("/v1/Senders")["senders"]])
    await visit.enter(account, "/pool", id=pool)
    listed = visit.rows("Members")
    await expect(listed).to_have_count(2)
    await visit.page.get_by_label("Channel", exact=True).select_option("PUSH")
    await expect(listed).to_have_count(1)
    await visit.page.get_by_label("Status").select_option("ACTIVATED")
    await expect(visit.page.get_by_text("No member fits these filters")).to_be_visible()
    await visit.page.get_by_role("button", name="Clear filters").click()
    await expect(listed).to_have_count(2)

    await visit.page.get_by_role("button", name="Remove app").click()
    await visit.page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    await expect(listed.first).to_contain_text("removed")
    assert members(account, pool) == {"SMS +12025550100"}

    await visit.page.get_by_role("button", name="Add senders").click()
    dialog = visit.page.get_by_role("dialog", name="Add senders to Members")
    await dialog.get_by_label("Senders").fill("channel,address\nEMAIL,new@example.com\n")
    await dialog.get_by_role("button", name="Add 1 sender").click()
    await expect(visit.page.locator(".state.completed").first).to_be_visible()
    assert members(account, pool) == {"SMS +12025550100", "EMAIL new@example.com"}


async def test_composition_of_a_pool_is_drawn_by_channel_and_country(visit: Visit, account: Account) -> None:
    addresses = ("+12025550100", "+12025550101", "+4915110000001")
    rows = [{"channel": "SMS", "address": one} for one in addresses]
    account.api.http.post("/signalbox/v1/Senders", json=[*rows, {"channel": "EMAIL", "address": "a@example.com"}])
    pool = account.pool("Mixed", [one["id"] for one in account.api.get("/v1/Senders")["senders"]])
    await visit.enter(account, "/pool", id=pool)
    channels = visit.page.get_by_role("table", name="Members by channel").get_by_role("row")
    countries = visit.page.get_by_role("table", name="Members by country").get_by_role("row")
    await expect(channels).to_have_text(["SMS3", "EMAIL1"])
    await expect(countries).to_have_text(["United States2", "no country1", "Germany1"])


async def test_pool_is_deleted_only_by_who_types_its_name(visit: Visit, account: Account) -> None:
    pool = account.pool("Precious pool", [])
    await visit.enter(account, "/pool", id=pool)
    await visit.page.get_by_role("button", name="Delete", exact=True).click()
    dialog = visit.page.get_by_role("dialog", name="Delete this pool?")
    button = dialog.get_by_role("button", name="Delete pool")
    await expect(button).to_be_disabled()
    await dialog.get_by_role("textbox").fill("precious pool")
    await expect(button).to_be_disabled()
    await dialog.get_by_role("textbox").fill("Precious pool")
    await button.click()
    await expect(visit.page.get_by_role("heading", name="Pools")).to_be_visible()
    assert account.api.http.get(f"/v1/SenderPools/{pool}").status_code == 404
