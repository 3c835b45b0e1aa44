"""The headers of answers, as the OpenAPI document describes them: what each says, and which answers have it."""

from typing import Final, NamedTuple

from signalbox.ground.errors import NotJson, SignalboxError, TooLarge, TooMany, Unauthenticated
from signalbox.http.endpoint import Endpoint
from signalbox.http.errors import ANSWERS, MethodNotAllowed
from signalbox.http.parameters import Schema
from signalbox.http.shapes import OperationReference, ResourceReference


class Header(NamedTuple):
    """A header of answers; `always` ones come with every answer that names them."""

    description: str
    schema: Schema
    always: bool = True


_TEXT: Final[Schema] = {"type": "string"}
_URL: Final[Schema] = {"type": "string", "format": "uri"}
_RQ: Final[Schema] = {"type": "string", "pattern": "^RQ[0-9a-f]{32}$"}
HEADERS: Final = {
    "X-Request-Id": Header("Names the request, here and in the server's log.", _RQ),
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
        "This is the stored answer to an earlier request with the same key.",
        {"type": "string", "enum": ["true"]},
        False,
    ),
    "ETag": Header(
        "The state of the resource, for `If-None-Match` and `If-Match`; an event stream has none.",
        {"type": "string", "pattern": '^"[0-9a-f]{24}"$'},
        False,
    ),
    "Preference-Applied": Header(
        "The preference that was followed.", {"type": "string", "pattern": "^wait=[0-9]{1,2}$"}, False
    ),
    "Signalbox-Warning": Header(
        "Names an unknown query parameter, which was ignored; comes once for each.", _TEXT, False
    ),
    "RateLimit-Policy": Header("The account's quota `q` in a window of `w` seconds.", _TEXT, False),
    "RateLimit": Header("How many requests remain, `r`, and in how many seconds there is more, `t`.", _TEXT, False),
    "Retry-After": Header("After how many seconds to try again.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": Header("Asks for HTTP Basic credentials.", _TEXT),
    "Allow": Header("The methods that the path answers.", _TEXT),
}
_WARNING: Final = "Signalbox-Warning"
_LIMIT: Final = ("RateLimit-Policy", "RateLimit")
_REQUEST_IDS: Final = ("X-Request-Id", "Twilio-Request-Id", "X-Twilio-Request-Id")
_OF_TYPE: Final[dict[type | None, tuple[str, ...]]] = {
    OperationReference: ("Location", "operationId", "operationLocation", "operation-id", "operation-location"),
    ResourceReference: ("Location", "resourceId", "resourceLocation", "resource-id", "resource-location"),
}
# What a request header brings about.
_OF_PARAM: Final = {"Idempotency-Key": "Idempotency-Replayed", "Prefer": "Preference-Applied"}
_OF_STATUS: Final = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",)}
# Refusals before the rate limit is looked at, and those before the query is.
_BEFORE_LIMIT: Final = (Unauthenticated, MethodNotAllowed)
_BEFORE_QUERY: Final = (*_BEFORE_LIMIT, TooMany, TooLarge, NotJson)


class Features(NamedTuple):
    """Settings that show in answers."""

    strict: bool
    rate_limited: bool

    def send(self, name: str) -> bool:
        """Whether a server with these settings ever sends a header."""
        if name == _WARNING:
            return not self.strict
        return self.rate_limited or name not in _LIMIT


def of_success(endpoint: Endpoint) -> list[str]:
    """The headers of an endpoint's good answer."""
    return [
        *_REQUEST_IDS,
        *_OF_TYPE.get(endpoint.answer, ("Location",) if endpoint.status == 201 else ()),
        *(_OF_PARAM[param.name] for param in endpoint.headers),
        *(["ETag"] if endpoint.etag else []),
        _WARNING,
        *([] if endpoint.public else _LIMIT),
    ]


def of_refusal(kind: type[SignalboxError]) -> list[str]:
    """The headers of the answer to a kind of error."""
    return [
        *_REQUEST_IDS,
        *_OF_STATUS.get(ANSWERS[kind].status, ()),
        *([] if kind in _BEFORE_QUERY else [_WARNING]),
        *([] if kind in _BEFORE_LIMIT else _LIMIT),
    ]
