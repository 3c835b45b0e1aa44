"""One call without its I/O: request, attempts, pauses, answer. Written once, as generators that a client carries out.

A generator yields a `Step`, the client does what it says, blocking or awaiting, and sends back the `Reply`. So
everything but sending, reading and sleeping is the same code for `Signalbox` and `AsyncSignalbox`.
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

from signalbox_client.errors import CLASSES, ApiError, Conflict, ConnectionFailed, Problem, TooMany, Unavailable
from signalbox_client.errors import UnexpectedAnswer as Unexpected
from signalbox_client.settings import Settings
from signalbox_client.version import __version__

T = TypeVar("T")

_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
USER_AGENT: Final = f"signalbox-client/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
EVENT_STREAM: Final = "text/event-stream"
UNREADABLE: Final = (
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
)  # what reading any bytes as JSON may raise
_CONNECT_SECONDS: Final = 5.0  # a host that drops packets must leave time for another attempt
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 8.0
# Whoever answers these has not carried the request out, or cannot tell; or it is a proxy that got no answer.
_AGAIN: Final = (Unavailable, TooMany, ConnectionFailed)
_NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

log = logging.getLogger("signalbox_client")


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request as the API means it, and the type of its answer."""

    method: str
    path: str
    result: type[T]
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    extra_seconds: float = 0.0  # that the server takes on purpose, beyond the client's timeout

    @property
    def keyed(self) -> bool:
        """Whether the server recognises a repetition by its idempotency key."""
        return "Idempotency-Key" in self.headers


@dataclass(frozen=True)
class Answer:
    """What the server answered; the body is empty while a stream is open."""

    status: int
    headers: httpx.Headers
    body: bytes


@dataclass(frozen=True)
class Send:
    """Send this and reply with the answer or the failure; past the deadline (of `time.monotonic`) it is a failure.

    With `stream` an event stream stays open for `NextLine`.
    """

    request: httpx.Request
    deadline: float
    stream: bool = False


@dataclass(frozen=True)
class NextLine:
    """Reply with the next line of the open stream, or the failure that ended it; None at its end."""


@dataclass(frozen=True)
class Pause:
    """Sleep."""

    seconds: float


@dataclass(frozen=True)
class Show(Generic[T]):
    """Give this to whoever iterates."""

    value: T


Step: TypeAlias = Send | NextLine | Pause
Reply: TypeAlias = Answer | httpx.RequestError | str | None
Steps: TypeAlias = Generator[Step, Reply, T]


def segment(value: str) -> str:
    """An id as one segment of a path; ValueError for what would lead to another path."""
    if value.strip(".") == "":
        raise ValueError("an id must not be empty")
    return quote(value, safe="")


def header(name: str, value: str) -> str:
    """The value; ValueError if it cannot be one of a header."""
    if not value or not value.isascii() or not value.isprintable():
        raise ValueError(f"{name} must be visible ASCII text")
    return value


def moment(value: datetime | str) -> str:
    """A date as RFC 3339; ValueError for a datetime without a time zone."""
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        raise ValueError("a date needs a time zone, such as datetime(2026, 1, 1, tzinfo=UTC)")
    return value.isoformat()


def perform(settings: Settings, call: Call[T], deadline: float | None = None) -> Steps[T]:
    """Carries a call out and returns its result; see `attempts` for what it raises."""
    answer = yield from attempts(settings, call, deadline)
    try:
        result = msgspec.json.decode(answer.body, type=call.result)
    except UNREADABLE as error:
        raise Unexpected(f"{_name(settings, call)}: the answer cannot be read: {error}") from error
    # Only the resources that can be fetched by their id have room for it.
    if "etag" in answer.headers and hasattr(result, "__dict__"):
        result.__dict__["etag"] = answer.headers["etag"]
    return result


def attempts(settings: Settings, call: Call[T], deadline: float | None = None) -> Steps[Answer]:
    """Sends a call, again while that may help and there is time, and returns the answer of success.

    A POST is repeated only if it carries an idempotency key, as those do that start something; the other methods lead
    to the same state twice as once. Raises ApiError, ConnectionFailed, UnexpectedAnswer.
    """
    if deadline is None:
        deadline = time.monotonic() + settings.timeout + call.extra_seconds
    in_doubt = False
    attempt = 0
    while True:
        reply = yield Send(request(settings, call, deadline), deadline)
        answer = cast("Answer | httpx.RequestError", reply)
        failure = failure_of(settings, call, answer)
        if failure is None:
            return cast("Answer", answer)
        if isinstance(failure, ApiError):
            failure.in_doubt = in_doubt
        in_doubt = in_doubt or _may_have_happened(answer)
        pause = _pause(failure, attempt)
        late = time.monotonic() + pause >= deadline
        if attempt == settings.max_retries or late or not _may_help(call, failure):
            raise failure
        attempt += 1
        log.debug("%s: %s; attempt %d in %.3f s", _name(settings, call), failure, attempt + 1, pause)
        yield Pause(pause)


def request(settings: Settings, call: Call[T], deadline: float) -> httpx.Request:
    """The request of a call."""
    left = max(deadline - time.monotonic(), 0.001)
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
    if call.content is not None:
        headers["Content-Type"] = "application/json"
    timeout = {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left, "pool": left}
    return httpx.Request(
        call.method,
        settings.base_url + call.path,
        params=call.params or None,
        headers=headers | dict(call.headers),
        content=call.content,
        extensions={"timeout": timeout},
    )


def failure_of(
    settings: Settings, call: Call[T], answer: Answer | httpx.RequestError
) -> ApiError | ConnectionFailed | Unexpected | None:
    """What is wrong with an answer; None if it is a success."""
    if isinstance(answer, httpx.RequestError):
        reason = str(answer) or type(answer).__name__
        failed = ConnectionFailed(f"{_name(settings, call)}: no answer: {reason}")
        failed.__cause__ = answer
        return failed
    if 200 <= answer.status < 300:
        return None
    if answer.status < 400:
        return Unexpected(f"{_name(settings, call)}: the answer was {answer.status}; is the base URL right?")
    return _refusal(settings, call, answer)


class _Refusal(msgspec.Struct, frozen=True):
    """The API's error body."""

    code: int
    message: str
    errors: tuple[Problem, ...] = ()


def _refusal(settings: Settings, call: Call[T], answer: Answer) -> ApiError:
    kind = CLASSES.get(answer.status, ApiError)
    request_id = answer.headers.get("x-request-id")
    wait = _retry_after(answer.headers.get("retry-after", ""))
    try:
        body = msgspec.json.decode(answer.body, type=_Refusal)
    except UNREADABLE:
        message = f"{_name(settings, call)}: the answer was {answer.status}, without the error body of this API"
        return kind(answer.status, None, message, (), request_id, wait)
    return kind(answer.status, body.code, body.message, body.errors, request_id, wait)


def _retry_after(value: str) -> float | None:
    """The seconds of a Retry-After, a number or a date; None if it is neither."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _may_help(call: Call[T], failure: Exception) -> bool:
    """Whether another attempt may end better. A key whose first request is being answered is a Conflict."""
    if call.method == "POST" and not call.keyed:
        return False
    return isinstance(failure, _AGAIN) or (call.keyed and isinstance(failure, Conflict))


def _may_have_happened(answer: Answer | httpx.RequestError) -> bool:
    """Whether the server may have carried out what it gave no proper answer to; a rate limit is before all work."""
    if isinstance(answer, Answer):
        return answer.status >= 500
    return not isinstance(answer, _NOTHING_SENT)


def _pause(failure: Exception, attempt: int) -> float:
    """Seconds until the next attempt: full jitter over a doubling span, after what the server asked for."""
    span = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**attempt)
    jitter = random.uniform(0, span)  # noqa: S311 (spreads load, guards nothing)
    return jitter + (getattr(failure, "retry_after", None) or 0.0)


def _name(settings: Settings, call: Call[T]) -> str:
    return f"{call.method} {settings.base_url}{call.path}"
