"""Pages of lists: the range of ids that a request asks for, and the page tokens of the response.

Contract section 4: a token is bound to the account, the list and its filters.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.errors import Invalid, Problem
from signalbox.ground.page_tokens import Anchor, BadToken, IdRange, mint, open_token
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Pagination

T = TypeVar("T")
# Page tokens in the examples of the OpenAPI document.
EXAMPLE: Final = Pagination(
    next="AQxhZnRlcjowMWtnOWRmODF4ZmFrcmE3OWt2dDJ5cmticA", self="AQlhdDowMWtnOWRmODF4ZmFrcmE3OWt2dDJ5cmticA"
)
EXAMPLE_OF_LAST: Final = Pagination(next=None, self=EXAMPLE.self)

_NOT_OF_THIS_LIST: Final = (
    "pageToken is not valid for this list: it was altered, belongs to another account or list, "
    "or was made with other filters (repeat the filters with the token)"
)


class Page(NamedTuple):
    """A page that a request asks for. `anchor` is its start; None is the start of the list."""

    key: bytes
    scope: bytes
    size: int
    anchor: Anchor | None

    @property
    def first_index(self) -> int:
        """The index of the first item of the page, for lists that are ordered by an index from 0."""
        return int(self.anchor.item) + (self.anchor.edge == "after") if self.anchor else 0

    def cut(self, items: Sequence[T], name: Callable[[T], str]) -> tuple[Sequence[T], Pagination]:
        """The items of the page and its tokens. `items` has one more if there is a next page.

        `name` returns the id or index of an item, for the tokens.
        """
        more = len(items) > self.size
        start = Anchor("at", name(items[0])) if items else self.anchor or Anchor("at", "")
        next_ = mint(self.key, self.scope, Anchor("after", name(items[self.size - 1]))) if more else None
        return items[: self.size] if more else items, Pagination(next_, mint(self.key, self.scope, start))


def page(request: Request, list_name: str, *filters: object) -> Page:
    """The page that the query parameters ask for. Raises Invalid for a token of another list, account or filter."""
    filters = (request.get(START_DATE), request.get(END_DATE), *filters)
    return page_of(request, list_name, filters, request.get(PAGE_TOKEN), request.get(PAGE_SIZE) or 50)


def page_of(request: Request, list_name: str, filters: Sequence[object], token: str | None, size: int) -> Page:
    """The page for a token and a size from a body. Raises Invalid like `page`."""
    scope = msgspec.json.encode([request.account_id, list_name, filters])
    key = request.services.keys.page_tokens
    anchor = None
    if token is not None:
        try:
            anchor = open_token(key, scope, token)
        except BadToken:
            raise Invalid([Problem.at(PAGE_TOKEN.name, _NOT_OF_THIS_LIST)]) from None
        if not anchor.item:
            anchor = None
    return Page(key, scope, size, anchor)


def id_range_of(request: Request, page: Page, kind: str) -> IdRange:
    """The range of ids that the page may show: after its anchor, and within the date range of the request."""
    whole = date_range_of(request, kind, page.size + 1)
    if page.anchor is None:
        return whole
    # `before` is exclusive. A space sorts below every character of an id, so that the item itself is in the range.
    before = page.anchor.item + (" " if page.anchor.edge == "at" else "")
    return whole._replace(before=min(before, whole.before))


def date_range_of(request: Request, kind: str, limit: int) -> IdRange:
    """The range of ids of the date range of the request; all ids of this kind without one."""
    start, end = request.get(START_DATE), request.get(END_DATE)
    not_before = ids.least(kind) if start is None else ids.first_of(kind, start.first_ms_after)
    before = ids.greatest(kind) if end is None else ids.first_of(kind, end.first_ms_not_before)
    return IdRange(before, not_before, limit)


class Item(Protocol):
    """A resource in a list that is ordered by ids: newest first."""

    @property
    def id(self) -> str:
        """A TypeID, which holds the time of creation."""


Found = TypeVar("Found", bound=Item)
Shown = TypeVar("Shown")


class Listing(Generic[Found, Shown]):
    """A list of resources, newest first.

    `name` binds page tokens to the list, `kind` is the type of its ids, `shape` makes a resource's wire type, and
    `page_type` makes the response from the resources on the page and the page tokens.
    """

    def __init__(
        self,
        name: str,
        kind: ids.Kind,
        shape: Callable[[Found], Shown],
        page_type: Callable[[list[Shown], Pagination], msgspec.Struct],
    ) -> None:
        self._name = name
        self._kind = kind
        self._shape = shape
        self._page_type = page_type

    async def respond(
        self, request: Request, read: Callable[[Tx, IdRange], Awaitable[Sequence[Found]]], *filters: object
    ) -> Response:
        """The page that the query parameters ask for. `read` reads a range of ids; page tokens are bound to `filters`.

        Raises Invalid for a token of another list, account or filter.
        """
        return await self.cut(request, page(request, self._name, *filters), read)

    async def cut(
        self, request: Request, wanted: Page, read: Callable[[Tx, IdRange], Awaitable[Sequence[Found]]]
    ) -> Response:
        """The response with the page `wanted`."""
        id_range = id_range_of(request, wanted, self._kind)
        rows = await request.services.db.read(lambda tx: read(tx, id_range))
        shown, pagination = wanted.cut(rows, lambda row: row.id)
        return json_response(self._page_type([self._shape(row) for row in shown], pagination))
