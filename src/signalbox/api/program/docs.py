"""The documentation, served from the files that `make docs` builds: pages, their Markdown, assets and images."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from signalbox.ground.errors import NotFound, Unavailable
from signalbox.http.bodies import Media
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.etags import etag_of, unchanged
from signalbox.http.parameters import text_param
from signalbox.http.request import Headers, Request, Response

SITE: Final = Path(__file__).parents[2] / "site"
GROUP: Final = Group("docs", "Documentation", "The documentation and the OpenAPI document.", "index")
PAGE_NAME: Final = text_param(
    "page", "The name of a page: with `.md` at its end as Markdown, else as HTML.", "sender-pools.md"
)
ASSET_NAME: Final = text_param("asset", "The name of a script or style sheet.")
PICTURE_NAME: Final = text_param("picture", "The name of an image.")
# The placeholder for the base URL in llms.txt.
_BASE_URL: Final = b"{base_url}"

_TEXT: Final = b"; charset=utf-8"
_MEDIA: Final = {
    ".html": b"text/html" + _TEXT,
    ".md": b"text/markdown" + _TEXT,
    ".txt": b"text/plain" + _TEXT,
    ".css": b"text/css" + _TEXT,
    ".js": b"text/javascript" + _TEXT,
    ".json": b"application/json",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
}
# `data:` is for the icons in the theme's style sheet. The hash is that of the style sheet in the script of the theme's
# search; `tests/docs_site` fails when a new version of the theme has another one.
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; "
    b"style-src 'self' 'sha256-NwSx/R2V/U4jnW0Tq5pQ53Y/rzPVJ4dqE7D6UTA/J1k='; img-src 'self' data:; "
    b"connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# An SVG image may have styles, and nothing else.
_POLICY_OF_PICTURES: Final = b"default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
# The name of an asset changes with its content. For any other file, clients revalidate what they have cached.
_FOR_GOOD: Final = b"public, max-age=31536000, immutable"
_ASK: Final = b"no-cache"


async def index(request: Request) -> Response:
    """Fetch the first page of the documentation."""
    return _response(request, "docs")


async def page(request: Request) -> Response:
    """Fetch a page as HTML or, with `.md` at the end of its name, as Markdown; also an image or the search index."""
    return _response(request, f"docs/{request.path(PAGE_NAME)}")


async def contract_page(request: Request) -> Response:
    """Fetch a page of the contract as HTML or, with `.md` at the end of its name, as Markdown."""
    return _response(request, f"docs/contract/{request.path(PAGE_NAME)}")


async def asset(request: Request) -> Response:
    """Fetch a script or style sheet of the pages."""
    return _response(request, f"docs/assets/{request.path(ASSET_NAME)}", _FOR_GOOD)


async def picture(request: Request) -> Response:
    """Fetch an image of the pages."""
    return _response(request, f"docs/images/{request.path(PICTURE_NAME)}")


async def llms(request: Request) -> Response:
    """List the documentation for language models."""
    text = _file("llms.txt").read_bytes().replace(_BASE_URL, request.base_url.encode())
    return Response(200, text, _MEDIA[".txt"], _headers(".txt", _ASK))


async def llms_full(request: Request) -> Response:
    """Fetch the whole documentation as one text."""
    return _response(request, "llms-full.txt")


def _response(request: Request, name: str, caching: bytes = _ASK) -> Response:
    """A file of the site; 304 when the client has it."""
    file = _file(name)
    content = file.read_bytes()
    etag = etag_of(content)
    headers = [(b"etag", etag.encode()), *_headers(file.suffix, caching)]
    if unchanged(request, etag):
        return Response(304, b"", headers=headers)
    return Response(200, content, _MEDIA[file.suffix], headers)


def _file(name: str) -> Path:
    """The built file at a path. Raises NotFound."""
    file = _files().get(name)
    if file is None:
        raise NotFound("the documentation has no page of this name; /docs lists its pages")
    return file


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    """Every built file by its path; no other file can be requested. Raises Unavailable when nothing is built."""
    built = [path for path in SITE.rglob("*") if path.suffix in _MEDIA]
    if not built:
        raise Unavailable("the documentation was not built in this checkout; make docs builds it")
    return {path.relative_to(SITE).as_posix().removesuffix(".html"): path for path in built}


def _headers(suffix: str, caching: bytes) -> Headers:
    policy = _POLICY_OF_PICTURES if suffix in (".svg", ".png") else _POLICY
    return [
        (b"cache-control", caching),
        (b"content-security-policy", policy),
        (b"x-content-type-options", b"nosniff"),
    ]


_HTML: Final = Media("text/html")
_PLAIN: Final = Media("text/plain")
_PAGES: Final = tuple(
    Media(one) for one in ("text/html", "text/markdown", "application/json", "image/svg+xml", "image/png")
)
_ASSETS: Final = tuple(Media(one) for one in ("text/javascript", "text/css", "image/svg+xml"))
_PICTURES: Final = (Media("image/png"), Media("image/svg+xml"))

INDEX: Final = Endpoint(index, GROUP, media=(_HTML,), errors=(503,), etag=True, public=True)
PAGE: Final = Endpoint(page, GROUP, path=(PAGE_NAME,), media=_PAGES, errors=(404, 503), etag=True, public=True)
CONTRACT_PAGE: Final = Endpoint(
    contract_page,
    GROUP,
    path=(PAGE_NAME,),
    media=(_HTML, Media("text/markdown")),
    errors=(404, 503),
    etag=True,
    public=True,
)
ASSET: Final = Endpoint(asset, path=(ASSET_NAME,), media=_ASSETS, errors=(404, 503), etag=True, public=True)
PICTURE: Final = Endpoint(picture, path=(PICTURE_NAME,), media=_PICTURES, errors=(404, 503), etag=True, public=True)
LLMS: Final = Endpoint(llms, GROUP, media=(_PLAIN,), errors=(503,), public=True)
LLMS_FULL: Final = Endpoint(llms_full, GROUP, media=(_PLAIN,), errors=(503,), etag=True, public=True)
