"""Decisions over HTTP: why this sender. Contract section 11, `Decision` and `Explain`."""

from typing import Annotated, Final, cast

import msgspec
from msgspec import Meta

from signalbox.api.inventory.sender_pools import SENDER_POOL_ID, SenderPoolId
from signalbox.api.inventory.senders import SENDER_ID, SenderId
from signalbox.api.sending import message_checks
from signalbox.api.sending.message_request import MESSAGE_SEND, MessageAddress
from signalbox.api.sending.message_shapes import MESSAGE_ID, MESSAGES, MessageId
from signalbox.db import Tx
from signalbox.ground import clock
from signalbox.ground.clock import rfc3339
from signalbox.ground.errors import Invalid
from signalbox.http.endpoint import Endpoint
from signalbox.http.places import problem_at
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Count, Time
from signalbox.routing.order import Rank
from signalbox.sending import decisions, messages

MOST_EXPLAINED: Final = 100

Share = Annotated[float, Meta(ge=0, le=1)]


class DecisionSteps(msgspec.Struct, frozen=True, gc=False):
    """What put a candidate where it is."""

    country: bool
    area: bool
    kept: bool
    weight: Count


class Candidate(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A sender that may be tried; rank 0 comes first."""

    sender_id: SenderId
    address: str
    channel: messages.SenderChannel
    rank: Count
    steps: DecisionSteps


class RemovedSender(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A sender that is not a candidate, and why."""

    sender_id: SenderId
    reason: str


class RemovedCount(msgspec.Struct, frozen=True, gc=False):
    """How many senders a reason has removed."""

    reason: str
    count: Count


class ExplainedDecision(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The order of the senders for one recipient."""

    sender_pool_id: SenderPoolId | None
    recipient: MessageAddress
    chosen: SenderId | None
    candidates: list[Candidate]
    removed: list[RemovedSender]
    removed_counts: list[RemovedCount]
    at: Time


class MessageDecision(ExplainedDecision, frozen=True, rename="camel", gc=False, kw_only=True):
    """The order of the senders for a message, and the sender of the last attempt."""

    message_id: MessageId


class SenderShare(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The part of the recipients that a sender would reach."""

    sender_id: SenderId
    share: Share


class MessageExplanation(msgspec.Struct, frozen=True):
    """What a request would do: nothing was sent."""

    results: list[ExplainedDecision]
    spread: list[SenderShare]
    eta: Time | None


async def fetch_decision(request: Request) -> Response:
    """Fetch why the sender of a message was chosen."""
    message_id = request.path(MESSAGE_ID)

    async def read(tx: Tx) -> tuple[messages.Message, decisions.Decision]:
        message = await messages.fetch(tx, request.account_id, message_id)
        return message, await decisions.fetch(tx, request.account_id, message)

    message, decision = await request.services.db.read(read)
    shown = _shape(decision, message.pool_id)
    return json_response(MessageDecision(**msgspec.structs.asdict(shown), message_id=message_id))


async def explain_messages(request: Request) -> Response:
    """Explain which sender each recipient of a request would get; nothing is sent."""
    send = request.body(MESSAGE_SEND)
    if len(send.to) > MOST_EXPLAINED:
        raise Invalid([problem_at(["to"], f"must have at most {MOST_EXPLAINED} items to be explained")])
    new = await message_checks.prepare(send, clock.now_ms())

    async def read(tx: Tx) -> decisions.Explanation:
        return await decisions.explain(
            tx, request.account_id, await message_checks.complete(tx, request.account_id, send, new)
        )

    return json_response(_shape_explanation(await request.services.db.read(read), new.pool_id))


def _shape_explanation(found: decisions.Explanation, pool_id: str | None) -> MessageExplanation:
    return MessageExplanation(
        [_shape(one, pool_id) for one in found.decisions],
        [SenderShare(*one) for one in found.shares],
        None if found.eta is None else rfc3339(found.eta),
    )


def _shape(decision: decisions.Decision, pool_id: str | None) -> ExplainedDecision:
    return ExplainedDecision(
        pool_id,
        MessageAddress(decision.to[0], cast("messages.RecipientChannel", decision.to[1])),
        decision.chosen,
        [_candidate(number, one) for number, one in enumerate(decision.candidates)],
        [RemovedSender(*one) for one in decision.removed],
        [RemovedCount(*one) for one in decision.counts],
        rfc3339(decision.at),
    )


def _candidate(number: int, rank: Rank) -> Candidate:
    sender = rank.sender
    steps = DecisionSteps(rank.country, rank.area, rank.kept, int(sender.weight))
    return Candidate(sender.id, sender.address, cast("messages.SenderChannel", sender.channel), number, steps)


_TIME: Final = "2026-01-31T09:30:00.161Z"
_CANDIDATE: Final = Candidate(SENDER_ID.example, "+14155550123", "SMS", 0, DecisionSteps(True, True, False, 1))
_EXAMPLE: Final = ExplainedDecision(
    SENDER_POOL_ID.example,
    MessageAddress("+14155550199", "PHONE"),
    SENDER_ID.example,
    [_CANDIDATE],
    [],
    [RemovedCount("DEACTIVATED", 2)],
    _TIME,
)
FETCH: Final = Endpoint(
    fetch_decision,
    MESSAGES,
    path=(MESSAGE_ID,),
    example=MessageDecision(**msgspec.structs.asdict(_EXAMPLE), message_id=MESSAGE_ID.example),
    errors=(404,),
)
EXPLAIN: Final = Endpoint(
    explain_messages,
    MESSAGES,
    body=MESSAGE_SEND,
    example=MessageExplanation([_EXAMPLE], [SenderShare(SENDER_ID.example, 1.0)], _TIME),
    errors=(404,),
)
