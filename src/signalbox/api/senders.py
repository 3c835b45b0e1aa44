"""Senders over HTTP: section 7 of the contract, and the inventory of section 8."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Final, Literal, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox import addresses, ids, resolve, sender_pools, senders
from signalbox.api import inventory_rows, references
from signalbox.api.body import NO_CONTROLS, Body, RawBody, Rule, matching, problem_at
from signalbox.api.endpoint import SENDER_ID, Endpoint
from signalbox.api.etags import conditional, require_match
from signalbox.api.inventory_rows import Refused
from signalbox.api.paging import page, page_of, window
from signalbox.api.request import Request, Response, json_response
from signalbox.api.shapes import (
    Pagination,
    ResourceReference,
    SenderId,
    SenderPoolId,
    Tags,
    Time,
    at_least_one_rule,
    tags_rule,
)
from signalbox.api.wire import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, enum_param
from signalbox.clock import rfc3339
from signalbox.db import Tx
from signalbox.errors import Problem
from signalbox.senders import Channel, Status

T = TypeVar("T")

DisplayName = Annotated[str, Meta(max_length=256), matching(NO_CONTROLS)]


class Sender(msgspec.Struct, frozen=True, rename="camel"):
    """One address that messages can be sent from."""

    id: SenderId
    display_name: str | None
    address: str
    channel: Channel
    status: Status
    tags: Tags
    updated_at: Time
    created_at: Time


class SenderPage(msgspec.Struct, frozen=True):
    """Senders, newest first."""

    senders: list[Sender]
    pagination: Pagination


Address = Annotated[str, Meta(min_length=1, max_length=320)]


class SenderSearch(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which sender to find."""

    address: Address
    channel: Channel
    status: Status | UnsetType = UNSET
    page_token: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    page_size: Annotated[int, Meta(ge=1, le=1000)] = 50


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


class InventoryRow(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A row of inventory; what is absent keeps its value."""

    channel: Channel
    address: Address
    display_name: DisplayName | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class InventoryResult(msgspec.Struct, frozen=True):
    """How many rows made a sender, how many found one, and each problem of the others."""

    created: int
    updated: int
    refused: list[Refused]


class SenderChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What to change; a display name of null removes it, tags replace all the old ones."""

    display_name: DisplayName | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


CHANNEL: Final = enum_param("channel", ("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH"), "Only senders of this channel.")
STATUS: Final = enum_param("status", ("ACTIVATED", "DEACTIVATED"), "Only senders with this status.")


def shape(sender: senders.Sender) -> Sender:
    """A sender as the wire has it."""
    return Sender(
        sender.id,
        sender.display_name,
        sender.address,
        sender.channel,
        sender.status,
        sender.tags,
        rfc3339(sender.updated_at),
        rfc3339(sender.created_at),
    )


def filter_of(request: Request) -> senders.Filter:
    """The channel and status that a list is asked for."""
    return senders.Filter(cast("Channel | None", request.get(CHANNEL)), cast("Status | None", request.get(STATUS)))


async def list_senders(request: Request) -> Response:
    """List senders, newest first."""
    wanted_senders = filter_of(request)
    wanted = page(request, "senders", wanted_senders)
    span = window(request, wanted, ids.SENDER)
    rows = await request.api.db.read(lambda tx: senders.list_page(tx, request.account_id, wanted_senders, span))
    shown, pagination = wanted.cut(rows, lambda row: row.id)
    return json_response(SenderPage([shape(row) for row in shown], pagination))


async def fetch_sender(request: Request) -> Response:
    """Fetch a sender."""
    sender_id = request.path(SENDER_ID)
    sender = await request.api.db.read(lambda tx: senders.fetch(tx, request.account_id, sender_id))
    return conditional(request, shape(sender))


async def search_senders(request: Request) -> Response:
    """Find the sender with an address and a channel; a POST, so that the address stays out of URLs."""
    wanted = request.body(SENDER_SEARCH)
    address = addresses.normalise_for_search(wanted.channel, wanted.address)
    status = None if wanted.status is UNSET else wanted.status
    token = None if wanted.page_token is UNSET else wanted.page_token
    scope = ("search", (wanted.channel, address, status))
    asked = page_of(request, *scope, token, wanted.page_size)
    span = window(request, asked, ids.SENDER)
    rows = await request.api.db.read(lambda tx: senders.search(tx, request.account_id, wanted.channel, address, span))
    rows = [row for row in rows if status in (None, row.status)]
    shown, pagination = asked.cut(rows, lambda row: row.id)
    return json_response(SenderPage([shape(row) for row in shown], pagination))


async def resolve_senders(request: Request) -> Response:
    """Find the senders that can reach a person, best first."""
    question = _question(request.body(SENDER_RESOLVE))

    async def read(tx: Tx) -> list[resolve.Match]:
        if question.pool_id is not None:
            await sender_pools.fetch(tx, request.account_id, question.pool_id)
        return await resolve.resolve(tx, request.account_id, question)

    matches = await request.api.db.read(read)
    return json_response(ResolvedList([_resolved(match, place) for place, match in enumerate(matches)]))


async def enter_senders(request: Request) -> Response:
    """Enter inventory from JSON, NDJSON or CSV: good rows enter, every refused one is named."""
    media = request.header(b"content-type").partition(";")[0].strip().lower() or "application/json"
    rows = await inventory_rows.rows(cast("inventory_rows.ContentType", media), request.body(INVENTORY))
    entered = senders.Entered(0, 0)
    if rows.good:
        entered = await _change(request, lambda tx: senders.enter(tx, request.account_id, rows.good))
    request.fields.update(created=entered.created, updated=entered.updated, refused=len(rows.refused))
    return json_response(InventoryResult(entered.created, entered.updated, rows.refused))


async def update_sender(request: Request) -> Response:
    """Change a sender's display name, status or tags."""
    sender_id, change = request.path(SENDER_ID), request.body(SENDER_CHANGE)
    members = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}

    async def work(tx: Tx) -> senders.Sender:
        sender = await senders.lock(tx, request.account_id, sender_id)
        require_match(request, shape(sender))
        changed = msgspec.structs.replace(sender, **members)
        return await senders.update(tx, request.account_id, sender, changed)

    return conditional(request, shape(await _change(request, work)))


async def delete_sender(request: Request) -> Response:
    """Remove a sender from the inventory and from every pool."""
    sender_id = request.path(SENDER_ID)

    async def work(tx: Tx) -> None:
        sender = await senders.lock(tx, request.account_id, sender_id)
        require_match(request, shape(sender))
        await senders.delete(tx, request.account_id, sender)

    await _change(request, work)
    return references.resource(request, sender_id, f"/v1/Senders/{sender_id}")


async def _change(request: Request, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Changes the account's inventory, one change after the other."""
    async with request.api.inventory_turns.of(request.account_id):
        return await request.api.db.write(work)


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


_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_SHAPES: Final = ({"address", "channel"}, {"address", "name"}, {"address"}, {"fcm", "apn"}, {"fcm"}, {"apn"})
_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")


def _display_name_holds(value: object) -> bool:
    name = cast("SenderChange", value).display_name
    return not isinstance(name, str) or not _CONTROL.search(name)


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


SENDER_SEARCH: Final = Body(SenderSearch)
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
SENDER_CHANGE: Final = Body(
    SenderChange,
    at_least_one_rule("displayName", "status", "tags"),
    Rule(_display_name_holds),
    tags_rule(lambda value: cast("SenderChange", value).tags),
    demands={"minProperties": 1},
)
INVENTORY: Final = RawBody(
    ("application/json", "application/x-ndjson", "text/csv"),
    row=InventoryRow,
    demands={"minItems": 1, "maxItems": inventory_rows.MOST_ROWS},
)

_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)

LIST: Final = Endpoint(list_senders, query=(CHANNEL, STATUS, START_DATE, END_DATE, *_PAGE), answer=SenderPage)
FETCH: Final = Endpoint(fetch_sender, answer=Sender, errors=(404,), etag=True)
SEARCH: Final = Endpoint(search_senders, body=SENDER_SEARCH, answer=SenderPage)
RESOLVE: Final = Endpoint(resolve_senders, body=SENDER_RESOLVE, answer=ResolvedList, errors=(404,))
ENTER: Final = Endpoint(enter_senders, body=INVENTORY, answer=InventoryResult)
UPDATE: Final = Endpoint(update_sender, body=SENDER_CHANGE, answer=Sender, errors=(404, 412), etag=True)
DELETE: Final = Endpoint(delete_sender, status=202, answer=ResourceReference, errors=(404, 412))
