"""What an endpoint takes and answers, said beside its handler: requests are read and the document is made by it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from signalbox.ground import ids
from signalbox.http.bodies import Body
from signalbox.http.parameters import Param, id_param
from signalbox.http.request import Request, Response, Stream

Handler: TypeAlias = Callable[[Request], Awaitable[Response | Stream]]

SENDER_POOL_ID: Final = id_param("senderPoolId", ids.SENDER_POOL, "The sender pool.")
SENDER_ID: Final = id_param("senderId", ids.SENDER, "The sender.")
OPERATION_ID: Final = id_param("operationId", ids.OPERATION, "The operation.")

PATH_PARAMS: Final[dict[str, Param[str]]] = {param.name: param for param in (SENDER_POOL_ID, SENDER_ID, OPERATION_ID)}


@dataclass(frozen=True)
class Endpoint:
    """A handler and its description.

    `headers` are request headers that the endpoint understands beyond those of every path, `errors` statuses beyond
    those of every path; `etag`: the response has one. A `public` endpoint needs no credentials, a `quiet` one leaves no
    line in the log, an `unrecorded` one no entry in the request log; `for_browsers` marks parts of pages, which are not
    in the document.
    """

    handle: Handler
    query: tuple[Param[object], ...] = ()
    body: Body[object] | None = None
    headers: tuple[Param[object], ...] = ()
    status: int = 200
    answer: type[msgspec.Struct] | None = None
    other_media: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    etag: bool = False
    public: bool = False
    quiet: bool = False
    unrecorded: bool = False
    for_browsers: bool = False

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]
