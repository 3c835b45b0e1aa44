"""Idempotency keys: the transaction that does a request's work stores the response. Contract section 8."""

from hashlib import blake2b
from typing import Final, NamedTuple

from signalbox.db import Tx
from signalbox.ground.errors import Conflict, KeyReused

KEPT_MS: Final = 24 * 60 * 60 * 1000
FORGET_ROWS: Final = 2_000


class StoredResponse(NamedTuple):
    """What is stored of the response to a request that starts an operation: the operation's id and path."""

    operation_id: str
    path: str


def fingerprint(path: str, body: bytes) -> bytes:
    """A digest that is equal for equal requests."""
    return blake2b(path.encode() + b"\0" + body, digest_size=16).digest()


async def recall(tx: Tx, account_id: int, key: str, request: bytes) -> StoredResponse | None:
    """The stored response for the request with this fingerprint; None, with the key locked, when there is none.

    Raises Conflict while another process handles a request with the key, KeyReused when another request used the key.
    """
    lock = await tx.one("idempotency.lock", account_id=account_id, key=key)
    if not (lock and lock[0]):
        raise in_flight()
    oldest = tx.now - KEPT_MS
    row = await tx.one("idempotency.recall", account_id=account_id, key=key, oldest=oldest)
    if row is None:
        return None
    if row[0] != request:
        raise KeyReused("this Idempotency-Key was used for another request")
    return StoredResponse(row[1], row[2])


async def remember(tx: Tx, account_id: int, key: str, request: bytes, response: StoredResponse) -> None:
    """Stores the response for 24 hours; replaces an expired one."""
    await tx.run("idempotency.forget", account_id=account_id, key=key)
    await tx.run(
        "idempotency.remember",
        account_id=account_id,
        key=key,
        fingerprint=request,
        operation_id=response.operation_id,
        location=response.path,
        now=tx.now,
    )


async def forget_old(tx: Tx) -> int:
    """Removes responses older than 24 hours, about `FORGET_ROWS` of them, and returns how many."""
    row = await tx.one("idempotency.oldest", oldest=tx.now - KEPT_MS, limit=FORGET_ROWS)
    if row is None or row[0] is None:
        return 0
    return await tx.run("idempotency.forget_old", until=row[0])


def in_flight() -> Conflict:
    """The error for a key whose first request is in progress."""
    return Conflict("the first request with this Idempotency-Key is still in progress")
