"""Resolve over HTTP: which senders can reach a recipient. Contract section 7."""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Final, Literal, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory.sender_pools import SENDER_POOL_ID, SenderPoolId
from signalbox.api.inventory.senders import SENDER_ID, SENDERS, Address, Channel, SenderId
from signalbox.db import Tx
from signalbox.http.bodies import Body
from signalbox.http.constraints import Form, Found, Rule, named, one_form
from signalbox.http.endpoint import Endpoint
from signalbox.http.request import Request, Response, json_response
from signalbox.inventory import addresses, sender_pools, senders
from signalbox.routing import resolve

RecipientChannel = Annotated[Literal["PHONE", "WHATSAPP", "EMAIL", "PUSH"], named("RecipientChannel")]
_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")


def _wrong_address(raw: object) -> Iterator[Found]:
    channel, address = (raw.get("channel"), raw.get("address")) if isinstance(raw, dict) else (None, None)
    if not isinstance(address, str) or not address:
        return
    if channel in ("PHONE", "WHATSAPP") and not _E164.fullmatch(address):
        yield Found(["address"], "must be a phone number in E.164: + and digits")
    elif channel == "EMAIL" and "@" not in address[1:-1]:
        yield Found(["address"], "must be an email address")


def _twice(raw: object) -> Iterator[Found]:
    """Each channel that the filter or the priorities name twice."""
    for name, member in (("filterIn", None), ("priority", "channel")):
        listed = raw.get(name) if isinstance(raw, dict) else None
        seen: set[str] = set()
        for index, one in enumerate(listed if isinstance(listed, list) else ()):
            channel = one.get(member) if member and isinstance(one, dict) else one
            if isinstance(channel, str):
                if channel in seen:
                    yield Found([name, index, *([member] if member else [])], "names a channel for the second time")
                seen.add(channel)


def _two_sources(raw: object) -> Iterator[Found]:
    if isinstance(raw, dict) and "senderPoolId" in raw and "senderAddresses" in raw:
        yield Found(["senderAddresses"], "must not come together with senderPoolId")


_SENDER_FORMS: Final = one_form(
    "must be {address, channel} for SMS, RCS, WHATSAPP, {address, name} for email or {fcm, apn} for push",
    Form("PhoneSenderAddress", "Picks the sender with this number.", ("address", "channel"), ("address", "channel")),
    Form("EmailSenderAddress", "Picks the email sender with this address.", ("address", "name"), ("address",)),
    Form("PushSenderAddress", "Picks the push senders with either id.", ("fcm", "apn")),
)


class RecipientAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One address of the recipient."""

    rules: ClassVar = (Rule.of(_wrong_address),)
    address: Address
    channel: RecipientChannel


class SenderAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Picks senders: `{address, channel}`, `{address, name}` for email, `{fcm, apn}` for push."""

    rules: ClassVar = (_SENDER_FORMS,)

    address: Address | UnsetType = UNSET
    channel: Literal["SMS", "RCS", "WHATSAPP"] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    fcm: Address | UnsetType = UNSET
    apn: Address | UnsetType = UNSET


class ChannelPriority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The priority of a channel: lower is earlier."""

    channel: Channel
    priority: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class Channels(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The sender channels that may be used, and their order."""

    rules: ClassVar = (Rule.of(_twice),)

    filter_in: list[Channel] | UnsetType = UNSET
    priority: list[ChannelPriority] | UnsetType = UNSET


class SenderResolve(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whom to reach, and with which senders."""

    rules: ClassVar = (Rule.of(_two_sources, {"not": {"required": ["senderPoolId", "senderAddresses"]}}),)

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
    """The recipient address that the sender reaches, as written in the request."""

    address: str
    channel: RecipientChannel


class Resolved(msgspec.Struct, frozen=True):
    """A sender and the recipient address that it reaches; `priority` is the rank, 0 is the best."""

    from_: ResolvedSender = msgspec.field(name="from")
    to: ResolvedRecipient
    priority: int


class ResolvedList(msgspec.Struct, frozen=True):
    """At most 10 results, best first."""

    results: list[Resolved]


async def resolve_senders(request: Request) -> Response:
    """Find the senders that can reach a recipient, best first."""
    criteria = _criteria(request.body(SENDER_RESOLVE))

    async def read(tx: Tx) -> list[resolve.Match]:
        if criteria.pool_id is not None:
            await sender_pools.fetch(tx, request.account_id, criteria.pool_id)
        return await resolve.resolve(tx, request.account_id, criteria)

    matches = await request.services.db.read(read)
    return json_response(ResolvedList([_resolved(match, place) for place, match in enumerate(matches)]))


def _criteria(asked: SenderResolve) -> resolve.Criteria:
    channels = Channels() if asked.channels is UNSET else asked.channels
    return resolve.Criteria(
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
    sender = ResolvedSender(match.sender_id, match.display_name, cast("senders.Channel", match.channel), match.address)
    recipient = match.recipient
    to = ResolvedRecipient(recipient.address, cast('Literal["PHONE"]', recipient.channel))
    return Resolved(sender, to, place)


_PHONE: Final = RecipientAddress("+14155550199", "PHONE")
SENDER_RESOLVE: Final = Body(
    SenderResolve,
    SenderResolve(
        [_PHONE, RecipientAddress("ada@example.com", "EMAIL")],
        sender_pool_id=SENDER_POOL_ID.example,
        channels=Channels(filter_in=["SMS", "RCS"], priority=[ChannelPriority("RCS", 0)]),
    ),
)
_RESULT: Final = Resolved(
    ResolvedSender(SENDER_ID.example, "Front desk", "SMS", "+14155550123"),
    ResolvedRecipient(_PHONE.address, "PHONE"),
    0,
)
RESOLVE: Final = Endpoint(resolve_senders, SENDERS, body=SENDER_RESOLVE, example=ResolvedList([_RESULT]), errors=(404,))
