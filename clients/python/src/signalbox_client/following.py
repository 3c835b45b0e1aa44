"""Waits for an operation until it is final, and watches it."""

import random
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Final, Literal, TypeAlias, TypeVar, cast

import httpx
import msgspec

from signalbox_client.calls import (
    EVENT_STREAM,
    UNREADABLE,
    Call,
    NextLine,
    Pause,
    Response,
    Send,
    Show,
    Step,
    StepResult,
    Steps,
    perform,
    request,
)
from signalbox_client.errors import ConnectionFailed, InvalidArgument, OperationTimeout, TooMany, Unavailable
from signalbox_client.message_results import MessageOperation
from signalbox_client.results import Operation
from signalbox_client.settings import Settings

Kind = TypeVar("Kind", bound=Operation | MessageOperation)

# Many proxies close a connection that is silent for much longer.
_LONGEST_WAIT_SECONDS: Final = 25
# The server sends something every 15 seconds. A longer silence means that a proxy buffers the stream.
_SILENCE_SECONDS: Final = 20.0
# An operation has some hundred bytes: what is much longer is another program's stream.
LONGEST_LINE: Final = 1 << 20
_ASK_SECONDS: Final = 1.0
_MOST_REFUSED_STREAMS: Final = 3
# Errors during a restart of the server.
_PASSING: Final = (ConnectionFailed, TooMany, Unavailable)

# How a stream ended: after its first event, before it, or buffered by a proxy, so that another stream would not help.
_End: TypeAlias = Literal["cut", "refused", "blocked"]


def waiting(fetch: Call[Kind], wait: float | None) -> Call[Kind]:
    """The call that fetches an operation: at once, or when it is final or `wait` seconds have passed."""
    if wait is None:
        return fetch
    if not wait >= 0:
        raise InvalidArgument("wait must be 0 seconds or more")
    seconds = int(min(wait, 60))
    return replace(fetch, headers={"Prefer": f"wait={seconds}"}, extra_seconds=seconds)


def wait(settings: Settings, fetch: Call[Kind], timeout: float) -> Steps[Kind]:
    """Fetches the operation, with the server's `wait`, until it is final. Raises OperationTimeout.

    After the first response, also waits for a server that is unavailable.
    """
    if not timeout >= 0:
        raise InvalidArgument("timeout must be 0 seconds or more")
    end = time.monotonic() + timeout
    seen: Kind | None = None
    trouble: ConnectionFailed | TooMany | Unavailable | None = None
    short = 0  # requests that got a response before their wait was over
    while True:
        started = time.monotonic()
        left = end - started
        if seen is not None and left <= 0:
            raise OperationTimeout(seen, timeout) from trouble
        # A second less, so that the response comes before the timeout.
        seconds = max(0, round(min(left - 1, _LONGEST_WAIT_SECONDS)))
        try:
            seen = yield from perform(settings, waiting(fetch, seconds), started + max(left, 1.0))
            trouble = None
        except _PASSING as error:
            if seen is None:
                raise
            trouble = error
        if seen.final:
            return seen
        pause = _retry_after(trouble)
        if seconds == 0 or time.monotonic() - started < seconds:
            # The server is unavailable, is stopping, or does not support the wait.
            short += 1
            pause += random.uniform(0.5, 1) * min(0.05 * 2.0 ** min(short, 10), 2.0)  # noqa: S311 (spreads load; not for security)
        yield Pause(max(0.0, min(pause, end - time.monotonic())))


def watch(settings: Settings, fetch: Call[Operation]) -> Generator[Step | Show[Operation], StepResult, None]:
    """Shows the operation at once and after each change that is noticed, until it is final.

    Reads the event stream. When a stream breaks, fetches the operation before it opens the next one. Where streams do
    not work, fetches again and again. Raises what any call raises; after the first response, only when the server is
    unavailable for longer than the client's timeout.
    """
    shown: Operation | None = None
    last_response = time.monotonic()
    streams_left = _MOST_REFUSED_STREAMS
    while True:
        if streams_left:
            shown, ended = yield from _stream(settings, fetch, shown)
            if shown is not None and shown.final:
                return
            streams_left = {"cut": _MOST_REFUSED_STREAMS, "refused": streams_left - 1, "blocked": 0}[ended]
            last_response = time.monotonic() if ended == "cut" else last_response
        pause = random.uniform(0.5, 1) * _ASK_SECONDS  # noqa: S311 (spreads load; not for security)
        try:
            now = yield from perform(settings, fetch)
        except _PASSING as error:
            pause += _retry_after(error)
            if shown is None or time.monotonic() + pause - last_response > settings.timeout:
                raise
        else:
            last_response = time.monotonic()
            if now != shown:
                shown = now
                yield Show(now)
            if now.final:
                return
        yield Pause(pause)


def _stream(
    settings: Settings, fetch: Call[Operation], shown: Operation | None
) -> Generator[Step | Show[Operation], StepResult, tuple[Operation | None, _End]]:
    """Shows the changes in one event stream; returns the last operation shown, and how the stream ended."""
    call = replace(fetch, headers={"Accept": EVENT_STREAM})
    deadline = time.monotonic() + _SILENCE_SECONDS
    response = yield Send(request(settings, call, deadline), deadline, stream=True)
    if not isinstance(response, Response):
        return shown, "blocked" if isinstance(response, httpx.ReadTimeout) else "refused"
    if response.status != 200 or not is_event_stream(response.headers):
        return shown, "blocked" if response.status == 200 else "refused"
    data: list[str] = []
    size = 0
    end: _End = "refused"
    while True:
        line = cast("httpx.RequestError | str | None", (yield NextLine()))
        if not isinstance(line, str):
            silent = end == "refused" and isinstance(line, httpx.ReadTimeout)
            return shown, "blocked" if silent or isinstance(line, httpx.DecodingError) else end
        end = "cut"
        if line:
            data += _data(line)
            size += len(line)
            if size > LONGEST_LINE:
                return shown, "blocked"
            continue
        try:
            operation = msgspec.json.decode("\n".join(data), type=Operation) if data else shown
        except UNREADABLE:
            return shown, "blocked"
        data, size = [], 0
        if operation is not None and operation != shown:
            shown = operation
            yield Show(operation)
        if shown is not None and shown.final:
            return shown, end


def is_event_stream(headers: httpx.Headers) -> bool:
    """Whether a response with these headers is an event stream."""
    return str(headers.get("content-type", "")).partition(";")[0].strip().lower() == EVENT_STREAM


class Lines:
    """Splits the bytes of an event stream into lines, and bounds a line in length and in time."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._last = time.monotonic()

    def feed(self, piece: bytes) -> list[str]:
        """The lines that are complete now. Raises DecodingError for a long line, ReadTimeout for a slow one."""
        now = time.monotonic()
        if b"\n" not in piece:
            self._rest += piece
            if len(self._rest) > LONGEST_LINE:
                raise httpx.DecodingError("a line of the event stream is longer than 1 MiB")
            if now - self._last > _SILENCE_SECONDS:
                raise httpx.ReadTimeout("a line of the event stream was not complete in time")
            return []
        self._last = now
        *lines, rest = bytes(self._rest + piece).split(b"\n")
        self._rest = bytearray(rest)
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]


def _data(line: str) -> Iterator[str]:
    """The data in a line of an event stream; none in a comment or another field."""
    name, _, value = line.partition(":")
    if name == "data":
        yield value.removeprefix(" ")


def _retry_after(error: ConnectionFailed | TooMany | Unavailable | None) -> float:
    """The seconds in the error's Retry-After; 0 without one."""
    return (getattr(error, "retry_after", None) or 0.0) if error is not None else 0.0
