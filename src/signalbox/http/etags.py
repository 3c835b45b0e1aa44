"""ETags of single resources, and conditional requests. Contract section 8, RFC 9110 section 13."""

from hashlib import blake2b

import msgspec

from signalbox.ground.errors import PreconditionFailed
from signalbox.http.request import Headers, Request, Response


def conditional(
    request: Request, value: msgspec.Struct, headers: Headers | None = None, *, tagged: msgspec.Struct | None = None
) -> Response:
    """The resource with its ETag; 304 when `If-None-Match` lists that ETag.

    `tagged`: another form of the resource, which gives the ETag. It must change whenever `value` changes.
    """
    body = msgspec.json.encode(value)
    etag = etag_of(body if tagged is None else msgspec.json.encode(tagged))
    all_headers = [(b"etag", etag.encode()), *(headers or [])]
    if unchanged(request, etag):
        return Response(304, b"", headers=all_headers)
    return Response(200, body, headers=all_headers)


def require_match(request: Request, value: msgspec.Struct | None) -> None:
    """Raises PreconditionFailed when `If-Match` does not list the ETag of the resource, or there is no resource."""
    condition = request.header(b"if-match")
    if condition and (value is None or not _lists(condition, etag_of(msgspec.json.encode(value)), weak=False)):
        raise PreconditionFailed("the resource is not in the state that If-Match names; fetch it again")


def unchanged(request: Request, etag: str) -> bool:
    """Whether `If-None-Match` lists this ETag, so that the response is 304."""
    condition = request.header(b"if-none-match")
    return bool(condition) and request.method in ("GET", "HEAD") and _lists(condition, etag)


def etag_of(body: bytes) -> str:
    """The ETag of a response body, in the quotes that the header needs."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def _lists(condition: str, etag: str, weak: bool = True) -> bool:
    """Whether a list of ETags has this one; a weak ETag never matches `If-Match`."""
    tags = [tag.strip() for tag in condition.split(",")]
    return "*" in tags or etag in tags or (weak and f"W/{etag}" in tags)
