"""Results of calls about why a sender was chosen, and about opt-outs: frozen values in Python's spelling."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from signalbox_client.message_results import Contact, MessageChannel

if TYPE_CHECKING:
    OptOutChannel = Literal["PHONE", "WHATSAPP"]
else:
    # Any text is valid at run time: a new value of a later server must not make a whole page unreadable.
    OptOutChannel = str


class DecisionSteps(msgspec.Struct, frozen=True):
    """What put a candidate where it is: the country or the area code of the recipient, or that it was kept."""

    country: bool
    area: bool
    kept: bool
    weight: int


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """A sender that may be tried; rank 0 comes first."""

    sender_id: str
    address: str
    channel: MessageChannel
    rank: int
    steps: DecisionSteps


class RemovedSender(msgspec.Struct, frozen=True, rename="camel"):
    """A sender that is not a candidate, and why."""

    sender_id: str
    reason: str


class RemovedCount(msgspec.Struct, frozen=True):
    """How many senders a reason has removed."""

    reason: str
    count: int


class ExplainedDecision(msgspec.Struct, frozen=True, rename="camel"):
    """The order of the senders for one recipient. `chosen` is the id of a sender; None if no sender was chosen."""

    sender_pool_id: str | None
    recipient: Contact
    chosen: str | None
    candidates: tuple[Candidate, ...]
    removed: tuple[RemovedSender, ...]
    removed_counts: tuple[RemovedCount, ...]
    at: datetime


class MessageDecision(ExplainedDecision, frozen=True, rename="camel", kw_only=True):
    """The order of the senders for a message, and the sender of the last attempt."""

    message_id: str


class SenderShare(msgspec.Struct, frozen=True, rename="camel"):
    """The part of the recipients, 0 to 1, that a sender would reach."""

    sender_id: str
    share: float


class MessageExplanation(msgspec.Struct, frozen=True):
    """What a request would do. `eta` is when its last message would leave; None if none would leave."""

    results: tuple[ExplainedDecision, ...]
    spread: tuple[SenderShare, ...]
    eta: datetime | None


class OptOut(msgspec.Struct, frozen=True, rename="camel"):
    """A person at one address who gets nothing from the pool; without `sender_pool_id`, nothing from the account."""

    id: str
    address: str
    channel: OptOutChannel
    sender_pool_id: str | None
    created_at: datetime


class Forgotten(msgspec.Struct, frozen=True, rename="camel"):
    """How many kept senders and opt-outs of a person were erased."""

    kept_senders: int
    opt_outs: int
