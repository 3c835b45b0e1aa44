"""The documentation's site and its server: every page is served, and no link is broken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

import pytest
from markdown_it import MarkdownIt

from docs_build import pages, site
from processes import Server

PAGES: Final = pages.every()
TEXTS: Final = {name: pages.text(name) for name in PAGES}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, built: None) -> Iterator[Server]:
    with Server("sqlite://", tmp_path_factory.mktemp("site")) as server:
        yield server


def fetched(url: str) -> str:
    with urlopen(url, timeout=60) as response:  # noqa: S310 (our own server)
        return str(response.read().decode(errors="replace"))


def shapes(html: str) -> dict[str, int]:
    """The number of lists, tables and code blocks that a reader sees."""
    return {tag: len(re.findall(rf"<{tag}[ >]", html)) for tag in ("li", "tr", "pre", "h2", "h3", "img")}


@pytest.mark.parametrize("page", PAGES)
def test_page_of_the_site_has_the_shapes_that_markdown_has_elsewhere(page: str, built: None) -> None:
    """The generator's Markdown differs from others: a list that it does not recognize would be seen by readers only."""
    html = (site.SITE / "docs" / f"{page}.html").read_text("utf-8")
    article = html.partition("<article")[2].partition("</article>")[0]
    rendered = MarkdownIt("commonmark").enable("table").render(TEXTS[page])
    assert shapes(article) == shapes(rendered)


def test_every_page_is_served_as_html_and_markdown(running: Server) -> None:
    for name, text in TEXTS.items():
        assert fetched(f"{running.url}/docs/{name}.md") == text
        assert f"<title>{pages.title(name)}" in fetched(f"{running.url}/docs/{name}") or name == "index"


@pytest.mark.parametrize("base", ["http://signalbox.test", "https://api.example.com/some/prefix"])
def test_every_link_of_the_site_leads_to_what_is_served(base: str, running: Server) -> None:
    """Links are resolved as a browser does, from each page, also below a path prefix."""
    texts = {f"{base}/docs{path}": fetched(f"{running.url}/docs{path}") for path in ("", *(f"/{n}" for n in PAGES))}
    found: dict[str, str] = {}
    for url, html in texts.items():
        for target in re.findall(r'(?<=[ \n])(?:href|src)="([^"]*)"', html):
            goal = urljoin(url, target.replace("&amp;", "&"))
            if not goal.startswith(base):
                assert f'<a href="{target}"' in html, f"{url}: the page would load {target}"
                continue
            place, _, hash_ = goal.partition("#")
            if place not in found:
                found[place] = fetched(running.url + place.removeprefix(base)) if "/docs" in place else ""
            assert place.startswith(f"{base}/docs"), f"{url}: {target}"
            assert not hash_ or f'id="{hash_}"' in found[place], f"{url}: {target} leads to no heading"
    assert len(found) > len(PAGES)


def test_search_finds_places_that_are_served(running: Server) -> None:
    index = json.loads(fetched(f"{running.url}/docs/search.json"))
    places = {urlsplit(urljoin("http://signalbox.test/docs/", one["location"])).path for one in index["items"]}
    assert places == {"/docs", *(f"/docs/{name}" for name in PAGES if name != "index")}


def test_llms_txt_lists_every_page_with_a_line_about_it(running: Server) -> None:
    listed = re.findall(r"^- \[(.+)\]\((\S+)\): (\S.*)$", fetched(f"{running.url}/llms.txt"), flags=re.MULTILINE)
    assert sorted(url for _, url, _ in listed) == sorted(f"{running.url}/docs/{name}.md" for name in PAGES)
    assert all(fetched(url).startswith(f"# {title}\n") for title, url, _ in listed)
    assert not [line for _, _, line in listed if "](" in line or len(line) > 250]


def test_llms_full_has_every_page_in_reading_order(running: Server) -> None:
    order = [name for group in pages.groups() for name in group.pages]
    assert fetched(f"{running.url}/llms-full.txt") == "\n\n".join(TEXTS[name] for name in order)


def test_asset_is_kept_for_good_and_a_page_is_asked_for_again(running: Server) -> None:
    with urlopen(f"{running.url}/docs/errors", timeout=60) as page:  # noqa: S310 (our own server)
        assert page.headers["cache-control"] == "no-cache"
        html = page.read().decode()
    script = re.findall(r'src="(assets/bundle\.[0-9a-f]{12}\.js)"', html)[0]
    with urlopen(f"{running.url}/docs/{script}", timeout=60) as asset:  # noqa: S310 (our own server)
        assert "immutable" in asset.headers["cache-control"]
        assert asset.headers["content-type"] == "text/javascript; charset=utf-8"


def test_generator_of_the_lock_is_the_one_that_the_build_asks_for() -> None:
    lock = (pages.ROOT / "requirements.lock").read_text("utf-8")
    assert re.search(rf"^{re.escape(site.GENERATOR)}\b", lock, flags=re.MULTILINE)
