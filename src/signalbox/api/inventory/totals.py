"""The totals of lists over HTTP, under `/signalbox/v1`: the path and the filters of a list, and `/Total`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, cast

import msgspec
from msgspec import Meta

from signalbox.api.inventory import pool_operations as api_pool_operations
from signalbox.api.inventory.sender_pools import SENDER_POOL_ID
from signalbox.api.inventory.senders import CHANNEL, STATUS, filter_of
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.page_tokens import IdRange
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.paging import date_range_of
from signalbox.http.parameters import END_DATE, START_DATE
from signalbox.http.request import Request, Response, json_response
from signalbox.inventory import pool_operations, sender_pools, senders, totals

GROUP: Final = Group("totals", "Totals", "How many things a list has, with the filters of the list.", "paging")


class Total(msgspec.Struct, frozen=True):
    """The number of things in a list, counted up to 10,000. `more`: there are more."""

    count: Annotated[int, Meta(ge=0, le=totals.MOST)]
    more: bool


async def total_senders(request: Request) -> Response:
    """Count the senders that `GET /v1/Senders` lists with these filters, up to 10,000."""
    chosen = filter_of(request)
    return await _respond(
        request, senders.SENDER, lambda tx, id_range: totals.senders(tx, request.account_id, chosen, id_range)
    )


async def total_sender_pools(request: Request) -> Response:
    """Count the pools that `GET /v1/SenderPools` lists with these filters, up to 10,000."""
    return await _respond(
        request,
        sender_pools.SENDER_POOL,
        lambda tx, id_range: totals.sender_pools(tx, request.account_id, id_range),
    )


async def total_members(request: Request) -> Response:
    """Count the senders that are listed in a pool with these filters, up to 10,000."""
    pool_id, chosen = request.path(SENDER_POOL_ID), filter_of(request)

    async def read(tx: Tx, id_range: IdRange) -> totals.Total:
        await sender_pools.fetch(tx, request.account_id, pool_id)
        return await totals.members(tx, request.account_id, pool_id, chosen, id_range)

    return await _respond(request, senders.SENDER, read)


async def total_operations(request: Request) -> Response:
    """Count the operations that `GET /v1/SenderPools/Operations` lists with these filters, up to 10,000."""
    status = cast("pool_operations.Status | None", request.get(api_pool_operations.STATUS))
    return await _respond(
        request, ids.OPERATION, lambda tx, id_range: totals.operations(tx, request.account_id, status, id_range)
    )


async def _respond(request: Request, kind: str, count: Callable[[Tx, IdRange], Awaitable[totals.Total]]) -> Response:
    """The total in the date range of the request."""
    id_range = date_range_of(request, kind, totals.MOST + 1)
    found = await request.services.db.read(lambda tx: count(tx, id_range))
    return json_response(Total(found.count, found.more))


_DATES: Final = (START_DATE, END_DATE)
_EXAMPLE: Final = Total(1204, more=False)

SENDERS: Final = Endpoint(total_senders, GROUP, query=(CHANNEL, STATUS, *_DATES), example=_EXAMPLE)
SENDER_POOLS: Final = Endpoint(total_sender_pools, GROUP, query=_DATES, example=_EXAMPLE)
MEMBERS: Final = Endpoint(
    total_members,
    GROUP,
    path=(SENDER_POOL_ID,),
    query=(CHANNEL, STATUS, *_DATES),
    example=_EXAMPLE,
    errors=(404,),
)
OPERATIONS: Final = Endpoint(
    total_operations, GROUP, query=(api_pool_operations.STATUS, *_DATES), example=Total(10_000, more=True)
)
