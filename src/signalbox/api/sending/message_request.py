"""The body of `POST /v1/Messages`. Contract section 10.1.

Every field is checked, and an unknown field is a problem with its place. Published programs contain each of the
mistakes that have a message of their own here.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Final, Literal, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory.sender_pools import SENDER_POOL_ID, SenderPoolId
from signalbox.api.inventory.senders import SenderId
from signalbox.api.routing.resolve import Channels
from signalbox.api.sending.content import MediaUrls, Modules, Text
from signalbox.http.bodies import Body
from signalbox.http.constraints import Form, Found, Rule, hint, named, one_form, ruled
from signalbox.http.patterns import E164, TAG, Pattern, matching
from signalbox.http.shapes import TagKey
from signalbox.rendering import liquid
from signalbox.sending import due
from signalbox.sending.codes import NOT_A_NUMBER

MOST_RECIPIENTS: Final = 10_000
MOST_ADDRESSES: Final = 10

CONTENT_ID: Final = Pattern("^HX[0-9a-fA-F]{32}$", "must be HX and 32 hex digits", one_line=True)
_PREFIX: Final = re.compile(r"(whatsapp|sms|rcs|tel|messenger):", re.IGNORECASE)
_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")

RecipientChannel = Annotated[Literal["PHONE", "WHATSAPP"], named("MessageRecipientChannel")]
Address = Annotated[str, Meta(min_length=1, max_length=320)]


class MessageAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One address of a recipient."""

    address: Address
    channel: RecipientChannel


class MessageRecipient(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """A recipient: one address, or one person with several addresses; and values of variables."""

    address: Address | UnsetType = UNSET
    channel: RecipientChannel | UnsetType = UNSET
    addresses: Annotated[list[MessageAddress], Meta(min_length=1, max_length=MOST_ADDRESSES)] | UnsetType = UNSET
    variables: dict[str, str] | UnsetType = UNSET
    profile_id: str | UnsetType = UNSET
    memory_store_id: str | UnsetType = UNSET

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The addresses and their channels, in the order of the request."""
        if self.addresses is not UNSET:
            return [(one.address, one.channel) for one in self.addresses]
        return [(cast("str", self.address), cast("str", self.channel))]


def _all_fit(recipients: Sequence[MessageRecipient]) -> bool:
    addresses: list[str] = []
    for one in recipients:
        if one.profile_id is not UNSET or one.memory_store_id is not UNSET:
            return False
        if one.addresses is UNSET:
            if one.address is UNSET or one.channel is UNSET:
                return False
            addresses.append(one.address)
        elif one.address is not UNSET or one.channel is not UNSET:
            return False
        else:
            addresses += [entry.address for entry in one.addresses]
    return E164.all_match(addresses)


def _misfits(raw: object) -> Iterator[Found]:
    for index, one in enumerate(raw if isinstance(raw, list) else ()):
        if not isinstance(one, dict):
            continue
        if "profileId" in one or "memoryStoreId" in one:
            yield Found(
                [index, "profileId"], "names a profile: profiles are not kept here, give an address", alone=True
            )
        elif ("addresses" in one) == ("address" in one or "channel" in one):
            yield Found([index], "must be {address, channel} or {addresses}, and may have variables")
        elif "addresses" in one:
            for number, entry in enumerate(one["addresses"] if isinstance(one["addresses"], list) else ()):
                yield from _wrong_address([index, "addresses", number], entry)
        else:
            yield from _wrong_address([index], one)
            for name in ("address", "channel"):
                if name not in one:
                    yield Found([index, name], "is required")


def _wrong_address(path: list[str | int], raw: object) -> Iterator[Found]:
    address = raw.get("address") if isinstance(raw, dict) else None
    if isinstance(address, str) and address and not E164.matches(address):
        prefix = _PREFIX.match(address)
        cure = f"must not have the prefix {prefix[0]}: channel says how to reach it" if prefix else E164.demand
        yield Found([*path, "address"], cure, code=NOT_A_NUMBER)


Recipients = Annotated[
    list[MessageRecipient], Meta(min_length=1, max_length=MOST_RECIPIENTS), ruled(Rule(_all_fit, _misfits))
]


def _service(raw: object) -> Iterator[Found]:
    address = raw.get("address") if isinstance(raw, dict) else None
    if isinstance(address, str) and _SERVICE.fullmatch(address):
        yield Found(["address"], "is a Messaging Service: make a sender pool and name it with senderPoolId", alone=True)


class MessageSender(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who sends: one sender by its address or its id, or the senders of a pool."""

    rules: ClassVar = (
        one_form(
            "must be {address, channel}, {senderId} or {senderPoolId, channels}",
            Form("SenderByAddress", "The sender with this address.", ("address", "channel"), ("address", "channel")),
            Form("SenderById", "The sender with this id.", ("senderId",), ("senderId",)),
            Form("SenderOfPool", "A sender of this pool.", ("senderPoolId", "channels"), ("senderPoolId",)),
        ),
        Rule.of(_service),
    )
    address: Address | UnsetType = UNSET
    channel: Literal["SMS", "RCS", "WHATSAPP"] | UnsetType = UNSET
    sender_id: SenderId | UnsetType = UNSET
    sender_pool_id: SenderPoolId | UnsetType = UNSET
    channels: Channels | UnsetType = UNSET


class MessageContent(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is sent: text, media or both on every channel, a module for each channel, or a template."""

    rules: ClassVar = (
        one_form(
            "must be {text, media}, of which one may be absent, {modules} or {contentId}",
            Form("MessageText", "The same on every channel.", ("text", "media")),
            Form("MessageModules", "What is said on each channel.", ("modules",), ("modules",)),
            Form("MessageTemplate", "A stored template.", ("contentId",), ("contentId",)),
        ),
        hint(
            {
                "MessageContentTemplate": "is not a field here: contentId names a template",
                "expressions": "is not a field here: values of variables are in to[].variables",
                "variables": "is not a field here: values of variables are in to[].variables",
            }
        ),
    )
    text: Text | UnsetType = UNSET
    media: MediaUrls | UnsetType = UNSET
    modules: Modules | UnsetType = UNSET
    content_id: Annotated[str, matching(CONTENT_ID)] | UnsetType = UNSET


def _no_time(raw: object) -> Iterator[Found]:
    for index, text in enumerate(raw if isinstance(raw, list) else ()):
        if isinstance(text, str):
            try:
                due.parse(text)
            except ValueError:
                yield Found([index], "must be a date-time such as 2026-01-31T09:30:00Z, or without Z for local time")


def _bare_time(raw: object) -> Iterator[Found]:
    if isinstance(raw, dict) and isinstance(raw.get("sendAt"), str):
        yield Found(["sendAt"], 'must be a list of one date-time: ["2026-01-31T09:30:00Z"]', alone=True)


class MessageSchedule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """When to send: an instant, or a local time of each recipient."""

    rules: ClassVar = (Rule.of(_bare_time),)
    send_at: Annotated[list[str], Meta(min_length=1, max_length=1), ruled(Rule.of(_no_time))]


def _wrong_tags(raw: object) -> Iterator[Found]:
    for key, value in raw.items() if isinstance(raw, dict) else ():
        if isinstance(value, str) and value and not liquid.has_liquid(value):
            if len(value) > 256:
                yield Found([key], "must have at most 256 characters")
            elif not TAG.matches(value):
                yield Found([key], TAG.demand)


MessageTags = Annotated[
    dict[TagKey, Annotated[str, Meta(min_length=1, max_length=65_536)]],
    Meta(max_length=10, description="Labels of your own; a value may hold Liquid, rendered for each recipient."),
    ruled(Rule.of(_wrong_tags)),
]


class MessageSend(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A content and its recipients."""

    to: Recipients
    content: MessageContent
    from_: MessageSender | UnsetType = msgspec.field(name="from", default=UNSET)
    schedule: MessageSchedule | UnsetType = UNSET
    tags: MessageTags = {}


MESSAGE_SEND: Final = Body(
    MessageSend,
    MessageSend(
        to=[
            MessageRecipient("+14155550199", "PHONE", variables={"name": "Ada"}),
            MessageRecipient(
                addresses=[MessageAddress("+447700900123", "WHATSAPP"), MessageAddress("+447700900123", "PHONE")]
            ),
        ],
        content=MessageContent('Hello {{ name | default: "there" }}, your order has left.'),
        from_=MessageSender(sender_pool_id=SENDER_POOL_ID.example),
        tags={"campaign": "spring"},
    ),
)
