"""What an endpoint reads and responds, declared beside its handler. The server and the OpenAPI document use it."""

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
    """Endpoints that are documented together: one tag of the OpenAPI document, one page of the reference.

    `page` is the page of the documentation that explains the noun.
    """

    name: str
    title: str
    description: str
    page: str


@dataclass(frozen=True)
class Endpoint:
    """A handler and its description.

    `path`: the parameters of the path, in order. `headers`: request headers that not every endpoint reads. `errors`:
    statuses that not every endpoint has. `etag`: the response has an ETag. `example`: a response for the OpenAPI
    document; its type is the response type. `media`: media types of the response besides JSON. `public`: needs no
    credentials. `quiet`: leaves no line in the log. `unrecorded`: leaves no entry in the request log. An endpoint
    without `group` serves a file that a page loads, and is not in the OpenAPI document.
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
    def response_type(self) -> type[msgspec.Struct] | None:
        """The type of the JSON response; None when there is none."""
        return None if self.example is None else type(self.example)

    @cached_property
    def ids(self) -> list[IdParam]:
        """The path parameters that are ids of resources."""
        return [param for param in self.path if isinstance(param, IdParam)]

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]
