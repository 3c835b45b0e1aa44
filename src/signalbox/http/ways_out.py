"""Addresses that people type into a browser: where they lead, and the page for one that does not exist.

Only `GET` and `HEAD`. The paths of the API never redirect, and their errors are always JSON. Contract section 1.
"""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Final

from signalbox.ground.errors import NotFound, SignalboxError, Unavailable
from signalbox.http.asgi import Scope
from signalbox.http.errors import MethodNotAllowed
from signalbox.http.request import Headers, Response, quality
from signalbox.http.router import Route

_OF_PEOPLE: Final = (b"console", b"docs")
_OF_PROGRAMS: Final = (b"v1", b"signalbox")
# The relative path to the first page of a folder that is no page itself.
_FOLDERS: Final = {b"/docs/contract": b"contract/index"}
_HTML: Final = b"text/html; charset=utf-8"
_STYLE: Final = """
:root { color-scheme: light dark; --bg: #fafaf8; --text: #1c1f1d; --quiet: #5a605c; --accent: #17634f }
@media (prefers-color-scheme: dark) { :root { --bg: #121413; --text: #e5e8e6; --quiet: #a3aba6; --accent: #74d1b6 } }
body { margin: 0; padding: 18vh 1.5rem 3rem; background: var(--bg); color: var(--text); font: 1rem/1.6 sans-serif }
main { max-width: 34rem; margin: auto }
h1 { font-size: 1.5rem; margin: 0 }
a { color: var(--accent) }
li { margin: .4rem 0 }
.quiet { color: var(--quiet) }
"""
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
).encode()
_TITLES: Final[Mapping[type[SignalboxError], str]] = {
    NotFound: "There is no such page",
    MethodNotAllowed: "This page can only be read",
    Unavailable: "This page is not available",
}


def redirect(scope: Scope, headers: Mapping[bytes, bytes]) -> Response | None:
    """Leads a browser from `/` to the console, and from a path with a slash at its end to the one without.

    `Location` is relative, so that it is right below any path prefix of a proxy.
    """
    path = _path(scope)
    if scope["method"] not in ("GET", "HEAD"):
        return None
    if path == b"/":
        return _found(scope, b"console") if _reads_html(headers) else None
    if path in _FOLDERS:
        return _found(scope, _FOLDERS[path])
    kept = path.removesuffix(b"/")
    if kept == path or kept.endswith(b"/") or path.split(b"/")[1] not in _OF_PEOPLE or not kept.isascii():
        return None
    return _found(scope, b"../" + kept.rpartition(b"/")[2])


def page(
    scope: Scope,
    headers: Mapping[bytes, bytes],
    route: Route | None,
    response: Response,
    error: SignalboxError,
) -> Response:
    """The same error as a page with links, for a browser outside of the API; else the response as it is."""
    path = _path(scope)
    beside_api = path.split(b"/")[1] in _OF_PEOPLE if route else path.split(b"/")[1] not in _OF_PROGRAMS
    if not beside_api or not _reads_html(headers):
        return response
    # Without a route there is nothing to say besides the title.
    message = error.message if route else ""
    body = _page(_TITLES.get(type(error), "This page cannot be shown"), message, path.count(b"/") - 1)
    about: Headers = [
        (b"cache-control", b"no-store"),
        (b"vary", b"accept"),
        (b"content-security-policy", _POLICY),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Response(response.status, body.encode(), _HTML, [*response.headers[1:], *about])


def _path(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return path if path.startswith(b"/") else b"/" + path


def _reads_html(headers: Mapping[bytes, bytes]) -> bool:
    accept = headers.get(b"accept", b"").decode("latin-1").lower()
    return "text/html" in accept and quality(accept, "text/html") > quality(accept, "application/json")


def _found(scope: Scope, location: bytes) -> Response:
    if query := scope["query_string"]:
        location += b"?" + query
    return Response(302, b"", _HTML, [(b"location", location), (b"cache-control", b"no-store"), (b"vary", b"accept")])


def _page(title: str, message: str, depth: int) -> str:
    root = "../" * depth or "./"
    said = f"<p>{escape(message[:1].upper() + message[1:])}.</p>\n" if message else ""
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Signalbox</title>
<style>{_STYLE}</style>
<main>
<p class="quiet">Signalbox</p>
<h1>{title}</h1>
{said}<ul>
<li><a href="{root}console">Console</a>: senders, pools, operations and requests</li>
<li><a href="{root}docs">Documentation</a>, with every path of the API</li>
</ul>
</main>
</html>
"""
