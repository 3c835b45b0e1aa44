"""The argument of a handler, and the responses that a handler returns."""

import re
from collections.abc import AsyncIterator
from typing import Final, TypeVar, cast

import msgspec

from signalbox.accounts.accounts import Principal
from signalbox.http.bodies import Body
from signalbox.http.parameters import Param, Query
from signalbox.http.services import Services

T = TypeVar("T")

JSON: Final = b"application/json"
Headers = list[tuple[bytes, bytes]]


class Request:
    """One request, authenticated, with parsed parameters and body. `fields` are added to its log line."""

    __slots__ = (
        "_content",
        "base_url",
        "fields",
        "header_values",
        "headers",
        "id",
        "method",
        "path_values",
        "principal",
        "query",
        "services",
    )

    def __init__(self, services: Services, method: str, headers: dict[bytes, bytes], request_id: str) -> None:
        self.services = services
        self.method = method
        self.headers = headers
        self.base_url = ""
        self.id = request_id
        self.principal: Principal = _NOBODY
        self.path_values: dict[str, str] = {}
        self.query = _NO_QUERY
        self.header_values: dict[str, object] = {}
        self.fields: dict[str, object] = {}
        self._content: object = None

    @property
    def account_id(self) -> int:
        """The account that sends the request."""
        return self.principal.account_id

    def get(self, param: Param[T]) -> T | None:
        """The value of a query parameter, or its default."""
        return self.query.get(param)

    def header_value(self, param: Param[T]) -> T | None:
        """The parsed value of a header that the endpoint declares; None when the request does not have the header."""
        return cast("T | None", self.header_values.get(param.name))

    def path(self, param: Param[str]) -> str:
        """The value of a path parameter."""
        return self.path_values[param.name]

    def body(self, _: Body[T]) -> T:
        """The decoded body; the argument is the one that the endpoint declares."""
        return cast("T", self._content)

    def set_body(self, content: object) -> None:
        """Sets the decoded body."""
        self._content = content

    def header(self, name: bytes) -> str:
        """The value of a header; empty when the request does not have it."""
        return self.headers.get(name, b"").decode("latin-1")

    async def still_authenticated(self) -> bool:
        """Whether the credentials of this request are still valid; asked while a long response is sent."""
        return await self.services.authenticator.still_valid(self.headers.get(b"authorization", b""), self.account_id)

    def prefers(self, media: str) -> bool:
        """Whether `Accept` prefers this media type to JSON (RFC 9110, section 12.5.1).

        Generated clients list every media type of the response with the same quality: they get JSON.
        """
        if b"accept" not in self.headers:
            return False
        accept = self.header(b"accept").lower()
        return media in accept and quality(accept, media) > quality(accept, "application/json")

    def url(self, path: str) -> str:
        """An absolute URL with the scheme, host and prefix that the client used."""
        return self.base_url + path


# Shared by all requests without a query string; nothing changes it.
_NO_QUERY: Final = Query()
_NOBODY: Final = Principal(0, "")


def quality(accept: str, wanted: str) -> float:
    """The quality, 0 to 1, of a value in an `Accept` or `Accept-Encoding` header in lower case; 0 when not listed."""
    for one in accept.split(","):
        name, _, parameters = one.partition(";")
        if name.strip() == wanted:
            weight = re.search(r"(?:^|;)\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:$|;)", parameters)
            return float(weight[1]) if weight else 1.0
    return 0.0


class Response:
    """A response whose body is in memory."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, content_type: bytes = JSON, headers: Headers | None = None) -> None:
        self.status = status
        self.body = body
        self.headers: Headers = [(b"content-type", content_type)] if status != 304 else []
        if headers:
            self.headers += headers


class Stream:
    """A response that is produced while it is sent. `begin` runs before the headers are sent and may raise errors."""

    __slots__ = ("chunks", "first", "headers", "status")

    def __init__(self, chunks: AsyncIterator[bytes], content_type: bytes) -> None:
        self.status = 200
        self.chunks = chunks
        self.first: bytes | None = None
        self.headers: Headers = [(b"content-type", content_type), (b"cache-control", b"no-store")]

    async def begin(self) -> None:
        """Produces the first chunk. Raises what a handler may raise."""
        self.first = await anext(self.chunks, None)


_encode = msgspec.json.Encoder().encode


def json_response(value: msgspec.Struct, status: int = 200, headers: Headers | None = None) -> Response:
    """A wire type as JSON."""
    return Response(status, _encode(value), headers=headers)
