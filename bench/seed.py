"""Millions of rows: accounts by the product's code, all other rows by set-based SQL that both engines run.

Ids are well-formed: the time as in a TypeID, then sixteen digits, which are letters of its alphabet too.
"""

from __future__ import annotations

import time
from typing import Final

from bench.engines import Engine
from bench.load import Login
from signalbox import db
from signalbox.accounts import accounts
from signalbox.accounts.accounts import NewAccount
from signalbox.db import Tx
from signalbox.ground import ids
from signalbox.inventory.sender_pools import SENDER_POOL
from signalbox.inventory.senders import SENDER

# Rows are `STEP_MS` apart; the newest is `AGE_MS` old, so that rows of a run are newer than all of them.
STEP_MS: Final = 2
AGE_MS: Final = 3_600_000

_REQUEST: Final = "RQ" + "0" * 32
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


async def make_accounts(engine: Engine, url: str, count: int) -> list[Login]:
    """Creates accounts with credentials."""
    database = db.connect(url)
    await database.open()

    async def make(tx: Tx) -> list[NewAccount]:
        return [await accounts.create(tx, f"tenant {number}") for number in range(count)]

    made = await database.write(make)
    await database.close()
    numbers = dict(await engine.rows(url, "SELECT sid, id FROM accounts"))
    return [Login(numbers[new.account.sid], new.account.sid, new.token) for new in made]


async def operations(engine: Engine, url: str, logins: list[Login], rows: int) -> int:
    """Inserts `rows` final operations, distributed over the accounts in turn; one in ten is canceled.

    Returns the time of the oldest one.
    """
    first_ms = int(time.time() * 1000) - AGE_MS - rows * STEP_MS
    await engine.script(
        url,
        f"""INSERT INTO operations (account_id, id, pool_id, status, total, created, failed, turn, last_turn,
            request_id, created_at, updated_at)
        {_numbered(rows, first_ms)}
        SELECT {_account(logins)} AS account_id, {_id(ids.OPERATION)} AS id, {_id(SENDER_POOL)},
            CASE WHEN (i / {len(logins)}) % 10 = 0 THEN 'CANCELED' ELSE 'COMPLETED' END,
            3, CASE WHEN (i / {len(logins)}) % 10 = 0 THEN 1 ELSE 3 END, 0, 0, 0, '{_REQUEST}', ms, ms + 7
        FROM numbered ORDER BY account_id, id""",
    )
    return first_ms


async def pools(engine: Engine, url: str, logins: list[Login], rows: int) -> None:
    """Inserts `rows` pools, distributed over the accounts in turn."""
    await engine.script(
        url,
        f"""INSERT INTO sender_pools (account_id, id, operation_id, name, tags, created_at, updated_at)
        {_numbered(rows)}
        SELECT {_account(logins)} AS account_id, {_id(SENDER_POOL)} AS id, {_id(ids.OPERATION)},
            'pool ' || CAST(i AS TEXT), '{{"team":"north"}}', ms, ms
        FROM numbered ORDER BY account_id, id""",
    )


async def senders(engine: Engine, url: str, login: Login, rows: int) -> None:
    """Inserts senders: half EMAIL, a tenth RCS, a thousandth PUSH, the rest SMS; one in twenty is deactivated."""
    await engine.script(
        url,
        f"""INSERT INTO senders (account_id, id, channel, address, region, display_name, status, tags,
            created_at, updated_at, name_key)
        {_numbered(rows)}
        SELECT {login.account_id}, {_id(SENDER)} AS id,
            CASE WHEN i % 1000 = 7 THEN 'PUSH' WHEN i % 2 = 0 THEN 'EMAIL' WHEN i % 10 = 1 THEN 'RCS' ELSE 'SMS' END,
            CASE WHEN i % 2 = 0 THEN 'person' || CAST(i AS TEXT) || '@example.com'
                ELSE '+4915112' || CAST(1000000 + i AS TEXT) END,
            CASE WHEN i % 2 = 0 THEN '' ELSE 'DE' END, 'sender ' || CAST(i AS TEXT),
            CASE WHEN i % 20 = 7 THEN 'DEACTIVATED' ELSE 'ACTIVATED' END, '{{}}', ms, ms,
            'sender ' || CAST(i AS TEXT)
        FROM numbered ORDER BY id""",
    )


async def seats(engine: Engine, url: str, login: Login) -> None:
    """Gives each sender of the account one of a hundred tags: seat:0 to seat:99."""
    of_account = f"account_id = {login.account_id}"
    await engine.script(
        url,
        f"""INSERT INTO tagged (account_id, id, slot, tag)
        SELECT account_id, id, 0, 'seat:' || CAST(ROW_NUMBER() OVER (ORDER BY id) % 100 AS TEXT)
        FROM senders WHERE {of_account} ORDER BY id""",
        f"""UPDATE senders SET tags = (
            SELECT '{{"seat":"' || substr(tag, 6) || '"}}' FROM tagged AS t
            WHERE t.account_id = senders.account_id AND t.id = senders.id AND t.slot = 0)
        WHERE {of_account}""",
    )


async def pool_of_all(engine: Engine, url: str, login: Login, pool_id: str) -> None:
    """A pool of all senders that the account has, with the items of the operation that made it."""
    now = ids.created_at(pool_id)
    await engine.script(
        url,
        f"""INSERT INTO sender_pools (account_id, id, operation_id, name, tags, created_at, updated_at)
        VALUES ({login.account_id}, '{pool_id}', '{ids.new(ids.OPERATION, now)}', 'everybody', '{{}}', {now}, {now})""",
        f"""INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
        SELECT account_id, '{pool_id}', id, channel, status FROM senders
        WHERE account_id = {login.account_id} ORDER BY id""",
        f"""INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
        SELECT account_id, (SELECT operation_id FROM sender_pools WHERE id = '{pool_id}'),
            ROW_NUMBER() OVER (ORDER BY id), id FROM senders
        WHERE account_id = {login.account_id} ORDER BY id""",
    )


async def queue(engine: Engine, url: str, login: Login, count: int, items: int) -> None:
    """Queues `count` operations, each with its own pool and the account's first `items` senders as items."""
    now = int(time.time() * 1000)
    await engine.script(
        url,
        f"""INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
        {_numbered(count, now)}
        SELECT {login.account_id}, {_id(ids.OPERATION)} AS operation_id, s.number, s.id FROM numbered CROSS JOIN (
            SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS number FROM senders
            WHERE account_id = {login.account_id} ORDER BY id LIMIT {items}) AS s
        ORDER BY operation_id, s.number""",
        f"""INSERT INTO sender_pools (account_id, id, operation_id, name, tags, created_at, updated_at)
        {_numbered(count, now)}
        SELECT {login.account_id}, {_id(SENDER_POOL)}, {_id(ids.OPERATION)}, 'queued', '{{}}', ms, ms
        FROM numbered""",
        # Inserted last, because a worker sees the work from here on.
        f"""INSERT INTO operations (account_id, id, pool_id, status, total, created, failed, turn, last_turn,
            request_id, created_at, updated_at)
        {_numbered(count, now)}
        SELECT {login.account_id}, {_id(ids.OPERATION)}, {_id(SENDER_POOL)}, 'PROCESSING', {items}, 0, 0,
            i * {items // 1000 + 1}, (i + 1) * {items // 1000 + 1}, '{_REQUEST}', ms, ms
        FROM numbered""",
    )


def _numbered(rows: int, first_ms: int | None = None) -> str:
    """The SQL of `numbered`: i from 0, and ms, a different time for each."""
    first_ms = first_ms or int(time.time() * 1000) - AGE_MS - rows * STEP_MS
    return f"""WITH RECURSIVE counted (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM counted WHERE i < {rows - 1}),
        numbered AS (SELECT i, CAST({first_ms} AS BIGINT) + i * {STEP_MS} AS ms FROM counted)"""


def _account(logins: list[Login]) -> str:
    """The SQL for the account of row i; account numbers are consecutive, because all were created together."""
    return f"{logins[0].account_id} + i % {len(logins)}"


def _id(kind: str) -> str:
    """The SQL for the id of row i: its time, ten letters of five bits each, and its number."""
    letters = "||".join(
        f"substr('{_ALPHABET}', CAST((ms >> {shift}) & 31 AS INTEGER) + 1, 1)" for shift in range(45, -1, -5)
    )
    return f"'{kind}_' || {letters} || CAST(1000000000000000 + i AS TEXT)"
