"""Messages that a test sends through the nouns, without HTTP, with an example of every status."""

from __future__ import annotations

import json
from functools import partial
from typing import Final

from signalbox.db import Database, Tx
from signalbox.ground.page_tokens import IdRange
from signalbox.routing import opt_outs
from signalbox.sending import messages
from signalbox.sending.messages import NewMessage, NewOperation
from working import drain

CONTENT: Final = json.dumps({"text": "hello"})
DAY_MS: Final = 24 * 60 * 60 * 1000
# Every fifth message goes to this recipient.
RECIPIENT: Final = "+14155550100"
# Delivered by RCS; read; sent, with a later report; refused, with an error; undelivered, with an error; by SMS.
_OTHERS: Final = ("+15005550071", "+15005550070", "+15005550001", "+15005550033", "+15005550061")
_EVERYONE: Final = (RECIPIENT, _OTHERS[0], _OTHERS[1], _OTHERS[2], RECIPIENT, _OTHERS[3], _OTHERS[4])


def recipients(count: int, due: int | None = None) -> list[NewMessage]:
    """Recipients for every outcome of the sink, each with a tag of its own kind and one that all have."""
    return [
        NewMessage([(_EVERYONE[n % len(_EVERYONE)], "PHONE")], {"n": str(n)}, {"team": "red", "kind": f"{n % 7}"}, due)
        for n in range(count)
    ]


async def send(
    database: Database, account_id: int, count: int, pool_id: str | None = None, due: int | None = None
) -> str:
    """Starts an operation with this many messages; returns its id. `due`: milliseconds, None for now."""
    sender = None if pool_id is None else json.dumps({"senderPoolId": pool_id})
    new = NewOperation(recipients(count, due), sender, pool_id, CONTENT, "{}")
    return await database.write(lambda tx: messages.start(tx, account_id, new, "a request"))


async def list_messages(database: Database, account_id: int, filter_: messages.Filter) -> list[messages.Message]:
    """All messages that match, oldest first."""
    id_range = IdRange("comms_message_8", "", 100_000)
    found = await database.read(lambda tx: messages.list_page(tx, account_id, filter_, id_range))
    return found[::-1]


async def send_every_kind(database: Database, account_id: int, count: int, pool_id: str | None = None) -> str:
    """Sends messages until every table about messages has rows; returns the id of the largest operation.

    Its `count` messages have been handed over. There are smaller operations before it and after it, which are
    scheduled or cancelled; an inbound message; and reports that are due in a day.
    """
    for _ in range(3):
        await send(database, account_id, 7, pool_id)
    operation_id = await send(database, account_id, count, pool_id)
    await drain(database)
    for number in range(2):
        later = await send(database, account_id, 14, pool_id, due=4_000_000_000_000 + number)
        if number:
            await database.write(partial(messages.cancel_operation, account_id=account_id, operation_id=later))
    first = (await list_messages(database, account_id, messages.Filter(operation_id=operation_id)))[0]

    async def receive(tx: Tx) -> None:
        await messages.receive(tx, account_id, first.id, "yes")
        rows = [[tx.now + DAY_MS, first.id, "DELIVERED", None], [tx.now + DAY_MS + 1, first.id, "READ", None]]
        await tx.run("sink_reports.add", account_id=account_id, rows=json.dumps(rows))

    await database.write(receive)
    return operation_id


async def opt_out(database: Database, account_id: int, count: int, pool_id: str) -> list[opt_outs.OptOut]:
    """Opts this many people out: a third of the account, the others of the pool, half of them on each channel."""

    async def work(tx: Tx) -> list[opt_outs.OptOut]:
        channels: tuple[opt_outs.Channel, ...] = ("PHONE", "WHATSAPP")
        return [
            await opt_outs.add(tx, account_id, f"+1415555{n:04}", channels[n % 2], pool_id if n % 3 else "")
            for n in range(count)
        ]

    return await database.write(work)
