"""What an endpoint takes and answers, said beside its handler: requests are read and the document is made by it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import msgspec

from signalbox.http.bodies import Body, Media
from signalbox.http.parameters import IdParam, Param
from signalbox.http.request import Request, Response, Stream

Handler: TypeAlias = Callable[[Request], Awaitable[Response | Stream]]


class Group(NamedTuple):
    """Endpoints that the documentation shows together: one tag of the document and one page of the reference.

    Declared once, beside the endpoints; `page` is the page of the documentation that explains the noun.
    """

    name: str
    title: str
    description: str
    page: str


@dataclass(frozen=True)
class Endpoint:
    """A handler and its description.

    `path` are the parameters of the path in their order, `headers` request headers that the endpoint understands beyond
    those of every path, `errors` statuses beyond those of every path; `etag`: the response has one. `example` is a
    response as the document shows it, whose type is the endpoint's; `media` are forms of the response beside JSON. A
    `public` endpoint needs no credentials, a `quiet` one leaves no line in the log, an `unrecorded` one no entry in the
    request log. One without `group` is a part of a page, which is not in the document.
    """

    handle: Handler
    group: Group | None = None
    path: tuple[Param[str], ...] = ()
    query: tuple[Param[object], ...] = ()
    body: Body[object] | None = None
    headers: tuple[Param[object], ...] = ()
    status: int = 200
    example: msgspec.Struct | None = None
    media: tuple[Media, ...] = ()
    errors: tuple[int, ...] = ()
    etag: bool = False
    public: bool = False
    quiet: bool = False
    unrecorded: bool = False

    @property
    def answer(self) -> type[msgspec.Struct] | None:
        """The type of a response in JSON."""
        return None if self.example is None else type(self.example)

    @cached_property
    def ids(self) -> list[IdParam]:
        """The parameters of the path that name resources."""
        return [param for param in self.path if isinstance(param, IdParam)]

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]
