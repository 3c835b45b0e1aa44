"""From exceptions to error responses: the only file that maps errors to statuses and codes. Contract section 4."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from signalbox.ground import errors
from signalbox.ground.errors import Problem, SignalboxError
from signalbox.http.request import Headers, Response
from signalbox.http.shapes import ErrorBody, ErrorItem

MOST_LISTED: Final = 100


class MethodNotAllowed(SignalboxError):
    """The path does not have the method; `allowed` lists the methods that it has."""

    def __init__(self, allowed: str) -> None:
        super().__init__(f"this path allows {allowed} only")
        self.allowed = allowed


class ErrorCode(NamedTuple):
    """The status and code of an error, and what they mean."""

    status: int
    code: int
    meaning: str


ERROR_CODES: Final[dict[type[SignalboxError], ErrorCode]] = {
    errors.Invalid: ErrorCode(400, 20001, "Any invalid input; every problem is listed at its place."),
    errors.Unauthenticated: ErrorCode(401, 20003, "Credentials are missing or wrong."),
    errors.Forbidden: ErrorCode(403, 20403, "The credentials are valid, but may not do this."),
    errors.NotFound: ErrorCode(404, 20404, "There is no such path or resource."),
    MethodNotAllowed: ErrorCode(
        405, 20004, "The path does not have this method; `Allow` lists the methods that it has."
    ),
    errors.Conflict: ErrorCode(409, 20409, "Conflicts with the present state, or with a request in progress."),
    errors.PreconditionFailed: ErrorCode(412, 20412, "`If-Match` does not match the present state."),
    errors.TooLarge: ErrorCode(413, 20413, "The body is larger than 10 MiB."),
    errors.NotJson: ErrorCode(415, 20415, "The body is not of a type that this path reads."),
    errors.KeyReused: ErrorCode(422, 20422, "The idempotency key was used for another request."),
    errors.TooMany: ErrorCode(429, 20429, "The rate limit is used up; `Retry-After` says for how long."),
    errors.Bug: ErrorCode(500, 20500, "A bug of the server; the log has the details under the request id."),
    errors.Unavailable: ErrorCode(
        503, 20503, "The database is unavailable, or the server is shutting down; see `Retry-After`."
    ),
}


def respond(error: SignalboxError, info_url: Callable[[str], str]) -> Response:
    """The documented response of an error; `info_url` makes a URL of a path on this server."""
    status, code, _ = ERROR_CODES[type(error)]
    if isinstance(error, errors.Bug):
        problems = [Problem("internal error; the server's log has the details under the request id")]
    elif isinstance(error, errors.Invalid):
        problems = error.problems
    else:
        problems = [Problem(error.message)]
    codes = [problem.code or code for problem in problems[:MOST_LISTED]]
    listed = [
        ErrorItem(own, p.message, p.field, p.context, info_url(f"/docs/errors#{own}"))
        for own, p in zip(codes, problems, strict=False)
    ]
    body = ErrorBody(codes[0] if len({*codes}) == 1 else code, _summary(problems), status, listed)
    return Response(status, msgspec.json.encode(body), headers=_headers(error))


def _summary(problems: list[Problem]) -> str:
    if len(problems) == 1:
        return problems[0].message
    first = "; ".join(problem.message for problem in problems[:3])
    more = ""
    if len(problems) > MOST_LISTED:
        more = f" (the first {MOST_LISTED} are listed, {len(problems) - MOST_LISTED} more are not)"
    elif len(problems) > 3:
        more = "; ..."
    return f"{len(problems)} problems in the request: {first}{more}"


def _headers(error: SignalboxError) -> Headers:
    if isinstance(error, errors.Unauthenticated):
        return [(b"www-authenticate", b'Basic realm="Signalbox", charset="UTF-8"')]
    if isinstance(error, MethodNotAllowed):
        return [(b"allow", error.allowed.encode())]
    if isinstance(error, errors.TooMany | errors.Unavailable):
        return [(b"retry-after", str(error.retry_after).encode())]
    return []
