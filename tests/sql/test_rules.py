"""Every statement and table keeps the rules of `rules.py`; and wrong statements break the rules."""

from __future__ import annotations

import re

import pytest
from rules import BY_ACCOUNT, DECLARED, REFERENCE, SCHEMA, broken, named

from signalbox.db.queries import PACKAGE_SQL, Dialect, load

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres")
QUERIES = {dialect: load(PACKAGE_SQL / "queries", dialect) for dialect in DIALECTS}
NAMES = sorted(QUERIES["sqlite"])
TABLES = dict(re.findall(r"^CREATE TABLE (\w+) \((.*?)\n\)", SCHEMA, re.DOTALL | re.MULTILINE))
# A table that a migration makes under one name and then renames.
NEW = {"accounts_of_lasting_ids": "accounts"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_statement_keeps_to_one_account_or_says_why_not(name: str, dialect: Dialect) -> None:
    query = QUERIES[dialect][name]
    assert [problem for text in named(query).split(";\n") for problem in broken(text, query.comment)] == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM senders",
        "SELECT id FROM senders WHERE account_id = :account_id OR id = :id",
        "SELECT id FROM senders WHERE (account_id = :account_id OR id = :id)",
        "SELECT s.id FROM senders AS s JOIN operations AS o ON o.id = s.id WHERE s.account_id = :account_id",
        "SELECT s.id FROM senders AS s, operations AS o WHERE s.account_id = :account_id",
        "DELETE FROM senders WHERE account_id = :account_id AND id IN (SELECT id FROM operations LIMIT 1)",
        "SELECT id FROM senders WHERE account_id = :account_id UNION ALL SELECT id FROM senders",
        "UPDATE senders SET status = :status WHERE id = :id",
        "UPDATE senders SET account_id = :other WHERE account_id = :account_id",
        "DELETE FROM senders WHERE account_id = (SELECT id FROM accounts WHERE sid = :sid)",
        "DELETE FROM senders WHERE account_id IN (SELECT id FROM accounts)",
        "INSERT INTO queue (kind, account_id) SELECT :account_id, :kind FROM queue WHERE account_id = :account_id",
        "INSERT INTO queue (account_id, kind) VALUES (:other, :kind)",
        "INSERT INTO queue (account_id, kind) SELECT account_id, kind FROM queue",
        "WITH q AS (SELECT kind FROM queue FOR UPDATE) SELECT id FROM senders WHERE account_id = :account_id",
        "DELETE FROM senders WHERE ctid = :place AND account_id = :account_id",
        "SELECT id, pg_advisory_xact_lock(1) FROM senders WHERE account_id = :account_id",
        "UPDATE senders SET created_at = now() WHERE account_id = :account_id",
    ],
)
def test_statement_that_leaves_the_account_is_found(text: str) -> None:
    assert broken(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM operations WHERE status = 'PROCESSING' FOR UPDATE SKIP LOCKED",
        "UPDATE operations SET turn = :turn WHERE status = 'PROCESSING'",
        "DELETE FROM operations WHERE status = :status",
        "DELETE FROM operations WHERE created_at <= :until OR status = :status",
        "SELECT id FROM operations WHERE account_id = :account_id",
    ],
)
def test_reason_excuses_only_unlocked_reads_and_deletes_by_time(text: str) -> None:
    assert broken(text, "across accounts: because")


def test_every_table_is_declared_once() -> None:
    made = [NEW.get(name, name) for name in TABLES]
    assert set(made) | {"signalbox_schema"} == set(DECLARED)
    assert len(re.findall(r"^-- table ", SCHEMA, re.MULTILINE)) == len(DECLARED) - 1
    for name in set(TABLES) - set(NEW):
        assert f"-- table {name}: {DECLARED[name]}\nCREATE TABLE {name} (" in SCHEMA, name


def test_reference_tables_are_the_few_that_are_known() -> None:
    assert {"accounts", "api_keys", "keyring", "signalbox_schema", "workers"} == REFERENCE


@pytest.mark.parametrize("table", sorted(BY_ACCOUNT))
def test_keys_of_a_table_by_account_begin_with_the_account(table: str) -> None:
    columns = TABLES[table]
    assert columns.startswith("\n    account_id INTEGER NOT NULL,\n")
    keys = re.findall(r"(?:PRIMARY KEY|UNIQUE|REFERENCES \w+) \((\w+)", columns)
    keys += re.findall(rf"CREATE UNIQUE INDEX \w+ ON {table} \((\w+)", SCHEMA)
    assert set(keys) == {"account_id"}
    assert not re.search(r"\b(?:IDENTITY|AUTOINCREMENT|SERIAL|UNIQUE|REFERENCES)\b", columns)


def test_schema_has_no_triggers() -> None:
    assert not re.search(r"\bTRIGGER\b", SCHEMA)
