"""Results of calls about messages and the inbox: frozen values with the API's fields in Python's spelling."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from signalbox_client.results import WithEtag

if TYPE_CHECKING:
    MessageChannel = Literal["SMS", "RCS", "WHATSAPP"]
    MessageOperationStatus = Literal["SCHEDULED", "PROCESSING", "COMPLETED", "CANCELED"]
    MessageStatus = Literal[
        "SCHEDULED", "QUEUED", "SENT", "DELIVERED", "READ", "UNDELIVERED", "FAILED", "CANCELED", "INBOUND", "GROUP"
    ]
    ReportedStatus = Literal["DELIVERED", "UNDELIVERED", "READ"]
else:
    # Any text is valid at run time: a new value of a later server must not make a whole page unreadable.
    MessageChannel = MessageOperationStatus = MessageStatus = ReportedStatus = str


class MessageStats(msgspec.Struct, frozen=True):
    """Counts of messages; `total` is the sum of the nine counters from `scheduled` on."""

    total: int
    recipients: int
    attempts: int
    scheduled: int
    queued: int
    sent: int
    delivered: int
    read: int
    undelivered: int
    failed: int
    canceled: int
    unaddressable: int


class MessageOperation(WithEtag, frozen=True):
    """The operation of one request that sends messages."""

    id: str
    status: MessageOperationStatus
    stats: MessageStats
    created_at: datetime
    updated_at: datetime

    @property
    def final(self) -> bool:
        """Whether the operation is COMPLETED or CANCELED: everything was tried, which does not mean delivered."""
        return self.status in ("COMPLETED", "CANCELED")


class Contact(msgspec.Struct, frozen=True):
    """An address, and the channel that it is on: PHONE or WHATSAPP for people; SMS, RCS or WHATSAPP for senders."""

    address: str
    channel: str


class MessageFrom(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The sender; before one is chosen, only the pool that the request names. Of an inbound message, the person."""

    address: str | None = None
    channel: str | None = None
    sender_id: str | None = None
    sender_pool_id: str | None = None


class MessageTo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The recipient. Of an inbound message, the sender that it came to, with its id."""

    address: str
    channel: str
    sender_id: str | None = None


class Related(msgspec.Struct, frozen=True):
    """The operation that a message belongs to (`OPERATION`), or that it is a retry of (`RETRY_OF`)."""

    name: str
    id: str
    uri: str


class Message(WithEtag, frozen=True):
    """What one request sends to one recipient. `from_` is None before a sender is chosen, if no pool was named."""

    id: str
    from_: MessageFrom | None = msgspec.field(name="from")
    to: tuple[MessageTo, ...]
    status: MessageStatus
    related: tuple[Related, ...]
    tags: Mapping[str, str]
    scheduled_for: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class MessageError(msgspec.Struct, frozen=True, rename="camel"):
    """Why an attempt failed."""

    code: int
    message: str
    info_url: str


class AttemptFrom(msgspec.Struct, frozen=True, rename="camel"):
    """The sender of an attempt."""

    address: str
    channel: MessageChannel
    sender_id: str


class MessageAttempt(msgspec.Struct, frozen=True, rename="camel"):
    """One try to hand a message over. `id` is the message's id downstream, which `messages.seek` finds."""

    id: str
    from_: AttemptFrom = msgspec.field(name="from")
    to: tuple[Contact, ...]
    channel: MessageChannel
    sender_id: str
    status: MessageStatus
    attempted_at: datetime
    created_at: datetime
    updated_at: datetime
    info_url: str
    error: MessageError | None


class FetchedMessage(Message, frozen=True, kw_only=True):
    """A message with its attempts, oldest first, and its content, rendered once it was sent."""

    attempts: tuple[MessageAttempt, ...]
    content: Mapping[str, object]


class OperationError(msgspec.Struct, frozen=True, rename="camel"):
    """A message of an operation that ended in an error."""

    message_id: str
    to: Contact
    code: int
    message: str
    info_url: str
    created_at: datetime


class Receipt(msgspec.Struct, frozen=True, rename="camel"):
    """A report about a message, also one that changed nothing."""

    to: Contact
    status: MessageStatus
    code: int | None
    connector: str
    created_at: datetime


class Segments(msgspec.Struct, frozen=True):
    """The encoding of an SMS, `GSM-7` or `UCS-2`, and the number of its parts."""

    encoding: str
    count: int


class InboxMedia(msgspec.Struct, frozen=True):
    """A picture, a film or a file of a message."""

    url: str


class InboxItem(msgspec.Struct, frozen=True, rename="camel"):
    """A message as it arrived. `codes` are the one-time codes found in its text, `links` the URLs."""

    id: str
    downstream_id: str
    channel: MessageChannel
    from_: Contact = msgspec.field(name="from")
    to: Contact
    cc: tuple[Contact, ...]
    bcc: tuple[Contact, ...]
    sender_pool_id: str | None
    operation_id: str | None
    subject: str | None
    text: str | None
    html: str | None
    media: tuple[InboxMedia, ...]
    attachments: tuple[object, ...]
    headers: Mapping[str, str]
    variables: Mapping[str, str]
    segments: Segments | None
    codes: tuple[str, ...]
    links: tuple[str, ...]
    received_at: datetime
