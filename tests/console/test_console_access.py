"""Accessibility: no violation that axe finds, both themes, any width, keyboard only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final, Literal

import pytest
from playwright.async_api import BrowserContext, Page, ViewportSize, expect
from visits import NARROW, ROOT, WIDE, Furnished, Visit

from installed import AXE, need_axe
from processes import SID, TOKEN

pytest_plugins = ["browsers"]

CONSOLE: Final = ROOT / "src" / "signalbox" / "console"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS: Final = """async ([tags, all]) => {
    const rules = axe.getRules(tags).filter(one => all || one.tags.includes('cat.color')).map(one => one.ruleId);
    return (await axe.run(document, {runOnly: {type: 'rule', values: rules}})).violations;
}"""
HUGE: Final[ViewportSize] = {"width": 2560, "height": 1300}


async def faults(page: Page) -> list[str]:
    """The violations that axe finds on the page: of all rules in the light theme, of the colours' rules in the dark.

    The themes differ in nothing but colours: test_themes_differ_in_colours_only.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8"))
    found = []
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for theme in themes:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for one in await page.evaluate(VIOLATIONS, [RULES, theme == "light"]):
            found += [f"{theme}: {one['id']}: {node['html'][:160]}" for node in one["nodes"]]
    return found


async def wide(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


@pytest.fixture
async def visit(context: BrowserContext, home: Furnished) -> Visit:
    """A visit to the furnished server."""
    return Visit(await context.new_page(), home.server.url)


async def _enter(visit: Visit, screen: str = "") -> None:
    await visit.open(screen)
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.get_by_role("navigation", name="Screens")).to_be_visible()


async def _all_screens(visit: Visit, home: Furnished) -> AsyncIterator[str]:
    """Opens each screen and each dialog in turn; yields its name."""
    _, pool, operation, refused = home
    for screen, waits_for in (
        ("", ".figure"),
        ("/operations", "tbody a"),
        (f"/operation#id={operation}", ".failed"),
        ("/pools", "tbody a"),
        (f"/pool#id={pool}", ".bars"),
        ("/senders", "tbody a"),
        ("/resolve", "fieldset"),
        ("/requests", ".remarks"),
        (f"/request#id={refused}", ".body"),
    ):
        await visit.page.goto(f"{visit.url}/console{screen}")
        await expect(visit.page.locator(waits_for).first).to_be_visible()
        yield screen
    for screen, dialog in (("/pools#new=1", "New pool"), ("/senders#import=1", "Import senders")):
        await visit.page.goto(f"{visit.url}/console{screen}")
        await visit.page.get_by_label("Senders" if "pool" in screen else "CSV with", exact=False).first.wait_for()
        await visit.page.locator("textarea").fill("channel,address\nSMS,1\n")
        await expect(visit.page.get_by_role("dialog", name=dialog)).to_be_visible()
        yield screen
    await visit.page.goto(f"{visit.url}/console/pool#id={pool}")
    await visit.page.get_by_role("button", name="Delete", exact=True).click()
    yield "delete"
    await visit.page.keyboard.press("Escape")
    await visit.page.keyboard.press("?")
    await expect(visit.page.get_by_role("dialog", name="Keys")).to_be_visible()
    yield "help"
    await visit.page.keyboard.press("Escape")
    sender = (await visit.rows("Members").first.get_by_role("link").get_attribute("href") or "").partition("id=")[2]
    await visit.page.goto(f"{visit.url}/console/senders#id={sender}")
    await expect(visit.page.get_by_label("Display name")).to_be_visible()
    yield "sender"


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_axe_finds_nothing_on_any_screen(visit: Visit, home: Furnished, size: ViewportSize) -> None:
    """In both themes. Also, no screen is wider than its window."""
    need_axe()
    await visit.page.set_viewport_size(size)
    await visit.open()
    await expect(visit.page.get_by_label("SID", exact=True)).to_be_visible()
    assert await faults(visit.page) == [], "sign in"
    await visit.sign_in(SID, "wrong")
    await expect(visit.page.get_by_role("alert")).to_be_visible()
    assert await faults(visit.page) == [], "sign in, refused"
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.get_by_role("navigation", name="Screens")).to_be_visible()
    async for name in _all_screens(visit, home):
        assert await faults(visit.page) == [], name
        assert await wide(visit.page) <= 0, name
    assert visit.faults == []


def test_themes_differ_in_colours_only() -> None:
    """So, in the dark theme, axe checks the colours alone."""
    files = [(CONSOLE / name).read_text("utf-8") for name in ("console.css", "console.js", "index.html")]
    dark = re.findall(r"@media\(prefers-color-scheme:dark\){:root{([^}]*)}}", files[0])
    assert len(dark) == "".join(files).count("prefers-color-scheme") == 1
    assert all(re.fullmatch("--[a-z-]+: #[0-9a-f]{3,6}", one) for one in dark[0].split(";")), dark


async def test_no_screen_is_wider_than_a_very_large_window_or_lost_in_it(visit: Visit, home: Furnished) -> None:
    await visit.page.set_viewport_size(HUGE)
    await _enter(visit)
    async for name in _all_screens(visit, home):
        assert await wide(visit.page) <= 0, name
        used = await visit.page.locator("main").evaluate("main => main.getBoundingClientRect().width")
        assert used > 2000, name


async def test_nothing_moves_for_who_wants_no_motion(visit: Visit) -> None:
    await visit.page.emulate_media(reduced_motion="reduce")
    await _enter(visit, "/operations")
    bar = visit.page.get_by_role("progressbar").first.locator("span").first
    await expect(bar).to_have_css("transition-duration", "0s")


async def test_everything_is_reached_by_the_keyboard_alone(visit: Visit, home: Furnished) -> None:
    """Signs in, then creates, finds and deletes a pool."""
    keys = visit.page.keyboard
    await visit.open()
    await expect(visit.page.get_by_label("SID", exact=True)).to_be_focused()
    await keys.type(SID)
    await keys.press("Tab")
    await keys.type(TOKEN)
    await keys.press("Enter")
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()

    await keys.press("?")
    await expect(visit.page.get_by_role("dialog", name="Keys")).to_be_visible()
    await keys.press("Escape")
    await expect(visit.page.get_by_role("dialog")).to_have_count(0)

    await keys.press("/")
    await expect(visit.page.get_by_label("Search", exact=True)).to_be_focused()
    await keys.type(home.operation)
    await keys.press("Enter")
    await expect(visit.page.locator(".status-line")).to_contain_text(home.operation)
    await expect(visit.page.get_by_role("heading", name="Create Everybody")).to_be_focused()
    await keys.press("Escape")
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_focused()

    await keys.press("4")
    await expect(visit.page.get_by_role("heading", name="Senders")).to_be_visible()
    await expect(visit.rows("Senders").first).to_be_visible()
    for key in ("j", "j", "ArrowDown", "k"):
        await keys.press(key)
    second = visit.rows("Senders").nth(1).get_by_role("link")
    await expect(second).to_be_focused()
    await keys.press("Enter")
    await expect(visit.page.get_by_role("dialog", name=await second.inner_text(), exact=True)).to_be_visible()
    await keys.press("Escape")
    await expect(visit.page.get_by_role("dialog")).to_have_count(0)
    await expect(second).to_be_focused()

    await keys.press("3")
    await expect(visit.page.get_by_role("heading", name="Pools")).to_be_visible()
    await keys.press("n")
    await expect(visit.page.get_by_role("dialog", name="New pool").get_by_label("Name")).to_be_focused()
    await keys.type("By keys")
    await keys.press("Enter")
    await expect(visit.page.locator(".state.completed").first).to_be_visible()
    await keys.press("3")
    await expect(visit.rows("Pools").first).to_contain_text("By keys")
    await keys.press("j")
    await keys.press("Enter")
    await expect(visit.page.get_by_role("heading", name="By keys")).to_be_visible()
    await visit.page.get_by_role("button", name="Delete", exact=True).focus()
    await keys.press("Enter")
    await expect(visit.page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    await keys.type("By keys")
    await keys.press("Enter")
    await expect(visit.page.get_by_role("heading", name="Pools")).to_be_visible()
    await expect(visit.rows("Pools").first).to_contain_text("Everybody")


async def test_focus_is_always_seen(visit: Visit) -> None:
    """Every element that Tab reaches has an outline, and no fixed element covers it."""
    await _enter(visit, "/senders")
    await expect(visit.rows("Senders").first).to_be_visible()
    await visit.page.locator("body").press("Tab")
    for _ in range(40):
        seen = await visit.page.evaluate(
            """() => {
                const at = document.activeElement, box = at.getBoundingClientRect();
                const target = at.matches('.pick input') ? at.nextElementSibling : at;
                const style = getComputedStyle(target);
                const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                const clear = at.contains(over) || over?.contains(at) || box.y < 0;
                return [style.outlineStyle, clear, at.outerHTML.slice(0, 90)];
            }"""
        )
        assert seen[0] != "none", seen
        assert seen[1], seen
        await visit.page.keyboard.press("Tab")
