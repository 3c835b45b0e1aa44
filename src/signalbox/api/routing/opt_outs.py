"""Opt-outs over HTTP. Contract section 15.4."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory.sender_pools import SENDER_POOL_ID, SenderPoolId
from signalbox.ground.clock import rfc3339
from signalbox.http import paging, references
from signalbox.http.bodies import Body
from signalbox.http.constraints import Found, Rule, named, ruled
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.paging import Listing
from signalbox.http.parameters import PAGE_SIZE, PAGE_TOKEN, enum_param, id_param, text_param
from signalbox.http.patterns import E164, id_pattern, matching
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Pagination, Time
from signalbox.routing import opt_outs
from signalbox.sending.codes import NOT_A_NUMBER

GROUP: Final = Group("optOuts", "Opt-outs", "People who get nothing from a pool, or from the account.", "opt-outs")
OPT_OUT_ID: Final = id_param(
    "optOutId", opt_outs.OPT_OUT, "The opt-out.", "/signalbox/v1/OptOuts", "comms_optout_01kg9p6jhxf2ar6w5q6m2s7d3n"
)
CHANNELS: Final = ("PHONE", "WHATSAPP")
ADDRESS: Final = text_param("address", "Only opt-outs of this address.", example="+14155550199")
CHANNEL: Final = enum_param("channel", CHANNELS, "Only opt-outs on this channel.")


def _no_number(raw: object) -> "list[Found]":
    wrong = isinstance(raw, str) and raw != "" and not E164.matches(raw)
    return [Found([], E164.demand, code=NOT_A_NUMBER)] if wrong else []


PhoneAddress = Annotated[str, Meta(min_length=1, max_length=320), ruled(Rule.of(_no_number))]


class OptOut(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A person at one address who gets nothing from the pool; without `senderPoolId`, nothing from the account."""

    id: Annotated[str, matching(id_pattern(opt_outs.OPT_OUT))]
    address: str
    channel: Annotated[opt_outs.Channel, named("OptOutChannel")]
    sender_pool_id: SenderPoolId | None
    created_at: Time


class OptOutPage(msgspec.Struct, frozen=True, rename="camel"):
    """Opt-outs, newest first."""

    opt_outs: list[OptOut]
    pagination: Pagination


class OptOutPost(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who opts out, and of which pool; without one, of the whole account."""

    address: PhoneAddress
    channel: Annotated[opt_outs.Channel, named("OptOutChannel")]
    sender_pool_id: SenderPoolId | UnsetType = UNSET


def shape(one: opt_outs.OptOut) -> OptOut:
    """The wire type of an opt-out."""
    return OptOut(one.id, one.address, one.channel, one.pool_id or None, rfc3339(one.created_at))


async def list_opt_outs(request: Request) -> Response:
    """List opt-outs, newest first."""
    filter_ = opt_outs.Filter(request.get(ADDRESS) or "", request.get(CHANNEL) or "", request.get(SENDER_POOL_ID) or "")
    return await LISTING.respond(
        request, lambda tx, id_range: opt_outs.list_page(tx, request.account_id, filter_, id_range), filter_
    )


async def create_opt_out(request: Request) -> Response:
    """Opt a person out. Who has opted out already keeps that opt-out."""
    post = request.body(OPT_OUT_POST)
    pool_id = "" if post.sender_pool_id is UNSET else post.sender_pool_id
    made = await request.services.db.write(
        lambda tx: opt_outs.add(tx, request.account_id, post.address, post.channel, pool_id)
    )
    location = request.url(OPT_OUT_ID.path(made.id)).encode("latin-1")
    return json_response(shape(made), 201, [(b"location", location)])


async def delete_opt_out(request: Request) -> Response:
    """Delete an opt-out: the person gets messages again."""
    opt_out_id = request.path(OPT_OUT_ID)
    await request.services.db.write(lambda tx: opt_outs.delete(tx, request.account_id, opt_out_id))
    return references.resource(request, OPT_OUT_ID)


LISTING: Final = Listing("optOuts", opt_outs.OPT_OUT, shape, OptOutPage)
OPT_OUT_POST: Final = Body(OptOutPost, OptOutPost("+14155550199", "PHONE", SENDER_POOL_ID.example))
_EXAMPLE: Final = OptOut(
    OPT_OUT_ID.example,
    "+14155550199",
    "PHONE",
    SENDER_POOL_ID.example,
    "2026-01-31T09:30:00.125Z",
)

LIST: Final = Endpoint(
    list_opt_outs,
    GROUP,
    query=(ADDRESS, CHANNEL, SENDER_POOL_ID, PAGE_TOKEN, PAGE_SIZE),
    example=OptOutPage([_EXAMPLE], paging.EXAMPLE_OF_LAST),
)
CREATE: Final = Endpoint(create_opt_out, GROUP, body=OPT_OUT_POST, status=201, example=_EXAMPLE, errors=(404,))
DELETE: Final = Endpoint(
    delete_opt_out, GROUP, path=(OPT_OUT_ID,), status=202, example=references.example(OPT_OUT_ID), errors=(404,)
)
