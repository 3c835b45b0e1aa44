"""Sign-in, what the browser stores, and the session of a second tab."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect
from visits import Account, Visit, someone

from processes import Server
from signalbox import db

pytest_plugins = ["browsers"]

FORM = "Auth token or secret"


async def test_sign_in_takes_an_account_and_its_token(visit: Visit, account: Account) -> None:
    await visit.enter(account)
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()
    await expect(visit.page.get_by_text(f"{account.sid[:6]}…{account.sid[-4:]}")).to_be_visible()


async def test_sign_in_takes_a_key_and_its_secret(visit: Visit, account: Account) -> None:
    sid, secret = await account.key()
    await visit.open()
    await visit.sign_in(sid, secret)
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.mark.parametrize("field", ["SID", FORM])
async def test_sign_in_splits_a_pasted_sid_and_token_over_both_fields(
    visit: Visit, account: Account, field: str
) -> None:
    await visit.open()
    await visit.page.get_by_label(field, exact=True).fill(f" {account.sid}:{account.token} ")
    await expect(visit.page.get_by_label("SID", exact=True)).to_have_value(account.sid)
    await expect(visit.page.get_by_label(FORM)).to_have_value(account.token)
    await visit.page.get_by_role("button", name="Sign in").click()
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()


async def test_sign_in_form_is_one_that_password_managers_fill(visit: Visit) -> None:
    """The tokens of HTML's autofill, one user name before one current password, in one form."""
    await visit.open()
    await expect(visit.page.get_by_label(FORM)).to_be_visible()
    fields = "[...document.forms[0].elements].filter((one) => one.name).map((one) => [one.type, one.autocomplete])"
    assert await visit.page.evaluate(fields) == [["text", "username"], ["password", "current-password"]]


async def test_sign_in_says_that_a_secret_is_wrong_and_keeps_nothing(visit: Visit, account: Account) -> None:
    await visit.open()
    await visit.sign_in(account.sid, "wrong")
    await expect(visit.page.get_by_role("alert")).to_contain_text("does not accept")
    assert await visit.page.evaluate("sessionStorage.getItem('signalbox')") is None
    await visit.sign_in(account.sid, account.token)
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()


async def test_sign_in_says_what_a_sid_looks_like_without_asking_the_server(visit: Visit) -> None:
    await visit.open()
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    await visit.sign_in("Ada", "secret")
    await expect(visit.page.get_by_role("alert")).to_contain_text("AC (an account) or SK (a key)")
    assert not [url for url in asked if "/v1/" in url]


async def test_wrong_credentials_never_open_the_browser_s_own_dialog(visit: Visit, account: Account) -> None:
    """The server's 401 asks for Basic credentials, and by default the browser would open a dialog for them."""
    await visit.open()
    session = await visit.page.context.new_cdp_session(visit.page)
    dialogs: list[dict[str, Any]] = []

    async def dialog(event: dict[str, Any]) -> None:
        dialogs.append(event)
        response = {"requestId": event["requestId"], "authChallengeResponse": {"response": "CancelAuth"}}
        await session.send("Fetch.continueWithAuth", response)

    async def paused(event: dict[str, Any]) -> None:
        await session.send("Fetch.continueRequest", {"requestId": event["requestId"]})

    session.on("Fetch.authRequired", dialog)
    session.on("Fetch.requestPaused", paused)
    await session.send("Fetch.enable", {"handleAuthRequests": True})
    await visit.sign_in(account.sid, "wrong")
    await expect(visit.page.get_by_role("alert")).to_contain_text("does not accept")
    assert dialogs == []
    asked = "fetch('/v1/SenderPools', {headers: {authorization: 'Basic d3Jvbmc6d3Jvbmc='}}).then((one) => one.status)"
    assert await visit.page.evaluate(asked) == 401
    assert len(dialogs) == 1, "a plain fetch opens the dialog that the console avoids"
    await session.send("Fetch.disable")


async def test_credentials_are_in_the_tab_s_session_and_nowhere_else(visit: Visit, account: Account) -> None:
    await visit.enter(account, "/pools")
    await visit.page.reload()
    await expect(visit.page.get_by_role("heading", name="Pools")).to_be_visible()
    kept = "[localStorage.length, document.cookie, document.documentElement.outerHTML.includes(%r)]"
    assert await visit.page.evaluate(kept % account.token) == [0, "", False]
    assert await visit.page.evaluate("indexedDB.databases()") == []
    assert await visit.page.context.cookies() == []


async def test_another_browser_session_has_to_sign_in(visit: Visit, account: Account, site: Server) -> None:
    await visit.enter(account)
    browser = visit.page.context.browser
    assert browser
    other = await browser.new_context()
    try:
        second = Visit(await other.new_page(), site.url)
        await second.open()
        await expect(second.page.get_by_label(FORM)).to_be_visible()
    finally:
        await other.close()


async def test_second_tab_is_signed_in_by_the_first_and_signed_out_with_it(
    visit: Visit, account: Account, site: Server, context: BrowserContext
) -> None:
    await visit.enter(account)
    second = Visit(await context.new_page(), site.url)
    await second.open("/senders")
    await expect(second.page.get_by_role("heading", name="Senders")).to_be_visible()
    await second.page.reload()
    await expect(second.page.get_by_role("heading", name="Senders")).to_be_visible()
    await visit.page.get_by_role("button", name="Sign out").click()
    await expect(visit.page.get_by_label(FORM)).to_be_visible()
    await expect(second.page.get_by_label(FORM)).to_be_visible()
    assert await second.page.evaluate("sessionStorage.getItem('signalbox')") is None
    assert second.faults == []


async def test_tab_of_another_account_stays_when_one_signs_out(
    visit: Visit, account: Account, site: Server, context: BrowserContext, accounts_of: db.Database
) -> None:
    second = Visit(await context.new_page(), site.url)
    await second.open()
    await visit.open()
    async with someone("Ben", site, accounts_of) as ben:
        await second.sign_in(ben.sid, ben.token)
        await visit.sign_in(account.sid, account.token)
        await visit.page.get_by_role("button", name="Sign out").click()
        await expect(visit.page.get_by_label(FORM)).to_be_visible()
        await second.page.get_by_role("link", name="Senders").first.click()
        await expect(second.page.get_by_text("There are no senders yet")).to_be_visible()
        assert await second.page.evaluate("JSON.parse(sessionStorage.getItem('signalbox')).sid") == ben.sid


async def test_key_that_is_revoked_leads_back_to_the_form_and_then_to_the_same_screen(
    visit: Visit, account: Account
) -> None:
    sid, secret = await account.key()
    await visit.open("/operations", status="COMPLETED")
    await visit.sign_in(sid, secret)
    await expect(visit.page.get_by_text("No operation fits")).to_be_visible()
    await account.revoke(sid)
    # The server caches valid credentials for a few seconds; the page fetches the list again until then.
    await expect(visit.page.get_by_role("alert")).to_contain_text("no longer accepts", timeout=60_000)
    await visit.sign_in(account.sid, account.token)
    await expect(visit.page.get_by_label("Status")).to_have_value("COMPLETED")
