"""The documentation, served from the files it is written in: HTML, Markdown, and the two files for language models."""

import html
import re
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from signalbox.api.endpoint import Endpoint
from signalbox.api.request import Request, Response
from signalbox.errors import NotFound

# In an installed package the pages lie beside the code, in a checkout at its root.
_FOLDERS: Final = (Path(__file__).parents[1] / "docs", Path(__file__).parents[3] / "docs")
# No page holds this character.
_BASE: Final = "\ue000"
_POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MARKDOWN: Final = b"text/markdown; charset=utf-8"
_PLAIN: Final = b"text/plain; charset=utf-8"
_HTML: Final = b"text/html; charset=utf-8"

# The order in which a reader meets the pages; what is not named here comes after, by name.
_ORDER: Final = (
    "index",
    "senders",
    "inventory",
    "sender-pools",
    "operations",
    "paging",
    "idempotency",
    "resolve",
    "errors",
    "transport",
    "compatibility",
    "conformance",
    "configuration",
    "tenancy",
    "postgresql",
    "scaling",
    "monitoring",
    "reliability",
    "security",
    "performance",
)


def folder() -> Path:
    """Where the pages are."""
    return next(path for path in _FOLDERS if path.is_dir())


@lru_cache(maxsize=1)
def pages() -> dict[str, Path]:
    """The pages by name, in reading order."""
    found = {path.stem: path for path in folder().glob("*.md")}
    return {name: found[name] for name in sorted(found, key=lambda name: (_rank(name), name))}


@lru_cache(maxsize=1)
def pictures() -> dict[str, Path]:
    """The pictures that the pages show, by file name."""
    return {path.name: path for path in folder().glob("*.svg")}


async def index(request: Request) -> Response:
    """Show the documentation's first page."""
    return Response(200, _page("index", request.base_url), _HTML, _headers())


async def page(request: Request) -> Response:
    """Show one page of the documentation, its Markdown when the name ends in `.md`, or a picture that a page shows."""
    name = request.path_values["page"]
    if name in pictures():
        return Response(200, pictures()[name].read_bytes(), b"image/svg+xml", _headers())
    stem = name.removesuffix(".md")
    if stem not in pages():
        raise NotFound("there is no such page; /docs lists them")
    if name.endswith(".md"):
        return Response(200, pages()[stem].read_bytes(), _MARKDOWN, _headers())
    return Response(200, _page(stem, request.base_url), _HTML, _headers())


async def llms(request: Request) -> Response:
    """List the documentation for language models."""
    lines = [
        "# Signalbox",
        "",
        "> The Communications API (Senders, Sender Pools, Sender Pool Operations) as a program you run yourself.",
        "",
        f"- [OpenAPI document]({request.url('/openapi.json')}): every path, parameter, body and answer",
        *(f"- [{_title(name)}]({request.url(f'/docs/{name}.md')})" for name in pages()),
        "",
    ]
    return Response(200, "\n".join(lines).encode(), _PLAIN, _headers())


async def llms_full(_: Request) -> Response:
    """Give the whole documentation in one text."""
    return Response(200, b"\n\n".join(path.read_bytes() for path in pages().values()), _PLAIN, _headers())


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _title(name: str) -> str:
    first = pages()[name].read_text("utf-8").partition("\n")[0]
    return first.lstrip("# ") or name


def _headers() -> list[tuple[bytes, bytes]]:
    return [(b"content-security-policy", _POLICY), (b"x-content-type-options", b"nosniff")]


def _page(name: str, base_url: str) -> bytes:
    return _rendered(name).replace(_BASE, html.escape(base_url)).encode()


@lru_cache(maxsize=64)
def _rendered(name: str) -> str:
    """A page with a stand-in for the base URL: clients choose their Host, and must not choose how often we render."""
    # Nobody reads the documentation in the first second: the renderer is imported when somebody does.
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(pages()[name].read_text("utf-8"))
    for heading, text in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", _anchor(text.content))
    body = re.sub(
        r'href="([a-z-]+)\.md(#[^"]*)?"',
        rf'href="{_BASE}/docs/\1\2"',
        str(markdown.renderer.render(tokens, markdown.options, {})),
    )
    navigation = "".join(
        f'<a href="{_BASE}/docs/{one}"{" aria-current=page" if one == name else ""}>{html.escape(_title(one))}</a>'
        for one in pages()
    )
    page = _TEMPLATE.replace(
        "{title}", html.escape(_title(name) if name == "index" else f"{_title(name)} - Signalbox")
    ).replace("{navigation}", navigation)
    return page.replace("{body}", body)


def _anchor(heading: str) -> str:
    """`20001 Invalid input` has the anchor `20001`, `Page tokens` the anchor `page-tokens`."""
    code = re.match(r"\d{5}\b", heading)
    return code[0] if code else re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


_TEMPLATE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
* { box-sizing: border-box; }
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; display: flex; flex-wrap: wrap; }
nav { padding: 1.5rem 1rem; display: flex; flex-direction: column; gap: .35rem; flex: 0 0 12rem; }
nav a { text-decoration: none; color: inherit; padding: .1rem .6rem; border-radius: .3rem; }
nav a[aria-current] { background: var(--soft); font-weight: 600; }
main { padding: 0 1.2rem 4rem; flex: 1 1 20rem; min-width: 0; max-width: 52rem; }
pre { background: var(--soft); padding: .8rem 1rem; overflow-x: auto; border-radius: .4rem; }
code { font: .9em ui-monospace, monospace; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .7rem .35rem 0; text-align: left; vertical-align: top; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.2rem; }
@media (max-width: 40rem) { nav { flex: 1 0 100%; flex-flow: row wrap; padding-bottom: 0; } }
</style>
<nav aria-label="Pages">{navigation}</nav>
<main>{body}</main>
</html>
"""

INDEX: Final = Endpoint(index, other_media=("text/html",), public=True)
PAGE: Final = Endpoint(page, other_media=("text/html", "text/markdown", "image/svg+xml"), errors=(404,), public=True)
LLMS: Final = Endpoint(llms, other_media=("text/plain",), public=True)
LLMS_FULL: Final = Endpoint(llms_full, other_media=("text/plain",), public=True)
