"""Senders over HTTP: list, fetch and search. Contract section 7."""

from typing import Annotated, Final, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.db import Tx
from signalbox.ground.clock import rfc3339
from signalbox.ground.page_tokens import IdRange
from signalbox.http import paging
from signalbox.http.bodies import Body
from signalbox.http.constraints import named
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.etags import conditional
from signalbox.http.paging import Listing, page_of
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, enum_param, id_param
from signalbox.http.patterns import NO_CONTROLS, id_pattern, matching
from signalbox.http.request import Request, Response
from signalbox.http.shapes import Pagination, Tags, Time
from signalbox.inventory import addresses, senders

SENDERS: Final = Group(
    "senders", "Senders", "The account's senders: list, fetch, search, and resolve who can reach a person.", "senders"
)
SENDER_ID: Final = id_param(
    "senderId", senders.SENDER, "The sender.", "/v1/Senders", "comms_sender_01kg73svhxe9nv59tdwh9edd1r"
)

SenderId = Annotated[str, matching(id_pattern(senders.SENDER))]
Channel = Annotated[senders.Channel, named("Channel")]
Status = Annotated[senders.Status, named("SenderStatus")]
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
    """The address and channel of the sender to find."""

    address: Address
    channel: Channel
    status: Status | UnsetType = UNSET
    page_token: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    page_size: Annotated[int, Meta(ge=1, le=1000)] = 50


CHANNEL: Final = enum_param("channel", ("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH"), "Only senders of this channel.")
STATUS: Final = enum_param("status", ("ACTIVATED", "DEACTIVATED"), "Only senders with this status.")


def shape(sender: senders.Sender) -> Sender:
    """The wire type of a sender."""
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
    """The filter by channel and status in the query."""
    channel, status = request.get(CHANNEL), request.get(STATUS)
    return senders.Filter(cast("senders.Channel | None", channel), cast("senders.Status | None", status))


async def list_senders(request: Request) -> Response:
    """List senders, newest first."""
    chosen = filter_of(request)
    return await LISTING.respond(
        request, lambda tx, id_range: senders.list_page(tx, request.account_id, chosen, id_range), chosen
    )


async def fetch_sender(request: Request) -> Response:
    """Fetch a sender."""
    sender_id = request.path(SENDER_ID)
    sender = await request.services.db.read(lambda tx: senders.fetch(tx, request.account_id, sender_id))
    return conditional(request, shape(sender))


async def search_senders(request: Request) -> Response:
    """Find the senders with an address and a channel. It is a POST, so that no URL contains the address."""
    wanted = request.body(SENDER_SEARCH)
    address = addresses.normalise_for_search(wanted.channel, wanted.address)
    status = None if wanted.status is UNSET else wanted.status
    token = None if wanted.page_token is UNSET else wanted.page_token
    asked = page_of(request, "search", (wanted.channel, address, status), token, wanted.page_size)

    async def read(tx: Tx, id_range: IdRange) -> list[senders.Sender]:
        return await senders.search(tx, request.account_id, wanted.channel, address, status, id_range)

    return await LISTING.cut(request, asked, read)


LISTING: Final = Listing("senders", senders.SENDER, shape, SenderPage)
SENDER_SEARCH: Final = Body(SenderSearch, example=SenderSearch("+14155550123", "SMS"))
_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)
EXAMPLE: Final = Sender(
    SENDER_ID.example,
    "Front desk",
    "+14155550123",
    "SMS",
    "ACTIVATED",
    {"team": "sales"},
    "2026-01-30T14:05:31.004Z",
    "2026-01-30T09:30:00.125Z",
)
EXAMPLE_PAGE: Final = SenderPage([EXAMPLE], paging.EXAMPLE)

LIST: Final = Endpoint(
    list_senders, SENDERS, query=(CHANNEL, STATUS, START_DATE, END_DATE, *_PAGE), example=EXAMPLE_PAGE
)
FETCH: Final = Endpoint(fetch_sender, SENDERS, path=(SENDER_ID,), example=EXAMPLE, errors=(404,), etag=True)
SEARCH: Final = Endpoint(search_senders, SENDERS, body=SENDER_SEARCH, example=EXAMPLE_PAGE)
