"""All errors that the program expects. The nouns raise them; only `http/errors.py` knows their HTTP statuses."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a request and its place: `field` is `senders[3].senderId`; `context` is the same after `$.`.

    `code`: for a problem that has a code of its own; the others have that of their error.
    """

    message: str
    field: str | None = None
    context: str | None = None
    code: int | None = None

    @classmethod
    def at(cls, name: str, message: str) -> "Problem":
        """A problem with a parameter: `field` and `context` are both its name."""
        return cls(message, name, f"$.{name}")


class SignalboxError(Exception):
    """An expected failure; its message is written for clients and contains nothing secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(SignalboxError):
    """The request is not valid; contains every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        if len(problems) == 1:
            message = problems[0].message
        else:
            message = f"{len(problems)} problems in the request: {problems[0].message}; ..."
        super().__init__(message)
        self.problems = list(problems)


class Unauthenticated(SignalboxError):
    """The request has no valid credentials."""


class Forbidden(SignalboxError):
    """The credentials are valid, but do not permit this."""


class NotFound(SignalboxError):
    """Does not exist, or is another account's: the response is the same."""


class Conflict(SignalboxError):
    """Conflicts with something that the message names."""


class PreconditionFailed(SignalboxError):
    """`If-Match` names another state than the current one."""


class KeyReused(SignalboxError):
    """An idempotency key was used again with another request."""


class TooLarge(SignalboxError):
    """The body is larger than the contract allows."""


class NotJson(SignalboxError):
    """The body has a media type that this route does not read."""


class TooMany(SignalboxError):
    """The account's rate limit is used up; a request can succeed after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SignalboxError):
    """Not possible now: database unreachable, overload or shutdown. A retry after `retry_after` seconds may succeed.

    `detail` is for the operator, in the log and on the terminal; clients do not see it.
    """

    def __init__(self, message: str, retry_after: int = 1, detail: object = "") -> None:
        super().__init__(f"{message} ({detail})" if detail else message)
        self.message = message
        self.retry_after = retry_after
        self.detail = detail


class Bug(SignalboxError):
    """A broken invariant of the program; logged with its traceback, never shown to clients."""
