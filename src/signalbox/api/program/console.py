"""The web console: its page and files, as built from `console/`. It uses only the HTTP API, like any client."""

from functools import cache
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from signalbox.ground.errors import Bug, Forbidden
from signalbox.http.bodies import Body, Media
from signalbox.http.endpoint import Endpoint
from signalbox.http.etags import etag_of, unchanged
from signalbox.http.request import Headers, Request, Response, json_response, quality

_FOLDER: Final = Path(__file__).parents[2] / "console"
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _File(NamedTuple):
    """A built file; `compressed` is for clients that accept gzip."""

    plain: bytes
    compressed: bytes
    etag: str


async def first_screen(request: Request) -> Response:
    """Show the first screen of the console."""
    return _response(request, _file("index.html", "console/"), b"text/html; charset=utf-8")


async def screen(request: Request) -> Response:
    """Show a screen of the console."""
    return _response(request, _file("index.html", "./"), b"text/html; charset=utf-8")


async def script(request: Request) -> Response:
    """Fetch the console's script."""
    return _response(request, _file("console.js"), b"text/javascript; charset=utf-8")


async def style(request: Request) -> Response:
    """Fetch the console's style sheet."""
    return _response(request, _file("console.css"), b"text/css; charset=utf-8")


async def icon(request: Request) -> Response:
    """Fetch the console's icon."""
    return _response(request, _file("icon.svg"), b"image/svg+xml")


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The secret of a sign-in link."""

    link: Annotated[str, Meta(min_length=1, max_length=256)]


class Credentials(msgspec.Struct, frozen=True, rename="camel"):
    """The credentials of the account that a sign-in link is for."""

    account_sid: str
    auth_token: str


async def sign_in(request: Request) -> Response:
    """Exchange a sign-in link of `signalbox dev` for the credentials of its account, once."""
    local = request.services.local
    if local is None:  # pragma: no cover - only a server with `local` has this route
        raise Bug("a sign-in link on a server that has none")
    # Browsers send `Origin` with every POST, so that no page of another site can use a link up.
    if (origin := request.header(b"origin")) and origin != request.base_url:
        raise Forbidden("a sign-in link works only on the console of its own server")
    local.use(request.body(SIGN_IN_BODY).link)
    credentials = Credentials(local.account_sid, local.auth_token)
    return json_response(credentials, headers=[(b"cache-control", b"no-store")])


@cache
def _file(name: str, here: str = "./") -> _File:
    """A file; in the page, `./` of its links is replaced by `here`.

    Links stay relative, so that they are right below any path prefix and behind any proxy.
    """
    import gzip

    plain = (_FOLDER / name).read_bytes()
    if name == "index.html":
        plain = plain.replace(b'="./', f'="{here}'.encode())
    return _File(plain, gzip.compress(plain, mtime=0), etag_of(plain))


def _response(request: Request, file: _File, media: bytes) -> Response:
    headers: Headers = [
        (b"content-security-policy", _POLICY),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-cache"),
        (b"vary", b"accept-encoding"),
        (b"etag", file.etag.encode()),
    ]
    if unchanged(request, file.etag):
        return Response(304, b"", headers=headers)
    if not quality(request.header(b"accept-encoding").lower(), "gzip"):
        return Response(200, file.plain, media, headers)
    return Response(200, file.compressed, media, [*headers, (b"content-encoding", b"gzip")])


SIGN_IN_BODY: Final = Body(SignIn, SignIn("R7wQ2mXv9KpLz4TnB8sYc3HdFj6GaUe1"))
SIGN_IN: Final = Endpoint(sign_in, body=SIGN_IN_BODY, public=True)
FIRST_SCREEN: Final = Endpoint(first_screen, media=(Media("text/html"),), etag=True, public=True)
SCREEN: Final = Endpoint(screen, media=(Media("text/html"),), etag=True, public=True)
SCRIPT: Final = Endpoint(script, media=(Media("text/javascript"),), etag=True, public=True)
STYLE: Final = Endpoint(style, media=(Media("text/css"),), etag=True, public=True)
ICON: Final = Endpoint(icon, media=(Media("image/svg+xml"),), etag=True, public=True)
