"""The inventory over HTTP: enter, change and remove senders. Contract section 8."""

from collections.abc import Awaitable, Callable
from typing import Annotated, ClassVar, Final, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory import inventory_rows
from signalbox.api.inventory.inventory_rows import Refused
from signalbox.api.inventory.senders import EXAMPLE, SENDER_ID, Address, Channel, DisplayName, Sender, Status, shape
from signalbox.db import Tx
from signalbox.http import references
from signalbox.http.bodies import Body, Media, RawBody
from signalbox.http.constraints import at_least_one
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.etags import conditional, require_match
from signalbox.http.patterns import Pattern, matching
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Tags
from signalbox.inventory import senders

T = TypeVar("T")

GROUP: Final = Group("inventory", "Inventory", "Enter, change and remove the account's senders.", "inventory")

Region = Annotated[
    str,
    matching(Pattern("^[A-Z]{2}$", "must be a country of ISO 3166, two capital letters such as GB", one_line=True)),
    Meta(description="The country, ISO 3166-1 alpha-2; required for a short code or an alphanumeric id."),
]


class InventoryRow(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A row of inventory; an absent field keeps its value."""

    channel: Channel
    address: Address
    display_name: DisplayName | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    region: Region | UnsetType = UNSET


class InventoryResult(msgspec.Struct, frozen=True):
    """How many rows created a sender, how many updated one, the problems of refused rows, and warnings about others."""

    created: int
    updated: int
    refused: list[Refused]
    warnings: list[Refused]


class InventorySender(Sender, frozen=True, rename="camel"):
    """A sender with its region; null without a country."""

    region: str | None


class SenderChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The fields to change. A null `displayName` removes it; `tags` replaces all tags."""

    rules: ClassVar = (at_least_one("displayName", "status", "tags"),)

    display_name: DisplayName | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


async def enter_senders(request: Request) -> Response:
    """Enter inventory from JSON, NDJSON or CSV: valid rows enter, every refused row is reported."""
    media = request.header(b"content-type").partition(";")[0].strip().lower() or "application/json"
    kind = cast("inventory_rows.ContentType", media)
    rows = await inventory_rows.rows(kind, request.body(INVENTORY), request.services.settings.inventory_numbers)
    entered = senders.Entered(0, 0)
    if rows.good:
        entered = await _change(request, lambda tx: senders.enter(tx, request.account_id, rows.good))
    request.fields.update(
        created=entered.created, updated=entered.updated, refused=len(rows.refused), warned=len(rows.warnings)
    )
    return json_response(InventoryResult(entered.created, entered.updated, rows.refused, rows.warnings))


async def fetch_sender(request: Request) -> Response:
    """Fetch a sender with its region."""
    sender_id = request.path(SENDER_ID)
    sender = await request.services.db.read(lambda tx: senders.fetch(tx, request.account_id, sender_id))
    found = shape(sender)
    with_region = InventorySender(**msgspec.structs.asdict(found), region=sender.region or None)
    # A change of the region moves updatedAt too: so the ETag of /v1/Senders/{senderId} serves here, and for If-Match.
    return conditional(request, with_region, tagged=found)


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
    return references.resource(request, SENDER_ID)


async def _change(request: Request, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Runs `work`, one change of the account's inventory after the other."""
    async with request.services.turns.of(("inventory", request.account_id)):
        return await request.services.db.write(work)


_ROWS: Final = [
    InventoryRow("SMS", "+14155550123", display_name="Front desk", tags={"team": "sales"}),
    InventoryRow("EMAIL", "desk@example.com", status="DEACTIVATED"),
    InventoryRow("SMS", "27312", region="CA"),
]
INVENTORY: Final = RawBody(
    row=InventoryRow,
    demands={"minItems": 1, "maxItems": inventory_rows.MOST_ROWS},
    example=_ROWS,
    media=(
        Media(
            "application/x-ndjson",
            "One row, as JSON, on each line.",
            msgspec.json.Encoder().encode_lines(_ROWS).decode(),
        ),
        Media(
            "text/csv",
            "A header line with the names of the fields, then one row on each line; tags are `key=value;key=value`.",
            "channel,address,displayName,status,tags,region\n"
            "SMS,+14155550123,Front desk,ACTIVATED,team=sales;tier=gold,\n"
            "EMAIL,desk@example.com,,DEACTIVATED,,\n"
            "SMS,27312,,,,CA\n",
        ),
    ),
)
SENDER_CHANGE: Final = Body(SenderChange, SenderChange(display_name="Front desk", tags={"team": "sales"}))
_RESULT: Final = InventoryResult(
    2,
    0,
    [Refused("$[1].address", 20001, "An email address must have an @-sign.", 3)],
    [Refused("$[0].address", 20001, "no numbering plan assigns such a number", 2)],
)
_FETCHED: Final = InventorySender(**msgspec.structs.asdict(EXAMPLE), region="US")

ENTER: Final = Endpoint(enter_senders, GROUP, body=INVENTORY, example=_RESULT)
FETCH: Final = Endpoint(fetch_sender, GROUP, path=(SENDER_ID,), example=_FETCHED, errors=(404,), etag=True)
UPDATE: Final = Endpoint(
    update_sender, GROUP, path=(SENDER_ID,), body=SENDER_CHANGE, example=EXAMPLE, errors=(404, 412), etag=True
)
DELETE: Final = Endpoint(
    delete_sender, GROUP, path=(SENDER_ID,), status=202, example=references.example(SENDER_ID), errors=(404, 412)
)
