"""The search and the names of ids over HTTP, under `/signalbox/v1`: people know names, and programs know ids."""

import json
from collections.abc import Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory import sender_pools as api_sender_pools
from signalbox.api.inventory import senders as api_senders
from signalbox.api.inventory.sender_pools import OPERATION_ID, SENDER_POOL_ID, SenderPoolId, SenderPoolPage
from signalbox.api.inventory.senders import Channel, SenderId, SenderPage
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.page_tokens import Anchor, mint
from signalbox.http.bodies import Body
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.paging import Page, page_of
from signalbox.http.patterns import NOT_BLANK, matching
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Count, OperationId, Pagination
from signalbox.inventory import names, search, sender_pools, senders
from signalbox.inventory.search import Found, Position

MOST_IDS: Final = 1_000
MOST_TEXT: Final = 320

NAMES: Final = Group(
    "names", "Names", "Find senders and pools by name, address, tag or the end of an id; name ids in bulk.", "names"
)

Text = Annotated[
    str,
    Meta(
        max_length=MOST_TEXT,
        description="The start of a name or an address, a tag as `key:value`, or the end of an id.",
    ),
    matching(NOT_BLANK),
]


class Search(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The start of a name or an address, a tag as `key:value`, or the end of an id (at least four characters)."""

    text: Text
    page_token: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    page_size: Annotated[int, Meta(ge=1, le=1000)] = 50


class NamedPool(msgspec.Struct, frozen=True):
    """A sender pool and its name."""

    id: SenderPoolId
    name: str


class ChannelMembers(msgspec.Struct, frozen=True):
    """The number of senders of a channel in a pool."""

    channel: Channel
    count: Count


class SenderPoolNames(msgspec.Struct, frozen=True):
    """The name of a sender pool, the number of its senders, and the channels that they have, the most first."""

    id: SenderPoolId
    name: str
    senders: Count
    channels: list[ChannelMembers]


class SenderNames(msgspec.Struct, frozen=True, rename="camel"):
    """The name and address of a sender, and at most three of the sender pools that contain the sender."""

    id: SenderId
    display_name: str | None
    address: str
    channel: Channel
    sender_pools: list[NamedPool]
    more_sender_pools: bool


class OperationNames(msgspec.Struct, frozen=True, rename="camel"):
    """What an operation does, with how many items, and its sender pool: null when the pool is deleted."""

    id: OperationId
    kind: Annotated[str, Meta(extra_json_schema={"enum": ["CREATE", "ADD"]})]
    items: Count
    sender_pool: NamedPool | None


class Names(msgspec.Struct, frozen=True, rename="camel"):
    """The names of the ids that exist, each kind in the order of the ids."""

    sender_pools: list[SenderPoolNames]
    senders: list[SenderNames]
    operations: list[OperationNames]


class NamesOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids of sender pools, senders and pool operations to name, in any order. Unknown ids are left out."""

    ids: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=64)]],
        Meta(
            min_length=1, max_length=MOST_IDS, description="Ids of sender pools, senders and operations, in any order."
        ),
    ]


async def search_sender_pools(request: Request) -> Response:
    """Find sender pools by the start of their name, by tag, or by the end of their id."""
    wanted, asked, after = _asked(request, "found sender pools", POOL_SEARCH)
    found = await request.services.db.read(
        lambda tx: search.find_pools(tx, request.account_id, wanted.text, after, asked.size + 1)
    )
    shown, pagination = _cut(asked, found)
    return json_response(SenderPoolPage([api_sender_pools.shape(pool) for pool in shown], pagination))


async def search_senders(request: Request) -> Response:
    """Find senders by the start of their display name or address, by tag, or by the end of their id."""
    wanted, asked, after = _asked(request, "found senders", SENDER_SEARCH)
    found = await request.services.db.read(
        lambda tx: search.find_senders(tx, request.account_id, wanted.text, after, asked.size + 1)
    )
    shown, pagination = _cut(asked, found)
    return json_response(SenderPage([api_senders.shape(sender) for sender in shown], pagination))


async def name_ids(request: Request) -> Response:
    """Name sender pools, senders and operations: what people call them, and what they contain."""
    wanted = sorted(set(request.body(NAMES_OF).ids))
    pool_ids, sender_ids, operation_ids = (
        [one for one in wanted if ids.is_id(kind, one)]
        for kind in (sender_pools.SENDER_POOL, senders.SENDER, ids.OPERATION)
    )

    async def read(tx: Tx) -> Names:
        return Names(
            [_pool(one) for one in await names.of_pools(tx, request.account_id, pool_ids)],
            [_sender(one) for one in await names.of_senders(tx, request.account_id, sender_ids)],
            [_operation(one) for one in await names.of_operations(tx, request.account_id, operation_ids)],
        )

    return json_response(await request.services.db.read(read))


def _pool(pool: names.PoolNames) -> SenderPoolNames:
    channels = [ChannelMembers(channel, number) for channel, number in pool.channels]  # type: ignore[arg-type]
    return SenderPoolNames(pool.id, pool.name, sum(number for _, number in pool.channels), channels)


def _sender(sender: names.SenderNames) -> SenderNames:
    named = [NamedPool(*pool) for pool in sender.pools[: names.POOLS]]
    more = len(sender.pools) > names.POOLS
    return SenderNames(sender.id, sender.display_name, sender.address, sender.channel, named, more)  # type: ignore[arg-type]


def _operation(operation: names.OperationNames) -> OperationNames:
    name = operation.pool_name
    pool = None if name is None else NamedPool(operation.pool_id, name)
    return OperationNames(operation.id, "CREATE" if operation.creates else "ADD", operation.items, pool)


def _asked(request: Request, list_name: str, body: Body[Search]) -> tuple[Search, Page, Position | None]:
    """The search of a request, the page that it asks for, and the place after which this page starts."""
    wanted = request.body(body)
    token = None if wanted.page_token is UNSET else wanted.page_token
    asked = page_of(request, list_name, (wanted.text,), token, wanted.page_size)
    return wanted, asked, Position(*json.loads(asked.anchor.item)) if asked.anchor else None


T = TypeVar("T", bound=sender_pools.SenderPool | senders.Sender)


def _cut(asked: Page, found: Sequence[Found[T]]) -> tuple[list[T], Pagination]:
    """The results of the page, and its tokens. `found` has one more if there is a next page."""
    shown = found[: asked.size]
    next_ = (
        mint(asked.key, asked.scope, Anchor("after", json.dumps(shown[-1].position))) if found[asked.size :] else None
    )
    own = mint(asked.key, asked.scope, asked.anchor or Anchor("at", ""))
    return [one.item for one in shown], Pagination(next_, own)


POOL_SEARCH: Final = Body(Search, example=Search("support"))
SENDER_SEARCH: Final = Body(Search, example=Search("front"))
NAMES_OF: Final = Body(
    NamesOf, example=NamesOf([SENDER_POOL_ID.example, api_senders.SENDER_ID.example, OPERATION_ID.example])
)
_POOL: Final = NamedPool(SENDER_POOL_ID.example, "Appointment reminders")
_NAMED: Final = Names(
    [SenderPoolNames(_POOL.id, _POOL.name, 3, [ChannelMembers("SMS", 2), ChannelMembers("EMAIL", 1)])],
    [SenderNames(api_senders.SENDER_ID.example, "Front desk", "+14155550123", "SMS", [_POOL], False)],
    [OperationNames(OPERATION_ID.example, "CREATE", 4, _POOL)],
)

SEARCH_POOLS: Final = Endpoint(search_sender_pools, NAMES, body=POOL_SEARCH, example=api_sender_pools.EXAMPLE_PAGE)
SEARCH_SENDERS: Final = Endpoint(search_senders, NAMES, body=SENDER_SEARCH, example=api_senders.EXAMPLE_PAGE)
NAME: Final = Endpoint(name_ids, NAMES, body=NAMES_OF, example=_NAMED)
