"""Message operations over HTTP: contract section 10, numbers 4 to 6, cancelling and retrying, 10.5."""

from typing import Final, cast

from signalbox.api.sending.message_shapes import (
    EXAMPLE_ERROR,
    EXAMPLE_OPERATION,
    MESSAGES,
    OPERATION_ID,
    MessageOperationPage,
    OperationErrorPage,
    shape_operation,
    shaper,
)
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.http import paging, references
from signalbox.http.endpoint import Endpoint
from signalbox.http.paging import Listing, id_range_of, page
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, enum_param
from signalbox.http.progress import PREFER, events_of, show
from signalbox.http.references import IDEMPOTENCY_KEY
from signalbox.http.request import Request, Response, Stream, json_response
from signalbox.http.shapes import OperationReference
from signalbox.sending import message_operations, messages, retries

OPERATION_STATUS: Final = enum_param(
    "status", ("SCHEDULED", "PROCESSING", "COMPLETED", "CANCELED"), "Only operations with this status."
)


async def list_operations(request: Request) -> Response:
    """List message operations, newest first."""
    status = cast("message_operations.Status | None", request.get(OPERATION_STATUS))
    return await OPERATIONS.respond(
        request, lambda tx, id_range: message_operations.list_page(tx, request.account_id, status, id_range), status
    )


async def fetch_operation(request: Request) -> Response | Stream:
    """Fetch a message operation: now, when it is final (`Prefer: wait`), or as it changes (event stream)."""
    operation_id = request.path(OPERATION_ID)

    async def fetch(tx: Tx) -> message_operations.MessageOperation:
        return await message_operations.fetch(tx, request.account_id, operation_id)

    return await show(request, operation_id, fetch, shape_operation)


async def list_errors(request: Request) -> Response:
    """List the messages of an operation that ended in an error, and why."""
    operation_id = request.path(OPERATION_ID)
    wanted = page(request, "messageErrors", operation_id)
    id_range = id_range_of(request, wanted, messages.MESSAGE)

    async def read(tx: Tx) -> list[messages.Message]:
        await message_operations.fetch(tx, request.account_id, operation_id)
        return await messages.list_errors(tx, request.account_id, operation_id, id_range)

    shown, pagination = wanted.cut(await request.services.db.read(read), lambda row: row.id)
    return json_response(OperationErrorPage([shaper(request).error(row) for row in shown], pagination))


async def cancel_operation(request: Request) -> Response:
    """Cancel an operation: after the response, no more of its messages is handed over."""
    operation_id = request.path(OPERATION_ID)
    await request.services.db.write(lambda tx: messages.cancel_operation(tx, request.account_id, operation_id))
    return references.resource(request, OPERATION_ID)


async def retry_operation(request: Request) -> Response:
    """Send again to the recipients that an operation did not reach, as a new operation."""
    operation_id = request.path(OPERATION_ID)

    async def work(tx: Tx) -> str:
        return await retries.start(tx, request.account_id, operation_id, request.id)

    async def require(tx: Tx) -> None:
        await message_operations.fetch(tx, request.account_id, operation_id)

    collection = f"/signalbox/v1/Messages/Operations/{operation_id}/Retry"
    return await references.start_within(request, None, collection, "/v1/Messages/Operations", work, require)


OPERATIONS: Final = Listing("messageOperations", ids.OPERATION, shape_operation, MessageOperationPage)
_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)
_EVENTS: Final = events_of(EXAMPLE_OPERATION)
LIST: Final = Endpoint(
    list_operations,
    MESSAGES,
    query=(START_DATE, END_DATE, OPERATION_STATUS, *_PAGE),
    example=MessageOperationPage([EXAMPLE_OPERATION], paging.EXAMPLE_OF_LAST),
)
FETCH: Final = Endpoint(
    fetch_operation,
    MESSAGES,
    path=(OPERATION_ID,),
    headers=(PREFER,),
    example=EXAMPLE_OPERATION,
    media=(_EVENTS,),
    errors=(404,),
    etag=True,
)
LIST_ERRORS: Final = Endpoint(
    list_errors,
    MESSAGES,
    path=(OPERATION_ID,),
    query=_PAGE,
    example=OperationErrorPage([EXAMPLE_ERROR], paging.EXAMPLE_OF_LAST),
    errors=(404,),
)
CANCEL: Final = Endpoint(
    cancel_operation,
    MESSAGES,
    path=(OPERATION_ID,),
    status=202,
    example=references.example(OPERATION_ID),
    errors=(404, 409),
)
RETRY: Final = Endpoint(
    retry_operation,
    MESSAGES,
    path=(OPERATION_ID,),
    headers=(IDEMPOTENCY_KEY,),
    status=202,
    example=OperationReference(OPERATION_ID.example, OPERATION_ID.path(OPERATION_ID.example)),
    errors=(404, 409, 422),
)
