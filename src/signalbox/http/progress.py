"""An operation as it is now, when it is final (`Prefer: wait`), or as it changes (event stream). Contract section 8."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol, TypeVar

import msgspec

from signalbox.db import Tx
from signalbox.ground.errors import Unavailable
from signalbox.http.bodies import Media
from signalbox.http.etags import conditional
from signalbox.http.parameters import Param
from signalbox.http.request import Headers, Request, Response, Stream

# A waiting request reads the operation this often, because a wake-up is a hint that may be lost.
_LOOK_SECONDS: Final = 1.0
_COMMENT_SECONDS: Final = 15.0
_MOST_WAIT_SECONDS: Final = 60

_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,9})\"?(?:$|[,;\s])", flags=re.IGNORECASE)


def _wait_seconds(prefer: str) -> int | None:
    """The seconds of `Prefer: wait=N`, at most 60. A malformed preference is ignored (RFC 7240, section 2)."""
    match = _WAIT.search(prefer)
    return min(int(match[1]), _MOST_WAIT_SECONDS) if match else None


PREFER: Final = Param(
    "Prefer",
    _wait_seconds,
    {"type": "string"},
    "`wait=N`: respond when the operation is final, or after N seconds (at most 60).",
    example="wait=10",
)


class Operation(Protocol):
    """An operation of any kind. `final`: it will not make progress any more."""

    @property
    def id(self) -> str: ...
    @property
    def final(self) -> bool: ...


Found = TypeVar("Found", bound=Operation)


def events_of(example: msgspec.Struct) -> Media:
    """The event stream of an operation, for the OpenAPI document."""
    return Media(
        "text/event-stream",
        "An event for each change of the operation until it is final; its `data` is the object as JSON.",
        "event: operation\ndata: " + msgspec.json.encode(example).decode() + "\n\n",
    )


async def show(
    request: Request,
    operation_id: str,
    fetch: Callable[[Tx], Awaitable[Found]],
    shape: Callable[[Found], msgspec.Struct],
) -> Response | Stream:
    """The operation: as an event stream, when it is final, or now, as the request asks. Raises what `fetch` raises.

    Each commit that changes the operation fires the topic `operation_id`. `shape` makes the wire type.
    """
    if request.prefers("text/event-stream"):
        await request.services.db.read(fetch)
        return Stream(_events(request, operation_id, fetch, shape), b"text/event-stream")
    headers: Headers = []
    seconds = request.header_value(PREFER)
    if seconds is None:
        operation = await request.services.db.read(fetch)
    else:
        operation = await _wait(request, operation_id, fetch, seconds)
        headers = [(b"preference-applied", f"wait={seconds}".encode())]
    request.fields["operation"] = operation.id
    return conditional(request, shape(operation), headers)


async def _wait(request: Request, operation_id: str, fetch: Callable[[Tx], Awaitable[Found]], seconds: float) -> Found:
    """The operation, read until it is final, the time is over or the server stops."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with request.services.db.wakeups.subscribe(operation_id) as news:
        while True:
            operation = await request.services.db.read(fetch)
            left = end - loop.time()
            if operation.final or left <= 0 or request.services.stopping:
                return operation
            await news.wait(min(left, _LOOK_SECONDS))


async def _events(
    request: Request,
    operation_id: str,
    fetch: Callable[[Tx], Awaitable[Found]],
    shape: Callable[[Found], msgspec.Struct],
) -> AsyncIterator[bytes]:
    """One event for each change of the operation until it is final; comments keep an idle connection open."""
    loop = asyncio.get_running_loop()
    said: msgspec.Struct | None = None
    last = loop.time()
    with request.services.db.wakeups.subscribe(operation_id) as news:
        while not request.services.stopping and await request.still_authenticated():
            # The stream goes on after a restart of the database.
            with contextlib.nullcontext() if said is None else contextlib.suppress(Unavailable):
                operation = await request.services.db.read(fetch)
                shown = shape(operation)
            if shown != said:
                said, last = shown, loop.time()
                yield b"event: operation\ndata: " + msgspec.json.encode(said) + b"\n\n"
            elif loop.time() - last >= _COMMENT_SECONDS:
                last = loop.time()
                yield b": still here\n\n"
            if operation.final:
                return
            await news.wait(_LOOK_SECONDS)
