"""A call without its I/O: request, attempts, pauses, response. Generators of steps that both clients carry out.

A generator yields a `Step`; the client carries it out, blocking or awaiting, and sends the `StepResult` back. So
`Signalbox` and `AsyncSignalbox` share all code except sending, reading and sleeping.
"""

import logging
import random
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Generic, TypeAlias, TypeVar, cast
from urllib.parse import quote

import httpx
import msgspec

from signalbox_client.errors import (
    CLASSES,
    ApiError,
    Conflict,
    ConnectionFailed,
    InvalidArgument,
    Problem,
    SignalboxError,
    TooMany,
    Unavailable,
)
from signalbox_client.errors import UnexpectedAnswer as Unexpected
from signalbox_client.settings import Settings
from signalbox_client.version import __version__

T = TypeVar("T")

_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
USER_AGENT: Final = f"signalbox-client/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
EVENT_STREAM: Final = "text/event-stream"
# Raised by reading arbitrary bytes as JSON, and by writing arbitrary values.
UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)
_CONNECT_SECONDS: Final = 5.0  # short, so that after a host that drops packets there is time for another attempt
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 8.0
# The most that a Retry-After may ask for, and the longest timeout of a socket: more overflows in the system's timers.
_DAY_SECONDS: Final = 86_400.0
# Errors that a retry may resolve: the request was not carried out, or its outcome is unknown.
_AGAIN: Final = (Unavailable, TooMany, ConnectionFailed)
_NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

log = logging.getLogger("signalbox_client")


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request of the API, and the type of its result."""

    method: str
    path: str
    result: type[T]
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    extra_seconds: float = 0.0  # seconds that the server waits on purpose, added to the timeout
    redirected: bool = False  # whether a 301 is the success: its body names the resource
    conflicts: bool = False  # whether a 409 may be about the resource, and not about the idempotency key

    @property
    def keyed(self) -> bool:
        """Whether the request has an idempotency key, by which the server recognizes a retry."""
        return "Idempotency-Key" in self.headers


@dataclass(frozen=True)
class Response:
    """A response of the server; the body is empty while an event stream is open."""

    status: int
    headers: httpx.Headers
    body: bytes


@dataclass(frozen=True)
class Send:
    """Send the request; the result is the response, or the error. `deadline` is a time of `time.monotonic`.

    With `stream` an event stream stays open for `NextLine`.
    """

    request: httpx.Request
    deadline: float
    stream: bool = False


@dataclass(frozen=True)
class NextLine:
    """Read the next line of the open stream; the result is the line, the error that ended the stream, or None."""


@dataclass(frozen=True)
class Pause:
    """Sleep."""

    seconds: float


@dataclass(frozen=True)
class Show(Generic[T]):
    """Yield this value to the user of the iterator."""

    value: T


Step: TypeAlias = Send | NextLine | Pause
StepResult: TypeAlias = Response | httpx.RequestError | str | None
Steps: TypeAlias = Generator[Step, StepResult, T]


def segment(value: str) -> str:
    """An id as one segment of a path. Raises InvalidArgument for an id that would lead to another path."""
    if value.strip(".") == "":
        raise InvalidArgument("an id must not be empty")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidArgument("an id contains half of a surrogate pair, which UTF-8 cannot encode") from None


def header(name: str, value: str) -> str:
    """The value, checked. Raises InvalidArgument when a header cannot contain it."""
    if not value or not value.isascii() or not value.isprintable():
        raise InvalidArgument(f"{name} must be visible ASCII text")
    return value


def moment(value: datetime | str) -> str:
    """A date as RFC 3339. Raises InvalidArgument for a datetime without a time zone."""
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        raise InvalidArgument("a date needs a time zone, such as datetime(2026, 1, 1, tzinfo=UTC)")
    return value.isoformat()


def encoded(body: object) -> bytes:
    """JSON for a request. Raises InvalidArgument for a value that JSON cannot contain."""
    try:
        return msgspec.json.encode(body)
    except UNREADABLE as error:
        raise InvalidArgument(f"the request cannot be written as JSON: {error}") from None


def perform(settings: Settings, call: Call[T], deadline: float | None = None) -> Steps[T]:
    """Carries a call out and returns its result. Raises what `attempts` raises."""
    response = yield from attempts(settings, call, deadline)
    try:
        result = msgspec.json.decode(response.body, type=call.result)
    except UNREADABLE as error:
        raise Unexpected(f"{_name(settings, call)}: the response cannot be read: {error}") from error
    # Only resources that can be fetched by id can store an ETag.
    if "etag" in response.headers and hasattr(result, "__dict__"):
        result.__dict__["etag"] = response.headers["etag"]
    return result


def attempts(settings: Settings, call: Call[T], deadline: float | None = None) -> Steps[Response]:
    """Sends a call, with retries where they may help and time allows; returns the successful response.

    After a 429 every request is retried: the rate limit comes before all work (contract section 8). After another
    failure a POST is retried only with an idempotency key, which every POST that starts an operation has. The other
    methods are idempotent. Raises ApiError, ConnectionFailed, UnexpectedAnswer, InvalidArgument.
    """
    if deadline is None:
        deadline = time.monotonic() + settings.timeout + call.extra_seconds
    in_doubt = False
    attempt = 0
    while True:
        result = yield Send(request(settings, call, deadline), deadline)
        response = cast("Response | httpx.RequestError", result)
        failure = failure_of(settings, call, response)
        if failure is None:
            return cast("Response", response)
        if isinstance(failure, ApiError):
            failure.in_doubt = in_doubt
        in_doubt = in_doubt or _may_have_happened(response)
        pause = _pause(failure, attempt)
        late = time.monotonic() + pause >= deadline
        if attempt >= settings.max_retries or late or not _may_help(call, failure, in_doubt):
            raise failure
        attempt += 1
        log.debug("%s: %s; attempt %d in %.3f s", _name(settings, call), failure, attempt + 1, pause)
        yield Pause(pause)


def request(settings: Settings, call: Call[T], deadline: float) -> httpx.Request:
    """Makes the request of a call."""
    left = min(max(deadline - time.monotonic(), 0.001), _DAY_SECONDS)
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
    if call.content is not None:
        headers["Content-Type"] = "application/json"
    timeout = {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left, "pool": left}
    try:
        return httpx.Request(
            call.method,
            settings.url + call.path,
            params=call.params or None,
            headers=headers | dict(call.headers),
            content=call.content,
            extensions={"timeout": timeout},
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidArgument(f"{_name(settings, call)}: no request can be made of the arguments: {error}") from None


def not_sent(request: httpx.Request | None, error: Exception) -> httpx.RequestError:
    """The error of the network that `attempts` handles. Raises every other one as a SignalboxError.

    This is the one place where an error of a library becomes one of this package: httpx and the libraries below raise
    more than httpx documents, and an httpx client of the user may raise anything.
    """
    if isinstance(error, httpx.RequestError):
        return error
    if isinstance(error, SignalboxError):
        raise error
    name = "the event stream" if request is None else f"{request.method} {request.url.copy_with(query=None)}"
    raise ConnectionFailed(f"{name}: no response: {type(error).__name__}: {error}") from error


def failure_of(
    settings: Settings, call: Call[T], response: Response | httpx.RequestError
) -> ApiError | ConnectionFailed | Unexpected | None:
    """The error that a response means; None for a success."""
    if isinstance(response, httpx.RequestError):
        reason = str(response) or type(response).__name__
        failed = ConnectionFailed(f"{_name(settings, call)}: no response: {reason}")
        failed.__cause__ = response
        return failed
    if 200 <= response.status < 300 or (call.redirected and response.status == 301):
        return None
    if response.status < 400:
        return Unexpected(f"{_name(settings, call)}: the response was {response.status}; is the base URL right?")
    return _api_error(settings, call, response)


class _ErrorBody(msgspec.Struct, frozen=True):
    """The body of an error of the API."""

    code: int
    message: str
    errors: tuple[Problem, ...] = ()


def _api_error(settings: Settings, call: Call[T], response: Response) -> ApiError:
    kind = CLASSES.get(response.status, ApiError)
    request_id = response.headers.get("x-request-id")
    wait = _retry_after(response.headers.get("retry-after", ""))
    try:
        body = msgspec.json.decode(response.body, type=_ErrorBody)
    except UNREADABLE:
        message = f"{_name(settings, call)}: the response was {response.status}, without the error body of this API"
        return kind(response.status, None, message, (), request_id, wait)
    return kind(response.status, body.code, body.message, body.errors, request_id, wait)


def _retry_after(value: str) -> float | None:
    """The seconds of a Retry-After header, which is a number or a date, at most a day; None for other text."""
    if value.isascii() and value.isdigit():
        return min(float(value), _DAY_SECONDS)
    try:
        date = parsedate_to_datetime(value)
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, LookupError, OverflowError):  # parsedate_to_datetime raises each for some text
        return None
    return min(max(0.0, seconds), _DAY_SECONDS)


def _may_help(call: Call[T], failure: Exception, in_doubt: bool) -> bool:
    """Whether a retry may succeed. A key whose first request is still being processed is a Conflict.

    Where a Conflict may also be about the resource, it is taken for one of the key if an attempt has got no response.
    """
    if isinstance(failure, TooMany):
        return True
    if call.method == "POST" and not call.keyed:
        return False
    if isinstance(failure, Conflict):
        return call.keyed and (in_doubt or not call.conflicts)
    return isinstance(failure, _AGAIN)


def _may_have_happened(response: Response | httpx.RequestError) -> bool:
    """Whether the server may have carried out the failed request. A rate limit applies before any work."""
    if isinstance(response, Response):
        return response.status >= 500
    return not isinstance(response, _NOTHING_SENT)


def _pause(failure: Exception, attempt: int) -> float:
    """Seconds until the next attempt: full jitter over a span that doubles, added to the Retry-After."""
    span = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 10))
    jitter = random.uniform(0, span)  # noqa: S311 (spreads load; not for security)
    return jitter + (getattr(failure, "retry_after", None) or 0.0)


def _name(settings: Settings, call: Call[T]) -> str:
    return f"{call.method} {settings.url}{call.path}"
