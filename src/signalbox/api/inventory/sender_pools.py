"""Sender pools over HTTP: numbers 1 to 8 of section 6 of the contract. Operations, 9 and 10, are in `operations.py`."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalbox.api.inventory.senders import CHANNEL, STATUS, SenderPage, filter_of
from signalbox.api.inventory.senders import shape as sender_shape
from signalbox.db import Statement, Tx
from signalbox.ground import ids
from signalbox.ground.clock import rfc3339
from signalbox.ground.errors import Problem
from signalbox.http import references
from signalbox.http.bodies import NOT_BLANK, Body, Rule, matching, problem_at
from signalbox.http.endpoint import OPERATION_ID, SENDER_ID, SENDER_POOL_ID, Endpoint
from signalbox.http.etags import conditional, require_match
from signalbox.http.paging import page, window
from signalbox.http.parameters import END_DATE, PAGE_SIZE, PAGE_TOKEN, START_DATE
from signalbox.http.references import IDEMPOTENCY_KEY
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import (
    OperationReference,
    Pagination,
    ResourceReference,
    SenderId,
    SenderPoolId,
    Tags,
    Time,
    at_least_one_rule,
    tags_rule,
)
from signalbox.inventory import sender_pools, senders

MOST_IN_CREATE: Final = 10_000
MOST_IN_ADD: Final = 1_000

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


class SenderPoolCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pool to make; without a name it is called by its id."""

    name: Name | UnsetType = UNSET
    senders: Annotated[list[SenderRef], Meta(max_length=MOST_IN_CREATE)] = []
    tags: Tags = {}


class SenderPoolChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new name, new tags in place of all the old ones, or both."""

    name: Name | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


SenderRefs = Annotated[list[SenderRef], Meta(min_length=1, max_length=MOST_IN_ADD)]


def shape(pool: sender_pools.SenderPool) -> SenderPool:
    """A pool as the wire has it."""
    return SenderPool(pool.id, pool.name, pool.tags, rfc3339(pool.created_at), rfc3339(pool.updated_at))


async def list_sender_pools(request: Request) -> Response:
    """List sender pools, newest first."""
    operation_id = request.get(OPERATION_ID)
    wanted = page(request, "senderPools", operation_id)
    span = window(request, wanted, ids.SENDER_POOL)
    rows = await request.services.db.read(lambda tx: sender_pools.list_page(tx, request.account_id, operation_id, span))
    shown, pagination = wanted.cut(rows, lambda row: row.id)
    return json_response(SenderPoolPage([shape(row) for row in shown], pagination))


async def create_sender_pool(request: Request) -> Response:
    """Create a sender pool and put up to 10,000 senders into it, as an operation."""
    new = request.body(SENDER_POOL_CREATE)
    name = None if new.name is UNSET else new.name
    sender_ids = [sender.sender_id for sender in new.senders]

    async def work(tx: Tx) -> tuple[str, Statement]:
        operation, start = await sender_pools.create(tx, request.account_id, name, new.tags, sender_ids, request.id)
        return operation.id, start

    return await references.start(request, new, "/v1/SenderPools", "/v1/SenderPools/Operations", work)


async def fetch_sender_pool(request: Request) -> Response:
    """Fetch a sender pool."""
    pool_id = request.path(SENDER_POOL_ID)
    pool = await request.services.db.read(lambda tx: sender_pools.fetch(tx, request.account_id, pool_id))
    return conditional(request, shape(pool))


async def delete_sender_pool(request: Request) -> Response:
    """Delete a sender pool: its unfinished operations are cancelled, its senders remain."""
    pool_id = request.path(SENDER_POOL_ID)

    async def work(tx: Tx) -> None:
        pool = await sender_pools.lock(tx, request.account_id, pool_id)
        require_match(request, shape(pool))
        await sender_pools.delete(tx, request.account_id, pool)

    await request.services.db.write(work)
    return references.resource(request, pool_id, f"/v1/SenderPools/{pool_id}")


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
    return references.resource(request, pool_id, f"/v1/SenderPools/{pool_id}")


async def list_senders(request: Request) -> Response:
    """List the senders in a sender pool, newest sender first."""
    pool_id, wanted_senders = request.path(SENDER_POOL_ID), filter_of(request)
    wanted = page(request, "members", pool_id, wanted_senders)
    span = window(request, wanted, ids.SENDER)

    async def read(tx: Tx) -> list[senders.Sender]:
        await sender_pools.fetch(tx, request.account_id, pool_id)
        return await sender_pools.list_senders(tx, request.account_id, pool_id, wanted_senders, span)

    rows = await request.services.db.read(read)
    shown, pagination = wanted.cut(rows, lambda row: row.id)
    return json_response(SenderPage([sender_shape(row) for row in shown], pagination))


async def add_senders(request: Request) -> Response:
    """Add up to 1,000 senders to a sender pool, as an operation."""
    pool_id, refs = request.path(SENDER_POOL_ID), request.body(SENDER_REFS)
    sender_ids = [ref.sender_id for ref in refs]
    collection = f"/v1/SenderPools/{pool_id}/Senders"

    async def work(tx: Tx) -> tuple[str, Statement]:
        operation, start = await sender_pools.add_senders(tx, request.account_id, pool_id, sender_ids, request.id)
        return operation.id, start

    async def require(tx: Tx) -> None:
        await sender_pools.fetch(tx, request.account_id, pool_id)

    return await references.start(request, refs, collection, f"{collection}/Operations", work, require)


async def remove_sender(request: Request) -> Response:
    """Remove a sender from a sender pool; the sender remains in the account."""
    pool_id, sender_id = request.path(SENDER_POOL_ID), request.path(SENDER_ID)

    async def work(tx: Tx) -> None:
        await sender_pools.require_member(tx, request.account_id, pool_id, sender_id)
        require_match(request, sender_shape(await senders.fetch(tx, request.account_id, sender_id)))
        await sender_pools.remove_sender(tx, request.account_id, pool_id, sender_id)

    await request.services.db.write(work)
    return references.resource(request, sender_id, f"/v1/Senders/{sender_id}")


_NOT_BLANK: Final = re.compile(NOT_BLANK)
_SENDER_IDS: Final = re.compile(rf"(?:{ids.SENDER}_{ids.SUFFIX_PATTERN}\n)*")


def _name_holds(value: object) -> bool:
    name = cast("SenderPoolCreate | SenderPoolChange", value).name
    return name is UNSET or _NOT_BLANK.search(name) is not None


def _ids_hold(refs: Sequence[SenderRef]) -> bool:
    """One regular expression over all ids, joined, at a third of the cost of one each; then none twice."""
    joined = "".join([f"{ref.sender_id}\n" for ref in refs])
    if joined.count("\n") != len(refs) or not _SENDER_IDS.fullmatch(joined):
        return False
    return len({ref.sender_id for ref in refs}) == len(refs)


def _repeated(raw: object, path: tuple[str | int, ...]) -> Iterable[Problem]:
    """A problem at each sender id that stood further up already."""
    first: dict[str, int] = {}
    for index, ref in enumerate(raw if isinstance(raw, list) else ()):
        sender_id = ref.get("senderId") if isinstance(ref, dict) else None
        if isinstance(sender_id, str) and first.setdefault(sender_id, index) != index:
            yield problem_at([*path, index, "senderId"], f"is given twice: item {first[sender_id]} has it already")


SENDER_POOL_CREATE: Final = Body(
    SenderPoolCreate,
    Rule(_name_holds),
    tags_rule(lambda value: cast("SenderPoolCreate", value).tags),
    Rule(
        lambda value: _ids_hold(cast("SenderPoolCreate", value).senders),
        lambda raw: _repeated(raw.get("senders") if isinstance(raw, dict) else None, ("senders",)),
    ),
)
SENDER_POOL_CHANGE: Final = Body(
    SenderPoolChange,
    at_least_one_rule("name", "tags"),
    Rule(_name_holds),
    tags_rule(lambda value: cast("SenderPoolChange", value).tags),
    demands={"minProperties": 1},
)
SENDER_REFS: Final[Body[list[SenderRef]]] = Body(
    SenderRefs,
    Rule(lambda value: _ids_hold(cast("list[SenderRef]", value)), lambda raw: _repeated(raw, ())),
)

_PAGE: Final = (PAGE_TOKEN, PAGE_SIZE)

LIST: Final = Endpoint(list_sender_pools, query=(START_DATE, END_DATE, OPERATION_ID, *_PAGE), answer=SenderPoolPage)
CREATE: Final = Endpoint(
    create_sender_pool,
    body=SENDER_POOL_CREATE,
    headers=(IDEMPOTENCY_KEY,),
    status=202,
    answer=OperationReference,
    errors=(409, 422),
)
FETCH: Final = Endpoint(fetch_sender_pool, answer=SenderPool, errors=(404,), etag=True)
DELETE: Final = Endpoint(delete_sender_pool, status=202, answer=ResourceReference, errors=(404, 412))
UPDATE: Final = Endpoint(
    update_sender_pool, body=SENDER_POOL_CHANGE, status=202, answer=ResourceReference, errors=(404, 412)
)
LIST_SENDERS: Final = Endpoint(
    list_senders, query=(CHANNEL, STATUS, START_DATE, END_DATE, *_PAGE), answer=SenderPage, errors=(404,)
)
ADD_SENDERS: Final = Endpoint(
    add_senders,
    body=SENDER_REFS,
    headers=(IDEMPOTENCY_KEY,),
    status=202,
    answer=OperationReference,
    errors=(404, 409, 422),
)
REMOVE_SENDER: Final = Endpoint(remove_sender, status=202, answer=ResourceReference, errors=(404, 412))
