"""Messages over HTTP: contract section 10, numbers 1 to 3, 7 and 8, and cancelling one, 10.5."""

from typing import Final

import msgspec

from signalbox.api.sending import message_checks
from signalbox.api.sending.message_request import MESSAGE_SEND, MessageAddress
from signalbox.api.sending.message_shapes import (
    EXAMPLE_FETCHED,
    EXAMPLE_MESSAGE,
    EXAMPLE_RECEIPT,
    MESSAGE_ID,
    MESSAGES,
    OPERATION_ID,
    SID,
    FetchedMessage,
    MessagePage,
    Receipt,
    ReceiptPage,
    shaper,
)
from signalbox.db import Tx
from signalbox.ground import clock, ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.page_tokens import IdRange
from signalbox.http import paging, references
from signalbox.http.endpoint import Endpoint
from signalbox.http.etags import conditional
from signalbox.http.paging import Listing, page
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, Param, enum_param
from signalbox.http.patterns import Pattern
from signalbox.http.references import IDEMPOTENCY_KEY
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import OperationReference
from signalbox.rendering.liquid import RenderError
from signalbox.sending import contents, message_operations, messages

_TAGS: Final = Pattern(
    "^([a-zA-Z0-9._~-]{1,128}:[a-zA-Z0-9._~-]{1,256};){1,10}$",
    "must be key:value; 1 to 10 times, each with its semicolon, of the characters a-z A-Z 0-9 . _ ~ -",
)


def _tags(text: str) -> tuple[str, ...]:
    if not _TAGS.matches(text):
        raise ValueError(_TAGS.demand)
    return tuple(dict.fromkeys(text.split(";")[:-1]))


_ANY_ID: Final = Pattern(f"^[a-z]+(_[a-z]+)*_{ids.SUFFIX_PATTERN}$", "must be an id", one_line=True)


def _id_of_others(name: str, noun: str) -> Param[str]:
    def parse(text: str) -> str:
        if not _ANY_ID.matches(text):
            raise ValueError(_ANY_ID.demand)
        return text

    schema: dict[str, object] = {"type": "string", "pattern": _ANY_ID.text}
    example = f"comms_{noun}_01kg9p6jhxf2ar6w5q6m2s7d3n"
    return Param(name, parse, schema, f"The id of a {noun}. None is kept here, so nothing matches.", example=example)


CHANNEL: Final = enum_param("channel", ("SMS", "RCS", "WHATSAPP"), "Only messages from senders of this channel.")
STATUS: Final = enum_param(
    "status",
    (
        "SCHEDULED",
        "QUEUED",
        "SENT",
        "DELIVERED",
        "READ",
        "UNDELIVERED",
        "FAILED",
        "CANCELED",
        "INBOUND",
        "GROUP",
    ),
    "Only messages with this status.",
)
TAGS: Final = Param(
    "tags",
    _tags,
    {"type": "string", "pattern": _TAGS.text},
    "Only messages with all these tags.",
    example="region:EMEA;campaign:spring;",
)
SESSION_ID: Final = _id_of_others("sessionId", "session")
PROFILE: Final = _id_of_others("profile", "profile")


async def list_messages(request: Request) -> Response:
    """List messages, newest first."""
    filter_ = messages.Filter(
        request.get(OPERATION_ID), request.get(STATUS), request.get(CHANNEL), request.get(TAGS) or ()
    )
    others = request.get(SESSION_ID), request.get(PROFILE)
    listing = Listing("messages", messages.MESSAGE, shaper(request).message, MessagePage)

    async def read(tx: Tx, id_range: IdRange) -> list[messages.Message]:
        return [] if any(others) else await messages.list_page(tx, request.account_id, filter_, id_range)

    return await listing.respond(request, read, filter_, others)


async def send_messages(request: Request) -> Response:
    """Send a content to up to 10,000 recipients, as an operation."""
    send = request.body(MESSAGE_SEND)
    new = await message_checks.prepare(send, clock.now_ms())

    async def work(tx: Tx) -> str:
        checked = await message_checks.complete(tx, request.account_id, send, new)
        return await messages.start(tx, request.account_id, checked, request.id)

    return await references.start_within(request, send, "/v1/Messages", "/v1/Messages/Operations", work)


async def fetch_message(request: Request) -> Response:
    """Fetch a message, with its attempts and its content."""
    message_id = request.path(MESSAGE_ID)

    async def read(tx: Tx) -> FetchedMessage:
        message = await messages.fetch(tx, request.account_id, message_id)
        attempts = await messages.fetch_attempts(tx, request.account_id, message_id)
        content = await _content(tx, request.account_id, message, attempts)
        return shaper(request).fetched(message, attempts, content)

    return conditional(request, await request.services.db.read(read))


async def _content(tx: Tx, account_id: int, message: messages.Message, attempts: list[messages.Attempt]) -> object:
    """The content: rendered as for the last attempt; as requested before the first one."""
    stored = await message_operations.find_content(tx, account_id, message.operation_id or message.id)
    if stored is None:
        return {}
    if message.status == "INBOUND":
        # What a person wrote is no Liquid.
        return msgspec.json.decode(stored.content)
    content = contents.of(stored.content, stored.defaults)
    shown = content.as_requested
    if attempts:
        try:
            shown = content.whole(message.variables, attempts[-1].attempted_at)
        except RenderError:
            # Another channel's module: this one was rendered for the attempt.
            shown = content.as_requested
    return shown


async def list_receipts(request: Request) -> Response:
    """List every report that came for a message, oldest first."""
    message_id = request.path(MESSAGE_ID)
    wanted = page(request, "receipts", message_id)

    async def read(tx: Tx) -> list[messages.Receipt]:
        await messages.fetch(tx, request.account_id, message_id)
        return await messages.list_receipts(tx, request.account_id, message_id, wanted.first_index, wanted.size + 1)

    shown, pagination = wanted.cut(await request.services.db.read(read), lambda row: str(row.number))
    return json_response(ReceiptPage([_shape_receipt(row) for row in shown], pagination))


def _shape_receipt(row: messages.Receipt) -> Receipt:
    to = MessageAddress(row.to_address, row.to_channel)
    return Receipt(to, row.status, row.code, row.connector, rfc3339(row.created_at))


async def seek_message(request: Request) -> Response:
    """Find a message by the id that an attempt has downstream: a redirect to the message."""
    sid = request.path(SID)
    message_id = await request.services.db.read(lambda tx: messages.seek(tx, request.account_id, sid))
    return references.reference_to(request, MESSAGE_ID, message_id, 301)


async def cancel_message(request: Request) -> Response:
    """Cancel a message that was not handed over."""
    message_id = request.path(MESSAGE_ID)
    await request.services.db.write(lambda tx: messages.cancel(tx, request.account_id, message_id))
    return references.resource(request, MESSAGE_ID)


_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)
LIST: Final = Endpoint(
    list_messages,
    MESSAGES,
    query=(OPERATION_ID, START_DATE, END_DATE, CHANNEL, STATUS, TAGS, SESSION_ID, PROFILE, *_PAGE),
    example=MessagePage([EXAMPLE_MESSAGE], paging.EXAMPLE),
)
SEND: Final = Endpoint(
    send_messages,
    MESSAGES,
    body=MESSAGE_SEND,
    headers=(IDEMPOTENCY_KEY,),
    status=202,
    example=OperationReference(OPERATION_ID.example, OPERATION_ID.path(OPERATION_ID.example)),
    errors=(404, 409, 422),
)
FETCH: Final = Endpoint(fetch_message, MESSAGES, path=(MESSAGE_ID,), example=EXAMPLE_FETCHED, errors=(404,), etag=True)
LIST_RECEIPTS: Final = Endpoint(
    list_receipts,
    MESSAGES,
    path=(MESSAGE_ID,),
    query=_PAGE,
    example=ReceiptPage([EXAMPLE_RECEIPT], paging.EXAMPLE_OF_LAST),
    errors=(404,),
)
SEEK: Final = Endpoint(
    seek_message,
    MESSAGES,
    path=(SID,),
    status=301,
    example=references.example(MESSAGE_ID),
    errors=(404,),
)

CANCEL: Final = Endpoint(
    cancel_message,
    MESSAGES,
    path=(MESSAGE_ID,),
    status=202,
    example=references.example(MESSAGE_ID),
    errors=(404, 409),
)
