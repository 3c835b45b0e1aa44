"""Servers, databases and roles that are not as Signalbox needs them: refused or warned of, with the cure."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from small import add, make_sql, names

from postgres import NewDatabase, PostgresServer
from processes import Connect, Serve, run
from signalbox import db
from signalbox.db import postgres_surroundings
from signalbox.db.postgres import PostgresDatabase
from signalbox.db.queries import PACKAGE_SQL, load
from signalbox.db.surroundings import Unfit
from signalbox.ground.errors import Bug, Unavailable

ROLE: Final = "hampered"
SQL: Final = sorted(PACKAGE_SQL.rglob("*.sql"))


@asynccontextmanager
async def role(url: str, *statements: str) -> AsyncIterator[str]:
    """A role after these statements of a superuser, in which NAME is the database; the URL with this role."""
    name = url.partition("?")[0].rpartition("/")[2]
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f"CREATE ROLE {ROLE} LOGIN")
        for statement in statements:
            await admin.execute(statement.replace("NAME", name))
        yield url.replace("postgres@", f"{ROLE}@")
    finally:
        await admin.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
        await admin.close()


async def opened(url: str) -> list[str]:
    """Opens the database and closes it; returns the warnings."""
    database = db.connect(url)
    try:
        await database.open()
        return [*database.warnings]
    finally:
        await database.close()


async def refused(url: str) -> str:
    with pytest.raises(Unfit) as caught:
        await opened(url)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1252", "EUC_JP"])
async def test_database_in_another_encoding_is_refused_before_the_first_table(
    new_postgres_database: NewDatabase, encoding: str
) -> None:
    async with new_postgres_database(f"template0 ENCODING '{encoding}' LOCALE 'C'") as url:
        message = await refused(url)
        assert f"has the encoding {encoding}, which cannot hold every name." in message
        assert "ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0" in message
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT to_regclass('signalbox_schema')::text") is None
        await connection.close()


async def test_every_process_refuses_a_database_in_latin1(new_postgres_database: NewDatabase, tmp_path: Path) -> None:
    async with new_postgres_database("template0 ENCODING 'LATIN1' LOCALE 'C'") as url:
        for command in (["serve", "--port", "0"], ["worker"], ["accounts", "list"], ["keys", "list"]):
            done = run(tmp_path, *command, "--database", url)
            assert (done.returncode, done.stdout) == (1, "")
            assert re.fullmatch(r"signalbox: The database \w+ has the encoding LATIN1, .* pg_dump\.\n", done.stderr)


async def test_cure_of_a_wrong_encoding_works(new_postgres_database: NewDatabase, empty_postgres_url: str) -> None:
    async with new_postgres_database("template0 ENCODING 'LATIN1' LOCALE 'C'") as url:
        cure = re.search(r"CREATE DATABASE signalbox_utf8 [^,]*", await refused(url))
        assert cure
        admin = await asyncpg.connect(url)
        try:
            await admin.execute(cure[0])
            await opened(re.sub(r"/test_\d+\?", "/signalbox_utf8?", url))
        finally:
            await admin.execute("DROP DATABASE IF EXISTS signalbox_utf8 WITH (FORCE)")
            await admin.close()


UNFIT: Final = {
    "the role is read-only": (
        f"ALTER ROLE {ROLE} SET default_transaction_read_only = on",
        f"ALTER ROLE {ROLE} SET default_transaction_read_only = off",
    ),
    "the database is read-only": ("ALTER DATABASE NAME SET default_transaction_read_only = on", "the disk is full"),
    "backslashes escape": (
        f"ALTER ROLE {ROLE} SET standard_conforming_strings = off",
        f"ALTER ROLE {ROLE} SET standard_conforming_strings = on",
    ),
    "no schema": (f"ALTER ROLE {ROLE} SET search_path = nowhere", f"ALTER ROLE {ROLE} SET search_path = public"),
    "no right to read": ("REVOKE SELECT ON senders FROM PUBLIC", "lacks rights: SELECT ON senders"),
    "no right to write": ("REVOKE DELETE ON operations, queue FROM PUBLIC", "DELETE ON operations, DELETE ON queue"),
    "row level security": ("ALTER TABLE senders ENABLE ROW LEVEL SECURITY", "hides rows of senders from the role"),
    "an old schema of another role": ("DELETE FROM signalbox_schema", "does not own the tables"),
}


@pytest.mark.parametrize("case", UNFIT)
async def test_unfit_role_or_database_is_refused_with_the_cure(postgres_url: str, case: str) -> None:
    statement, cure = UNFIT[case]
    grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO PUBLIC"
    async with role(postgres_url, grant, statement) as url:
        assert cure in await refused(url)


async def test_role_with_the_rights_to_rows_is_fit(postgres_url: str) -> None:
    grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}"
    async with role(postgres_url, grant) as url:
        await opened(url)


async def test_role_that_may_not_create_tables_is_refused_with_the_cure(empty_postgres_url: str) -> None:
    """The usual case since PostgreSQL 15, for a role that does not own the database. The cure is run."""
    async with role(empty_postgres_url) as url:
        message = await refused(url)
        assert "lacks the right to create tables." in message
        admin = await asyncpg.connect(empty_postgres_url)
        cure = re.search(r"GRANT CREATE ON SCHEMA public TO \w+", message)
        assert cure
        await admin.execute(cure[0])
        await admin.close()
        await opened(url)


async def test_tables_are_not_split_over_two_schemas(postgres_url: str) -> None:
    admin = await asyncpg.connect(postgres_url)
    await admin.execute("DELETE FROM signalbox_schema WHERE version > 1; CREATE SCHEMA postgres")
    await admin.close()
    assert "ALTER ROLE postgres SET search_path = public" in await refused(postgres_url)


async def test_table_of_another_program_is_named(empty_url: str) -> None:
    """Both engines: no traceback, and nothing of the schema stays."""
    await execute(empty_url, "CREATE TABLE operations (id INT)")
    message = await refused(empty_url)
    assert "operations" in message
    assert "of its own" in message
    await execute(empty_url, "DROP TABLE operations")
    await opened(empty_url)


async def execute(url: str, statement: str) -> None:
    if url.startswith("postgres"):
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()
    else:
        import sqlite3

        file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        file.execute(statement)
        file.close()


WARNED: Final = {
    "fsync is off": "",
    "full_page_writes is off": "",
    "synchronous_commit is off": "",
    "statement_timeout is 2 s": "ALTER DATABASE NAME SET statement_timeout = '2s'",
    "lock_timeout is 0.1 s": "ALTER DATABASE NAME SET lock_timeout = '100ms'",
    "idle_in_transaction_session_timeout is 1 s": "ALTER DATABASE NAME SET idle_in_transaction_session_timeout = 1000",
    "idle_session_timeout is 30 s": "ALTER DATABASE NAME SET idle_session_timeout = '30s'",
    "default_transaction_isolation is serializable": (
        "ALTER DATABASE NAME SET default_transaction_isolation = serializable"
    ),
}


@pytest.mark.parametrize("words", WARNED)
async def test_setting_that_is_not_safe_is_warned_of(postgres_url: str, words: str) -> None:
    """The server of the tests has the first three off."""
    if WARNED[words]:
        name = postgres_url.partition("?")[0].rpartition("/")[2]
        await execute(postgres_url, WARNED[words].replace("NAME", name))
    (warning,) = [one for one in await opened(postgres_url) if one.startswith(words)]
    assert " SET " in warning or " set " in warning


async def test_safe_server_gives_no_warning() -> None:
    server = PostgresServer({})
    try:
        server.create()
        server.start()
        assert await opened(server.url("postgres")) == []
    finally:
        server.stop()


def test_serve_logs_the_warnings_and_commands_do_not(postgres_url: str, serve: Serve, tmp_path: Path) -> None:
    server = serve(postgres_url)
    logged = [line for line in server.log if line["event"] == "database not safe"]
    assert [line["level"] for line in logged] == ["warning"] * 3
    assert run(tmp_path, "accounts", "list", "--database", postgres_url).stderr == ""


async def test_standby_is_refused_with_the_cure() -> None:
    server = PostgresServer({"hot_standby": "on"})
    try:
        server.create()
        server.start()
        await opened(server.url("postgres"))
        server.halt()
        server.stand_by()
        server.start()
        assert "target_session_attrs=read-write" in await refused(server.url("postgres"))
    finally:
        server.stop()


async def test_old_server_is_refused(empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_surroundings, "OLDEST", 99)
    assert "needs PostgreSQL 99 or newer" in await refused(empty_postgres_url)


async def test_time_zone_date_style_and_client_encoding_of_the_role_change_nothing(
    postgres_url: str, serve: Serve, client: Connect, tmp_path: Path
) -> None:
    """Senders with names in Japanese, a pool, an operation, keys; times are those of the clock."""
    strange = {
        "timezone": "Asia/Kathmandu",
        "datestyle": "German",
        "intervalstyle": "sql_standard",
        "client_encoding": "LATIN1",
        "bytea_output": "escape",
        "extra_float_digits": "-15",
        "array_nulls": "off",
        "transform_null_equals": "on",
        "default_transaction_isolation": "repeatable read",
        "default_transaction_deferrable": "on",
        "session_replication_role": "replica",
    }
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    for setting, value in strange.items():
        await execute(postgres_url, f"ALTER DATABASE {name} SET {setting} = '{value}'")
    server = serve(postgres_url)
    known = client(server.url)
    rows = [{"channel": "EMAIL", "address": f"a{n}@example.com", "displayName": f"日本語{n}"} for n in range(3)]
    entered = known.http.post("/signalbox/v1/Senders", json=rows)
    assert entered.status_code == 200, entered.text
    senders = known.get("/v1/Senders")["senders"]
    assert [one["displayName"] for one in senders] == ["日本語2", "日本語1", "日本語0"]
    operation = known.create_pool([one["id"] for one in senders], key="鍵".encode().hex())
    assert abs(_epoch(known.completed(operation)["createdAt"]) - _epoch(server.log[-1]["timestamp"])) < 60
    listed = json.loads(run(tmp_path, "accounts", "list", "--json", "--database", postgres_url).stdout)
    assert abs(_epoch(listed[0]["createdAt"]) - _epoch(server.log[-1]["timestamp"])) < 60


def _epoch(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


async def test_writes_are_read_committed_whatever_the_default_is(empty_postgres_url: str, tmp_path: Path) -> None:
    """With a snapshot per transaction, a statement after an advisory lock would not see what the lock waited for."""
    sql = make_sql(tmp_path / "sql")
    (sql / "queries" / "own.sql").write_text("-- name: own.level\nSELECT current_setting('transaction_isolation');")
    name = empty_postgres_url.partition("?")[0].rpartition("/")[2]
    await execute(empty_postgres_url, f"ALTER DATABASE {name} SET default_transaction_isolation = serializable")
    database = PostgresDatabase(empty_postgres_url, sql, 1)
    await database.open()
    row = await database.write(lambda tx: tx.one("own.level"))
    assert row is not None
    assert row[0] == "read committed"
    await database.close()


async def test_upgrade_is_not_ended_by_the_limits_of_the_role(empty_postgres_url: str, tmp_path: Path) -> None:
    sql = make_sql(tmp_path / "sql")
    (sql / "migrations" / "0002_long.sql").write_text("SELECT pg_sleep(0.6);")
    (sql / "migrations" / "0002_long.sql").rename(sql / "migrations" / "0002_long.postgres.sql")
    (sql / "migrations" / "0002_long.sql").write_text("SELECT 1;")
    name = empty_postgres_url.partition("?")[0].rpartition("/")[2]
    await execute(empty_postgres_url, f"ALTER DATABASE {name} SET statement_timeout = '500ms'")
    database = PostgresDatabase(empty_postgres_url, sql, 1)
    await database.open()
    assert await database.write(add(1, "a")) == 1
    assert await database.read(names) == ["a"]
    await database.close()


# --- nothing depends on the rest of the surroundings


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_sql_depends_neither_on_time_zone_nor_on_escapes(path: Path) -> None:
    text = re.sub(r"--[^\n]*", "", path.read_text("utf-8"))
    assert not re.search(
        r"\\|\b(now\(|current_|timestamp|interval\b|date\b|to_char|extract\b|age\()", text, re.IGNORECASE
    )


async def test_text_that_is_ordered_is_compared_as_bytes(postgres_url: str) -> None:
    """So the collation of the database changes nothing: other text columns are compared for equality only."""
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch("""
        SELECT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
            AND a.attcollation NOT IN (0, (SELECT oid FROM pg_collation WHERE collname = 'C'))""")
    await connection.close()
    loose = "|".join(sorted({row[0] for row in rows}))
    ordered = re.compile(
        rf"ORDER BY [^)]*\b({loose})\b(?! COLLATE)|\b({loose})\s*(<|>|BETWEEN|LIKE)|(MIN|MAX)\((\w+\.)?({loose})\)"
    )
    for query in load(PACKAGE_SQL / "queries", "postgres").values():
        columns = re.sub(r"\b(operation_id|sid AS account_sid|name \(|AS name|status)\b", "", query.text)
        found = ordered.search(columns)
        assert not found, f"{query.name}: {found[0]}"


def test_needed_rights_are_those_of_the_documented_role() -> None:
    """docs/security.md grants four rights on all tables, and takes some away."""
    rights = set(postgres_surroundings.needed_rights(load(PACKAGE_SQL / "queries", "postgres").values()))
    tables = {table for table, _ in rights}
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
    every = {(table, right) for table in tables for right in ("SELECT", "INSERT", "UPDATE", "DELETE")}
    for taken, where in re.findall(r"^REVOKE ([A-Z, ]+) ON (.*) FROM signalbox;$", page, re.MULTILINE):
        every -= {(table, right) for table in where.split(", ") for right in taken.split(", ")}
    assert rights <= every
    assert tables >= {"senders", "sender_pools", "operations", "queue", "templates", "keyring", "signalbox_schema"}


async def test_wrong_sql_is_still_a_bug(empty_postgres_url: str, tmp_path: Path) -> None:
    sql = make_sql(tmp_path / "sql")
    (sql / "migrations" / "0002_wrong.sql").write_text("CREATE TABEL x (id INT);")
    database = PostgresDatabase(empty_postgres_url, sql, 1)
    with pytest.raises(Bug):
        await database.open()
    with pytest.raises((Unavailable, Bug)):
        await database.ready()
    await database.close()
