"""Sends again to those whom an operation did not reach. Contract section 10.5, `Retry`."""

import msgspec

from signalbox.db import Tx
from signalbox.ground.errors import Conflict
from signalbox.sending import message_operations, messages
from signalbox.sending.message_operations import MessageOperation
from signalbox.sending.messages import NewMessage, NewOperation


async def start(tx: Tx, account_id: int, operation_id: str, request_id: str) -> str:
    """Starts an operation for the recipients that this one failed to reach; returns its id.

    Who was retried before is retried again only if that failed too. Raises NotFound, and Conflict while messages wait
    to be handed over and when nothing failed.
    """
    operations = await _with_retries(tx, account_id, operation_id)
    for one in operations:
        if waiting := one.scheduled + one.queued:
            raise Conflict(f"operation {one.id} has {waiting} messages that are not handed over: nothing to retry yet")
    recipients: list[NewMessage] = []
    for one in operations:
        unsuccessful = await messages.list_unsuccessful(tx, account_id, one.id)
        recipients += [NewMessage(each.addresses, each.variables or None, each.tags) for each in unsuccessful]
    if not recipients:
        raise Conflict(f"operation {operation_id} has no message left that failed or was not delivered")
    sender, content, defaults = await message_operations.fetch_content(tx, account_id, operation_id)
    pool_id = msgspec.json.decode(sender).get("senderPoolId") if sender else None
    new = NewOperation(recipients, sender, pool_id, content, defaults, retry_of=operation_id)
    retry_id = await messages.start(tx, account_id, new, request_id)
    for one in operations:
        await tx.run("messages.set_retried", account_id=account_id, operation_id=one.id, retried_as=retry_id)
    await tx.run(
        "message_operations.set_retried_as", account_id=account_id, operation_id=operations[-1].id, retried_as=retry_id
    )
    return retry_id


async def _with_retries(tx: Tx, account_id: int, operation_id: str) -> list[MessageOperation]:
    """An operation, its retry, the retry's retry and so on, locked. Raises NotFound.

    A retry is newer than what it retries, so two transactions lock in the same order.
    """
    found: list[MessageOperation] = []
    following: str | None = operation_id
    while following is not None:
        found.append(await message_operations.lock(tx, account_id, following))
        row = await tx.one("message_operations.retried_as", account_id=account_id, operation_id=following)
        following = row[0] if row else None
    return found
