"""What a call may raise: one class for each code of the API, and three for answers that did not come."""

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from signalbox_client.results import Operation


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that is wrong with a request.

    `field` is its place (`senders[3].senderId`, the name of a query parameter or header), `context` the same as
    JSONPath; both are None where there is no place. `info_url` leads to the code's explanation.
    """

    code: int | None = None
    message: str = ""
    field: str | None = None
    context: str | None = None
    info_url: str | None = None


class SignalboxError(Exception):
    """Everything that this package raises, except ValueError for an argument that no request can be made of."""


class MissingCredentials(SignalboxError):
    """Neither an account SID with its auth token nor an API key with its secret was given; names what is missing."""


class ConnectionFailed(SignalboxError):
    """No whole answer came in the attempts and the time there were. The request may have been carried out."""


class UnexpectedAnswer(SignalboxError):
    """An answer came that this API does not give; most likely the base URL leads to something else."""


class OperationTimeout(SignalboxError):
    """The operation was not final in time; it goes on. `operation` is how it was last seen."""

    def __init__(self, operation: "Operation", seconds: float) -> None:
        super().__init__(f"{operation.id} is still {operation.status} after {seconds:g} s; it goes on")
        self.operation = operation
        self.seconds = seconds

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.operation, self.seconds)


class ApiError(SignalboxError):
    """A refusal by the server.

    `status` is the HTTP status, `code` the number that the page of errors explains (None when the answer was not the
    server's own, such as a proxy's), `message` a text for people, `problems` each thing that was wrong with its place,
    `request_id` what the operator finds the request by. `in_doubt` is true when an earlier attempt of the same call
    was left without a proper answer, so that it may have been carried out.
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
    """400: the input is wrong; `problems` has every problem."""


class Unauthenticated(ApiError):
    """401: the credentials are wrong, revoked, or those of a suspended account."""


class Forbidden(ApiError):
    """403: valid credentials that may not do this."""


class NotFound(ApiError):
    """404: never made, deleted, or another account's."""


class MethodNotAllowed(ApiError):
    """405: the path does not answer this method; the server is older than the client, or is another program."""


class Conflict(ApiError):
    """409: collides with the present state, such as a cancel of a final operation."""


class PreconditionFailed(ApiError):
    """412: `if_match` is not the resource's present ETag."""


class TooLarge(ApiError):
    """413: the body is larger than 10 MiB."""


class UnsupportedType(ApiError):
    """415: the body is of a type that the path does not read."""


class IdempotencyMismatch(ApiError):
    """422: the idempotency key was used for another request."""


class TooMany(ApiError):
    """429: the rate limit is used up, for `retry_after` seconds if that is not None. Nothing was carried out."""


class Bug(ApiError):
    """500: the server's own fault; `request_id` finds it in the server's log."""


class Unavailable(ApiError):
    """502, 503, 504: not now; `retry_after` seconds if that is not None."""


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
