"""The documentation in a real browser: search works, no request goes to another host, no policy is violated."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import installed
from processes import Server

PREFIX: Final = "/some/prefix"
PHONE: Final = {"width": 360, "height": 740}
DESK: Final = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = installed.chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, built: None) -> Iterator[Server]:
    with Server("sqlite://", tmp_path_factory.mktemp("docs"), "--trusted-proxies", "127.0.0.1") as server:
        yield server


@pytest.fixture
def base(request: pytest.FixtureRequest, running: Server) -> Iterator[str]:
    """The URL of the program: its own, or below a path prefix of a proxy."""
    if not request.param:
        yield running.url
        return

    class Proxy(BaseHTTPRequestHandler):
        """Removes the prefix, and sends it in a header."""

        def do_GET(self) -> None:
            connection = HTTPConnection("127.0.0.1", running.port)
            headers = {**dict(self.headers), "X-Forwarded-Prefix": PREFIX}
            assert self.path.startswith(f"{PREFIX}/")
            connection.request("GET", self.path.removeprefix(PREFIX), headers=headers)
            response = connection.getresponse()
            self.send_response(response.status)
            for name, value in response.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.read())
            connection.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name in http.server)
            """Logs nothing."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{proxy.server_port}{PREFIX}"
    proxy.shutdown()
    thread.join()
    proxy.server_close()


class Visit:
    """A page of the browser; `wrong` lists its errors and its requests to other hosts."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda message: self._note(message.text, message.type in ("error", "warning")))
        page.on("pageerror", lambda error: self._note(str(error)))
        # Leaving a page aborts the requests that are still open.
        page.on("requestfailed", lambda one: self._note(f"failed: {one.url}", one.failure != "net::ERR_ABORTED"))
        page.on("request", lambda request: self._note(f"elsewhere: {request.url}", not request.url.startswith(base)))
        page.on("response", lambda response: self._note(f"{response.status}: {response.url}", response.status >= 400))

    def _note(self, what: str, wrong: bool = True) -> None:
        if wrong:
            self.wrong.append(what)


@pytest.mark.parametrize(
    ("base", "size", "scheme"),
    # Every two values of different parameters once.
    [("", PHONE, "light"), ("", DESK, "dark"), (PREFIX, PHONE, "dark"), (PREFIX, DESK, "light")],
    indirect=["base"],
    ids=["plain on a phone", "plain in the dark", "below a prefix, on a phone in the dark", "below a prefix"],
)
def test_search_leads_from_any_page_to_the_heading_that_was_looked_for(
    browser: Browser, base: str, size: dict[str, int], scheme: str
) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    visit = Visit(context.new_page(), base)
    page = visit.page
    for start in ("/docs", "/docs/operations", "/docs/contract/messages"):
        page.goto(base + start, wait_until="networkidle")
        expect(page.locator("body")).to_have_attribute(
            "data-md-color-scheme", {"light": "default", "dark": "slate"}[scheme]
        )
        page.keyboard.press("/")
        page.wait_for_function("document.activeElement !== document.body")
        page.keyboard.type("idempotency key reused")
        result = page.locator('a[href*="errors#20422"]').first
        result.click()
        page.wait_for_url(f"{base}/docs/errors#20422")
        expect(page.locator("[id='20422']")).to_be_in_viewport()
    page.locator("[data-md-component=logo]").first.click() if size is DESK else page.goto(f"{base}/docs")
    page.wait_for_url(f"{base}/docs")
    context.close()
    assert visit.wrong == []


@pytest.mark.parametrize(
    "name",
    [
        "index",
        "tutorial-ten-thousand-senders",
        "errors",
        "configuration",
        "conformance",
        "reference-sender-pools",
        "contract/messages",
        "architecture",
        "glossary",
    ],
)
def test_page_fits_a_phone(browser: Browser, running: Server, name: str) -> None:
    page = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
    visit = Visit(page, running.url)
    page.goto(f"{running.url}/docs/{name}")
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('article p')).fontSize)")
    page.close()
    assert wider <= 0
    assert size >= 14
    assert visit.wrong == []


def test_choice_of_dark_is_kept_from_page_to_page(browser: Browser, running: Server) -> None:
    page = browser.new_page(color_scheme="light")
    body = page.locator("body")
    page.goto(f"{running.url}/docs")
    for _ in range(2):  # from the system's theme to light, then to dark
        page.locator("form[data-md-component=palette] label:not([hidden])").click()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    page.goto(f"{running.url}/docs/errors")
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    page.close()


def test_samples_of_one_call_are_tabs_and_a_choice_holds_for_all(browser: Browser, running: Server) -> None:
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
    page.goto(f"{running.url}/docs/reference-sender-pools")
    tabs = page.locator(".tabbed-set")
    assert tabs.count() > 5
    tabs.first.get_by_text("TypeScript", exact=True).click()
    for number in (0, 1, 4):
        expect(tabs.nth(number).locator("pre:visible")).to_have_text(re.compile("signalbox-client"))
    page.close()
