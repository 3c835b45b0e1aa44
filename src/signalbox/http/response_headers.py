"""The response headers in the OpenAPI document: their descriptions, and which responses have them."""

from typing import Final, NamedTuple

from signalbox.ground.errors import NotJson, SignalboxError, TooLarge, TooMany, Unauthenticated
from signalbox.http.endpoint import Endpoint
from signalbox.http.errors import ERROR_CODES, MethodNotAllowed
from signalbox.http.parameters import Schema
from signalbox.http.shapes import OperationReference, ResourceReference


class Header(NamedTuple):
    """A response header. `always`: every response that lists the header has it."""

    description: str
    schema: Schema
    always: bool = True


_TEXT: Final[Schema] = {"type": "string"}
_URL: Final[Schema] = {"type": "string", "format": "uri"}
_RQ: Final[Schema] = {"type": "string", "pattern": "^RQ[0-9a-f]{32}$"}
HEADERS: Final = {
    "X-Request-Id": Header("The id of the request, also in the server's log.", _RQ),
    "Twilio-Request-Id": Header("The same as `X-Request-Id`.", _RQ),
    "X-Twilio-Request-Id": Header("The same as `X-Request-Id`.", _RQ),
    "Location": Header("Where the operation or resource is.", _URL),
    "operationId": Header("The operation's id.", _TEXT),
    "operationLocation": Header("The same as `Location`.", _URL),
    "operation-id": Header("The same as `operationId`.", _TEXT),
    "operation-location": Header("The same as `Location`.", _URL),
    "resourceId": Header("The resource's id.", _TEXT),
    "resourceLocation": Header("The same as `Location`.", _URL),
    "resource-id": Header("The same as `resourceId`.", _TEXT),
    "resource-location": Header("The same as `Location`.", _URL),
    "Idempotency-Replayed": Header(
        "The response was stored for an earlier request with the same key.",
        {"type": "string", "enum": ["true"]},
        False,
    ),
    "ETag": Header(
        "The state of the resource, for `If-None-Match` and `If-Match`; an event stream has none.",
        {"type": "string", "pattern": '^"[0-9a-f]{24}"$'},
        False,
    ),
    "Preference-Applied": Header(
        "The preference that the server applied.", {"type": "string", "pattern": "^wait=[0-9]{1,2}$"}, False
    ),
    "Signalbox-Warning": Header("An unknown query parameter, which was ignored; one header for each.", _TEXT, False),
    "RateLimit-Policy": Header("The account's quota: `q` requests in `w` seconds.", _TEXT, False),
    "RateLimit": Header("The requests that remain, `r`, and the seconds until there are more, `t`.", _TEXT, False),
    "Retry-After": Header("The seconds to wait before a retry.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": Header("Asks for HTTP Basic credentials.", _TEXT),
    "Allow": Header("The methods that the path has.", _TEXT),
}
_WARNING: Final = "Signalbox-Warning"
_LIMIT: Final = ("RateLimit-Policy", "RateLimit")
_REQUEST_IDS: Final = ("X-Request-Id", "Twilio-Request-Id", "X-Twilio-Request-Id")
_OF_TYPE: Final[dict[type | None, tuple[str, ...]]] = {
    OperationReference: ("Location", "operationId", "operationLocation", "operation-id", "operation-location"),
    ResourceReference: ("Location", "resourceId", "resourceLocation", "resource-id", "resource-location"),
}
# The response header that belongs to a request header.
_OF_PARAM: Final = {"Idempotency-Key": "Idempotency-Replayed", "Prefer": "Preference-Applied"}
_OF_STATUS: Final = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",)}
# Errors that are raised before the rate limit is checked, and those before the query is read.
_BEFORE_LIMIT: Final = (Unauthenticated, MethodNotAllowed)
_BEFORE_QUERY: Final = (*_BEFORE_LIMIT, TooMany, TooLarge, NotJson)


class Features(NamedTuple):
    """Settings that decide which headers are sent."""

    strict: bool
    rate_limited: bool

    def send(self, name: str) -> bool:
        """Whether a server with these settings sends the header."""
        if name == _WARNING:
            return not self.strict
        return self.rate_limited or name not in _LIMIT


def of_success(endpoint: Endpoint) -> list[str]:
    """The headers of an endpoint's successful response."""
    return [
        *_REQUEST_IDS,
        *_OF_TYPE.get(endpoint.response_type, ("Location",) if endpoint.status == 201 else ()),
        *(_OF_PARAM[param.name] for param in endpoint.headers),
        *(["ETag"] if endpoint.etag else []),
        _WARNING,
        *([] if endpoint.public else _LIMIT),
    ]


def of_error(kind: type[SignalboxError]) -> list[str]:
    """The headers of the response of an error."""
    return [
        *_REQUEST_IDS,
        *_OF_STATUS.get(ERROR_CODES[kind].status, ()),
        *([] if kind in _BEFORE_QUERY else [_WARNING]),
        *([] if kind in _BEFORE_LIMIT else _LIMIT),
    ]
