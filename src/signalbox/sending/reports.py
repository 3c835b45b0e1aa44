"""Reports: what a connector says about a message that it took. Contract section 10.3.

A report never takes a status back. A report that changes nothing still leaves a receipt.
"""

from typing import Final, Literal

import msgspec

from signalbox.connectors import sink
from signalbox.db import Tx, Value
from signalbox.queue.kinds import Done, Hand, Kind
from signalbox.sending import message_operations, messages
from signalbox.sending.message_operations import Moved

Reported = Literal["DELIVERED", "READ", "UNDELIVERED"]

KIND_NAME: Final = "sink_reports"
# Reports that one transaction makes.
_BATCH: Final = 200
# The statuses from which a report moves a message.
_FROM: Final[dict[str, frozenset[str]]] = {
    "DELIVERED": frozenset({"SENT"}),
    "READ": frozenset({"SENT", "DELIVERED"}),
    "UNDELIVERED": frozenset({"SENT"}),
}


def changes(status: str, reported: str) -> bool:
    """Whether a message with this status gets the reported one."""
    return status in _FROM[reported]


async def report(
    tx: Tx, account_id: int, message_id: str, reported: Reported, code: int | None, connector: str
) -> None:
    """Writes a report of a connector: a receipt, and the status of message and attempt if the report changes it.

    Raises NotFound.
    """
    operation, message = await messages.lock(tx, account_id, message_id)
    so_far = await tx.one("messages.receipts_so_far", account_id=account_id, message_id=message_id)
    receipt = (message_id, so_far[0] if so_far else 0, message.to_address, message.to_channel, reported, code)
    rows = msgspec.json.encode([receipt]).decode()
    await tx.run("messages.add_receipts", account_id=account_id, connector=connector, rows=rows, now=tx.now)
    if changes(message.status, reported):
        new: dict[str, Value] = {"account_id": account_id, "message_id": message_id, "now": tx.now}
        new |= {"status": str(reported), "code": code}
        await tx.run("messages.report", **new)
        await tx.run("messages.report_attempt", **new, number=message.attempts - 1)
        moved = Moved({message.status.lower(): -1, reported.lower(): 1})
        await message_operations.move(tx, account_id, operation, moved)


async def _make_due(tx: Tx, hand: Hand) -> Done | None:
    """Makes the reports of the sink that are due, oldest first."""
    rows = await tx.all("sink_reports.claim", account_id=hand.account_id, now=tx.now, limit=_BATCH)
    # In one order, so that two workers of an account cannot wait for each other.
    about = {(await messages.fetch(tx, hand.account_id, str(row[1]))).operation_id for row in rows}
    for operation_id in sorted(about):
        await message_operations.lock(tx, hand.account_id, operation_id)
    for due_at, message_id, status, code in rows:
        hand.unit = str(message_id)
        await report(tx, hand.account_id, message_id, status, code, sink.NAME)
        await tx.run(
            "sink_reports.done", account_id=hand.account_id, due_at=due_at, message_id=message_id, status=status
        )
    return Done("reports made", {"account": hand.account_sid, "reports": len(rows)}) if rows else None


async def _next_due(tx: Tx, account_id: int) -> int | None:
    row = await tx.one("sink_reports.first_due", account_id=account_id)
    return int(row[0]) if row else None


async def _is_due(tx: Tx, account_id: int) -> bool:
    due = await _next_due(tx, account_id)
    return due is not None and due <= tx.now


KIND: Final = Kind(KIND_NAME, _make_due, _is_due, next_due=_next_due)
