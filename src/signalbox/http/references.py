"""Responses 202 with an operation reference or a resource reference, in the body and in the headers.

Operations are started here, with or without an idempotency key. Contract sections 4 and 8.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from signalbox.accounts import idempotency
from signalbox.accounts.idempotency import StoredResponse
from signalbox.db import Statement, Tx
from signalbox.ground.errors import Conflict, KeyReused, Unavailable
from signalbox.http.parameters import IdParam, Param
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import OperationReference, ResourceReference

T = TypeVar("T")

# The statement that starts an operation changes nothing when another transaction is in its way.
_TRIES: Final = 5
_KEY: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"|([\x21\x23-\x7e]{1,255})')


def _key(text: str) -> str:
    match = _KEY.fullmatch(text.strip())
    if not match or len(key := match[2] or re.sub(r"\\(.)", r"\1", match[1])) > 255:
        raise ValueError("must have 1 to 255 visible ASCII characters, in double quotes or bare")
    return key


IDEMPOTENCY_KEY: Final = Param(
    "Idempotency-Key",
    _key,
    {"type": "string", "pattern": r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-~]{1,255})$'},
    "Makes a retry safe: the same key and request get the stored response, for 24 hours.",
    example='"8e03978e-40d5-43e8-bc93-6894a57f9324"',
)


def example(param: IdParam) -> ResourceReference:
    """An example of a resource reference; the OpenAPI document puts its base URL before the location."""
    return ResourceReference(param.example, param.path(param.example))


def resource(request: Request, param: IdParam) -> Response:
    """202 with a reference to the resource that the path names by `param`."""
    return reference_to(request, param, request.path(param), 202)


def reference_to(request: Request, param: IdParam, resource_id: str, status: int) -> Response:
    """A response with a reference to a resource; with status 301 a redirect to it."""
    location = request.url(param.path(resource_id))
    url, name = location.encode("latin-1"), resource_id.encode()
    headers = [
        (b"location", url),
        (b"resourceId", name),
        (b"resourceLocation", url),
        (b"resource-id", name),
        (b"resource-location", url),
    ]
    return json_response(ResourceReference(resource_id, location), status, headers)


async def start(
    request: Request,
    content: object,
    collection: str,
    operations_path: str,
    work: Callable[[Tx, bool], Awaitable[tuple[str, Statement]]],
    require: Callable[[Tx], Awaitable[object]] | None = None,
) -> Response:
    """Starts an operation with one statement and responds 202; only once for each idempotency key.

    `work` returns the operation's id and the statement that starts it: see `Database.write_one`. The other arguments
    and the errors are those of `start_within`.
    """
    if request.header_value(IDEMPOTENCY_KEY) is None:
        operation_id = await request.services.db.write_one(work)
        return _operation_response(request, StoredResponse(operation_id, f"{operations_path}/{operation_id}"))
    return await start_within(request, content, collection, operations_path, lambda tx: _run(tx, work), require)


async def start_within(
    request: Request,
    content: object,
    collection: str,
    operations_path: str,
    work: Callable[[Tx], Awaitable[str]],
    require: Callable[[Tx], Awaitable[object]] | None = None,
) -> Response:
    """Starts an operation in a transaction and responds 202; only once for each idempotency key.

    `work` starts the operation and returns its id. `content`, the body, and `collection`, the path, identify the
    request that a key was used for. `require` raises NotFound for a missing resource in the path; that error comes
    before those of the key. Raises Conflict and KeyReused.
    """
    key = request.header_value(IDEMPOTENCY_KEY)
    if key is None:
        operation_id = await request.services.db.write(work)
        return _operation_response(request, StoredResponse(operation_id, f"{operations_path}/{operation_id}"))
    mark = idempotency.fingerprint(collection, msgspec.json.encode(content, order="deterministic"))
    account_id = request.account_id

    async def once(tx: Tx) -> tuple[StoredResponse, bool]:
        try:
            stored = await idempotency.recall(tx, account_id, key, mark)
        except (Conflict, KeyReused):
            if require:
                await require(tx)
            raise
        if stored is not None:
            return stored, True
        operation_id = await work(tx)
        stored = StoredResponse(operation_id, f"{operations_path}/{operation_id}")
        await idempotency.remember(tx, account_id, key, mark, stored)
        return stored, False

    turn = request.services.turns.of(("idempotency", account_id, key))
    if turn.locked():
        if require:
            await request.services.db.read(require)
        raise idempotency.in_flight()
    async with turn:
        stored, replayed = await request.services.db.write(once)
    return _operation_response(request, stored, replayed)


async def _run(tx: Tx, work: Callable[[Tx, bool], Awaitable[tuple[T, Statement]]]) -> T:
    """What `Database.write_one` does, as a part of a transaction."""
    for _ in range(_TRIES):
        result, statement = await work(tx, True)
        if await tx.run(statement.query, **statement.params):
            return result
    raise Unavailable("Too many transactions were in each other's way.")


def _operation_response(request: Request, stored: StoredResponse, replayed: bool = False) -> Response:
    location = request.url(stored.path)
    url, name = location.encode("latin-1"), stored.operation_id.encode()
    headers = [
        (b"location", url),
        (b"operationId", name),
        (b"operationLocation", url),
        (b"operation-id", name),
        (b"operation-location", url),
    ]
    if replayed:
        headers.append((b"idempotency-replayed", b"true"))
    request.fields["operation"] = stored.operation_id
    return json_response(OperationReference(stored.operation_id, location), 202, headers)
