"""What an endpoint takes and answers, said beside its handler: requests are read and the document is made by it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from signalbox import ids
from signalbox.api.body import Body
from signalbox.api.request import Request, Response, Stream
from signalbox.api.wire import Param, id_param

Handler: TypeAlias = Callable[[Request], Awaitable[Response | Stream]]

SENDER_POOL_ID: Final = id_param("senderPoolId", ids.SENDER_POOL, "The sender pool.")
SENDER_ID: Final = id_param("senderId", ids.SENDER, "The sender.")
OPERATION_ID: Final = id_param("operationId", ids.OPERATION, "The operation.")

PATH_PARAMS: Final[dict[str, Param[str]]] = {param.name: param for param in (SENDER_POOL_ID, SENDER_ID, OPERATION_ID)}


@dataclass(frozen=True)
class Endpoint:
    """A handler and its description. `headers` are request headers that it understands beyond those of every path;
    `errors` are statuses beyond those of every path, `etag` says that the answer has one. `public` ones need no
    credentials, `quiet` ones leave no line in the log, `for_browsers` are parts of pages and not in the document."""

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
    for_browsers: bool = False

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]
