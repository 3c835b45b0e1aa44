"""Resolve over HTTP: which senders can reach a person. Contract section 7."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory.senders import Address
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.ground.errors import Problem
from signalbox.http.bodies import Body, Rule, problem_at
from signalbox.http.endpoint import Endpoint
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import (
    SenderId,
    SenderPoolId,
)
from signalbox.inventory import addresses, sender_pools
from signalbox.inventory.senders import Channel
from signalbox.routing import resolve


class RecipientAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One address of the person to be reached."""

    address: Address
    channel: Literal["PHONE", "WHATSAPP", "EMAIL", "PUSH"]


class SenderAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Picks senders: `{address, channel}`, `{address, name}` for email, `{fcm, apn}` for push."""

    address: Address | UnsetType = UNSET
    channel: Literal["SMS", "RCS", "WHATSAPP"] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    fcm: Address | UnsetType = UNSET
    apn: Address | UnsetType = UNSET


class ChannelPriority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How early a channel comes: lower is earlier."""

    channel: Channel
    priority: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class Channels(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which sender channels may be used, and in which order."""

    filter_in: list[Channel] | UnsetType = UNSET
    priority: list[ChannelPriority] | UnsetType = UNSET


class SenderResolve(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who is to be reached, and from where."""

    recipient_addresses: Annotated[list[RecipientAddress], Meta(min_length=1, max_length=100)]
    sender_pool_id: SenderPoolId | UnsetType = UNSET
    sender_addresses: Annotated[list[SenderAddress], Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    channels: Channels | UnsetType = UNSET


class ResolvedSender(msgspec.Struct, frozen=True, rename="camel"):
    """The sender to use."""

    sender_id: SenderId
    display_name: str | None
    channel: Channel
    address: str


class ResolvedRecipient(msgspec.Struct, frozen=True):
    """The recipient address that it reaches, as the request spelt it."""

    address: str
    channel: Literal["PHONE", "WHATSAPP", "EMAIL", "PUSH"]


class Resolved(msgspec.Struct, frozen=True):
    """One way to reach the person; `priority` is its place, 0 the best."""

    from_: ResolvedSender = msgspec.field(name="from")
    to: ResolvedRecipient
    priority: int


class ResolvedList(msgspec.Struct, frozen=True):
    """At most 10 ways, best first."""

    results: list[Resolved]


async def resolve_senders(request: Request) -> Response:
    """Find the senders that can reach a person, best first."""
    question = _question(request.body(SENDER_RESOLVE))

    async def read(tx: Tx) -> list[resolve.Match]:
        if question.pool_id is not None:
            await sender_pools.fetch(tx, request.account_id, question.pool_id)
        return await resolve.resolve(tx, request.account_id, question)

    matches = await request.services.db.read(read)
    return json_response(ResolvedList([_resolved(match, place) for place, match in enumerate(matches)]))


def _question(asked: SenderResolve) -> resolve.Question:
    channels = Channels() if asked.channels is UNSET else asked.channels
    return resolve.Question(
        recipients=[resolve.Recipient(one.channel, one.address) for one in asked.recipient_addresses],
        pool_id=None if asked.sender_pool_id is UNSET else asked.sender_pool_id,
        sender_addresses=None
        if asked.sender_addresses is UNSET
        else [pair for one in asked.sender_addresses for pair in _pairs(one)],
        filter_in=None if channels.filter_in is UNSET else channels.filter_in,
        priority=None if channels.priority is UNSET else {one.channel: one.priority for one in channels.priority},
    )


def _pairs(one: SenderAddress) -> Iterable[tuple[str, str]]:
    """The channels and addresses that a sender address picks."""
    if one.address is UNSET:
        return [("PUSH", address) for address in (one.fcm, one.apn) if address is not UNSET]
    channel = "EMAIL" if one.channel is UNSET else one.channel
    return [(channel, addresses.normalise_for_search(channel, one.address))]


def _resolved(match: resolve.Match, place: int) -> Resolved:
    sender = ResolvedSender(match.sender_id, match.display_name, cast("Channel", match.channel), match.address)
    recipient = match.recipient
    to = ResolvedRecipient(recipient.address, cast('Literal["PHONE"]', recipient.channel))
    return Resolved(sender, to, place)


_SHAPES: Final = ({"address", "channel"}, {"address", "name"}, {"address"}, {"fcm", "apn"}, {"fcm"}, {"apn"})
_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")


def _members(raw: object, *path: str) -> list[object]:
    """The list at a place in plain JSON; empty where there is none."""
    for step in path:
        raw = raw.get(step) if isinstance(raw, dict) else None
    return raw if isinstance(raw, list) else []


def _source_problems(raw: object) -> Iterable[Problem]:
    if isinstance(raw, dict) and "senderPoolId" in raw and "senderAddresses" in raw:
        yield problem_at(["senderAddresses"], "must not come together with senderPoolId")
    for index, one in enumerate(_members(raw, "senderAddresses")):
        if isinstance(one, dict) and set(one) not in _SHAPES:
            yield problem_at(
                ["senderAddresses", index],
                "must be {address, channel} for SMS, RCS, WHATSAPP, {address, name} for email or {fcm, apn} for push",
            )


def _channel_problems(raw: object) -> Iterable[Problem]:
    filters = list(enumerate(_members(raw, "channels", "filterIn")))
    priorities = [
        (index, one.get("channel") if isinstance(one, dict) else None)
        for index, one in enumerate(_members(raw, "channels", "priority"))
    ]
    yield from _repeated(filters, ["channels", "filterIn"], [])
    yield from _repeated(priorities, ["channels", "priority"], ["channel"])


def _repeated(values: Sequence[tuple[int, object]], path: Sequence[str], member: Sequence[str]) -> Iterable[Problem]:
    seen: set[str] = set()
    for index, value in values:
        if isinstance(value, str) and value in seen:
            yield problem_at([*path, index, *member], "names a channel for the second time")
        elif isinstance(value, str):
            seen.add(value)


def _recipient_problems(raw: object) -> Iterable[Problem]:
    for index, one in enumerate(_members(raw, "recipientAddresses")):
        channel, address = (one.get("channel"), one.get("address")) if isinstance(one, dict) else (None, None)
        if not isinstance(address, str) or not address:
            continue
        if channel in ("PHONE", "WHATSAPP") and not _E164.fullmatch(address):
            yield problem_at(["recipientAddresses", index, "address"], "must be a phone number in E.164: + and digits")
        elif channel == "EMAIL" and "@" not in address[1:-1]:
            yield problem_at(["recipientAddresses", index, "address"], "must be an email address")


SENDER_RESOLVE: Final = Body(
    SenderResolve,
    Rule.of(_source_problems),
    Rule.of(_channel_problems),
    Rule.of(_recipient_problems),
    Rule(
        lambda value: (
            cast("SenderResolve", value).sender_pool_id is UNSET
            or ids.is_id(ids.SENDER_POOL, cast("str", cast("SenderResolve", value).sender_pool_id))
        )
    ),
)
RESOLVE: Final = Endpoint(resolve_senders, body=SENDER_RESOLVE, answer=ResolvedList, errors=(404,))
