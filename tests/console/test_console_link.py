"""The sign-in link of `signalbox dev`, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, expect
from visits import Visit

from processes import COMMAND, READY, Process, environment, eventually

pytest_plugins = ["browsers"]


@pytest.fixture
def link(tmp_path: Path) -> Iterator[str]:
    """The link that `signalbox dev` gives to the browser that it opens."""
    variables = {"HOME": str(tmp_path), "BROWSER": "true"}
    command = [str(COMMAND), "dev", "--port", "0", "--open"]
    with Process(command, env=environment(variables), cwd=tmp_path) as process:
        process.printed(READY)
        page = tmp_path / ".signalbox" / "open.html"

        def found() -> str:
            with suppress(FileNotFoundError):
                if match := re.search(r'"(http://[^"]+)"', page.read_text("utf-8")):
                    return match[1]
            return ""

        eventually(lambda: found() != "", "the file for the browser is there")
        yield found()
        assert process.stop() == 0


async def test_link_signs_in_and_leaves_the_address_and_the_history(context: BrowserContext, link: str) -> None:
    url, _, fragment = link.partition("/console#")
    assert fragment
    visit = Visit(await context.new_page(), url)
    await visit.page.goto(link)
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()
    assert visit.page.url == f"{url}/console"
    await visit.page.get_by_role("link", name="Pools").first.click()
    await expect(visit.page.get_by_text("Order updates, UK")).to_be_visible()
    await visit.page.go_back()
    assert fragment not in visit.page.url
    assert visit.faults == []


async def test_used_link_shows_the_form_and_what_to_do(context: BrowserContext, chromium: Browser, link: str) -> None:
    url = link.partition("/console#")[0]
    first = Visit(await context.new_page(), url)
    await first.page.goto(link)
    await expect(first.page.get_by_role("heading", name="Overview")).to_be_visible()
    elsewhere = await chromium.new_context()
    try:
        second = Visit(await elsewhere.new_page(), url)
        await second.page.goto(link)
        await expect(second.page.get_by_role("alert")).to_contain_text("was used already")
        await expect(second.page.get_by_role("alert")).to_contain_text("Press Enter")
        await expect(second.page.get_by_label("Auth token or secret")).to_be_visible()
        assert second.page.url == f"{url}/console"
    finally:
        await elsewhere.close()
