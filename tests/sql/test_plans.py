"""Plans on PostgreSQL do not depend on the statistics about an account.

Every statement about one account runs on three databases with the same rows: never analyzed, analyzed before the
account was added, and analyzed after. Batches also run on a vacuumed database with this account alone. Each runs with
a custom and with a generic plan. The tests count rows and buffers, not time. The server has the default settings,
since settings of a connection do not work behind a pooler.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import plan_messages
import pytest
from plan_messages import BATCH, NOW, Sent

from postgres import NewDatabase
from signalbox import db
from signalbox.accounts import accounts, idempotency
from signalbox.db import Value
from signalbox.db.queries import PACKAGE_SQL, load
from signalbox.ground import ids
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import pool_operations, sender_pools, senders
from signalbox.inventory.addresses import CHANNELS
from signalbox.sending import templates
from signalbox.sending.templates import NewTemplate
from working import drain

QUERIES: Final = load(PACKAGE_SQL / "queries", "postgres")
OF_ONE_ACCOUNT: Final = sorted(
    name for name, query in QUERIES.items() if "account_id" in query.names and "across accounts" not in query.comment
)
(MIGRATION,) = (PACKAGE_SQL / "migrations").glob("*_account_statistics.sql")
SENDERS, POOLS, PAGE, KEYS = 3_000, 120, 6, 20
UNKNOWN: Final = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"


class Account(NamedTuple):
    """An account with many senders, a pool of all of them that `operation` made, and the queued operation `waiting`."""

    id: int
    senders: list[str]
    pool: str
    operation: str
    waiting: str
    waiting_pool: str
    sent: Sent


Databases = dict[str, tuple[str, Account]]


@pytest.fixture(scope="module")
async def analyzed(new_postgres_database: NewDatabase, postgres_template: str) -> AsyncIterator[Databases]:
    """The databases, each with the account that was added last."""
    async with AsyncExitStack() as stack:
        others = await stack.enter_async_context(new_postgres_database(postgres_template))
        await _execute(
            others, *[f"ALTER TABLE {table} SET (autovacuum_enabled = off)" for table in await _tables(others)]
        )
        for number in range(3):
            await _fill(others, f"old {number}")
        never = await stack.enter_async_context(new_postgres_database(_name(others)))
        before = await stack.enter_async_context(new_postgres_database(_name(others)))
        # Like a database that was analyzed before its upgrade: the statistics that the upgrade keeps are there.
        # A table that a later migration made never had them.
        reset = [
            f"ALTER TABLE {table} ALTER COLUMN account_id SET STATISTICS -1"
            for table in await _tables(before)
            if f"ALTER TABLE {table} " in MIGRATION.read_text("utf-8")
        ]
        await _execute(
            before, *reset, "VACUUM ANALYZE", MIGRATION.read_text("utf-8").partition("/*pg:")[2].rstrip("*/\n")
        )
        found = {"never": (never, await _fill(never, "new")), "before": (before, await _fill(before, "new"))}
        after = await stack.enter_async_context(new_postgres_database(_name(never)))
        await _execute(after, "VACUUM ANALYZE")
        # After a VACUUM an index with all columns of a statement looks cheap, whatever its order: batches fell for it.
        alone = await stack.enter_async_context(new_postgres_database(postgres_template))
        found["alone"] = (alone, await _fill(alone, "alone"))
        await _execute(alone, "VACUUM")
        yield {**found, "after": (after, found["never"][1])}


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


async def _execute(url: str, *statements: str) -> None:
    admin = await asyncpg.connect(url)
    for statement in statements:
        await admin.execute(statement)
    await admin.close()


async def _tables(url: str) -> list[str]:
    """The tables that have a column account_id."""
    admin = await asyncpg.connect(url)
    rows = await admin.fetch(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'account_id' AND table_schema = 'public'"
    )
    await admin.close()
    return [row[0] for row in rows]


async def _fill(url: str, name: str) -> Account:
    database = db.connect(url)
    await database.open()
    account = await database.write(lambda tx: accounts.create(tx, name))
    row = await database.read(lambda tx: tx.one("accounts.id", sid=account.account.sid))
    assert row is not None
    account_id: int = row[0]
    rows = [
        senders.SenderRow(
            channel, f"{channel}-{n}", "DE", f"Desk {n}", ("ACTIVATED", "DEACTIVATED")[n % 3 == 0], {"team": "red"}
        )
        for n in range(SENDERS // 5)
        for channel in CHANNELS
    ]
    await database.write(lambda tx: senders.enter(tx, account_id, rows))
    id_range = IdRange("comms_sender_8", "comms_sender_", SENDERS)
    found = await database.read(lambda tx: senders.list_page(tx, account_id, senders.Filter(), id_range))
    everyone = [one.id for one in found]

    async def create(inside: list[str]) -> tuple[str, str]:
        made = await database.write_one(
            lambda tx, look: sender_pools.create(tx, look, account_id, "x", {}, [*inside, UNKNOWN])
        )
        id_range = IdRange("comms_senderpool_8", "", 1)
        (pool,) = await database.read(lambda tx: sender_pools.list_page(tx, account_id, made.id, id_range))
        return made.id, pool.id

    made = [await create(everyone if number == POOLS // 2 else everyone[:3]) for number in range(POOLS)]
    await drain(database)
    response = idempotency.StoredResponse("an operation", "/a/path")
    for number in range(KEYS):
        key = f"key {number}"
        await database.write(
            partial(idempotency.remember, account_id=account_id, key=key, request=b"r", response=response)
        )
    for number in range(POOLS):
        put = partial(
            templates.put, account_id=account_id, content_id=f"HX{number:032x}", new=NewTemplate("x", "{}", {})
        )
        await database.write(put)
    operation, pool = made[POOLS // 2]
    sent = await plan_messages.fill(database, account_id, url, pool)
    waiting, waiting_pool = await create(everyone)
    await database.close()
    return Account(account_id, everyone, pool, operation, waiting, waiting_pool, sent)


_SOME: Final = slice(0, 2_500, 10)


def _rows(name: str, new: Account) -> list[object]:
    """The value of a statement's JSON array parameter."""
    some = new.senders[_SOME]
    addresses = [[channel, f"{channel}-{n}"] for n in range(50) for channel in CHANNELS]
    rows: dict[str, list[object]] = {
        "senders.by_addresses": [[*address, "", "~"] for address in addresses],
        "resolve.named": list(addresses),
        "senders.insert": [
            [ids.Series(NOW, shared=False).new(senders.SENDER), "SMS", f"n{n}", "", None, "ACTIVATED", "{}", NOW]
            for n in range(250)
        ],
        "senders.update": [[one, "x", "ACTIVATED", "{}", NOW, "DE"] for one in some],
        "senders.spread_status": [[one, "DEACTIVATED"] for one in some],
        "senders.count": [["SMS", "ACTIVATED", 5], ["SMS", "DEACTIVATED", 5]],
        "sender_pools.count": [[new.pool, "RCS", 5], [new.pool, "SMS", 5]],
        "names.tag": [[one, 0, "team:blue"] for one in some],
        "sender_pools.uncount": [new.pool, new.waiting_pool],
        **plan_messages.rows(new.sent),
    }
    return rows.get(name, [])


# Buffers of each row: a message is in three indexes, each of which gets an entry.
OF_EACH: Final = {"messages.record": 30}
BATCHES: Final = ("pool_operations.add_members", "pool_operations.mark_failed", "pool_operations.mark_already_members")
UNFINISHED: Final = (*BATCHES, "pool_operations.cancel", "pool_operations.advance", "pool_operations.list_queued_items")
# The statements about messages, the inbox and what belongs to them.
OF_MESSAGES: Final = ("messages", "message_operations", "inbox", "kept_senders", "sink_reports", "opt_outs")
NEW: Final = ("pool_operations.start", "pool_operations.start_with_pool")


def _given(name: str, new: Account) -> dict[str, Value]:
    """The parameters of a statement: things from the middle of the account's lists."""
    noun = "pool_operations" if name.startswith("totals.operations") else name.partition(".")[0]
    of_senders = noun == "senders" or "members" in name or name.startswith("totals.senders")
    middle = new.senders[SENDERS // 2] if of_senders else new.operation if noun == "pool_operations" else new.pool
    given: dict[str, Value] = {
        "account_id": new.id,
        "operation_id": new.waiting if name in UNFINISHED else new.operation,
        "pool_id": new.waiting_pool if name in BATCHES else new.pool,
        "sender_id": new.senders[0],
        "channel": "RCS",
        "status": "COMPLETED" if noun == "pool_operations" else "DEACTIVATED",
        "address": "RCS-5",
        "prefix": "RCS-5",
        "until": "RCS-6" if "address" in name or noun != "names" else "\U0010ffff",
        "region": "DE",
        "tag": "team:red",
        "ending": new.senders[0][-4:],
        "after_channel": "EMAIL",
        "after_key": "x"
        if "pools" in name
        else "RCS-5"
        if "address" in name
        else "team:red"
        if "tag" in name
        else "desk 5",
        "after_id": "comms_sender_" if "tag" in name and "senders" in name else "",
        "name_key": "x",
        "pools": 4,
        "outcome": "FAILED",
        "first": 1 if name in BATCHES else 100,
        "end": 1 + BATCH,
        "added": new.senders[:BATCH],
        "sender_ids": new.senders[:BATCH],
        "ids": [new.operation] if "of_operations" in name else [new.pool] if "of_pools" in name else new.senders[3:13],
        "before": middle,
        "not_before": "",
        "limit": BATCH if name == "sender_pools.remove_some_members" else PAGE,
        "key": "a new key" if name == "idempotency.remember" else "key 7",
        "rows": json.dumps(_rows(name, new)),
        **dict.fromkeys(("fingerprint", "secret_digest"), b"x"),
        **dict.fromkeys(("location", "name", "display_name", "sid", "request_id"), "x"),
        **dict.fromkeys(("oldest", "failed", "due_at"), 0),
        **dict.fromkeys(("turn", "created", "batches", "attempts"), 1),
        "kind": pool_operations.KIND_NAME,
        "tags": "{}",
        **dict.fromkeys(("now", "pool_now"), NOW),
        **dict.fromkeys(("content", "defaults"), "{}"),
        "content_id": f"HX{POOLS // 2:032x}",
        "id": new.senders[0] if noun == "names" else ids.Series(NOW, shared=False).new(templates.TEMPLATE),
        "last_turn": 2,
        "total": 3,
    }
    if noun in OF_MESSAGES:
        given |= plan_messages.given(name, new.sent)
    if name in NEW:
        given |= {
            "least": f"{ids.OPERATION}_7",
            "operation_id": ids.Series(NOW, shared=False).new(ids.OPERATION),
            "pool_id": ids.Series(NOW, shared=False).new(sender_pools.SENDER_POOL),
            "status": "PROCESSING",
        }
    return given


def _most(name: str, rows: int) -> int:
    """The most rows that a step of the plan may read: the rows that the statement needs, or `rows` of the request."""
    if name in (*BATCHES, *NEW, "sender_pools.remove_some_members"):
        return BATCH
    if name == "messages.cancel_operation":
        return 3 * BATCH  # a bitmap counts the index entries that runs before this one left
    if name in ("sender_pools.recount", "sender_pools.delete_all_counts"):
        return 2 * SENDERS + 3 * POOLS  # everything, which is what these are for
    if name == "senders.spread_status":
        return 250 + 3 * POOLS  # three senders are in every pool
    if name.startswith("resolve."):
        return 400  # the senders of one channel that are activated
    if name in ("messages.unsuccessful", "messages.set_retried"):
        return BATCH  # two of seven messages of an operation
    if name == "messages.recipients":
        return 2 * BATCH  # all of an operation, and old versions of its rows
    if name == "messages.list_page_by_channel":
        return 10 * PAGE  # nine statuses
    if re.search(r"\.list_|search_page|^overview|^totals|^names\..*_by_", name):
        return 6 * PAGE + len(CHANNELS) * 2
    # One thing, found in a table of one page or through its sender's pools; or the rows of one request.
    return max(4 * KEYS, POOLS, rows)


@pytest.mark.parametrize("name", OF_ONE_ACCOUNT)
async def test_statement_of_one_account_reads_only_what_it_is_about(analyzed: Databases, name: str) -> None:
    for statistics, (url, new) in analyzed.items():
        if statistics == "alone" and name not in BATCHES:
            continue  # to read a small table whole, which holds the one account, is right for the other statements
        for generic in (False, True):
            plan = await _plan(url, name, _given(name, new), generic)
            # Rows leave out index entries without a row; buffers include them.
            blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            most = _most(name, len(_rows(name, new)))
            assert max(map(_read, _nodes(plan))) <= most, (statistics, generic, plan)
            assert blocks <= OF_EACH.get(name, 20 if name in BATCHES else 25) * most + 60, (statistics, generic, plan)


async def _plan(url: str, name: str, given: dict[str, Value], generic: bool) -> dict[str, Any]:
    """The executed plan; its changes are rolled back."""
    query = QUERIES[name]
    admin = await asyncpg.connect(url)
    await admin.execute(f"SET plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
    await admin.execute(f"PREPARE one AS {query.text}")
    await admin.execute("BEGIN")
    call = f"one ({', '.join(_literal(given[parameter]) for parameter in query.order)})"
    text = await admin.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {call}")
    await admin.close()
    plan: dict[str, Any] = json.loads(text)[0]["Plan"]
    return plan


def _literal(value: Value) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in _nodes(child))]


def _read(node: dict[str, Any]) -> int:
    """Rows that a step of a plan returned or filtered out, over all its loops."""
    removed = sum(value for key, value in node.items() if key.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


# --- the statistics themselves


def _sql_before(version: int, folder: Path) -> Path:
    """The SQL files as they were before this migration."""
    shutil.copytree(PACKAGE_SQL, folder)
    for path in (folder / "migrations").glob("*.sql"):
        if int(path.name[:4]) >= version:
            path.unlink()
    return folder


async def test_upgrade_drops_the_statistics_of_accounts_and_rewrites_no_large_file(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    """The upgrade rebuilds only the partial indexes of unfinished and failed operations, which are small."""
    old = db.connect(empty_postgres_url, sql_folder=_sql_before(int(MIGRATION.name[:4]), tmp_path / "sql"))
    await old.open()
    await old.close()
    await _execute(
        empty_postgres_url,
        "INSERT INTO sender_counts SELECT n, 'SMS', 'ACTIVATED', 1 FROM generate_series(1, 50) AS n",
        "INSERT INTO operations SELECT n, 'o', 'p', 'CANCELED', 0, 0, 0, 0, 0, '', 0, 0 FROM generate_series(1, 50) n",
        "ANALYZE",
    )
    assert {"sender_counts", "operations"} <= await _with_statistics(empty_postgres_url)
    files = await _files(empty_postgres_url)

    new = db.connect(empty_postgres_url)
    await new.open()
    await new.close()
    assert not await _with_statistics(empty_postgres_url)
    now = await _files(empty_postgres_url)
    rewritten = {name for name, file in files.items() if now.get(name, file) != file}  # some are dropped later
    assert rewritten <= {"operations_of_pool", "operations_by_last_turn", "operations_with_failures"}
    await _execute(empty_postgres_url, "ANALYZE")
    assert not await _with_statistics(empty_postgres_url)


async def test_no_table_keyed_by_account_collects_statistics_of_accounts(postgres_url: str) -> None:
    """A migration that adds a table must set `SET STATISTICS 0` on its account_id."""
    admin = await asyncpg.connect(postgres_url)
    rows = await admin.fetch(
        "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE attname = 'account_id' AND relkind IN ('r', 'p') AND attstattarget <> 0"
    )
    await admin.close()
    assert [row[0] for row in rows] == []
    assert "senders" in await _tables(postgres_url)


async def _with_statistics(url: str) -> set[str]:
    admin = await asyncpg.connect(url)
    rows = await admin.fetch("SELECT tablename FROM pg_stats WHERE attname = 'account_id'")
    await admin.close()
    return {row[0] for row in rows}


async def _files(url: str) -> dict[str, int]:
    """The file of each table and index."""
    admin = await asyncpg.connect(url)
    rows = await admin.fetch(
        "SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relname <> 'signalbox_schema' AND relkind IN ('r', 'i')"
    )
    await admin.close()
    return {row[0]: row[1] for row in rows}
