"""Senders: the inventory, its import, a single sender, and resolve."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect
from visits import Account, Visit

pytest_plugins = ["browsers"]


def enter(account: Account, *rows: dict[str, object]) -> None:
    assert account.api.http.post("/signalbox/v1/Senders", json=rows).json()["refused"] == []


def sms(number: int, **more: object) -> dict[str, object]:
    return {"channel": "SMS", "address": f"+1202555{100 + number:04d}", **more}


async def test_senders_are_listed_and_filtered(visit: Visit, account: Account) -> None:
    enter(account, sms(0), sms(1, status="DEACTIVATED"), {"channel": "EMAIL", "address": "a@example.com"})
    await visit.enter(account, "/senders")
    rows = visit.rows("Senders")
    await expect(rows).to_have_count(3)
    await visit.page.get_by_label("Channel", exact=True).select_option("SMS")
    await expect(rows).to_have_count(2)
    await visit.page.get_by_label("Status").select_option("DEACTIVATED")
    await expect(rows).to_have_count(1)
    assert visit.page.url.endswith("#channel=SMS&status=DEACTIVATED")


async def test_sender_is_found_by_its_address_which_never_stands_in_a_url(visit: Visit, account: Account) -> None:
    enter(account, *(sms(n) for n in range(8)), {"channel": "EMAIL", "address": "a@example.com"})
    await visit.enter(account, "/senders")
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    box = visit.page.get_by_role("combobox", name="Search")
    await box.fill("+12025550")
    await expect(visit.page.get_by_role("option", name="+12025550")).to_have_count(6)
    await visit.page.get_by_role("option", name="All senders found").click()
    await expect(visit.rows("Senders")).to_have_count(8)
    assert not [url for url in [*asked, visit.page.url] if "2025550" in url]
    await visit.page.get_by_role("button", name="Show all senders").click()
    await expect(visit.rows("Senders")).to_have_count(9)
    await box.fill("nobody@example.com")
    await expect(visit.page.get_by_text("Nothing found")).to_be_visible()


async def test_import_of_a_file_shows_progress_and_names_each_refused_line(
    visit: Visit, account: Account, tmp_path: Path
) -> None:
    """2,500 rows are sent in three requests; a refused line in the last one is named by its line in the file."""
    rows = [f"EMAIL,person{number}@example.com" for number in range(2500)]
    rows[2400] = "SMS,+1555"
    file = tmp_path / "inventory.csv"
    file.write_text("\n".join(("channel,address", *rows)), "utf-8")
    await visit.enter(account, "/senders")
    await visit.page.get_by_role("button", name="Import").click()
    dialog = visit.page.get_by_role("dialog", name="Import senders")
    await dialog.get_by_label("Choose a file").set_input_files(file)
    sent: list[str] = []
    visit.page.on("request", lambda request: sent.append(request.method) if "/v1/Senders" in request.url else None)
    await dialog.get_by_role("button", name="Import 2,500 rows").click()
    await expect(dialog.get_by_text("2,499 new, 0 updated, 1 line refused")).to_be_visible()
    await expect(dialog.get_by_text("2,500 of 2,500 rows sent")).to_be_visible()
    assert sent.count("POST") == 3
    await dialog.get_by_label("CSV with the columns").evaluate("text => { text.scrollTop = 2395 * 20; }")
    await expect(dialog.locator(".gutter .bad")).to_have_text("2402")
    await expect(dialog.locator("#desk-list")).to_contain_text("Line 2402: address: ")
    await dialog.get_by_role("button", name="Close").last.click()
    await expect(visit.rows("Senders").first).to_contain_text("person2499@example.com")


async def test_import_shows_warnings_and_a_sender_its_region(visit: Visit, account: Account) -> None:
    """One short code is a sender in each country, and a number that no numbering plan knows enters."""
    await visit.enter(account, "/senders")
    await visit.page.get_by_role("button", name="Import").click()
    dialog = visit.page.get_by_role("dialog", name="Import senders")
    text = "channel,address,region\nSMS,27312,CA\nSMS,27312,US\nSMS,+14365550123,\n"
    await dialog.get_by_label("CSV with the columns").fill(text)
    await dialog.get_by_role("button", name="Import 3 rows").click()
    await expect(dialog.get_by_text("3 new, 0 updated, 0 lines refused")).to_be_visible()
    await expect(dialog.get_by_text("1 row entered with a warning")).to_be_visible()
    await expect(dialog.get_by_text("Line 4: address: no numbering plan assigns such a number")).to_be_visible()
    await dialog.get_by_role("button", name="Close").last.click()
    await visit.page.get_by_role("link", name="27312").first.click()
    await expect(
        visit.page.get_by_role("dialog", name="27312", exact=True).get_by_text("US", exact=True)
    ).to_be_visible()


async def test_sender_is_deactivated_and_activated_in_the_list(visit: Visit, account: Account) -> None:
    enter(account, sms(0))
    await visit.enter(account, "/senders")
    row = visit.rows("Senders").first
    await row.get_by_role("button", name="Deactivate +12025550100").click()
    question = visit.page.get_by_role("dialog", name="Deactivate this sender?")
    await question.get_by_role("button", name="Go back").click()
    assert account.api.get("/v1/Senders")["senders"][0]["status"] == "ACTIVATED"
    await row.get_by_role("button", name="Deactivate +12025550100").click()
    await question.get_by_role("button", name="Deactivate").click()
    await expect(row.locator(".state")).to_have_text("deactivated")
    assert account.api.get("/v1/Senders")["senders"][0]["status"] == "DEACTIVATED"
    await row.get_by_role("button", name="Activate +12025550100").click()
    await expect(row.locator(".state")).to_have_text("activated")
    assert account.api.get("/v1/Senders")["senders"][0]["status"] == "ACTIVATED"


async def test_one_sender_is_changed_and_deleted(visit: Visit, account: Account) -> None:
    enter(account, sms(0, displayName="Old"), sms(1))
    await visit.enter(account, "/senders")
    await visit.page.get_by_role("link", name="+12025550100").click()
    await expect(visit.page.get_by_role("dialog", name="Old", exact=True)).to_be_visible()
    dialog = visit.page.locator("dialog:has(.facts)")
    await dialog.get_by_label("Display name").fill("New")
    await dialog.get_by_label("Tags").fill("team=red")
    await dialog.get_by_role("button", name="Save").click()
    await expect(visit.rows("Senders").filter(has_text="+12025550100")).to_contain_text("New")
    await dialog.get_by_role("button", name="Deactivate +12025550100").click()
    await visit.page.get_by_role("dialog", name="Deactivate this sender?").get_by_text("Deactivate", exact=True).click()
    await expect(dialog.locator(".state")).to_have_text("deactivated")
    found = next(one for one in account.api.get("/v1/Senders")["senders"] if one["address"] == "+12025550100")
    assert (found["displayName"], found["tags"], found["status"]) == ("New", {"team": "red"}, "DEACTIVATED")
    await dialog.get_by_role("button", name="Delete", exact=True).click()
    await visit.page.get_by_role("button", name="Delete sender").click()
    await expect(visit.rows("Senders")).to_have_count(1)
    assert account.api.http.get(f"/v1/Senders/{found['id']}").status_code == 404


async def test_resolve_says_who_reaches_a_person_and_why_in_that_order(visit: Visit, account: Account) -> None:
    """The example of docs/resolve.md: a Canadian recipient who also has a mailbox."""
    addresses = ("+16045550100", "+14845550100", "+14165550199")
    enter(
        account,
        *(dict[str, object](channel="SMS", address=one) for one in addresses),
        {"channel": "RCS", "address": "my_brand_agent"},
        {"channel": "EMAIL", "address": "hello@example.com"},
    )
    await visit.enter(account, "/resolve")
    await visit.page.get_by_label("Address 1", exact=True).fill("+14375550123")
    await visit.page.get_by_role("button", name="One more address").click()
    await visit.page.get_by_label("Address 2", exact=True).fill("ada@example.org")
    await visit.page.get_by_role("button", name="Who can reach this person?").click()
    rows = visit.rows("Senders that reach this person, best first")
    await expect(rows).to_have_count(5)
    cells = [await row.locator("td").all_inner_texts() for row in await rows.all()]
    assert [(place, sender.partition("\n")[0], reasons) for place, sender, _, reasons, _ in cells] == [
        ("0", "RCS my_brand_agent", "recipient 1, RCS before SMS"),
        ("1", "SMS +14165550199", "recipient 1, SMS after RCS; shares +14"),
        ("2", "SMS +16045550100", "recipient 1, SMS after RCS; a number of the recipient's own country; shares +1"),
        ("3", "SMS +14845550100", "recipient 1, SMS after RCS; not of the recipient's own country; shares +14"),
        ("4", "EMAIL hello@example.com", "recipient 2"),
    ]


async def test_resolve_asks_a_pool_or_some_channels_by_priority(visit: Visit, account: Account) -> None:
    enter(account, sms(0), {"channel": "RCS", "address": "agent"}, {"channel": "EMAIL", "address": "a@example.com"})
    inside = next(one["id"] for one in account.api.get("/v1/Senders")["senders"] if one["channel"] == "SMS")
    pool = account.pool("Small", [inside])
    await visit.enter(account, "/resolve")
    button = visit.page.get_by_role("button", name="Who can reach this person?")
    rows = visit.rows("Senders that reach this person, best first")
    await expect(button).to_be_disabled()
    await visit.page.get_by_label("Address 1", exact=True).fill("+12025550199")
    await visit.page.get_by_label("Priority of SMS").fill("1")
    await button.click()
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("SMS has priority 1")
    await expect(rows.nth(1)).to_contain_text("no priority given")
    await visit.page.get_by_label("only RCS").check()
    await button.click()
    await expect(rows).to_have_count(1)
    await visit.page.get_by_label("only RCS").uncheck()
    await visit.page.get_by_label("the senders of a pool").check()
    await visit.page.get_by_label("Pool id").fill(pool)
    await button.click()
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("+12025550100")
    await visit.page.get_by_label("these senders").check()
    await visit.page.get_by_label("Sender addresses").fill("RCS agent")
    await button.click()
    await expect(rows.first).to_contain_text("agent")
    await visit.page.get_by_label("Address 1", exact=True).fill("not a number")
    await button.click()
    await expect(visit.page.get_by_role("alert")).to_contain_text("recipientAddresses[0]")
