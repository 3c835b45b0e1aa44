"""The closed set of things that go wrong. Nouns raise these; `api/errors.py` alone knows their HTTP statuses."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request, and where: `field` is `senders[3].senderId`, `context` has `$.` before it."""

    message: str
    field: str | None = None
    context: str | None = None

    @classmethod
    def at(cls, name: str, message: str) -> "Problem":
        """A problem with a parameter: both places are its name."""
        return cls(message, name, f"$.{name}")


class SignalboxError(Exception):
    """An expected failure; its text is written for people and safe to show them."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(SignalboxError):
    """The request is wrong: carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        if len(problems) == 1:
            message = problems[0].message
        else:
            message = f"{len(problems)} problems in the request: {problems[0].message}; ..."
        super().__init__(message)
        self.problems = list(problems)


class Unauthenticated(SignalboxError):
    """No valid credentials came with the request."""


class Forbidden(SignalboxError):
    """Valid credentials that may not do this."""


class NotFound(SignalboxError):
    """Missing, or somebody else's: the same answer."""


class Conflict(SignalboxError):
    """Collides with something that is named in the message."""


class PreconditionFailed(SignalboxError):
    """`If-Match` names another state than the present one."""


class KeyReused(SignalboxError):
    """An idempotency key came again with another request."""


class TooLarge(SignalboxError):
    """The body is larger than the contract allows."""


class NotJson(SignalboxError):
    """The body is of a type that this path does not read."""


class TooMany(SignalboxError):
    """The account's rate limit is used up for `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SignalboxError):
    """Cannot be done now: database away, overloaded or shutting down; worth a try after `retry_after` seconds.

    `detail` is for whoever runs the program, in the log and on the terminal; clients do not see it.
    """

    def __init__(self, message: str, retry_after: int = 1, detail: object = "") -> None:
        super().__init__(f"{message} ({detail})" if detail else message)
        self.message = message
        self.retry_after = retry_after
        self.detail = detail


class Bug(SignalboxError):
    """An invariant of ours broke; logged with its trace, never shown."""
