"""The inbox over HTTP: what the sink received. Contract section 14."""

import asyncio
from typing import Annotated, Final, Literal, NamedTuple, cast

import msgspec
from msgspec import Meta

from signalbox.api.sending.content import MediaUrl
from signalbox.api.sending.message_shapes import MESSAGE_ID, OPERATION_ID, MessageId
from signalbox.connectors import sink
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.errors import Invalid, NotFound, Problem
from signalbox.http import paging
from signalbox.http.bodies import Body
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.paging import Listing
from signalbox.http.parameters import (
    END_DATE,
    PAGE_SIZE,
    PAGE_TOKEN,
    START_DATE,
    Instant,
    Param,
    enum_param,
    id_param,
    text_param,
)
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import OperationId, Pagination, Time
from signalbox.rendering import extracts, segments
from signalbox.sending import inbox, messages, reports

INBOX: Final = Group("inbox", "Inbox", "What the phones received, waiting for it, and replies.", "inbox")
MOST_TEXT: Final = 65_536


class InboxAddress(msgspec.Struct, frozen=True, gc=False):
    """A sender or a recipient, and the channel that it is on."""

    address: str
    channel: Literal["SMS", "RCS", "WHATSAPP", "PHONE"]


class Segments(msgspec.Struct, frozen=True, gc=False):
    """How an SMS is encoded, and how many parts it has."""

    encoding: Literal["GSM-7", "UCS-2"]
    count: Annotated[int, Meta(ge=1)]


class InboxItem(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A message as it arrived. `codes` are one-time codes found in the text, `links` the URLs."""

    id: MessageId
    downstream_id: str
    channel: messages.SenderChannel
    from_: InboxAddress = msgspec.field(name="from")
    to: InboxAddress
    cc: list[InboxAddress]
    bcc: list[InboxAddress]
    sender_pool_id: str | None
    operation_id: OperationId | None
    subject: str | None
    text: str | None
    html: str | None
    media: list[MediaUrl]
    attachments: list[str]
    headers: dict[str, str]
    variables: dict[str, str]
    segments: Segments | None
    codes: list[str]
    links: list[str]
    received_at: Time


class InboxPage(msgspec.Struct, frozen=True):
    """What arrived, newest first."""

    items: list[InboxItem]
    pagination: Pagination


class Waited(msgspec.Struct, frozen=True, rename="camel"):
    """The oldest item that matches; null after the timeout."""

    item: InboxItem | None
    timed_out: bool


class InboxReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the phone would report. `code`: why it was not delivered."""

    status: reports.Reported
    code: Annotated[int, Meta(ge=1, le=99_999)] | msgspec.UnsetType = msgspec.UNSET


class InboxReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person writes back."""

    text: Annotated[str, Meta(min_length=1, max_length=MOST_TEXT)]


class Nothing(msgspec.Struct, frozen=True):
    """An empty object: the work was accepted."""


class After(NamedTuple):
    """The value of `after`: the id of an item, or a time."""

    message_id: str | None
    time: Instant | None

    @classmethod
    def parse(cls, text: str) -> "After":
        """Raises ValueError for any other text."""
        if ids.is_id(messages.MESSAGE, text):
            return cls(text, None)
        try:
            return cls(None, Instant.parse(text))
        except ValueError:
            raise ValueError("must be the id of an item or a date-time such as 2026-01-31T09:30:00Z") from None


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 2 or not 1 <= int(text) <= 60:
        raise ValueError("must be a whole number from 1 to 60")
    return int(text)


TO: Final = text_param("to", "Only what arrived at this address.", "+14155550199")
FROM: Final = text_param("from", "Only what came from this address.", "+14155550123")
CHANNEL: Final = enum_param("channel", ("SMS", "RCS", "WHATSAPP"), "Only what came on this channel.")
OF_MESSAGE: Final = id_param(
    "messageId", messages.MESSAGE, "Only this message.", "/signalbox/v1/Inbox", MESSAGE_ID.example
)
CONTAINS: Final = text_param("contains", "Only what has this in its text, in any case.", "code")
AFTER: Final = Param("after", After.parse, {"type": "string"}, "Only what arrived after this item or time.")
TIMEOUT: Final = Param(
    "timeout",
    _seconds,
    {"type": "integer", "minimum": 1, "maximum": 60, "default": 10},
    "The most seconds to wait.",
    10,
)
ITEM_ID: Final = id_param(
    "itemId", messages.MESSAGE, "The message that arrived.", "/signalbox/v1/Inbox", MESSAGE_ID.example
)
_FILTERS: Final = (TO, FROM, CHANNEL, OPERATION_ID, OF_MESSAGE, CONTAINS)

_decode_variables = msgspec.json.Decoder(dict[str, str]).decode
_decode_content = msgspec.json.Decoder(dict[str, object]).decode


def shape(item: inbox.Item) -> InboxItem:
    """The wire type of an item."""
    channel = cast("messages.SenderChannel", item.channel)
    counted = segments.count(item.text) if channel == "SMS" and item.text else None
    return InboxItem(
        id=item.message_id,
        downstream_id=item.downstream_id,
        channel=channel,
        from_=InboxAddress(item.from_address, channel),
        to=InboxAddress(item.to_address, cast('Literal["PHONE"]', item.to_channel)),
        cc=[],
        bcc=[],
        sender_pool_id=item.pool_id,
        operation_id=item.operation_id,
        subject=None,
        text=item.text or None,
        html=None,
        media=_media(item.content),
        attachments=[],
        headers={},
        variables=_decode_variables(item.variables) if item.variables else {},
        segments=Segments(counted.encoding, counted.count) if counted else None,
        codes=extracts.codes(item.text),
        links=extracts.links(item.text),
        received_at=rfc3339(item.received_at),
    )


def _media(content: str | None) -> list[MediaUrl]:
    """The media of a content for one channel, in the form of any channel."""
    media = _decode_content(content).get("media") if content else None
    if isinstance(media, list):
        return [MediaUrl(one["url"]) for one in media]
    if isinstance(media, dict):
        return [MediaUrl(media["contentInfo"]["fileUrl"])]
    return []


def _filter(request: Request) -> inbox.Filter:
    return inbox.Filter(*(request.get(param) or "" for param in _FILTERS))


async def list_inbox(request: Request) -> Response:
    """List what the phones received, newest first."""
    filter_ = _filter(request)
    return await LISTING.respond(
        request, lambda tx, id_range: inbox.list_page(tx, request.account_id, filter_, id_range), filter_
    )


async def fetch_item(request: Request) -> Response:
    """Fetch one message as it arrived."""
    message_id = request.path(ITEM_ID)
    item = await request.services.db.read(lambda tx: inbox.fetch(tx, request.account_id, message_id))
    return json_response(shape(item))


async def wait_for_item(request: Request) -> Response:
    """Wait for the oldest message that matches: at once if it is there, else as it arrives."""
    filter_, timeout = _filter(request), request.get(TIMEOUT) or 10
    after = await _arrival(request, request.get(AFTER))
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    with request.services.db.wakeups.subscribe(inbox.topic(request.account_id)) as news:
        while True:
            item = await request.services.db.read(lambda tx: inbox.first(tx, request.account_id, filter_, after))
            left = end - loop.time()
            if item is not None or left <= 0 or request.services.stopping:
                return json_response(Waited(None if item is None else shape(item), item is None))
            # A wake-up is a hint that may be lost.
            await news.wait(min(left, _LOOK_SECONDS))


_LOOK_SECONDS: Final = 1.0


async def _arrival(request: Request, after: After | None) -> str:
    """The arrival to look after. Raises Invalid for the id of nothing that arrived."""
    if after is None:
        return ""
    if after.time is not None:
        return ids.first_of(inbox.ARRIVAL, after.time.first_ms_after)
    message_id = after.message_id or ""
    try:
        item = await request.services.db.read(lambda tx: inbox.fetch(tx, request.account_id, message_id))
    except NotFound:
        raise Invalid([Problem.at(AFTER.name, "after must be the id of an item in the inbox, or a time")]) from None
    return item.id


async def report(request: Request) -> Response:
    """Report what the phone would report: delivered, read or not delivered."""
    message_id, said = request.path(ITEM_ID), request.body(INBOX_REPORT)
    code = None if said.status != "UNDELIVERED" else 30008 if said.code is msgspec.UNSET else said.code

    async def work(tx: Tx) -> None:
        await inbox.fetch(tx, request.account_id, message_id)
        await reports.report(tx, request.account_id, message_id, said.status, code, sink.NAME)

    await request.services.db.write(work)
    return json_response(Nothing(), 202)


async def reply(request: Request) -> Response:
    """Reply as the person who received it: an inbound message."""
    message_id, text = request.path(ITEM_ID), request.body(INBOX_REPLY).text

    async def work(tx: Tx) -> None:
        item = await inbox.fetch(tx, request.account_id, message_id)
        await messages.receive(tx, request.account_id, item.message_id, text)

    await request.services.db.write(work)
    return json_response(Nothing(), 202)


async def clear(request: Request) -> Response:
    """Empty the inbox: what arrived until now."""
    until: str | None = None
    while True:
        until = await request.services.db.write(
            lambda tx, until=until: inbox.clear(tx, request.account_id, until)  # type: ignore[misc]
        )
        if until is None:
            return json_response(Nothing(), 202)


LISTING: Final = Listing("inbox", inbox.ARRIVAL, shape, InboxPage)
_ITEM: Final = InboxItem(
    id=MESSAGE_ID.example,
    downstream_id="SM" + "0a1b2c3d" * 4,
    channel="SMS",
    from_=InboxAddress("+14155550123", "SMS"),
    to=InboxAddress("+14155550199", "PHONE"),
    cc=[],
    bcc=[],
    sender_pool_id=None,
    operation_id=OPERATION_ID.example,
    subject=None,
    text="Your code is 123456: https://example.com/in",
    html=None,
    media=[],
    attachments=[],
    headers={},
    variables={"name": "Ada"},
    segments=Segments("GSM-7", 1),
    codes=["123456"],
    links=["https://example.com/in"],
    received_at="2026-01-31T09:30:00.161Z",
)
INBOX_REPORT: Final = Body(InboxReport, InboxReport("READ"))
INBOX_REPLY: Final = Body(InboxReply, InboxReply("hello"))

LIST: Final = Endpoint(
    list_inbox,
    INBOX,
    query=(*_FILTERS, START_DATE, END_DATE, PAGE_TOKEN, PAGE_SIZE),
    example=InboxPage([_ITEM], paging.EXAMPLE_OF_LAST),
)
FETCH: Final = Endpoint(fetch_item, INBOX, path=(ITEM_ID,), example=_ITEM, errors=(404,))
WAIT: Final = Endpoint(wait_for_item, INBOX, query=(*_FILTERS, AFTER, TIMEOUT), example=Waited(_ITEM, False))
REPORT: Final = Endpoint(
    report, INBOX, path=(ITEM_ID,), body=INBOX_REPORT, status=202, example=Nothing(), errors=(404,)
)
REPLY: Final = Endpoint(reply, INBOX, path=(ITEM_ID,), body=INBOX_REPLY, status=202, example=Nothing(), errors=(404,))
CLEAR: Final = Endpoint(clear, INBOX, status=202, example=Nothing())
