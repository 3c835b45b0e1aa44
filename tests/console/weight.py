"""The size and load time of the console: `python tests/console/weight.py`, for docs/console.md."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Page, async_playwright, expect
from visits import Visit, furnish

from processes import SID, TOKEN, Server


class Weight(NamedTuple):
    """Bytes of each file as sent, headers included; milliseconds of each load with an empty cache."""

    files: dict[str, int]
    loaded: list[float]
    filled: list[float]


async def weigh(page: Page, loads: int, filled: str) -> Weight:
    """Loads the page several times; `filled` is an element that appears when the API's responses have arrived."""
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def named(event: dict[str, Any]) -> None:
        names[event["requestId"]] = event["response"]["url"]

    def finished(event: dict[str, Any]) -> None:
        url = names.get(event["requestId"], "")
        if "/console" in url:
            sizes[url[url.index("/console") :]] = int(event["encodedDataLength"])

    session = await page.context.new_cdp_session(page)
    session.on("Network.responseReceived", named)
    session.on("Network.loadingFinished", finished)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    weight = Weight(sizes, [], [])
    for _ in range(loads):
        await page.reload()
        weight.loaded.append(await page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        await expect(page.locator(filled).first).to_be_visible()
        weight.filled.append(await page.evaluate("performance.now()"))
    await session.detach()
    return weight


async def main() -> None:
    found = shutil.which("chromium")
    if found is None:
        sys.exit("this needs Debian's Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, Server("sqlite://", Path(folder)) as server:
        furnish(server)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
            visit = Visit(await browser.new_page(), server.url)
            await visit.open()
            await visit.sign_in(SID, TOKEN)
            await expect(visit.page.locator(".figure").first).to_be_visible()
            weight = await weigh(visit.page, 20, ".figure")
            await browser.close()
    for name, size in [*sorted(weight.files.items()), ("all", sum(weight.files.values()))]:
        print(f"{name:24} {size:7,} bytes")  # noqa: T201
    print(f"loaded after             {statistics.median(weight.loaded):7.0f} ms, median of 20")  # noqa: T201
    print(f"figures shown after      {statistics.median(weight.filled):7.0f} ms, median of 20")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
