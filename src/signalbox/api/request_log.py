"""The last requests of each account as they arrived, in the memory of this process. Ours, under `/signalbox/v1`.

What a client sent is never kept: of a request that was refused only the places and our own words about them, of its
path only ids, of its query only parameters that are ours and were right.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice, takewhile
from time import time_ns
from typing import Annotated, Final, NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Meta

from signalbox.api.endpoint import PATH_PARAMS, Endpoint
from signalbox.api.operations import Count
from signalbox.api.paging import page
from signalbox.api.request import Headers, Request, Response, Stream, json_response
from signalbox.api.router import Route
from signalbox.api.shapes import Pagination, Time
from signalbox.api.wire import PAGE_SIZE, PAGE_TOKEN, Instant, Param
from signalbox.clock import rfc3339
from signalbox.errors import Bug, Forbidden, Invalid, Problem, SignalboxError

# 100 accounts with 500 requests each are some 40 MB, and 150 MB if all of them are refused with long problems.
MOST_REQUESTS: Final = 500
MOST_ACCOUNTS: Final = 100
MOST_PROBLEMS: Final = 5
_LONGEST: Final = 200
# A stream looks this often for what is new: nothing on a request's way has to wake it.
_LOOK_SECONDS: Final = 0.25
_COMMENT_SECONDS: Final = 15.0
# Events told between two turns of the event loop.
_SLICE: Final = 50


class RequestProblem(msgspec.Struct, frozen=True):
    """One thing that was wrong: its place if it has one, and what was wrong, without what was sent."""

    context: str | None
    message: str


class LoggedRequest(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One request: when it was answered, by which endpoint, how, and in how many milliseconds."""

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


class Refusal(NamedTuple):
    """What was wrong with a request: the first problems, and how many more there are."""

    problems: Sequence[RequestProblem]
    more: int


_NOTHING: Final = Refusal((), 0)
_NO_TEXTS: Final[dict[str, str]] = {}
_NO_VALUES: Final[dict[str, object]] = {}


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """A request as it is kept: `number` is the microsecond in which it was answered, no two in one.

    Fifty thousand of them may be kept: the garbage collector is not to look at them again and again.
    """

    number: int
    request_id: str
    method: str
    route: Route
    path_values: dict[str, str]
    query_values: dict[str, object]
    status: int
    seconds: float
    refusal: Refusal
    warnings: Sequence[str]


class RequestLog:
    """The last 500 requests of each of the 100 accounts that called last."""

    def __init__(self) -> None:
        self._rings: dict[int, deque[_Entry]] = {}
        self._last = 0

    def add(
        self, request: Request, route: Route, status: int, seconds: float, refusal: Refusal | None, sent: Headers
    ) -> None:
        """Keeps a request that was answered; `sent` are the headers that warn about it. Costs under a microsecond."""
        if route.endpoint is LIST:
            return
        account_id, query = request.principal.account_id, request.query
        ring = self._rings.get(account_id)
        if ring is None:
            ring = self._new_ring(account_id)
        number = time_ns() // 1000
        if number <= self._last:
            number = self._last + 1
        self._last = number
        warnings = _warnings(sent) if query.unknown else ()
        refusal = refusal or _NOTHING
        # Kept by the hundred thousand, so nothing empty is kept but this one.
        path_values, query_values = request.path_values or _NO_TEXTS, query.values or _NO_VALUES
        ring.append(
            _Entry(
                number, request.id, request.method, route, path_values, query_values, status, seconds, refusal, warnings
            )
        )

    def _new_ring(self, account_id: int) -> deque[_Entry]:
        if len(self._rings) >= MOST_ACCOUNTS:
            # Several at once, so that this is not done again for each of many accounts that call in turn.
            silent = sorted(self._rings, key=lambda one: self._rings[one][-1].number)
            for one in silent[: MOST_ACCOUNTS // 10]:
                del self._rings[one]
        ring = self._rings[account_id] = deque[_Entry](maxlen=MOST_REQUESTS)
        return ring

    def newest(self, account_id: int, before: int, limit: int) -> list[_Entry]:
        """The account's requests with numbers below `before`, newest first."""
        ring = self._rings.get(account_id, ())
        return list(islice((one for one in reversed(ring) if one.number < before), limit))

    def since(self, account_id: int, number: int) -> list[_Entry]:
        """The account's requests with greater numbers, oldest first."""
        ring = self._rings.get(account_id, ())
        return list(takewhile(lambda one: one.number > number, reversed(ring)))[::-1]


def refusal_of(error: SignalboxError) -> Refusal:
    """What may be kept of an error: places made of names, and messages without what they quote."""
    if isinstance(error, Bug):
        return Refusal(
            [RequestProblem(None, "something went wrong on our side; the request id finds it in the log")], 0
        )
    if not isinstance(error, Invalid):
        return Refusal([RequestProblem(None, _harmless(error.message))], 0)
    problems = [
        RequestProblem(_place(one), _harmless(one.message.removeprefix(f"{one.field} ")))
        for one in error.problems[:MOST_PROBLEMS]
    ]
    return Refusal(problems, len(error.problems) - len(problems))


_STEP: Final = re.compile(r"\.[A-Za-z_-]{1,40}(?=[.\[]|\Z)|\[[0-9]{1,5}\]")


def _place(problem: Problem) -> str | None:
    """A place as JSONPath, up to the first name that may be more than a name: a client can put anything there."""
    context, end = problem.context, 1
    if context is None:
        return None
    if problem.message.startswith("unknown query parameter") and "." in context[2:]:
        return "$.*"
    while step := _STEP.match(context, end):
        end = step.end()
    return context[:end][:_LONGEST] if end == len(context) else f"{context[:end][:_LONGEST]}.*"


# Words in a message that may be a client's: what is quoted, a parameter that is not named as one, and what has a sign
# of addresses or six digits. Ids and times stay.
_SUSPECT: Final = re.compile(
    r"(comms_[a-z]+_[0-7][a-hjkmnpqrstv-z0-9]{25,34}|\d{4}-\d\d-\d\dT[0-9:.]+Z)"
    r"|(?<=unknown query parameter )(?![A-Za-z_-]{1,40}(?:[\s;]|\Z))[^\s;]+"
    r"|`[^`]*`|\"[^\"]*\"|'[^']*'|[^\s@%+]*[@%+]\S*|(?:[^\s0-9]*[0-9]){6}\S*"
)


def _harmless(message: str) -> str:
    """Our own words, with `*` for whatever in them may be a client's."""
    return _SUSPECT.sub(lambda match: match[1] or "*", message[: 2 * _LONGEST])[:_LONGEST]


def _warnings(sent: Headers) -> list[str]:
    found = (value.decode() for name, value in sent if name == b"signalbox-warning")
    return [_harmless(text) for text, _ in zip(found, range(MOST_PROBLEMS), strict=False)]


async def list_requests(request: Request) -> Response | Stream:
    """List the account's last requests to this process, newest first; live if an event stream is accepted."""
    kept = request.api.request_log
    if kept is None:
        raise Forbidden("the request log is switched off: see the setting request_log")
    wanted = page(request, "requests")
    if request.prefers("text/event-stream"):
        return Stream(_events(request, kept, wanted.size), b"text/event-stream")
    before = _END if wanted.anchor is None else int(wanted.anchor.item) + (wanted.anchor.edge == "at")
    entries = kept.newest(request.account_id, before, wanted.size + 1)
    shown, pagination = wanted.cut(entries, lambda entry: str(entry.number))
    return json_response(LoggedRequestPage([_shape(entry) for entry in shown], pagination))


_END: Final = 2**63


async def _events(request: Request, kept: RequestLog, size: int) -> AsyncIterator[bytes]:
    """One event for each request: those of before, oldest first, then each soon after it was answered."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    resumed = request.header(b"last-event-id")
    told = min(int(resumed), time_ns() // 1000) if re.fullmatch("[0-9]{1,18}", resumed) else 0
    entries = kept.since(request.account_id, told)[0 if told else -size :]
    yield b": listening\n\n"
    with request.api.db.wakeups.subscribe("requests") as news:
        # This stream has no end of its own: it must not outlive the key that opened it.
        while not request.api.stopping and await request.api.still_welcome(request):
            for chunk in _chunks(entries):
                yield chunk
                await asyncio.sleep(0)
            if entries:
                told, last = entries[-1].number, loop.time()
            elif loop.time() - last >= _COMMENT_SECONDS:
                last = loop.time()
                yield b": still here\n\n"
            # Nobody fires this topic but a shutdown.
            await news.wait(_LOOK_SECONDS)
            entries = kept.since(request.account_id, told)


def _chunks(entries: Sequence[_Entry]) -> Iterator[bytes]:
    for start in range(0, len(entries), _SLICE):
        yield b"".join(
            b"id: %d\nevent: request\ndata: %b\n\n" % (entry.number, msgspec.json.encode(_shape(entry)))
            for entry in entries[start : start + _SLICE]
        )


def _shape(entry: _Entry) -> LoggedRequest:
    """A request as the wire has it."""
    route = entry.route
    return LoggedRequest(
        entry.request_id,
        rfc3339(entry.number // 1000),
        entry.method if re.fullmatch("[A-Z]{1,10}", entry.method) else "*",
        re.sub(r"{(\w+)}", lambda match: _segment(match[1], entry.path_values), route.path),
        "&".join(_query(route.endpoint.query, entry.query_values)),
        route.name,
        entry.status,
        round(entry.seconds * 1000, 2),
        list(entry.refusal.problems),
        entry.refusal.more,
        list(entry.warnings),
    )


def _segment(name: str, values: dict[str, str]) -> str:
    """What a placeholder held, if it was an id."""
    return values.get(name, "*") if name in PATH_PARAMS else "*"


def _query(params: Iterable[Param[object]], values: dict[str, object]) -> Iterator[str]:
    """The parameters that were read: ids, dates, sizes and words of ours, but no tokens."""
    for param in params:
        if param.name in values:
            value = values[param.name]
            if isinstance(value, Instant):
                value = rfc3339(value.ms)
            yield f"{param.name}={'*' if param is PAGE_TOKEN else quote(str(value), safe=':')}"


LIST: Final = Endpoint(
    list_requests,
    query=(PAGE_TOKEN, PAGE_SIZE),
    answer=LoggedRequestPage,
    other_media=("text/event-stream",),
    errors=(403,),
)
