"""Messages: their list with filters, and one message with its attempts, its reports and why this sender."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import expect
from test_console_access import faults, wide
from visits import NARROW, ONE_ENGINE, WIDE, Account, Visit

from processes import eventually

pytest_plugins = ["browsers"]


def send(account: Account, *to: str, **more: Any) -> str:
    """Sends a text to these numbers; returns the operation's id."""
    recipients = [{"address": one, "channel": "PHONE"} for one in to]
    body = {"to": recipients, "content": {"text": "Your code is 482913"}, "tags": {"team": "red"}, **more}
    response = account.api.http.post("/v1/Messages", json=body)
    assert response.status_code == 202, response.text
    operation: str = response.json()["operationId"]
    return operation


def enter_senders(account: Account) -> None:
    rows = [{"channel": "SMS", "address": one} for one in ("+12025550100", "+14155550123", "+491511000100")]
    rows.append({"channel": "SMS", "address": "+12025550101", "status": "DEACTIVATED"})
    response = account.api.http.post("/signalbox/v1/Senders", json=rows)
    assert response.json()["refused"] == []


def final(account: Account, operation: str) -> list[dict[str, Any]]:
    """The messages of an operation once none of them waits."""

    def done() -> bool:
        status: str = account.api.get(f"/v1/Messages/Operations/{operation}")["status"]
        return status == "COMPLETED"

    eventually(done, "every message was tried")
    return list(account.api.pages("/v1/Messages", "messages", operationId=operation))


@ONE_ENGINE
async def test_messages_are_filtered_and_one_says_why_this_sender(visit: Visit, account: Account) -> None:
    page = visit.page
    enter_senders(account)
    final(account, send(account, "+12025550199", "+15005550001"))
    await visit.enter(account, "/messages")
    rows = visit.rows("Messages")
    await expect(rows).to_have_count(2)
    await page.get_by_label("Tags").fill("team:blue")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No message fits these filters")).to_be_visible()
    assert page.url.endswith("#tags=team%3Ablue%3B")
    await page.get_by_role("button", name="Clear filters").click()
    await page.get_by_label("Status").select_option("FAILED")
    await expect(rows).to_have_count(1)
    await rows.first.get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Message to +15005550001")).to_be_focused()
    await expect(page.locator(".attempts").get_by_role("link", name="21211").first).to_be_visible()
    await expect(page.locator(".decision")).to_contain_text("1 sender: the sender is deactivated")
    await page.keyboard.press("Escape")
    await expect(rows.first.get_by_role("link")).to_be_focused()


@ONE_ENGINE
async def test_address_of_an_attempt_opens_its_message(visit: Visit, account: Account) -> None:
    enter_senders(account)
    (message,) = final(account, send(account, "+12025550199"))
    (attempt,) = account.api.get(f"/v1/Messages/{message['id']}")["attempts"]
    await visit.enter(account)
    for address in (attempt["infoUrl"], attempt["infoUrl"].replace("#", "?")):
        await visit.page.goto("about:blank")
        await visit.page.goto(address)
        await visit.sign_in(account.sid, account.token) if await _signed_out(visit) else None
        await expect(visit.page.locator(".candidates .chosen")).to_contain_text("+12025550100")
        assert visit.page.url == attempt["infoUrl"]


async def _signed_out(visit: Visit) -> bool:
    await expect(visit.page.locator("nav, .sign-in").first).to_be_visible()
    return await visit.page.locator(".sign-in").count() > 0


@ONE_ENGINE
async def test_scheduled_message_is_cancelled(visit: Visit, account: Account) -> None:
    enter_senders(account)
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    operation = send(account, "+12025550199", schedule={"sendAt": [later]})
    (message,) = account.api.pages("/v1/Messages", "messages", operationId=operation)
    await visit.enter(account, "/message", id=message["id"])
    await visit.page.get_by_role("button", name="Cancel message").click()
    await visit.page.get_by_role("dialog").get_by_role("button", name="Cancel message").click()
    await expect(visit.page.locator(".status-line")).to_contain_text("canceled")
    await expect(visit.page.get_by_role("button", name="Cancel message")).to_have_count(0)


@ONE_ENGINE
async def test_axe_finds_nothing_on_the_screens_of_messages(visit: Visit, account: Account) -> None:
    enter_senders(account)
    failed = final(account, send(account, "+12025550199", "+15005550001"))[0]
    await visit.enter(account, "/messages")
    for size in (WIDE, NARROW):
        await visit.page.set_viewport_size(size)
        for screen, shown in (("/messages", "tbody a"), (f"/message#id={failed['id']}", ".candidates")):
            await visit.page.goto(f"{visit.url}/console{screen}")
            await expect(visit.page.locator(shown).first).to_be_visible()
            assert await faults(visit.page) == [], (screen, size)
            assert await wide(visit.page) <= 0, (screen, size)
