"""The last requests of each account as they arrived, in the memory of this process.

What a client sent is never kept: of a request that was refused only the places and our own words about them, of its
path only ids, of its query only parameters that are ours and were right.
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

# 100 accounts with 500 requests each are some 40 MB, and 150 MB if all of them are refused with long problems.
MOST_REQUESTS: Final = 500
MOST_ACCOUNTS: Final = 100
MOST_PROBLEMS: Final = 5
_LONGEST: Final = 200


class RequestProblem(msgspec.Struct, frozen=True):
    """One thing that was wrong: its place if it has one, and what was wrong, without what was sent."""

    context: str | None
    message: str


class Refusal(NamedTuple):
    """What was wrong with a request: the first problems, and how many more there are."""

    problems: Sequence[RequestProblem]
    more: int


_NOTHING: Final = Refusal((), 0)
_NO_TEXTS: Final[dict[str, str]] = {}
_NO_VALUES: Final[dict[str, object]] = {}


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A request as it is kept: `number` is the microsecond in which it was answered, no two in one.

    Fifty thousand of them may be kept: the garbage collector is not to look at them again and again.
    """

    number: int
    request_id: str
    method: str
    route: "Route"
    path_values: dict[str, str]
    query_values: dict[str, object]
    status: int
    seconds: float
    refusal: Refusal
    warnings: Sequence[str]


class RequestLog:
    """The last 500 requests of each of the 100 accounts that called last."""

    def __init__(self) -> None:
        self._rings: dict[int, deque[Entry]] = {}
        self._last = 0

    def add(
        self, request: "Request", route: "Route", status: int, seconds: float, refusal: Refusal | None, sent: "Headers"
    ) -> None:
        """Keeps a request that was answered; `sent` are the headers that warn about it. Costs under a microsecond."""
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
        refusal = refusal or _NOTHING
        # Kept by the hundred thousand, so nothing empty is kept but this one.
        path_values, query_values = request.path_values or _NO_TEXTS, query.values or _NO_VALUES
        ring.append(
            Entry(
                number, request.id, request.method, route, path_values, query_values, status, seconds, refusal, warnings
            )
        )

    def _new_ring(self, account_id: int) -> deque[Entry]:
        if len(self._rings) >= MOST_ACCOUNTS:
            # Several at once, so that this is not done again for each of many accounts that call in turn.
            silent = sorted(self._rings, key=lambda one: self._rings[one][-1].number)
            for one in silent[: MOST_ACCOUNTS // 10]:
                del self._rings[one]
        ring = self._rings[account_id] = deque[Entry](maxlen=MOST_REQUESTS)
        return ring

    def newest(self, account_id: int, before: int, limit: int) -> list[Entry]:
        """The account's requests with numbers below `before`, newest first."""
        ring = self._rings.get(account_id, ())
        return list(islice((one for one in reversed(ring) if one.number < before), limit))

    def since(self, account_id: int, number: int) -> list[Entry]:
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


def _warnings(sent: "Headers") -> list[str]:
    found = (value.decode() for name, value in sent if name == b"signalbox-warning")
    return [_harmless(text) for text, _ in zip(found, range(MOST_PROBLEMS), strict=False)]
