"""Both engines accept every query, and no list scans or sorts."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import sqlite3
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from rules import BY_ACCOUNT

from sendings import RECIPIENT, list_messages, opt_out, send_every_kind
from signalbox import db
from signalbox.accounts import accounts
from signalbox.db import Value
from signalbox.db.migrate import series
from signalbox.db.queries import PACKAGE_SQL, Dialect, Query, load
from signalbox.ground.errors import Bug
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import sender_pools, senders
from signalbox.sending import inbox, messages, templates
from signalbox.sending.templates import NewTemplate
from working import drain

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres")
QUERIES = {dialect: load(PACKAGE_SQL / "queries", dialect) for dialect in DIALECTS}
NAMES = sorted(QUERIES["sqlite"])
# The counts of senders are ten rows per account. With three accounts the table is one page, so a scan is right.
LISTED = r"list_page|list_members|list_.*items|list_errors|list_receipts|search_page"
BOUNDED = rf"\.({LISTED})|^totals\.|^overview\.(?!sender_counts)"
LISTS = [name for name in NAMES if re.search(BOUNDED, name)]


async def test_every_query_prepares(database_url: str, database: db.Database) -> None:
    """On the schema of the migrations."""
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(Path(database_url.removeprefix("sqlite:///")))
        for query in QUERIES["sqlite"].values():
            for statement in query.statements:
                connection.execute(f"EXPLAIN {statement}", dict.fromkeys(query.order))
        connection.close()
        return
    admin = await asyncpg.connect(database_url)
    for query in QUERIES["postgres"].values():
        await admin.prepare(query.text)
    await admin.close()


async def test_query_without_its_parameters_is_a_bug(database: db.Database) -> None:
    for query in (
        lambda tx: tx.one("senders.fetch"),
        lambda tx: tx.one("senders.fetch", account_id=1),
        lambda tx: tx.one("senders.fetch", account_id=1, sender_id="x", more=1),
    ):
        with pytest.raises(Bug, match=r"senders\.fetch"):
            await database.read(query)


# --- plans


ACCOUNTS, SENDERS, POOLS, MESSAGES = 3, 2_000, 300, 1_500


@pytest.fixture(scope="module")
async def filled(shared_plans_url: str) -> tuple[str, dict[str, Value]]:
    """An analyzed database with thousands of rows in every list, and parameters from the middle of the lists."""
    database = db.connect(shared_plans_url)
    await database.open()
    for number in range(ACCOUNTS):
        account_id, big, pool_id, everyone = await _fill(database, f"a{number}")
        sent = await _send(database, account_id)
        opted_out = (await opt_out(database, account_id, 600, pool_id))[300]
    await database.close()
    params: dict[str, Value] = {
        "account_id": account_id,
        "operation_id": big,
        "pool_id": pool_id,
        "channel": "RCS",
        "address": "RCS-6",
        "outcome": "FAILED",
        "first": 100,
    }
    if shared_plans_url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(shared_plans_url.removeprefix("sqlite:///"))) as connection:
            connection.execute("ANALYZE")
    else:
        admin = await asyncpg.connect(shared_plans_url)
        await admin.execute("VACUUM ANALYZE")
        await admin.close()
    return shared_plans_url, params | {
        "senders": everyone[len(everyone) // 2],
        "pool_operations": big,
        "templates": "template_8",
        "opt_outs": opted_out.id,
        **sent,
    }


async def _fill(database: db.Database, name: str) -> tuple[int, str, str, list[str]]:
    """Makes an account with two big pools and more; returns its id, a big operation, its pool, the senders."""
    account = await database.write(lambda tx: accounts.create(tx, name))
    row = await database.read(lambda tx: tx.one("accounts.id", sid=account.account.sid))
    assert row is not None
    account_id: int = row[0]
    rows = [
        senders.SenderRow(channel, f"{channel}-{n}", "", status=("ACTIVATED", "DEACTIVATED")[n % 3 == 0])
        for n in range(SENDERS // 5)
        for channel in ("SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH")
    ]
    await database.write(lambda tx: senders.enter(tx, account_id, rows))
    id_range = IdRange("comms_sender_8", "comms_sender_", SENDERS)
    found = await database.read(lambda tx: senders.list_page(tx, account_id, senders.Filter(), id_range))
    everyone = [one.id for one in found]

    async def create(inside: list[str]) -> str:
        refs = [*inside, "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"]
        operation = await database.write_one(lambda tx, look: sender_pools.create(tx, look, account_id, "x", {}, refs))
        return operation.id

    made = [await create(everyone if n in (POOLS // 3, POOLS // 2) else everyone[:3]) for n in range(POOLS)]
    await drain(database)
    for _ in range(POOLS):
        await database.write(
            lambda tx: templates.put(tx, account_id, templates.new_content_id(), NewTemplate("x", "{}", {}))
        )
    big = made[POOLS // 2]
    id_range = IdRange("comms_senderpool_8", "", 1)
    (pool,) = await database.read(lambda tx: sender_pools.list_page(tx, account_id, big, id_range))
    return account_id, big, pool.id, everyone


async def _send(database: db.Database, account_id: int) -> dict[str, Value]:
    """Sends messages in many operations; returns parameters from the middle of their lists."""
    for _ in range(20):
        await send_every_kind(database, account_id, 14)
    operation_id = await send_every_kind(database, account_id, MESSAGES)
    found = await list_messages(database, account_id, messages.Filter(operation_id=operation_id))
    middle = found[MESSAGES // 2]
    id_range = IdRange("arrival_8", "", MESSAGES // 3)
    arrived = await database.read(lambda tx: inbox.list_page(tx, account_id, inbox.Filter(), id_range))
    assert len({one.status for one in await list_messages(database, account_id, messages.Filter())}) == 8
    return {
        "message_operations": operation_id,
        "message_operation": operation_id,
        "messages": middle.id,
        "message_id": next(one.id for one in found if one.status == "READ"),
        "inbox": arrived[-1].id,
        "to": RECIPIENT,
        "tag": "kind:1",
        "others": '["team:red"]',
        **dict.fromkeys(("contains", "sender"), ""),
    }


PAGE = 6
# A list that merges ranges reads a page of each, and then the rows of the page: five ranges, one for each channel of
# senders, or nine, one for each status of messages.
MOST_ROWS, MOST_ROWS_BY_STATUS = 6 * PAGE, 10 * PAGE


STATUSES = {"pool_operations": "COMPLETED", "message_operations": "COMPLETED", "messages": "DELIVERED"}


@pytest.mark.parametrize("name", LISTS)
async def test_list_reads_what_its_page_shows_and_not_what_it_holds(
    filled: tuple[str, dict[str, Value]], name: str
) -> None:
    """No scan, and no sort of more than a few pages: SQLite counts instructions, PostgreSQL rows of each node."""
    url, params = filled
    noun = name.partition(".")[0]
    if "member" in name or name.startswith("totals.senders"):
        noun = "senders"
    elif name.startswith("totals.operations"):
        noun = "pool_operations"
    most = MOST_ROWS_BY_STATUS if name == "messages.list_page_by_channel" else MOST_ROWS
    given = params | {
        "before": params.get(noun, "comms_senderpool_8"),
        "not_before": "",
        "status": STATUSES.get(noun, "DEACTIVATED"),
        "limit": PAGE,
    }
    if noun in ("messages", "inbox"):
        given["operation_id"] = given["message_operation"]
        given |= {"status": "", "channel": ""} if "_of_" in name or "by_tag" in name else {}
    if name == "messages.list_receipts":
        given["first"] = 0
    if noun == "inbox":
        given |= {"channel": "", "message_id": ""}
    if noun == "opt_outs":
        given |= {"channel": "PHONE", "address": "+14155550298"}
    if url.startswith("sqlite"):
        plan, steps = _sqlite_plan(url, QUERIES["sqlite"][name], given)
        assert not [line for line in plan if re.match(rf"SCAN ({'|'.join(BY_ACCOUNT)}|[siomptx])\b", line)], plan
        assert steps < most * 100, plan
        return
    for generic in (False, True):
        tree = await _postgres_plan(url, QUERIES["postgres"][name], given, generic)
        for node in _nodes(tree):
            assert node["Node Type"] not in ("Seq Scan", "Hash Join"), tree
            assert node["Actual Rows"] * node["Actual Loops"] <= most, tree
            assert node.get("Rows Removed by Filter", 0) <= most, tree


@pytest.mark.parametrize("name", ["senders.update", "senders.spread_status", "messages.record"])
def test_change_of_a_few_rows_does_not_walk_through_the_others_on_sqlite(name: str) -> None:
    """SQLite does not know sizes: without a hint its plan searches the array once for each row of the account."""
    query = QUERIES["sqlite"][name]
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for migration in series(PACKAGE_SQL / "migrations", "sqlite"):
            connection.executescript(migration.script("sqlite"))
        given = {"account_id": 1, "rows": "[]", "now": 0}
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query.text}", given)]
    searches = [line for line in plan if line.startswith("SEARCH")]
    assert searches
    assert all(re.search(r"\(account_id=\? AND (sender_)?id=\?\)$", line) for line in searches), plan


def _sqlite_plan(url: str, query: Query, given: dict[str, Value]) -> tuple[list[str], int]:
    """The steps of SQLite's plan, and the number of virtual machine instructions that ran."""
    params = {name: cast("str | int", given[name]) for name in query.order}
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query.text}", params)]
        steps = itertools.count()
        connection.set_progress_handler(lambda: 0 * next(steps), 1)
        assert connection.execute(query.text, params).fetchall() or "queued" in query.name
        return plan, next(steps)


async def _postgres_plan(url: str, query: Query, given: dict[str, Value], generic: bool) -> dict[str, Any]:
    """The executed plan: custom for these parameters, or generic, as a prepared statement may get."""
    admin = await asyncpg.connect(url)
    await admin.execute(f"SET plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
    await admin.execute(f"PREPARE page AS {query.text}")
    values = ", ".join(repr(given[name]) for name in query.order)
    text = await admin.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page ({values})")
    await admin.close()
    plan: dict[str, Any] = json.loads(text)[0]["Plan"]
    assert plan["Actual Rows"] or "queued" in query.name, plan
    return plan


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in _nodes(child))]
