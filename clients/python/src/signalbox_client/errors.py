"""The errors of calls: one class for each code of the API, and five for failures without an error of the API."""

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from signalbox_client.message_results import MessageOperation
    from signalbox_client.results import Operation


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    """One problem of a request.

    `field` is its place (`senders[3].senderId`, the name of a query parameter or header); `context` is the place as
    JSONPath. Both are None for a problem without a place. `info_url` is the page that explains the code.
    """

    code: int | None = None
    message: str = ""
    field: str | None = None
    context: str | None = None
    info_url: str | None = None


class SignalboxError(Exception):
    """Base of all errors of this package."""


class InvalidArgument(SignalboxError, ValueError):
    """No request can be made of an argument, or of a value in the environment; the message names it."""


class MissingCredentials(SignalboxError):
    """No account SID with auth token and no API key with secret was given; the message names what is missing."""


class ConnectionFailed(SignalboxError):
    """No complete response came within the attempts and the timeout. The server may have carried out the request."""


class UnexpectedAnswer(SignalboxError):
    """The response is not one of this API; the base URL probably leads to another program."""


class OperationTimeout(SignalboxError):
    """The operation was not final in time. It continues on the server; `operation` is its last known state."""

    def __init__(self, operation: "Operation | MessageOperation", seconds: float) -> None:
        super().__init__(f"{operation.id} is still {operation.status} after {seconds:g} s; it continues on the server")
        self.operation = operation
        self.seconds = seconds

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.operation, self.seconds)


class ApiError(SignalboxError):
    """An error of the server.

    `status` is the HTTP status. `code` is the number that the page of errors explains; None when the response was not
    the server's own, but for example a proxy's. `message` is a text for people. `problems` are all problems with their
    places. `request_id` finds the request in the server's log. `in_doubt` is true when an earlier attempt of the call
    failed in a way that leaves open whether it was carried out. `retry_after` is at most 86,400: a longer wait is read
    as a day.
    """

    def __init__(
        self,
        status: int,
        code: int | None,
        message: str,
        problems: tuple[Problem, ...] = (),
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.problems = problems
        self.request_id = request_id
        self.retry_after = retry_after
        self.in_doubt = False

    def __reduce__(self) -> tuple[object, ...]:
        given = (self.status, self.code, self.message, self.problems, self.request_id, self.retry_after)
        return type(self), given, {"in_doubt": self.in_doubt}

    def __str__(self) -> str:
        number = self.status if self.code is None else f"{self.status}, code {self.code}"
        request_id = f", request {self.request_id}" if self.request_id else ""
        return f"{self.message} ({number}{request_id})"


class Invalid(ApiError):
    """400: the request is not valid; `problems` has every problem."""


class Unauthenticated(ApiError):
    """401: the credentials are wrong, revoked, or those of a suspended account."""


class Forbidden(ApiError):
    """403: the credentials are valid, but do not permit this."""


class NotFound(ApiError):
    """404: does not exist, was deleted, or is another account's."""


class MethodNotAllowed(ApiError):
    """405: the path does not support this method: the server is older than the client, or is another program."""


class Conflict(ApiError):
    """409: conflicts with the current state, for example a cancel of a final operation."""


class PreconditionFailed(ApiError):
    """412: `if_match` is not the resource's current ETag."""


class TooLarge(ApiError):
    """413: the body is larger than 10 MiB."""


class UnsupportedType(ApiError):
    """415: the body has a media type that the path does not read."""


class IdempotencyMismatch(ApiError):
    """422: the idempotency key was used for another request."""


class TooMany(ApiError):
    """429: the rate limit is used up; retry after `retry_after` seconds, if not None. Nothing was carried out."""


class Bug(ApiError):
    """500: a bug of the server; `request_id` finds it in the server's log."""


class Unavailable(ApiError):
    """502, 503, 504: the server is unavailable; retry after `retry_after` seconds, if not None."""


CLASSES: Final[dict[int, type[ApiError]]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    415: UnsupportedType,
    422: IdempotencyMismatch,
    429: TooMany,
    500: Bug,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
