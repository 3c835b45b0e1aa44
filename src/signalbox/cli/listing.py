"""Lists: a page of them, what people call each thing, and whether there is more."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeVar

import click

from signalbox.cli.endings import complain
from signalbox.cli.output import wire
from signalbox.cli.tables import show_table

if TYPE_CHECKING:
    import msgspec

    from signalbox_client import Signalbox
    from signalbox_client.results import Item, Operation, OperationNames, Page, Sender, SenderNames, SenderPool, Total
    from signalbox_client.results import SenderPoolNames as PoolNames

T = TypeVar("T", bound="msgspec.Struct")
S = TypeVar("S")

PAGE: Final = 50
# The largest page of the API, and the most ids that one request names.
LARGEST: Final = 1000
_ALL: Final = "signalbox.cli.listing"


class Paged(Protocol[S]):
    """A list in pages, as the client has them."""

    def __iter__(self) -> Iterator[S]: ...

    def pages(self) -> Iterator[Page[S]]:
        """The pages."""
        ...


class Table(NamedTuple, Generic[T]):
    """A table of things of one kind: its columns, and the rows of one page of things."""

    columns: Sequence[str]
    rows: Callable[[Signalbox, Sequence[T]], Iterator[Sequence[object]]]


def _keep_all(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.meta[_ALL] = value


def _amount(context: click.Context, _parameter: click.Parameter, value: int | None) -> int | None:
    if not context.meta.get(_ALL):
        return value
    if value is not None:
        raise click.UsageError("--all and --limit cannot be used together")
    return sys.maxsize


def limit_option(command: Callable[..., None]) -> Callable[..., None]:
    """`--limit N` and `--all`, as one argument `limit`: None when neither is given."""
    limit = click.option(
        "--limit", type=click.IntRange(1), metavar="N", callback=_amount, help=f"At most N.  [default: {PAGE}]"
    )
    everything = click.option(
        "--all", is_flag=True, is_eager=True, expose_value=False, callback=_keep_all, help="All of them."
    )
    return limit(everything(command))


def most(limit: int | None, as_json: bool) -> int:
    """How many things a list has at most. JSON is whole unless a limit is given: a program must not lose any."""
    if limit is not None:
        return limit
    return sys.maxsize if as_json else PAGE


def page_size(limit: int | None, as_json: bool) -> int:
    """The page size that needs the fewest requests."""
    return min(most(limit, as_json), LARGEST)


def show_pages(
    client: Signalbox,
    pages: Paged[T],
    table: Table[T],
    limit: int | None,
    as_json: bool,
    total: Callable[[], Total] | None = None,
) -> None:
    """Prints a list: one JSON object a line (NDJSON), or a table, and on standard error that there is more.

    `total` counts the list, and is called only when there is more than is shown.
    """
    left = most(limit, as_json)
    if as_json:
        for resource in islice(pages, left):
            click.echo(json.dumps(wire(resource)))
        return
    more = False

    def rows() -> Iterator[Sequence[object]]:
        nonlocal left, more
        for page in pages.pages():
            shown = page.items[:left]
            if shown:
                yield from table.rows(client, shown)
            left -= len(shown)
            if left == 0:
                more = page.next is not None or len(shown) < len(page.items)
                return

    show_table(table.columns, rows())
    if more and limit is None:
        _say_more(total() if total else None)


@dataclass(frozen=True)
class OfPool:
    """The operations of a list that create or fill one pool. The API has no such filter, but tells the pool of each."""

    client: Signalbox
    found: Paged[Operation]
    pool_id: str

    def __iter__(self) -> Iterator[Operation]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[Operation]]:
        """The pages that have any. Each is held back until it is known whether there is a next one."""
        from signalbox_client.results import Page

        held: Page[Operation] | None = None
        for page in self.found.pages():
            names = self.client.names.name(one.id for one in page.items).operations if page.items else ()
            ids = {one.id for one in names if one.sender_pool and one.sender_pool.id == self.pool_id}
            if kept := tuple(one for one in page.items if one.id in ids):
                if held:
                    yield held
                held = Page(kept, page.next, page.self_token)
        if held:
            yield Page(held.items, None, held.self_token)


def show_rows(
    columns: Sequence[str], rows: Sequence[Mapping[str, str | None]], limit: int | None, as_json: bool
) -> None:
    """Prints a list that is in memory: as one JSON array, or as a table, and on standard error that there is more."""
    shown = rows[: most(limit, as_json)]
    if as_json:
        click.echo(json.dumps(shown))
        return
    show_table(columns, ([row[column] for column in columns] for row in shown))
    if limit is None and len(shown) < len(rows):
        _say_more()


def _say_more(total: Total | None = None) -> None:
    said = f"there are more than these {PAGE}"
    if total:
        said = f"these are {PAGE} of {'more than ' if total.more else ''}{total.count:,}"
    complain(f"{said}: --limit N shows N of them, --all shows all")


# --- what a row shows: the name first, the id second


def channels_of(names: PoolNames) -> str:
    """`SMS 12, EMAIL 1`."""
    return ", ".join(f"{one.channel} {one.count:,}" for one in names.channels)


def pools_of(names: SenderNames) -> str:
    """The names of a sender's pools; with dots when there are others."""
    return ", ".join([*(pool.name for pool in names.sender_pools), *(["..."] if names.more_sender_pools else [])])


def pool_of(names: OperationNames) -> str:
    """The name of an operation's pool."""
    return names.sender_pool.name if names.sender_pool else "(deleted)"


def pool_named(client: Signalbox, pool_id: str) -> str:
    """The name and the id of a pool; the id alone of one that was deleted."""
    names = client.names.name([pool_id]).sender_pools
    return "  ".join([*(one.name for one in names), pool_id])


def _sender_rows(client: Signalbox, senders: Sequence[Sender]) -> Iterator[Sequence[object]]:
    names = {one.id: one for one in client.names.name(one.id for one in senders).senders}
    for one in senders:
        pools = pools_of(names[one.id]) if one.id in names else None
        yield one.display_name, one.id, f"{one.channel}:{one.address}", one.status, pools, one.tags


def _pool_rows(client: Signalbox, pools: Sequence[SenderPool]) -> Iterator[Sequence[object]]:
    names = {one.id: one for one in client.names.name(one.id for one in pools).sender_pools}
    for one in pools:
        known = names.get(one.id)
        counts = (f"{known.senders:,}", channels_of(known)) if known else (None, None)
        yield one.name, one.id, *counts, _time(one), one.tags


def _operation_rows(client: Signalbox, operations: Sequence[Operation]) -> Iterator[Sequence[object]]:
    names = {one.id: one for one in client.names.name(one.id for one in operations).operations}
    for one in operations:
        known = names.get(one.id)
        pool, kind = (pool_of(known), known.kind) if known else (None, None)
        stats = one.stats
        yield pool, one.id, kind, stats.total, one.status, stats.queued, stats.created, stats.failed, _time(one)


def _item_rows(client: Signalbox, items: Sequence[Item]) -> Iterator[Sequence[object]]:
    ids = [one.sender_id for one in items if one.sender_id]
    names = {one.id: one for one in client.names.name(ids).senders} if ids else {}
    for one in items:
        known = names.get(one.sender_id or "")
        sender = f"{known.channel}:{known.address}" if known else None if one.sender_id else "(the pool)"
        yield sender, one.sender_id, one.index, one.outcome, one.code, one.message


def _time(resource: SenderPool | Operation) -> object:
    return wire(resource)["createdAt"]


SENDERS: Final = Table(("displayName", "id", "address", "status", "pools", "tags"), _sender_rows)
POOLS: Final = Table(("name", "id", "senders", "channels", "createdAt", "tags"), _pool_rows)
OPERATIONS: Final = Table(
    ("pool", "id", "kind", "items", "status", "queued", "created", "failed", "createdAt"), _operation_rows
)
ITEMS: Final = Table(("sender", "senderId", "index", "outcome", "code", "message"), _item_rows)
