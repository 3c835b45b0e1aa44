"""The last requests of each account, in the memory of this process.

What a client may have sent by mistake is never kept. Kept are: of problems, their places and messages without quoted
text; of the path, ids; of the query, valid values of declared parameters.
"""

import re
from collections import deque
from collections.abc import Sequence
from itertools import islice, takewhile
from time import time_ns
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from signalbox.ground.errors import Bug, Invalid, Problem, SignalboxError

if TYPE_CHECKING:
    from signalbox.http.request import Headers, Request
    from signalbox.http.router import Route

# 100 accounts with 500 requests each take some 40 MB, and 150 MB if all requests have long problems.
MOST_REQUESTS: Final = 500
MOST_ACCOUNTS: Final = 100
MOST_PROBLEMS: Final = 5
_LONGEST: Final = 200


class RequestProblem(msgspec.Struct, frozen=True):
    """One problem: its place, and its message without what the client sent."""

    context: str | None
    message: str


class LoggedProblems(NamedTuple):
    """The first problems of a request, and how many more there are."""

    problems: Sequence[RequestProblem]
    more: int


_NOTHING: Final = LoggedProblems((), 0)
_NO_TEXTS: Final[dict[str, str]] = {}
_NO_VALUES: Final[dict[str, object]] = {}


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A request in the log. `number`, unique in the process, is the time of the response in microseconds.

    `gc=False`: 50,000 entries would slow the garbage collector down.
    """

    number: int
    request_id: str
    method: str
    route: "Route"
    path_values: dict[str, str]
    query_values: dict[str, object]
    status: int
    seconds: float
    logged: LoggedProblems
    warnings: Sequence[str]


class RequestLog:
    """The last 500 requests of each of the 100 accounts that sent the latest requests."""

    def __init__(self) -> None:
        self._rings: dict[int, deque[Entry]] = {}
        self._last = 0

    def add(
        self,
        request: "Request",
        route: "Route",
        status: int,
        seconds: float,
        logged: LoggedProblems | None,
        sent: "Headers",
    ) -> None:
        """Adds a request after its response; `sent` are the headers of the response. Costs under a microsecond."""
        if route.endpoint.unrecorded:
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
        logged = logged or _NOTHING
        # All entries share these two empty dicts, to save memory.
        path_values, query_values = request.path_values or _NO_TEXTS, query.values or _NO_VALUES
        ring.append(
            Entry(
                number, request.id, request.method, route, path_values, query_values, status, seconds, logged, warnings
            )
        )

    def _new_ring(self, account_id: int) -> deque[Entry]:
        if len(self._rings) >= MOST_ACCOUNTS:
            # A tenth of the accounts is removed at once: to remove one for each new account would sort every time.
            silent = sorted(self._rings, key=lambda one: self._rings[one][-1].number)
            for one in silent[: MOST_ACCOUNTS // 10]:
                del self._rings[one]
        ring = self._rings[account_id] = deque[Entry](maxlen=MOST_REQUESTS)
        return ring

    def newest(self, account_id: int, before: int, limit: int) -> list[Entry]:
        """The account's requests with numbers below `before`, newest first."""
        ring = self._rings.get(account_id, ())
        return list(islice((one for one in reversed(ring) if one.number < before), limit))

    def find(self, account_id: int, request_id: str) -> Entry | None:
        """The account's request with this id; None when the log does not have it."""
        return next((one for one in reversed(self._rings.get(account_id, ())) if one.request_id == request_id), None)

    def since(self, account_id: int, number: int) -> list[Entry]:
        """The account's requests with greater numbers, oldest first."""
        ring = self._rings.get(account_id, ())
        return list(takewhile(lambda one: one.number > number, reversed(ring)))[::-1]


def logged_problems(error: SignalboxError) -> LoggedProblems:
    """The problems of an error as they may be kept: places of names only, messages without quoted text."""
    if isinstance(error, Bug):
        return LoggedProblems(
            [RequestProblem(None, "internal error; the server's log has the details under the request id")], 0
        )
    if not isinstance(error, Invalid):
        return LoggedProblems([RequestProblem(None, _harmless(error.message))], 0)
    problems = [
        RequestProblem(_place(one), _harmless(one.message.removeprefix(f"{one.field} ")))
        for one in error.problems[:MOST_PROBLEMS]
    ]
    return LoggedProblems(problems, len(error.problems) - len(problems))


_STEP: Final = re.compile(r"\.[A-Za-z_-]{1,40}(?=[.\[]|\Z)|\[[0-9]{1,5}\]")


def _place(problem: Problem) -> str | None:
    """A place as JSONPath, up to the first name that is not a plain name: such a name may be private."""
    context, end = problem.context, 1
    if context is None:
        return None
    if problem.message.startswith("unknown query parameter") and "." in context[2:]:
        return "$.*"
    while step := _STEP.match(context, end):
        end = step.end()
    return context[:end][:_LONGEST] if end == len(context) else f"{context[:end][:_LONGEST]}.*"


# Words in a message that may come from the client: quoted text, unknown parameters without the form of a name, and
# words with a sign of addresses or with six digits. Ids and times are kept.
_SUSPECT: Final = re.compile(
    r"(comms_[a-z]+_[0-7][a-hjkmnpqrstv-z0-9]{25,34}|\d{4}-\d\d-\d\dT[0-9:.]+Z)"
    r"|(?<=unknown query parameter )(?![A-Za-z_-]{1,40}(?:[\s;]|\Z))[^\s;]+"
    r"|`[^`]*`|\"[^\"]*\"|'[^']*'|[^\s@%+]*[@%+]\S*|(?:[^\s0-9]*[0-9]){6}\S*"
)


def _harmless(message: str) -> str:
    """The message with `*` for every word that may come from the client."""
    return _SUSPECT.sub(lambda match: match[1] or "*", message[: 2 * _LONGEST])[:_LONGEST]


def _warnings(sent: "Headers") -> list[str]:
    found = (value.decode() for name, value in sent if name == b"signalbox-warning")
    return [_harmless(text) for text, _ in zip(found, range(MOST_PROBLEMS), strict=False)]
