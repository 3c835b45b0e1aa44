"""Messages, for the tests of plans: the rows of an account, and the parameters of the statements about them."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

import asyncpg

from sendings import DAY_MS, RECIPIENT, list_messages, opt_out, send, send_every_kind
from signalbox import db
from signalbox.db import Value
from signalbox.ground import ids
from signalbox.ground.page_tokens import IdRange
from signalbox.routing import opt_outs
from signalbox.routing.opt_outs import OptOut
from signalbox.sending import inbox, message_operations, messages

BATCH, OPERATIONS = 1_000, 20
NOW: Final = 1_800_000_000_000
WAITING: Final = ("messages.batch", "messages.cancel_operation", "message_operations.advance")


class Sent(NamedTuple):
    """What an account has sent.

    `operation` is the largest of many operations; all `messages` of it, oldest first, were handed over. `arrivals` are
    in the inbox, newest first. `people` have kept senders. The messages of the operation `waiting` are queued.
    """

    operation: str
    messages: list[messages.Message]
    downstream_id: str
    arrivals: list[str]
    people: list[str]
    opt_outs: list[OptOut]
    waiting: str
    queued: list[messages.Message]


async def fill(database: db.Database, account_id: int, url: str, pool_id: str) -> Sent:
    """Sends messages, with many operations, and puts kept senders and opt-outs beside them."""
    for _ in range(OPERATIONS):
        await send_every_kind(database, account_id, 7)
    operation = await send_every_kind(database, account_id, BATCH)
    admin = await asyncpg.connect(url)
    await admin.execute(
        """INSERT INTO kept_senders
        SELECT $1, md5(n::text), pool, 'a sender', $2
        FROM generate_series(1, 1000) AS n CROSS JOIN unnest(ARRAY['', 'a pool', 'x']) AS pool""",
        account_id,
        NOW,
    )
    people = await admin.fetch("SELECT md5(n::text) FROM generate_series(1, 250) AS n ORDER BY 1")
    await admin.close()
    arrived = await database.read(
        lambda tx: inbox.list_page(tx, account_id, inbox.Filter(), IdRange("arrival_8", "", BATCH))
    )
    waiting = await send(database, account_id, BATCH)
    handed_over, queued = [
        await list_messages(database, account_id, messages.Filter(operation_id=one)) for one in (operation, waiting)
    ]
    (attempt, *_) = await database.read(lambda tx: messages.fetch_attempts(tx, account_id, handed_over[-1].id))
    return Sent(
        operation,
        handed_over,
        attempt.downstream_id,
        [one.id for one in arrived],
        [row[0] for row in people],
        await opt_out(database, account_id, BATCH, pool_id),
        waiting,
        queued,
    )


def rows(sent: Sent) -> dict[str, list[object]]:
    """The rows of a batch of 250 messages."""
    queued = [one.id for one in sent.queued[:250]]
    series = ids.Series(NOW, shared=False)
    to = [RECIPIENT, "PHONE"]
    return {
        "messages.insert": [[series.new(messages.MESSAGE), "QUEUED", *to, None, None, "{}", None] for _ in queued],
        "messages.tag": [[one, "team:blue"] for one in queued],
        "messages.record": [[one, "DELIVERED", "s", "SMS", "+1", *to, None, 1] for one in queued],
        "messages.add_attempts": [[one, 0, "SM1", "s", "SMS", "+1", *to, "SENT", None, 0] for one in queued],
        "messages.add_receipts": [[one, 9, *to, "DELIVERED", None] for one in queued],
        "sink_reports.add": [[NOW + 2 * DAY_MS, one, "READ", None] for one in queued],
        "inbox.add": [
            [series.new(inbox.ARRIVAL), one, "SM1", "SMS", "+1", *to, "x", "x", None, None] for one in queued
        ],
        "kept_senders.of_people": list(sent.people),
        "opt_outs.among": [[one.address, one.channel] for one in sent.opt_outs[:250]],
        "kept_senders.keep": [[one, "another"] for one in sent.people],
    }


def given(name: str, sent: Sent) -> dict[str, Value]:
    """The parameters of a statement about messages, the inbox and what belongs to them."""
    noun = name.partition(".")[0]
    middle = sent.messages[BATCH // 2]
    waiting = sent.queued[BATCH // 2]
    middles = {"message_operations": sent.operation, "inbox": sent.arrivals[BATCH // 4]}
    statuses = {"message_operations": "COMPLETED", "sink_reports": "DELIVERED"}
    delivered = next(one for one in sent.messages if one.status == "DELIVERED")
    params: dict[str, Value] = {
        "operation_id": sent.waiting if name in WAITING else sent.operation,
        "message_id": waiting.id if name == "messages.cancel" else delivered.id,
        "before": middles.get(noun, middle.id),
        "status": statuses.get(noun, "DELIVERED"),
        "first": 0,
        "next_id": waiting.id,
        "downstream_id": sent.downstream_id,
        "to": RECIPIENT,
        "after": sent.arrivals[BATCH // 4],
        "tag": "kind:1",
        "others": '["team:red"]',
        "people": json.dumps(rows(sent).get(name, [])),
        "person": sent.people[0],
        "newest": sent.arrivals[0],
        "until": sent.arrivals[0],
        "due_at": NOW,
        "work": "READY",
        "sender": "" if noun == "inbox" else "{}",
        "connector": "sink",
        "loads": "{}",
        **dict.fromkeys(("contains", "retry_of", "retried_as"), ""),
        **dict.fromkeys(("sender_channel", "sender_address"), "SMS"),
        **dict.fromkeys(message_operations.COUNTERS, 0),
        **dict.fromkeys(("code", "number", "remaining"), 0),
    }
    if noun == "kept_senders":
        params["pool_id"] = "a pool"
    if noun == "opt_outs":
        some = sent.opt_outs[BATCH // 2]
        new = ids.Series(NOW, shared=False).new(opt_outs.OPT_OUT)
        params |= {"before": some.id, "id": new if name == "opt_outs.add" else some.id}
        params |= {"address": some.address, "channel": some.channel}
    if noun == "inbox" or "of_operation" in name or "by_tag" in name:
        params |= {"channel": "", "status": ""}
    if noun == "inbox":
        params["message_id"] = delivered.id if name == "inbox.fetch" else ""
        params["operation_id"] = sent.operation if "of_operation" in name else ""
    if name == "message_operations.start":
        params |= {"operation_id": ids.Series(NOW, shared=False).new(ids.OPERATION), "queued": 3}
    if name == "message_operations.store_content":
        params["operation_id"] = ids.Series(NOW, shared=False).new(ids.OPERATION)
    if name == "messages.receive":
        params["message_id"] = ids.Series(NOW, shared=False).new(messages.MESSAGE)
    return params
