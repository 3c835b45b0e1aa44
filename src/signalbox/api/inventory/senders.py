"""Senders over HTTP: list, fetch and search. Contract section 7."""

from typing import Annotated, Final, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.http.bodies import NO_CONTROLS, Body, matching
from signalbox.http.endpoint import SENDER_ID, Endpoint
from signalbox.http.etags import conditional
from signalbox.http.paging import page, page_of, window
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, enum_param
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import (
    Pagination,
    SenderId,
    Tags,
    Time,
)
from signalbox.inventory import addresses, senders
from signalbox.inventory.senders import Channel, Status

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
    rows = await request.services.db.read(lambda tx: senders.list_page(tx, request.account_id, wanted_senders, span))
    shown, pagination = wanted.cut(rows, lambda row: row.id)
    return json_response(SenderPage([shape(row) for row in shown], pagination))


async def fetch_sender(request: Request) -> Response:
    """Fetch a sender."""
    sender_id = request.path(SENDER_ID)
    sender = await request.services.db.read(lambda tx: senders.fetch(tx, request.account_id, sender_id))
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
    rows = await request.services.db.read(
        lambda tx: senders.search(tx, request.account_id, wanted.channel, address, span)
    )
    rows = [row for row in rows if status in (None, row.status)]
    shown, pagination = asked.cut(rows, lambda row: row.id)
    return json_response(SenderPage([shape(row) for row in shown], pagination))


SENDER_SEARCH: Final = Body(SenderSearch)
_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)

LIST: Final = Endpoint(list_senders, query=(CHANNEL, STATUS, START_DATE, END_DATE, *_PAGE), answer=SenderPage)
FETCH: Final = Endpoint(fetch_sender, answer=Sender, errors=(404,), etag=True)
SEARCH: Final = Endpoint(search_senders, body=SENDER_SEARCH, answer=SenderPage)
