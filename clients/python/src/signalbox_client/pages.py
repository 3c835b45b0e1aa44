"""Lists: the request for the next page, and the two kinds of iteration."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from signalbox_client.calls import UNREADABLE, Call, Steps, encoded, moment, perform
from signalbox_client.errors import UnexpectedAnswer
from signalbox_client.results import Page
from signalbox_client.settings import Settings

if TYPE_CHECKING:
    from signalbox_client.client import AsyncSignalbox, Signalbox

T = TypeVar("T")

# Servers and proxies refuse URLs of more than 8 KiB.
_LONGEST_TOKEN: Final = 8192


class _Pagination(msgspec.Struct, frozen=True):
    """The tokens of a page."""

    next: str | None
    self_token: str = msgspec.field(name="self")


def present(params: Mapping[str, str | int | datetime | None]) -> dict[str, str | int]:
    """The parameters that are given, with times as text."""
    return {
        name: moment(value) if isinstance(value, datetime) else value
        for name, value in params.items()
        if value is not None
    }


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list from one page on: its path, the field that has its items, and its parameters.

    With `body` the parameters are sent as fields of a body, so that they are not in URLs.
    """

    settings: Settings
    path: str
    key: str
    item: type[T]
    params: Mapping[str, str | int | datetime | None]
    body: bool = False

    def fetch(self) -> Steps[Page[T]]:
        """Fetches the page."""
        given = present(self.params)
        if self.body:
            call = Call("POST", self.path, dict[str, msgspec.Raw], content=encoded(given))
        else:
            params = {name: str(value) for name, value in given.items()}
            call = Call("GET", self.path, dict[str, msgspec.Raw], params)
        response = yield from perform(self.settings, call)
        try:
            items = msgspec.json.decode(response[self.key], type=tuple[self.item, ...])  # type: ignore[name-defined]
            pagination = msgspec.json.decode(response["pagination"], type=_Pagination)
        except (KeyError, *UNREADABLE) as error:
            raise UnexpectedAnswer(f"{self.path}: the response is not a page of this list: {error}") from error
        self._check(pagination.next)
        return Page(items, pagination.next, pagination.self_token)

    def _check(self, token: str | None) -> None:
        """Raises UnexpectedAnswer for a token that would never end the iteration, or that no URL can contain."""
        if token is not None and token == self.params.get("pageToken"):
            raise UnexpectedAnswer(f"{self.path}: the next page of this list is the same page")
        if token is not None and len(token) > _LONGEST_TOKEN:
            raise UnexpectedAnswer(f"{self.path}: the token of the next page has {len(token):,} characters")

    def after(self, page: Page[T]) -> "Listing[T] | None":
        """The list from the next page on; None after the last page."""
        return None if page.next is None else replace(self, params={**self.params, "pageToken": page.next})


class Pages(Generic[T]):
    """A list that fetches pages when they are needed: iterate over its items, or over `pages()`.

    Each iteration starts at the first page again. Raises what any call raises.
    """

    def __init__(self, client: "Signalbox", start: Listing[T]) -> None:
        self._client = client
        self._start = start

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Generator[Page[T], None, None]:
        """Iterates over the pages."""
        rest: Listing[T] | None = self._start
        while rest is not None:
            page = self._client._run(rest.fetch())
            yield page
            rest = rest.after(page)

    def __repr__(self) -> str:
        return f"<Pages of {self._start.path}>"


class AsyncPages(Generic[T]):
    """`Pages` for `async for`."""

    def __init__(self, client: "AsyncSignalbox", start: Listing[T]) -> None:
        self._client = client
        self._start = start

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterates over the pages."""
        rest: Listing[T] | None = self._start
        while rest is not None:
            page = await self._client._run(rest.fetch())
            yield page
            rest = rest.after(page)

    def __repr__(self) -> str:
        return f"<AsyncPages of {self._start.path}>"
