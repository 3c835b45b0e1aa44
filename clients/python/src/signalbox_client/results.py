"""Results of calls: frozen values with the API's fields in Python's spelling. Unknown fields are ignored."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import msgspec

if TYPE_CHECKING:
    Channel = Literal["SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH"]
    RecipientChannel = Literal["PHONE", "WHATSAPP", "EMAIL", "PUSH"]
    SenderStatus = Literal["ACTIVATED", "DEACTIVATED"]
    OperationStatus = Literal["PROCESSING", "COMPLETED", "CANCELED"]
    Outcome = Literal["QUEUED", "CREATED", "ALREADY_MEMBER", "FAILED"]
else:
    # Any text is valid at run time: a new value of a later server must not make a whole page unreadable.
    Channel = RecipientChannel = SenderStatus = OperationStatus = Outcome = str

T = TypeVar("T")


class WithEtag(msgspec.Struct, frozen=True, rename="camel", dict=True):
    """A resource that can be fetched by its id."""

    @property
    def etag(self) -> str:
        """The ETag of this resource, for `if_match`. Raises LookupError for an element of a list, which has none."""
        try:
            return str(self.__dict__["etag"])
        except KeyError:
            raise LookupError("only a resource that was fetched by its id has an ETag, not one of a list") from None


class Sender(WithEtag, frozen=True):
    """One address that messages can be sent from."""

    id: str
    display_name: str | None
    address: str
    channel: Channel
    status: SenderStatus
    tags: Mapping[str, str]
    updated_at: datetime
    created_at: datetime


class InventorySender(Sender, frozen=True):
    """A sender with its region, an ISO 3166 country; None without a country."""

    region: str | None


class SenderPool(WithEtag, frozen=True):
    """A named group of senders; `client.sender_pools.list_senders` has its members."""

    id: str
    name: str
    tags: Mapping[str, str]
    created_at: datetime
    updated_at: datetime


class Template(WithEtag, frozen=True):
    """A content with a name, and values for its variables; `content` has the API's members."""

    content_id: str
    name: str
    content: Mapping[str, object]
    defaults: Mapping[str, str]
    created_at: datetime
    updated_at: datetime


class Stats(msgspec.Struct, frozen=True):
    """Counts of items; `total` is the sum of the other three."""

    total: int
    queued: int
    created: int
    failed: int


class Operation(WithEtag, frozen=True):
    """The operation of one create or one add."""

    id: str
    status: OperationStatus
    stats: Stats
    created_at: datetime
    updated_at: datetime

    @property
    def final(self) -> bool:
        """Whether the operation is COMPLETED or CANCELED. For success, check `stats.failed` as well."""
        return self.status in ("COMPLETED", "CANCELED")


class OperationReference(msgspec.Struct, frozen=True, rename="camel"):
    """The operation that was started, and its URL."""

    operation_id: str
    operation_location: str


class ResourceReference(msgspec.Struct, frozen=True, rename="camel"):
    """The resource that was changed or removed, and its URL."""

    resource_id: str
    resource_location: str


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """An item of an operation with its outcome; `code` and `message` are None unless it failed.

    The item for the pool of a create has no `sender_id`.
    """

    index: int
    sender_id: str | None
    outcome: Outcome
    code: int | None
    message: str | None


class ResolvedSender(msgspec.Struct, frozen=True, rename="camel"):
    """The sender to use."""

    sender_id: str
    display_name: str | None
    channel: Channel
    address: str


class ResolvedRecipient(msgspec.Struct, frozen=True):
    """The address of the recipient that the sender reaches."""

    address: str
    channel: RecipientChannel


class Resolution(msgspec.Struct, frozen=True):
    """One way to reach a person; `priority` 0 is the best."""

    from_: ResolvedSender = msgspec.field(name="from")
    to: ResolvedRecipient
    priority: int


class NamedPool(msgspec.Struct, frozen=True):
    """A sender pool and its name."""

    id: str
    name: str


class ChannelMembers(msgspec.Struct, frozen=True):
    """The number of senders of a channel in a pool."""

    channel: Channel
    count: int


class SenderPoolNames(msgspec.Struct, frozen=True):
    """The name of a pool, the number of its senders, and their channels, the most first."""

    id: str
    name: str
    senders: int
    channels: tuple[ChannelMembers, ...]


class SenderNames(msgspec.Struct, frozen=True, rename="camel"):
    """The name and address of a sender, and at most three of the pools that contain the sender."""

    id: str
    display_name: str | None
    address: str
    channel: Channel
    sender_pools: tuple[NamedPool, ...]
    more_sender_pools: bool


class OperationNames(msgspec.Struct, frozen=True, rename="camel"):
    """What an operation does (`CREATE` or `ADD`), with how many items, and its pool: None when the pool is deleted."""

    id: str
    kind: str
    items: int
    sender_pool: NamedPool | None


class Names(msgspec.Struct, frozen=True, rename="camel"):
    """The names of the ids that exist, by kind."""

    sender_pools: tuple[SenderPoolNames, ...]
    senders: tuple[SenderNames, ...]
    operations: tuple[OperationNames, ...]


class Total(msgspec.Struct, frozen=True):
    """How many things a list has, counted up to 10,000. `more`: there are more."""

    count: int
    more: bool


class Workers(msgspec.Struct, frozen=True):
    """Whether a worker of any process has been seen in the last 30 seconds."""

    running: bool


class Refused(msgspec.Struct, frozen=True):
    """A problem or a warning of a row of inventory: its place as JSONPath, and its line in NDJSON and CSV."""

    context: str
    code: int
    message: str
    line: int | None = None


class Entered(msgspec.Struct, frozen=True):
    """The number of rows that created a sender, the number that updated one, and the problems of the others.

    `warnings` are about rows that were entered: a number that no numbering plan knows.
    """

    created: int
    updated: int
    refused: tuple[Refused, ...]
    warnings: tuple[Refused, ...] = ()


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list. `next` is the token of the next page, None on the last; `self_token` that of this page."""

    items: tuple[T, ...]
    next: str | None
    self_token: str
