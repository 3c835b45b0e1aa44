"""Hands messages over, batch by batch: a kind of work. Contract sections 10.3 and 11.

A batch is one transaction: the claim (a lock of the operation's row), the choice of senders, the attempts, what the
sink received, and the counters. What the sink gets is never in doubt: the transaction commits all of it or nothing.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

import msgspec

from signalbox.connectors import sink
from signalbox.connectors.sink import Sink
from signalbox.db import Tx
from signalbox.queue import turns
from signalbox.queue.kinds import Done, Hand, Kind
from signalbox.rendering.liquid import Budget, RenderError
from signalbox.routing import opt_outs
from signalbox.routing.order import Rank
from signalbox.sending import choices, codes, contents, inbox, message_operations, messages, reports
from signalbox.sending.choices import Chooser, Due
from signalbox.sending.contents import Content, Rendered
from signalbox.sending.inbox import NewItem
from signalbox.sending.message_operations import COUNTERS, DUE_KIND, READY_KIND, Moved, Status

# Messages in one transaction: fewer commits, against the time for which locks are held.
BATCH_MESSAGES: Final = 500
# The default of the policy `attempts`, contract section 11.
MOST_ATTEMPTS: Final = 3

_encode = msgspec.json.Encoder().encode
_decode_variables = msgspec.json.Decoder(dict[str, str]).decode
_NO_VARIABLES: Final[dict[str, str]] = {}


class Batch(NamedTuple):
    """Messages that are due; the first one after them, None at the end of the operation, and when it is due."""

    due: list[Due]
    next_id: str | None
    due_at: int


class Try(NamedTuple):
    """One attempt: the sender and the address, the message's id at the sink, and the outcome."""

    rank: Rank
    downstream_id: str
    outcome: sink.Outcome


class Result(NamedTuple):
    """What became of a message: its attempts, the error that ended it, and what the last attempt handed over."""

    tries: Sequence[Try]
    error: int | None
    rendered: Rendered | None = None


@dataclass(slots=True)
class Written:
    """The rows that a batch writes, and the change of the counters."""

    messages: list[tuple[str | int | None, ...]] = field(default_factory=list)
    attempts: list[tuple[str | int | None, ...]] = field(default_factory=list)
    receipts: list[tuple[str | int | None, ...]] = field(default_factory=list)
    reports: list[tuple[int, str, str, int | None]] = field(default_factory=list)
    items: list[NewItem] = field(default_factory=list)
    moved: Moved = field(default_factory=Moved)


async def run_batch(connector: Sink, tx: Tx, hand: Hand) -> Done | None:
    """Hands over the next messages of an operation of the account. None when no operation can be claimed."""
    row = await tx.one("message_operations.claim", account_id=hand.account_id)
    if row is None:
        return None
    hand.unit = operation_id = str(row[0])
    _, next_id, request_id, loads, total, remaining, more = row
    batch = await _read(tx, hand.account_id, operation_id, next_id)
    written = Written()
    if batch.due:
        loads = await _hand_over(connector, tx, hand.account_id, operation_id, batch.due, written, loads, total)
    remaining -= len(batch.due)
    status = await _advance(tx, hand.account_id, operation_id, batch, remaining, written, loads)
    fields: dict[str, str | int] = {"requestId": request_id, "account": hand.account_sid, "operation": operation_id}
    fields |= {"messages": len(batch.due), "status": status}
    return Done("messages handed over", fields, last=not more and not remaining, more=bool(more))


async def _read(tx: Tx, account_id: int, operation_id: str, next_id: str) -> "Batch":
    """The next messages that are due, and the first one after them."""
    rows = await tx.all(
        "messages.batch", account_id=account_id, operation_id=operation_id, next_id=next_id, limit=BATCH_MESSAGES + 1
    )
    due: list[Due] = []
    for index, (message_id, status, addresses, address, channel, variables, scheduled_for) in enumerate(rows):
        if status == "SCHEDULED" and scheduled_for > tx.now:
            return Batch(due, message_id, scheduled_for)
        if index == BATCH_MESSAGES:
            return Batch(due, message_id, tx.now)
        # Others were cancelled.
        if status in ("SCHEDULED", "QUEUED"):
            pairs = messages.pairs(addresses, address, channel)
            given = _decode_variables(variables) if variables else _NO_VARIABLES
            due.append(Due(message_id, status, pairs, choices.read(pairs), given))
    return Batch(due, None, tx.now)


async def _hand_over(
    connector: Sink,
    tx: Tx,
    account_id: int,
    operation_id: str,
    due: Sequence[Due],
    written: Written,
    loads: str | None,
    total: int,
) -> str | None:
    """Hands over messages that are due; returns the loads for the next batch of the operation."""
    sender, content, defaults = await message_operations.fetch_content(tx, account_id, operation_id)
    chooser = await Chooser.load(tx, account_id, sender)
    parsed = contents.of(content, defaults)
    channels = parsed.channels
    if loads is None and total > 1:
        rows = await tx.all("messages.recipients", account_id=account_id, operation_id=operation_id)
        everyone = [choices.read(messages.pairs(*row)) for row in rows]
        await chooser.remember(tx, everyone)
        chooser.count(everyone, channels)
    else:
        await chooser.remember(tx, [one.to for one in due])
        if loads is not None:
            chooser.resume(loads)
    opted_out = await opt_outs.among(tx, account_id, chooser.pool_id, (address for one in due for address in one.to))
    for one in due:
        _note(one, _try(connector, one, parsed, channels, chooser, opted_out, tx.now), written, tx.now)
    await _write(tx, account_id, operation_id, chooser.pool_id or None, due, written)
    await chooser.keep(tx)
    return chooser.counted()


def _try(
    connector: Sink,
    due: Due,
    content: Content,
    channels: Sequence[str],
    chooser: Chooser,
    opted_out: Collection[tuple[str, str]],
    now: int,
) -> Result:
    """Tries the pairs of a message in their order."""
    allowed = choices.allowed(due.to, opted_out)
    if not allowed:
        return Result([], codes.OPTED_OUT)
    rendered: dict[str, Rendered] = {}
    tries: list[Try] = []
    without_rcs: set[str] = set()
    too_long = False
    budget = Budget()
    for rank in chooser.ranked(choices.reachable(allowed), channels):
        channel, address = rank.sender.channel, rank.address.address
        if channel == "RCS" and address in without_rcs:
            continue
        if channel not in rendered:
            try:
                rendered[channel] = content.render(channel, due.variables, now, budget)
            except RenderError:
                return Result(tries, codes.NOT_RENDERED)
        if channel == "SMS" and len(rendered[channel].text) > contents.LONGEST_SMS:
            too_long = True
            continue
        outcome = connector.hand_over(channel, address)
        kind = "MM" if rendered[channel].has_media else "SM"
        tries.append(Try(rank, kind + secrets.token_hex(16), outcome))
        if outcome.error is None:
            chooser.reached(rank.address, rank.sender.id)
            return Result(tries, None, rendered[channel])
        if outcome.error == codes.NO_RCS:
            without_rcs.add(address)
        if outcome.error not in codes.MENDABLE or len(tries) == MOST_ATTEMPTS:
            break
    if tries:
        return Result(tries, tries[-1].outcome.error)
    return Result([], codes.TOO_LONG if too_long else codes.UNADDRESSABLE)


def _note(due: Due, result: Result, written: Written, now: int) -> None:
    """Adds what became of a message to the rows and counters of the batch."""
    last = result.tries[-1] if result.tries else None
    status, code = "FAILED", result.error
    if last and result.error is None:
        status, code = _report(due, last, written, now)
        if result.rendered:
            written.items.append(_item(due, last, result.rendered))
    for number, one in enumerate(result.tries):
        final = (status, code) if one is last and result.error is None else ("FAILED", one.outcome.error)
        written.attempts.append(
            (due.id, number, one.downstream_id, *_sender(one), *_recipient(due, one), *final, int(one.rank.kept))
        )
    chosen = _sender(last) if last else (None, "NONE", None)
    written.messages.append((due.id, status, *chosen, *_recipient(due, last), code, len(result.tries)))
    counter = "unaddressable" if code == codes.UNADDRESSABLE and not last else status.lower()
    # Counter.update takes ten times as long.
    written.moved[due.status.lower()] -= 1
    written.moved[counter] += 1


def _sender(one: Try) -> tuple[str, str, str]:
    """The id, channel and address of the sender of an attempt."""
    sender = one.rank.sender
    return sender.id, sender.channel, sender.address


def _recipient(due: Due, one: Try | None) -> tuple[str, str]:
    """The address and channel of an attempt, as in the request; the first ones before any attempt."""
    return due.pairs[one.rank.address.order if one else 0]


def _item(due: Due, last: Try, rendered: Rendered) -> NewItem:
    """What the recipient gets."""
    variables = _encode(due.variables).decode() if due.variables else None
    _, channel, address = _sender(last)
    to = _recipient(due, last)
    return NewItem(due.id, last.downstream_id, channel, address, *to, rendered.text, rendered.content, variables)


def _report(due: Due, last: Try, written: Written, now: int) -> tuple[str, int | None]:
    """Adds the reports of a message that the sink took; returns its status and code after those made at once."""
    status, code = "SENT", None
    pair = _recipient(due, last)
    number = 0
    for report in last.outcome.reports:
        if report.after_ms:
            written.reports.append((now + report.after_ms, due.id, report.status, report.code))
            continue
        written.receipts.append((due.id, number, *pair, report.status, report.code))
        number += 1
        if reports.changes(status, report.status):
            status, code = report.status, report.code
    return status, code


async def _write(
    tx: Tx, account_id: int, operation_id: str, pool_id: str | None, due: Sequence[Due], written: Written
) -> None:
    """Writes the rows of a batch, each table with one statement."""
    await tx.run(
        "messages.record",
        account_id=account_id,
        rows=_encode(written.messages).decode(),
        now=tx.now,
    )
    for query, rows in (
        ("messages.add_attempts", written.attempts),
        ("messages.add_receipts", written.receipts),
    ):
        if rows:
            await tx.run(query, account_id=account_id, connector=sink.NAME, rows=_encode(rows).decode(), now=tx.now)
    if written.reports:
        first_due = min(row[0] for row in written.reports)
        await turns.start(tx, account_id, reports.KIND_NAME, first_due)
        await tx.run("sink_reports.add", account_id=account_id, rows=_encode(written.reports).decode())
    if written.items:
        await inbox.add(tx, account_id, operation_id, pool_id, written.items)


async def _advance(
    tx: Tx,
    account_id: int,
    operation_id: str,
    batch: "Batch",
    remaining: int,
    written: Written,
    loads: str | None,
) -> Status:
    """Moves the operation behind the batch; returns its status."""
    status: Status = "PROCESSING" if remaining else "COMPLETED"
    work = "DONE" if not remaining else "WAITS" if batch.due_at > tx.now else "READY"
    if work == "WAITS":
        await turns.start(tx, account_id, DUE_KIND, batch.due_at)
    await tx.run(
        "message_operations.advance",
        account_id=account_id,
        operation_id=operation_id,
        status=status,
        work=work,
        due_at=batch.due_at,
        next_id=batch.next_id or batch.due[-1].id,
        attempts=len(written.attempts),
        loads=loads if remaining else None,
        now=tx.now,
        **{name: written.moved[name] for name in COUNTERS},
    )
    tx.wake(operation_id)
    return status


async def _waits(tx: Tx, account_id: int) -> bool:
    return await tx.one("message_operations.ready", account_id=account_id) is not None


async def _set_back(tx: Tx, account_id: int, operation_id: str) -> None:
    await tx.run("message_operations.set_back", account_id=account_id, operation_id=operation_id)


def kind(connector: Sink) -> Kind:
    """The kind of work that hands messages over to a connector."""
    return Kind(READY_KIND, partial(run_batch, connector), _waits, _set_back)
