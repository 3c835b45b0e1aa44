"""The request log over HTTP, under `/signalbox/v1`."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from time import time_ns
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta

from signalbox.ground.clock import rfc3339
from signalbox.ground.errors import Forbidden
from signalbox.http import paging
from signalbox.http.bodies import Media
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.paging import page
from signalbox.http.parameters import PAGE_SIZE, PAGE_TOKEN, Instant, Param
from signalbox.http.request import Request, Response, Stream, json_response
from signalbox.http.request_log import Entry, RequestLog, RequestProblem
from signalbox.http.router import Route
from signalbox.http.shapes import Count, Pagination, Time

GROUP: Final = Group(
    "requests", "Request log", "The last requests of the account, to find out why one failed.", "request-log"
)
# A stream reads the log this often, so that requests need not wake it.
_LOOK_SECONDS: Final = 0.25
_COMMENT_SECONDS: Final = 15.0
# Events sent between two turns of the event loop.
_SLICE: Final = 50


class LoggedRequest(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One request: the time of its response, its endpoint, its status, and its duration in milliseconds."""

    request_id: str
    at: Time
    method: str
    path: str
    query: str
    route: str
    status: int
    ms: Annotated[float, Meta(ge=0)]
    problems: list[RequestProblem]
    more_problems: Count
    warnings: list[str]


class LoggedRequestPage(msgspec.Struct, frozen=True):
    """The account's last requests to this process, newest first."""

    requests: list[LoggedRequest]
    pagination: Pagination


async def list_requests(request: Request) -> Response | Stream:
    """List the account's last requests to this process, newest first; live if `Accept` asks for an event stream."""
    kept = log_of(request)
    wanted = page(request, "requests")
    if request.prefers("text/event-stream"):
        return Stream(_events(request, kept, wanted.size), b"text/event-stream")
    before = _END if wanted.anchor is None else int(wanted.anchor.item) + (wanted.anchor.edge == "at")
    entries = kept.newest(request.account_id, before, wanted.size + 1)
    shown, pagination = wanted.cut(entries, lambda entry: str(entry.number))
    return json_response(LoggedRequestPage([shape(entry) for entry in shown], pagination))


def log_of(request: Request) -> RequestLog:
    """The request log of this process. Raises Forbidden when it is switched off."""
    kept = request.services.request_log
    if kept is None:
        raise Forbidden("the request log is switched off: see the setting request_log")
    return kept


_END: Final = 2**63


async def _events(request: Request, kept: RequestLog, size: int) -> AsyncIterator[bytes]:
    """One event for each request: first those in the log, oldest first, then each new one after its response."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    resumed = request.header(b"last-event-id")
    told = min(int(resumed), time_ns() // 1000) if re.fullmatch("[0-9]{1,18}", resumed) else 0
    entries = kept.since(request.account_id, told)[0 if told else -size :]
    yield b": listening\n\n"
    with request.services.db.wakeups.subscribe("requests") as news:
        # The stream ends when the credentials that opened it become invalid.
        while not request.services.stopping and await request.still_authenticated():
            for chunk in _chunks(entries):
                yield chunk
                await asyncio.sleep(0)
            if entries:
                told, last = entries[-1].number, loop.time()
            elif loop.time() - last >= _COMMENT_SECONDS:
                last = loop.time()
                yield b": still here\n\n"
            # Only a shutdown wakes this topic.
            await news.wait(_LOOK_SECONDS)
            entries = kept.since(request.account_id, told)


def _chunks(entries: Sequence[Entry]) -> Iterator[bytes]:
    for start in range(0, len(entries), _SLICE):
        yield b"".join(
            b"id: %d\nevent: request\ndata: %b\n\n" % (entry.number, msgspec.json.encode(shape(entry)))
            for entry in entries[start : start + _SLICE]
        )


def shape(entry: Entry) -> LoggedRequest:
    """The wire type of a request."""
    route = entry.route
    return LoggedRequest(
        entry.request_id,
        rfc3339(entry.number // 1000),
        entry.method if re.fullmatch("[A-Z]{1,10}", entry.method) else "*",
        _path(route, entry.path_values),
        "&".join(_query(route.endpoint.query, entry.query_values)),
        route.name,
        entry.status,
        round(entry.seconds * 1000, 2),
        list(entry.logged.problems),
        entry.logged.more,
        list(entry.warnings),
    )


def _path(route: Route, values: dict[str, str]) -> str:
    """The path of the request, with `*` for parameters that are no ids."""
    shown = {param.name: values.get(param.name, "*") for param in route.endpoint.ids}
    return re.sub(r"{(\w+)}", lambda match: shown.get(match[1], "*"), route.path)


def _query(params: Iterable[Param[object]], values: dict[str, object]) -> Iterator[str]:
    """The parsed parameters: ids, dates, sizes and declared words, with `*` for page tokens."""
    for param in params:
        if param.name in values:
            value = values[param.name]
            if isinstance(value, Instant):
                value = rfc3339(value.ms)
            yield f"{param.name}={'*' if param is PAGE_TOKEN else quote(str(value), safe=':')}"


EXAMPLE: Final = LoggedRequest(
    request_id="RQ5899de34bb2514d6df0e2f371aab0b05",
    at="2026-01-31T09:30:00.125Z",
    method="POST",
    path="/v1/SenderPools/comms_senderpool_01kg9p6jhxf29s4fr84g98pbsk/Senders",
    query="",
    route="senderPools.addSender",
    status=400,
    ms=0.58,
    problems=[RequestProblem("$[0].senderId", "is required")],
    more_problems=0,
    warnings=[],
)
LIST: Final = Endpoint(
    list_requests,
    GROUP,
    query=(PAGE_TOKEN, PAGE_SIZE),
    example=LoggedRequestPage([EXAMPLE], paging.EXAMPLE_OF_LAST),
    media=(
        Media(
            "text/event-stream",
            "An event for each request; its `data` is the object as JSON.",
            "id: 1769851800125000\nevent: request\ndata: " + msgspec.json.encode(EXAMPLE).decode() + "\n\n",
        ),
    ),
    errors=(403,),
    unrecorded=True,
)
