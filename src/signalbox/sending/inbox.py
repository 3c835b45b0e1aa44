"""The inbox: what the sink received. Contract section 14."""

from collections.abc import Sequence
from itertools import starmap
from typing import Final, NamedTuple

import msgspec

from signalbox.db import Row, Tx, Value
from signalbox.ground import ids
from signalbox.ground.errors import NotFound
from signalbox.ground.page_tokens import IdRange

# The order of arrival: an id of its own, because messages may arrive in another order than they were created.
ARRIVAL: Final = ids.Kind("arrival", "an arrival")
_CLEAR_ROWS: Final = 2_000


class NewItem(NamedTuple):
    """A message that arrives. `content` and `variables` are JSON."""

    message_id: str
    downstream_id: str
    channel: str
    from_address: str
    to_address: str
    to_channel: str
    text: str
    content: str | None
    variables: str | None


class Item(msgspec.Struct, frozen=True, gc=False):
    """A message that arrived. `id` is its arrival, which contains the time; `content` and `variables` are JSON."""

    id: str
    message_id: str
    downstream_id: str
    operation_id: str | None
    pool_id: str | None
    channel: str
    from_address: str
    to_address: str
    to_channel: str
    text: str
    content: str | None
    variables: str | None

    @property
    def received_at(self) -> int:
        """When it arrived, in milliseconds."""
        return ids.created_at(self.id)


class Filter(msgspec.Struct, frozen=True):
    """The filters of the inbox; '' does not filter. `contains`: a part of the text, in any case."""

    to: str = ""
    sender: str = ""
    channel: str = ""
    operation_id: str = ""
    message_id: str = ""
    contains: str = ""


def topic(account_id: int) -> str:
    """The topic that fires when something arrives for an account."""
    return f"inbox:{account_id}"


async def add(tx: Tx, account_id: int, operation_id: str | None, pool_id: str | None, items: Sequence[NewItem]) -> None:
    """Puts items into the inbox, in their order. Waits for other transactions in which something arrives."""
    row = await tx.one("inbox.lock", account_id=account_id)
    if row and row[0]:
        tx.after(row[0])
    rows = []
    arrival = ""
    for item in items:
        arrival = tx.new_id(ARRIVAL)
        *head, text, content, variables = item
        rows.append((arrival, *head, text, text.casefold(), content, variables))
    await tx.run(
        "inbox.add",
        account_id=account_id,
        operation_id=operation_id,
        pool_id=pool_id,
        rows=msgspec.json.encode(rows).decode(),
    )
    await tx.run("inbox.advance", account_id=account_id, newest=arrival)
    tx.wake(topic(account_id))


async def fetch(tx: Tx, account_id: int, message_id: str) -> Item:
    """One item. Raises NotFound."""
    row = await tx.one("inbox.fetch", account_id=account_id, message_id=message_id)
    if row is None:
        raise NotFound(f"the inbox has no message {message_id}")
    return _from_row(row)


async def list_page(tx: Tx, account_id: int, filter_: Filter, id_range: IdRange) -> list[Item]:
    """The account's items in the range of arrivals, newest first."""
    params: dict[str, Value] = {
        "before": id_range.before,
        "not_before": id_range.not_before,
        "limit": id_range.limit,
        **_params(filter_),
    }
    name = "inbox.list_page"
    if filter_.to:
        name, params["to"] = "inbox.list_page_to", filter_.to
    elif filter_.operation_id:
        name = "inbox.list_page_of_operation"
    return list(starmap(Item, await tx.all(name, account_id=account_id, **params)))


async def first(tx: Tx, account_id: int, filter_: Filter, after: str) -> Item | None:
    """The oldest item that matches, of those that arrived after the arrival `after`."""
    params = {"after": after, "limit": 1, **_params(filter_)}
    name = "inbox.first"
    if filter_.to:
        name, params["to"] = "inbox.first_to", filter_.to
    row = await tx.one(name, account_id=account_id, **params)
    return None if row is None else _from_row(row)


async def clear(tx: Tx, account_id: int, until: str | None = None) -> str | None:
    """Removes some of the oldest items up to `until`; returns what to pass as `until` next, None at the end."""
    if until is None:
        row = await tx.one("inbox.newest", account_id=account_id)
        until = str(row[0]) if row else ""
    removed = await tx.run("inbox.clear", account_id=account_id, until=until, limit=_CLEAR_ROWS)
    return until if removed == _CLEAR_ROWS else None


def _params(filter_: Filter) -> dict[str, Value]:
    return {
        "channel": filter_.channel,
        "sender": filter_.sender,
        "message_id": filter_.message_id,
        "operation_id": filter_.operation_id,
        "contains": filter_.contains.casefold(),
    }


def _from_row(row: Row) -> Item:
    return Item(*row)
