"""The overview of the account."""

from __future__ import annotations

from playwright.async_api import expect
from visits import Account, Visit

from processes import unknown_senders

pytest_plugins = ["browsers"]


async def test_overview_of_an_empty_account_says_what_to_do_first(visit: Visit, account: Account) -> None:
    await visit.enter(account)
    await expect(visit.page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    await visit.page.get_by_role("link", name="Import senders").click()
    await expect(visit.page.get_by_role("dialog", name="Import senders")).to_be_visible()


async def test_overview_counts_senders_pools_and_items_and_names_failures(visit: Visit, account: Account) -> None:
    rows = [
        {"channel": "SMS", "address": "+12025550100"},
        {"channel": "SMS", "address": "+12025550101", "status": "DEACTIVATED"},
    ]
    account.api.http.post("/signalbox/v1/Senders", json=rows)
    senders = [one["id"] for one in account.api.get("/v1/Senders")["senders"]]
    account.pool("Two", senders)
    failing = account.api.create_pool([*senders, *unknown_senders(5)])
    account.api.completed(failing)
    await visit.enter(account)
    figures = visit.page.locator(".figure")
    await expect(figures).to_have_text(["2Senders", "2Pools", "0Operations in flight", "0Items waiting"])
    table = visit.page.get_by_role("table", name="Senders by channel and status")
    await expect(table.get_by_role("row").nth(1)).to_have_text("SMS11")
    plot = visit.page.get_by_role("img", name="Items a minute over the last hour")
    await expect(plot).to_have_accessible_name(
        "6 created, 5 failed".join(("Items a minute over the last hour: ", ", at most 11 in one minute"))
    )
    failure = visit.page.locator(".failure")
    await expect(failure).to_have_count(1)
    await expect(failure).to_contain_text("5 items failed of 8")
    await expect(failure.locator("li")).to_have_count(3)
    await expect(failure.locator("li").first).to_contain_text("the account has no sender with this id")
    await expect(failure.get_by_role("link", name="Create")).to_be_visible()  # the names have arrived
    links = [await link.inner_text() for link in await failure.locator("li a").all()]
    assert links == ["20404"] * 3, "a sender that the account does not have is no link"
    await failure.get_by_role("link").first.click()
    await expect(visit.rows("Items")).to_have_count(5)


async def test_overview_moves_by_itself(visit: Visit, account: Account) -> None:
    account.api.enter(1)
    await visit.enter(account)
    pools = visit.page.locator(".figure").nth(1)
    await expect(pools).to_have_text("0Pools")
    account.pool("New", [])
    await expect(pools).to_have_text("1Pools")
