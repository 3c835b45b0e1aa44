"""Idempotency keys: the answer to a request is stored in the transaction that does its work. Contract section 8."""

from hashlib import blake2b
from typing import Final, NamedTuple

from signalbox.db import Tx
from signalbox.ground.errors import Conflict, KeyReused

KEPT_MS: Final = 24 * 60 * 60 * 1000
FORGET_ROWS: Final = 2_000


class Answer(NamedTuple):
    """What a request that starts an operation is answered: the operation and its path."""

    operation_id: str
    path: str


def fingerprint(path: str, body: bytes) -> bytes:
    """Tells whether two requests to start an operation are the same one."""
    return blake2b(path.encode() + b"\0" + body, digest_size=16).digest()


async def recall(tx: Tx, account_id: int, key: str, request: bytes) -> Answer | None:
    """The stored answer to the request with this fingerprint; None, with the key held, when there is none.

    Raises Conflict while another process is answering the key, KeyReused when it came with another request.
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
    return Answer(row[1], row[2])


async def remember(tx: Tx, account_id: int, key: str, request: bytes, answer: Answer) -> None:
    """Stores the answer for 24 hours, in place of one that has expired."""
    await tx.run("idempotency.forget", account_id=account_id, key=key)
    await tx.run(
        "idempotency.remember",
        account_id=account_id,
        key=key,
        fingerprint=request,
        operation_id=answer.operation_id,
        location=answer.path,
        now=tx.now,
    )


async def forget_old(tx: Tx) -> int:
    """Removes some of the answers that are older than 24 hours, `FORGET_ROWS` or a few more; returns how many."""
    row = await tx.one("idempotency.oldest", oldest=tx.now - KEPT_MS, limit=FORGET_ROWS)
    if row is None or row[0] is None:
        return 0
    return await tx.run("idempotency.forget_old", until=row[0])


def in_flight() -> Conflict:
    """The refusal of a key whose first request is still being answered."""
    return Conflict("the first request with this Idempotency-Key is still being answered")
