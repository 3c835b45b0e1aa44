"""Pool operations over HTTP, contract section 6; their ledger and cancelling, contract section 8."""

from collections.abc import AsyncIterator
from typing import Annotated, Final, cast

import msgspec

from signalbox.api.inventory.sender_pools import OPERATION_ID, OTHER_SENDER_ID, SENDER_POOL_ID, SENDER_POOLS
from signalbox.api.inventory.senders import SENDER_ID, SenderId
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.errors import NotFound
from signalbox.http import paging, references
from signalbox.http.bodies import Media
from signalbox.http.constraints import named
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.errors import ERROR_CODES
from signalbox.http.paging import Listing, page
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, enum_param
from signalbox.http.progress import PREFER, events_of, show
from signalbox.http.request import Request, Response, Stream, json_response
from signalbox.http.shapes import Count, OperationId, Pagination, Time
from signalbox.inventory import pool_operations

_STREAM_ITEMS: Final = 1_000

LEDGER: Final = Group(
    "ledger", "Ledger", "The outcome of each item of a pool operation, and cancelling an operation.", "operations"
)

Status = Annotated[pool_operations.Status, named("OperationStatus")]
Outcome = Annotated[pool_operations.Outcome, named("ItemOutcome")]


class Stats(msgspec.Struct, frozen=True, gc=False):
    """Counts of items; total = queued + created + failed at any time."""

    total: Count
    queued: Count
    created: Count
    failed: Count


class SenderPoolOperation(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The operation of one create of a sender pool or of one add to it."""

    id: OperationId
    status: Status
    stats: Stats
    created_at: Time
    updated_at: Time


class SenderPoolOperationPage(msgspec.Struct, frozen=True):
    """Operations, newest first."""

    operations: list[SenderPoolOperation]
    pagination: Pagination


class OperationItem(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One item of the ledger; that of the pool has no sender. `code` and `message` are null unless the item failed."""

    index: Count
    sender_id: SenderId | None
    outcome: Outcome
    code: int | None
    message: str | None


class OperationItemPage(msgspec.Struct, frozen=True):
    """Items by ascending index."""

    items: list[OperationItem]
    pagination: Pagination


STATUS: Final = enum_param("status", ("PROCESSING", "COMPLETED", "CANCELED"), "Only operations with this status.")
OUTCOME: Final = enum_param(
    "outcome", ("QUEUED", "CREATED", "ALREADY_MEMBER", "FAILED"), "Only items with this outcome."
)


def shape(operation: pool_operations.PoolOperation) -> SenderPoolOperation:
    """The wire type of a pool operation."""
    return SenderPoolOperation(
        operation.id,
        operation.status,
        Stats(operation.total, operation.queued, operation.created, operation.failed),
        rfc3339(operation.created_at),
        rfc3339(operation.updated_at),
    )


async def list_operations(request: Request) -> Response:
    """List sender pool operations, newest first."""
    status = cast("pool_operations.Status | None", request.get(STATUS))
    return await LISTING.respond(
        request, lambda tx, id_range: pool_operations.list_page(tx, request.account_id, status, id_range), status
    )


async def fetch_operation(request: Request) -> Response | Stream:
    """Fetch a sender pool operation: now, when it is final (`Prefer: wait`), or as it changes (event stream)."""
    operation_id = request.path(OPERATION_ID)
    return await show(
        request, operation_id, lambda tx: pool_operations.fetch(tx, request.account_id, operation_id), shape
    )


async def fetch_operation_of_pool(request: Request) -> Response | Stream:
    """Fetch an operation that adds senders to a pool, at the location in the response of the add."""
    pool_id, operation_id = request.path(SENDER_POOL_ID), request.path(OPERATION_ID)

    async def fetch(tx: Tx) -> pool_operations.PoolOperation:
        return await pool_operations.fetch_of_pool(tx, request.account_id, pool_id, operation_id)

    return await show(request, operation_id, fetch, shape)


async def list_items(request: Request) -> Response | Stream:
    """List the items of an operation and their outcomes, by index; as one NDJSON stream if `Accept` asks for it."""
    operation_id = request.path(OPERATION_ID)
    outcome = cast("pool_operations.Outcome | None", request.get(OUTCOME))
    wanted = page(request, "items", operation_id, outcome)
    streamed = request.prefers("application/x-ndjson")
    limit = _STREAM_ITEMS if streamed else wanted.size + 1
    rows = await _items(request, operation_id, outcome, wanted.first_index, limit)
    if streamed:
        return Stream(_lines(request, operation_id, outcome, rows), b"application/x-ndjson")
    shown, pagination = wanted.cut(rows, lambda row: str(row.index))
    return json_response(OperationItemPage([shape_item(row) for row in shown], pagination))


async def cancel_operation(request: Request) -> Response:
    """Cancel an operation: after the response, no more of its items is applied."""
    operation_id = request.path(OPERATION_ID)
    await request.services.db.write(lambda tx: pool_operations.cancel(tx, request.account_id, operation_id))
    return references.resource(request, OPERATION_ID)


def shape_item(item: pool_operations.Item) -> OperationItem:
    """The wire type of an item; a failed one has a code and a message."""
    code = message = None
    if item.outcome == "FAILED":
        code, message = ERROR_CODES[NotFound].code, "the account has no sender with this id"
    return OperationItem(item.index, item.sender_id, item.outcome, code, message)


async def _items(
    request: Request, operation_id: str, outcome: pool_operations.Outcome | None, first: int, limit: int
) -> list[pool_operations.Item]:
    """At most `limit` items of an operation, from index `first` on. Raises NotFound."""

    async def read(tx: Tx) -> list[pool_operations.Item]:
        await pool_operations.fetch(tx, request.account_id, operation_id)
        return await pool_operations.list_items(tx, request.account_id, operation_id, outcome, first, limit)

    return await request.services.db.read(read)


async def _lines(
    request: Request, operation_id: str, outcome: pool_operations.Outcome | None, rows: list[pool_operations.Item]
) -> AsyncIterator[bytes]:
    """The ledger as NDJSON, read in batches of 1,000 items."""
    encoder = msgspec.json.Encoder()
    while rows:
        yield encoder.encode_lines([shape_item(row) for row in rows])
        if len(rows) < _STREAM_ITEMS:
            return
        first = rows[-1].index + 1

        async def read(tx: Tx, first: int = first) -> list[pool_operations.Item]:
            return await pool_operations.list_items(tx, request.account_id, operation_id, outcome, first, _STREAM_ITEMS)

        rows = await request.services.db.read(read)


LISTING: Final = Listing("operations", ids.OPERATION, shape, SenderPoolOperationPage)

_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)
EXAMPLE: Final = SenderPoolOperation(
    OPERATION_ID.example,
    "COMPLETED",
    Stats(total=3, queued=0, created=2, failed=1),
    "2026-01-31T09:30:00.125Z",
    "2026-01-31T09:30:00.161Z",
)
EXAMPLE_ITEMS: Final = [
    OperationItem(0, None, "CREATED", None, None),
    OperationItem(1, SENDER_ID.example, "CREATED", None, None),
    OperationItem(2, OTHER_SENDER_ID, "FAILED", 20404, "the account has no sender with this id"),
]
_EVENTS: Final = events_of(EXAMPLE)
_ROWS: Final = Media(
    "application/x-ndjson",
    "One item, as JSON, on each line.",
    msgspec.json.Encoder().encode_lines(EXAMPLE_ITEMS).decode(),
)

FETCH_OPERATION: Final = Endpoint(
    fetch_operation,
    SENDER_POOLS,
    path=(OPERATION_ID,),
    headers=(PREFER,),
    example=EXAMPLE,
    media=(_EVENTS,),
    errors=(404,),
    etag=True,
)
LIST_OPERATIONS: Final = Endpoint(
    list_operations,
    SENDER_POOLS,
    query=(START_DATE, END_DATE, STATUS, *_PAGE),
    example=SenderPoolOperationPage([EXAMPLE], paging.EXAMPLE_OF_LAST),
)
FETCH_OPERATION_OF_POOL: Final = Endpoint(
    fetch_operation_of_pool,
    SENDER_POOLS,
    path=(SENDER_POOL_ID, OPERATION_ID),
    headers=(PREFER,),
    example=EXAMPLE,
    media=(_EVENTS,),
    errors=(404,),
    etag=True,
)
LIST_ITEMS: Final = Endpoint(
    list_items,
    LEDGER,
    path=(OPERATION_ID,),
    query=(OUTCOME, *_PAGE),
    example=OperationItemPage(EXAMPLE_ITEMS, paging.EXAMPLE_OF_LAST),
    media=(_ROWS,),
    errors=(404,),
)
CANCEL_OPERATION: Final = Endpoint(
    cancel_operation,
    LEDGER,
    path=(OPERATION_ID,),
    status=202,
    example=references.example(OPERATION_ID),
    errors=(404, 409),
)
