"""The wire types of messages and of their operations. Contract sections 10.3 and 10.4."""

from typing import Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory.sender_pools import SENDER_POOL_ID, SenderPoolId
from signalbox.api.inventory.senders import SENDER_ID, SenderId
from signalbox.api.sending.message_request import MessageAddress
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.http.constraints import named
from signalbox.http.endpoint import Group
from signalbox.http.parameters import id_param, pattern_param
from signalbox.http.patterns import Pattern, id_pattern, matching
from signalbox.http.request import Request
from signalbox.http.shapes import Count, Location, OperationId, Pagination, Tags, Time
from signalbox.sending import message_operations, messages
from signalbox.sending.codes import MEANINGS

MESSAGES: Final = Group(
    "messages", "Messages", "Texts to people, through sender pools, and what became of each.", "messages"
)
MESSAGE_ID: Final = id_param(
    "messageId", messages.MESSAGE, "The message.", "/v1/Messages", "comms_message_01kg9p6jhxf2ar6w5q6m2s7d3n"
)
OPERATION_ID: Final = id_param(
    "operationId",
    ids.OPERATION,
    "The operation.",
    "/v1/Messages/Operations",
    "comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
)
_SID: Final = Pattern("^(SM|MM)[0-9a-fA-F]{32}$", "must be SM or MM and 32 hex digits", one_line=True)
SID: Final = pattern_param(
    "sid", _SID, "a downstream id", "The id of an attempt downstream.", "/v1/Messages/Seek", "SM" + "0a1b2c3d" * 4
)

MessageId = Annotated[str, matching(id_pattern(messages.MESSAGE))]
Status = Annotated[messages.Status, named("MessageStatus")]
OperationStatus = Annotated[message_operations.Status, named("MessageOperationStatus")]


class MessageStats(msgspec.Struct, frozen=True, gc=False):
    """Counts of messages: `total` is the sum of the nine counters from `scheduled` on, at any time."""

    total: Count
    recipients: Count
    attempts: Count
    scheduled: Count
    queued: Count
    sent: Count
    delivered: Count
    read: Count
    undelivered: Count
    failed: Count
    canceled: Count
    unaddressable: Count


class MessageOperation(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The operation of one request that sends messages."""

    id: OperationId
    status: OperationStatus
    stats: MessageStats
    created_at: Time
    updated_at: Time


class MessageOperationPage(msgspec.Struct, frozen=True):
    """Operations, newest first."""

    operations: list[MessageOperation]
    pagination: Pagination


class MessageFrom(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The sender; before one is chosen, only the pool that the request names. Of an inbound message, the person."""

    address: str | UnsetType = UNSET
    channel: Literal["SMS", "RCS", "WHATSAPP", "PHONE"] | UnsetType = UNSET
    sender_id: SenderId | UnsetType = UNSET
    sender_pool_id: SenderPoolId | UnsetType = UNSET


class Related(msgspec.Struct, frozen=True, gc=False):
    """The operation that a message belongs to, or that it is a retry of."""

    name: Literal["OPERATION", "RETRY_OF"]
    id: OperationId
    uri: Location


class MessageTo(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The recipient; of an inbound message, the sender that it came to."""

    address: str
    channel: Literal["PHONE", "WHATSAPP", "SMS", "RCS"]
    sender_id: SenderId | UnsetType = UNSET


class Message(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """What one request sends to one recipient."""

    id: MessageId
    from_: MessageFrom | None = msgspec.field(name="from")
    to: list[MessageTo]
    status: Status
    related: list[Related]
    tags: Tags
    scheduled_for: Time | None
    created_at: Time
    updated_at: Time
    deleted_at: Time | None


class MessagePage(msgspec.Struct, frozen=True):
    """Messages, newest first."""

    messages: list[Message]
    pagination: Pagination


class MessageError(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Why an attempt or a message failed."""

    code: int
    message: str
    info_url: Location


class AttemptFrom(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The sender of an attempt."""

    address: str
    channel: messages.SenderChannel
    sender_id: SenderId


class MessageAttempt(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One try to hand a message over. `id` is the message's id downstream."""

    id: Annotated[str, matching(_SID)]
    from_: AttemptFrom = msgspec.field(name="from")
    to: list[MessageAddress]
    channel: messages.SenderChannel
    sender_id: SenderId
    status: Status
    attempted_at: Time
    created_at: Time
    updated_at: Time
    info_url: Location
    error: MessageError | None


class FetchedMessage(Message, frozen=True, rename="camel", gc=False, kw_only=True):
    """A message with its attempts, oldest first, and its content, rendered once it was sent."""

    attempts: list[MessageAttempt]
    content: Annotated[Any, Meta(extra_json_schema={"type": "object"})]


class OperationError(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A message that ended in an error."""

    message_id: MessageId
    to: MessageAddress
    code: int
    message: str
    info_url: Location
    created_at: Time


class OperationErrorPage(msgspec.Struct, frozen=True):
    """Errors, those of the newest messages first."""

    errors: list[OperationError]
    pagination: Pagination


class Receipt(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A report about a message, also one that changed nothing."""

    to: MessageAddress
    status: Status
    code: int | None
    connector: str
    created_at: Time


class ReceiptPage(msgspec.Struct, frozen=True):
    """Receipts, oldest first."""

    receipts: list[Receipt]
    pagination: Pagination


def shape_operation(operation: message_operations.MessageOperation) -> MessageOperation:
    """The wire type of a message operation."""
    stats = MessageStats(
        total=operation.total,
        recipients=operation.total,
        attempts=operation.attempts,
        **{name: getattr(operation, name) for name in message_operations.COUNTERS},
    )
    return MessageOperation(
        operation.id, operation.status, stats, rfc3339(operation.created_at), rfc3339(operation.updated_at)
    )


def shaper(request: Request) -> "Shaper":
    """Makes wire types with the URLs that the client of a request uses."""
    return Shaper(request.url(""))


class Shaper:
    """Makes wire types with the URLs that this client uses."""

    def __init__(self, base: str) -> None:
        self._base = base

    def message(self, message: messages.Message) -> Message:
        """The list form of a message."""
        scheduled = message.scheduled_for
        related = [self._related("OPERATION", message.operation_id)] if message.operation_id else []
        if message.retry_of:
            related.append(self._related("RETRY_OF", message.retry_of))
        return Message(
            message.id,
            _from(message),
            [_to(message)],
            message.status,
            related,
            message.tags,
            None if scheduled is None else rfc3339(scheduled),
            rfc3339(ids.created_at(message.id)),
            rfc3339(message.updated_at),
            None,
        )

    def fetched(self, message: messages.Message, attempts: list[messages.Attempt], content: object) -> FetchedMessage:
        """The whole form of a message."""
        shown = [self._attempt(one) for one in attempts]
        return FetchedMessage(**msgspec.structs.asdict(self.message(message)), attempts=shown, content=content)

    def _related(self, name: Literal["OPERATION", "RETRY_OF"], operation_id: str) -> Related:
        return Related(name, operation_id, f"{self._base}/v1/Messages/Operations/{operation_id}")

    def _attempt(self, one: messages.Attempt) -> MessageAttempt:
        at = rfc3339(one.attempted_at)
        return MessageAttempt(
            id=one.downstream_id,
            from_=AttemptFrom(one.address, one.channel, one.sender_id),
            to=[MessageAddress(one.to_address, one.to_channel)],
            channel=one.channel,
            sender_id=one.sender_id,
            status=one.status,
            attempted_at=at,
            created_at=at,
            updated_at=rfc3339(one.updated_at),
            info_url=f"{self._base}/console/message#id={one.message_id}",
            error=None if one.code is None else self._error(one.code),
        )

    def _error(self, code: int) -> MessageError:
        return MessageError(code, meaning(code), self._about(code))

    def _about(self, code: int) -> str:
        return f"{self._base}/docs/errors#{code}"

    def error(self, message: messages.Message) -> OperationError:
        """A message that ended in an error, as an item of the errors of its operation."""
        code = message.error_code or 0
        to = MessageAddress(message.to_address, message.to_channel)
        return OperationError(message.id, to, code, meaning(code), self._about(code), rfc3339(message.updated_at))


def meaning(code: int) -> str:
    """What an error code of a message means."""
    return MEANINGS.get(code, "The carrier reported this code.")


def _from(message: messages.Message) -> MessageFrom | None:
    pool_id = UNSET if message.pool_id is None else message.pool_id
    if message.status == "INBOUND":
        return MessageFrom(message.to_address, message.to_channel, sender_pool_id=pool_id)
    if message.sender_id is None or message.sender_address is None:
        return None if pool_id is UNSET else MessageFrom(sender_pool_id=pool_id)
    channel = cast("messages.SenderChannel", message.sender_channel)
    return MessageFrom(message.sender_address, channel, message.sender_id, pool_id)


def _to(message: messages.Message) -> MessageTo:
    if message.status == "INBOUND":
        channel = cast("messages.SenderChannel", message.sender_channel)
        return MessageTo(message.sender_address or "", channel, message.sender_id or UNSET)
    return MessageTo(message.to_address, message.to_channel)


_CREATED, _UPDATED = "2026-01-31T09:30:00.125Z", "2026-01-31T09:30:00.161Z"
_BASE: Final = "https://signalbox.example.com"
_TO: Final = MessageAddress("+14155550199", "PHONE")
_FROM: Final = MessageFrom("+14155550123", "SMS", SENDER_ID.example, SENDER_POOL_ID.example)
_OPERATION_URL: Final = f"{_BASE}{OPERATION_ID.path(OPERATION_ID.example)}"
EXAMPLE_MESSAGE: Final = Message(
    MESSAGE_ID.example,
    _FROM,
    [MessageTo("+14155550199", "PHONE")],
    "DELIVERED",
    [Related("OPERATION", OPERATION_ID.example, _OPERATION_URL)],
    {"campaign": "spring"},
    None,
    _CREATED,
    _UPDATED,
    None,
)
_ATTEMPT: Final = MessageAttempt(
    id=SID.example,
    from_=AttemptFrom("+14155550123", "SMS", SENDER_ID.example),
    to=[_TO],
    channel="SMS",
    sender_id=SENDER_ID.example,
    status="DELIVERED",
    attempted_at=_UPDATED,
    created_at=_UPDATED,
    updated_at=_UPDATED,
    info_url=f"{_BASE}/console/message#id={MESSAGE_ID.example}",
    error=None,
)
EXAMPLE_FETCHED: Final = FetchedMessage(
    *(getattr(EXAMPLE_MESSAGE, name) for name in EXAMPLE_MESSAGE.__struct_fields__),
    attempts=[_ATTEMPT],
    content={"text": "Hello Ada, your order has left."},
)
_STATS: Final = MessageStats(
    total=3,
    recipients=3,
    attempts=2,
    scheduled=0,
    queued=0,
    sent=0,
    delivered=2,
    read=0,
    undelivered=0,
    failed=0,
    canceled=0,
    unaddressable=1,
)
EXAMPLE_OPERATION: Final = MessageOperation(OPERATION_ID.example, "COMPLETED", _STATS, _CREATED, _UPDATED)
EXAMPLE_ERROR: Final = OperationError(
    MESSAGE_ID.example, _TO, 21612, MEANINGS[21612], f"{_BASE}/docs/errors#21612", _UPDATED
)
EXAMPLE_RECEIPT: Final = Receipt(_TO, "DELIVERED", None, "sink", _UPDATED)
