"""CORS, if origins are configured: which web pages may send requests from a browser."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from signalbox.http.request import Headers, Response

_ALLOWED_HEADERS: Final = b"authorization, content-type, accept, idempotency-key, if-match, if-none-match, prefer"
_EXPOSED_HEADERS: Final = (
    b"location, etag, retry-after, ratelimit, ratelimit-policy, signalbox-warning, idempotency-replayed, "
    b"preference-applied, x-request-id, twilio-request-id, operationid, operationlocation, operation-id, "
    b"operation-location, resourceid, resourcelocation, resource-id, resource-location"
)


class Policy:
    """The configured origins; `*` allows any."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = {origin.encode() for origin in origins}

    def preflight(self, method: str, headers: Mapping[bytes, bytes], methods: Iterable[str]) -> Response | None:
        """The response to a preflight request; None when the request is not a preflight."""
        if method != "OPTIONS" or b"access-control-request-method" not in headers:
            return None
        allowed: Headers = [
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode()),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", b"600"),
        ]
        return Response(204, b"", headers=allowed if self._allows(headers) else [])

    def headers(self, headers: Mapping[bytes, bytes]) -> Headers:
        """The CORS headers of every response."""
        vary = [(b"vary", b"origin")]
        if not self._allows(headers):
            return vary
        origin = b"*" if self._any else headers[b"origin"]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED_HEADERS),
            *vary,
        ]

    def _allows(self, headers: Mapping[bytes, bytes]) -> bool:
        return b"origin" in headers and (self._any or headers[b"origin"] in self._origins)
