"""Answers that refer to something: 202 with an operation or a resource, in the body and in the headers.

Contract sections 4 and 8: operations are started here, with or without an idempotency key.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from signalbox import idempotency
from signalbox.api.request import Request, Response, json_response
from signalbox.api.shapes import OperationReference, ResourceReference
from signalbox.api.wire import Param
from signalbox.db import Tx
from signalbox.errors import Conflict, KeyReused
from signalbox.idempotency import Answer
from signalbox.operations import Operation

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
    "Makes a repeated request safe: the same key and request get the stored answer, for 24 hours.",
)


def resource(request: Request, resource_id: str, path: str) -> Response:
    """202: the resource that was changed."""
    location = request.url(path)
    url, name = location.encode("latin-1"), resource_id.encode()
    headers = [
        (b"location", url),
        (b"resourceId", name),
        (b"resourceLocation", url),
        (b"resource-id", name),
        (b"resource-location", url),
    ]
    return json_response(ResourceReference(resource_id, location), 202, headers)


async def start(
    request: Request,
    content: object,
    collection: str,
    operations_path: str,
    work: Callable[[Tx], Awaitable[Operation]],
    require: Callable[[Tx], Awaitable[object]] | None = None,
) -> Response:
    """Starts the operation that `work` makes and answers 202; with an idempotency key, at most once for that key.

    `content` is the body as read and `collection` the path that was called: together they are the request.
    `require` raises NotFound when what the path names is not there, which comes before the key's own refusals.
    Raises Conflict and KeyReused.
    """
    key = request.get(IDEMPOTENCY_KEY)
    if key is None:
        operation = await request.api.db.write(work)
        return _operation(request, Answer(operation.id, f"{operations_path}/{operation.id}"))
    mark = idempotency.fingerprint(collection, msgspec.json.encode(content, order="deterministic"))
    account_id = request.account_id

    async def once(tx: Tx) -> tuple[Answer, bool]:
        try:
            stored = await idempotency.recall(tx, account_id, key, mark)
        except (Conflict, KeyReused):
            if require:
                await require(tx)
            raise
        if stored is not None:
            return stored, True
        operation = await work(tx)
        answer = Answer(operation.id, f"{operations_path}/{operation.id}")
        await idempotency.remember(tx, account_id, key, mark, answer)
        return answer, False

    in_flight = request.api.keys_in_flight
    if (account_id, key) in in_flight:
        if require:
            await request.api.db.read(require)
        raise idempotency.in_flight()
    in_flight.add((account_id, key))
    try:
        answer, replayed = await request.api.db.write(once)
    finally:
        in_flight.discard((account_id, key))
    return _operation(request, answer, replayed)


def _operation(request: Request, answer: Answer, replayed: bool = False) -> Response:
    location = request.url(answer.path)
    url, name = location.encode("latin-1"), answer.operation_id.encode()
    headers = [
        (b"location", url),
        (b"operationId", name),
        (b"operationLocation", url),
        (b"operation-id", name),
        (b"operation-location", url),
    ]
    if replayed:
        headers.append((b"idempotency-replayed", b"true"))
    request.fields["operation"] = answer.operation_id
    return json_response(OperationReference(answer.operation_id, location), 202, headers)
