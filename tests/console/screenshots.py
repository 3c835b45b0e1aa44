"""The pictures of docs/console.md: every screen, light and dark, narrow and wide. Run by `make screenshots`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Page, async_playwright, expect
from visits import NARROW, ROOT, WIDE, Furnished, Visit, furnish

from processes import SID, TOKEN, Client, Server, unknown_senders

OUT: Final = ROOT / "docs" / "images"
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
CSV: Final = """channel,address,displayName
SMS,+12025550100,Support
SMS,12025550101,
EMAIL,nobody,
SMS,+12025550100,Again
"""


async def screens(visit: Visit, home: Furnished, shoot: Shoot) -> None:
    """Opens each screen, waits until it is complete, and takes a screenshot."""
    page = visit.page
    await visit.open()
    await shoot("sign-in")
    await visit.sign_in(SID, TOKEN)
    await expect(page.locator(".figure").first).to_be_visible()
    await shoot("overview")
    for name, address, whole in (
        ("operations", "/operations", "tbody tr:nth-child(12)"),
        ("operation", f"/operation#id={home.operation}", "tbody .failed"),
        ("pools", "/pools", "tbody tr:nth-child(12)"),
        ("pool", f"/pool#id={home.pool}", "tbody tr:nth-child(5)"),
        ("senders", "/senders", "tbody tr:nth-child(12)"),
        ("requests", "/requests#mine=1", ".remarks"),
        ("request", f"/request#id={home.refused}", "section:nth-child(2) .body"),
    ):
        await page.goto(f"{visit.url}/console{address}")
        await expect(page.locator(whole).first).to_be_visible()
        await shoot(name)
    await visit.open("/pools", new="1")
    await page.locator("textarea").fill(CSV)
    await shoot("new-pool")
    await visit.open("/resolve")
    await page.get_by_label("Address 1", exact=True).fill("+12025550199")
    await page.get_by_role("button", name="One more address").click()
    await page.get_by_label("Address 2", exact=True).fill("ada@example.org")
    await page.get_by_role("button", name="Who can reach this person?").click()
    await expect(page.locator(".reasons").first).to_be_visible()
    # On a phone the result is below the form.
    await page.evaluate("scrollTo(0, innerWidth < 600 ? document.querySelector('main h2').offsetTop - 100 : 0)")
    await shoot("resolve")


class Shoot:
    """Takes a screenshot of the window; the file has the name of the screen."""

    def __init__(self, page: Page, suffix: str) -> None:
        self._page = page
        self._suffix = suffix

    async def __call__(self, name: str) -> None:
        path = OUT / f"console-{name}-{self._suffix}.png"
        await self._page.screenshot(path=path, animations="disabled", caret="hide")
        _smaller(path)


def _smaller(path: Path) -> None:
    """Reduces the file to a third: 64 colours are enough."""
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


async def main() -> None:
    found = shutil.which("chromium")
    if found is None:
        sys.exit("the pictures need Debian's Chromium: apt-get install chromium")
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Server("sqlite://", Path(folder), "--request-bodies") as server:
        home = furnish(server)
        with Client(server.url) as api:
            ids = [one["id"] for one in api.pages("/v1/Senders", "senders")]
            api.completed(api.create_pool([*ids, *unknown_senders(40)], name="Nightly import"))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
            for size, width in ((WIDE, "wide"), (NARROW, "narrow")):
                for theme in THEMES:
                    context = await browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
                    visit = Visit(await context.new_page(), server.url)
                    await screens(visit, home, Shoot(visit.page, f"{width}-{theme}"))
                    assert visit.faults == [], visit.faults
                    await context.close()
            await browser.close()
    pictures = sorted(OUT.glob("console-*.png"))
    print(f"{len(pictures)} pictures, {sum(path.stat().st_size for path in pictures) // 1024} KiB, in {OUT}")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
