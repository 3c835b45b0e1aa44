"""Sender pools over HTTP: contract section 6, numbers 1 to 8. Numbers 9 and 10 are in `pool_operations.py`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory import senders as api_senders
from signalbox.api.inventory.senders import CHANNEL, SENDER_ID, STATUS, SenderId, filter_of
from signalbox.db import Statement, Tx
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.page_tokens import IdRange
from signalbox.http import paging, references
from signalbox.http.bodies import Body
from signalbox.http.constraints import Found, Rule, at_least_one, ruled
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.etags import conditional, require_match
from signalbox.http.paging import Listing
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE, id_param
from signalbox.http.patterns import NOT_BLANK, id_pattern, matching
from signalbox.http.references import IDEMPOTENCY_KEY
from signalbox.http.request import Request, Response
from signalbox.http.shapes import OperationReference, Pagination, Tags, Time
from signalbox.inventory import sender_pools, senders

MOST_IN_CREATE: Final = 10_000
MOST_IN_ADD: Final = 1_000

SENDER_POOLS: Final = Group(
    "senderPools", "Sender pools", "Named groups of senders, and the operations that fill them.", "sender-pools"
)
SENDER_POOL_ID: Final = id_param(
    "senderPoolId",
    sender_pools.SENDER_POOL,
    "The sender pool.",
    "/v1/SenderPools",
    "comms_senderpool_01kg9p6jhxf29s4fr84g98pbsk",
)
OPERATION_ID: Final = id_param(
    "operationId",
    ids.OPERATION,
    "The operation.",
    "/v1/SenderPools/Operations",
    "comms_operation_01kg9p6jhxf58sv7e9z0c1ht0h",
)

SenderPoolId = Annotated[str, matching(id_pattern(sender_pools.SENDER_POOL))]
Name = Annotated[str, Meta(min_length=1, max_length=256), matching(NOT_BLANK)]


class SenderPool(msgspec.Struct, frozen=True, rename="camel"):
    """A named group of the account's senders."""

    id: SenderPoolId
    name: str
    tags: Tags
    created_at: Time
    updated_at: Time


class SenderPoolPage(msgspec.Struct, frozen=True, rename="camel"):
    """Sender pools, newest first."""

    sender_pools: list[SenderPool]
    pagination: Pagination


class SenderRef(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """Names one sender."""

    sender_id: SenderId


def _all_different(refs: Sequence[SenderRef]) -> bool:
    return len({ref.sender_id for ref in refs}) == len(refs)


def _repeated(raw: object) -> Iterator[Found]:
    """Each sender id that an earlier item has."""
    first: dict[str, int] = {}
    for index, ref in enumerate(raw if isinstance(raw, list) else ()):
        sender_id = ref.get("senderId") if isinstance(ref, dict) else None
        if isinstance(sender_id, str) and first.setdefault(sender_id, index) != index:
            yield Found([index, "senderId"], f"is given twice: item {first[sender_id]} has it already")


_ONCE: Final = ruled(Rule(_all_different, _repeated))


class SenderPoolCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pool to create; without a name, its id is its name."""

    name: Name | UnsetType = UNSET
    senders: Annotated[list[SenderRef], Meta(max_length=MOST_IN_CREATE), _ONCE] = []
    tags: Tags = {}


class SenderPoolChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to change. `tags` replaces all tags."""

    rules: ClassVar = (at_least_one("name", "tags"),)

    name: Name | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


SenderRefs = Annotated[list[SenderRef], Meta(min_length=1, max_length=MOST_IN_ADD), _ONCE]


def shape(pool: sender_pools.SenderPool) -> SenderPool:
    """The wire type of a pool."""
    return SenderPool(pool.id, pool.name, pool.tags, rfc3339(pool.created_at), rfc3339(pool.updated_at))


async def list_sender_pools(request: Request) -> Response:
    """List sender pools, newest first."""
    operation_id = request.get(OPERATION_ID)
    return await LISTING.respond(
        request,
        lambda tx, id_range: sender_pools.list_page(tx, request.account_id, operation_id, id_range),
        operation_id,
    )


async def create_sender_pool(request: Request) -> Response:
    """Create a sender pool and put up to 10,000 senders into it, as an operation."""
    new = request.body(SENDER_POOL_CREATE)
    name = None if new.name is UNSET else new.name
    sender_ids = [sender.sender_id for sender in new.senders]

    async def work(tx: Tx, look: bool) -> tuple[str, Statement]:
        operation, start = await sender_pools.create(
            tx, look, request.account_id, name, new.tags, sender_ids, request.id
        )
        return operation.id, start

    return await references.start(request, new, "/v1/SenderPools", "/v1/SenderPools/Operations", work)


async def fetch_sender_pool(request: Request) -> Response:
    """Fetch a sender pool."""
    pool_id = request.path(SENDER_POOL_ID)
    pool = await request.services.db.read(lambda tx: sender_pools.fetch(tx, request.account_id, pool_id))
    return conditional(request, shape(pool))


async def delete_sender_pool(request: Request) -> Response:
    """Delete a sender pool: its unfinished operations are cancelled, its senders remain in the account."""
    pool_id = request.path(SENDER_POOL_ID)

    async def work(tx: Tx) -> None:
        pool = await sender_pools.lock(tx, request.account_id, pool_id)
        require_match(request, shape(pool))
        await sender_pools.delete(tx, request.account_id, pool)

    await request.services.db.write(work)
    return references.resource(request, SENDER_POOL_ID)


async def update_sender_pool(request: Request) -> Response:
    """Rename a sender pool, replace its tags, or both."""
    pool_id = request.path(SENDER_POOL_ID)
    change = request.body(SENDER_POOL_CHANGE)
    name = None if change.name is UNSET else change.name
    tags = None if change.tags is UNSET else change.tags

    async def work(tx: Tx) -> None:
        pool = await sender_pools.lock(tx, request.account_id, pool_id)
        require_match(request, shape(pool))
        await sender_pools.update(tx, request.account_id, pool, name, tags)

    await request.services.db.write(work)
    return references.resource(request, SENDER_POOL_ID)


async def list_senders(request: Request) -> Response:
    """List the senders in a sender pool, newest sender first."""
    pool_id, chosen = request.path(SENDER_POOL_ID), filter_of(request)

    async def read(tx: Tx, id_range: IdRange) -> list[senders.Sender]:
        await sender_pools.fetch(tx, request.account_id, pool_id)
        return await sender_pools.list_senders(tx, request.account_id, pool_id, chosen, id_range)

    return await MEMBERS.respond(request, read, pool_id, chosen)


async def add_senders(request: Request) -> Response:
    """Add up to 1,000 senders to a sender pool, as an operation."""
    pool_id, refs = request.path(SENDER_POOL_ID), request.body(SENDER_REFS)
    sender_ids = [ref.sender_id for ref in refs]
    collection = f"/v1/SenderPools/{pool_id}/Senders"

    async def work(tx: Tx, look: bool) -> tuple[str, Statement]:
        operation, start = await sender_pools.add_senders(tx, look, request.account_id, pool_id, sender_ids, request.id)
        return operation.id, start

    async def require(tx: Tx) -> None:
        await sender_pools.fetch(tx, request.account_id, pool_id)

    return await references.start(request, refs, collection, f"{collection}/Operations", work, require)


async def remove_sender(request: Request) -> Response:
    """Remove a sender from a sender pool; the sender remains in the account."""
    pool_id, sender_id = request.path(SENDER_POOL_ID), request.path(SENDER_ID)

    async def work(tx: Tx) -> None:
        await sender_pools.require_member(tx, request.account_id, pool_id, sender_id)
        require_match(request, api_senders.shape(await senders.fetch(tx, request.account_id, sender_id)))
        await sender_pools.remove_sender(tx, request.account_id, pool_id, sender_id)

    await request.services.db.write(work)
    return references.resource(request, SENDER_ID)


LISTING: Final = Listing("senderPools", sender_pools.SENDER_POOL, shape, SenderPoolPage)
MEMBERS: Final = Listing("members", senders.SENDER, api_senders.shape, api_senders.SenderPage)

OTHER_SENDER_ID: Final = "comms_sender_01kg73svj7e33ad8x4a1jh69re"
_TAGS: Final = {"team": "sales", "region": "eu-west"}
_REFS: Final = [SenderRef(SENDER_ID.example), SenderRef(OTHER_SENDER_ID)]
SENDER_POOL_CREATE: Final = Body(SenderPoolCreate, SenderPoolCreate("Support Europe", _REFS, _TAGS))
SENDER_POOL_CHANGE: Final = Body(SenderPoolChange, SenderPoolChange("Support worldwide", {"team": "support"}))
SENDER_REFS: Final[Body[list[SenderRef]]] = Body(SenderRefs, _REFS)

_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)
_CREATED: Final = "2026-01-31T09:30:00.125Z"
_POOL: Final = SenderPool(SENDER_POOL_ID.example, "Support Europe", _TAGS, _CREATED, _CREATED)
_STARTED: Final = OPERATION_ID.example

EXAMPLE_PAGE: Final = SenderPoolPage([_POOL], paging.EXAMPLE)

LIST: Final = Endpoint(
    list_sender_pools,
    SENDER_POOLS,
    query=(START_DATE, END_DATE, OPERATION_ID, *_PAGE),
    example=EXAMPLE_PAGE,
)
CREATE: Final = Endpoint(
    create_sender_pool,
    SENDER_POOLS,
    body=SENDER_POOL_CREATE,
    headers=(IDEMPOTENCY_KEY,),
    status=202,
    example=OperationReference(_STARTED, OPERATION_ID.path(_STARTED)),
    errors=(409, 422),
)
FETCH: Final = Endpoint(
    fetch_sender_pool, SENDER_POOLS, path=(SENDER_POOL_ID,), example=_POOL, errors=(404,), etag=True
)
DELETE: Final = Endpoint(
    delete_sender_pool,
    SENDER_POOLS,
    path=(SENDER_POOL_ID,),
    status=202,
    example=references.example(SENDER_POOL_ID),
    errors=(404, 412),
)
UPDATE: Final = Endpoint(
    update_sender_pool,
    SENDER_POOLS,
    path=(SENDER_POOL_ID,),
    body=SENDER_POOL_CHANGE,
    status=202,
    example=references.example(SENDER_POOL_ID),
    errors=(404, 412),
)
LIST_SENDERS: Final = Endpoint(
    list_senders,
    SENDER_POOLS,
    path=(SENDER_POOL_ID,),
    query=(CHANNEL, STATUS, START_DATE, END_DATE, *_PAGE),
    example=api_senders.EXAMPLE_PAGE,
    errors=(404,),
)
ADD_SENDERS: Final = Endpoint(
    add_senders,
    SENDER_POOLS,
    path=(SENDER_POOL_ID,),
    body=SENDER_REFS,
    headers=(IDEMPOTENCY_KEY,),
    status=202,
    example=OperationReference(
        _STARTED, f"{SENDER_POOL_ID.path(SENDER_POOL_ID.example)}/Senders/Operations/{_STARTED}"
    ),
    errors=(404, 409, 422),
)
REMOVE_SENDER: Final = Endpoint(
    remove_sender,
    SENDER_POOLS,
    path=(SENDER_POOL_ID, SENDER_ID),
    status=202,
    example=references.example(SENDER_ID),
    errors=(404, 412),
)
