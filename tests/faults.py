"""Faults put into a real database: statements on one table fail for some rows, until the fault is taken out."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

WORDS: Final = "this statement was made to fail"


@asynccontextmanager
async def failing(url: str, statement: str, table: str, where: str) -> AsyncIterator[None]:
    """Makes INSERT, UPDATE or DELETE on the table fail for rows that match `where`: `{row}.account_id = 1`."""
    condition = where.format(row="OLD" if statement == "DELETE" else "NEW")
    name = f"fault_{table}"
    if url.startswith("sqlite"):
        body = f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
        await run(url, f"CREATE TRIGGER {name} BEFORE {statement} ON {table} WHEN {condition} {body}")
        yield
        await run(url, f"DROP TRIGGER {name}")
        return
    await run(
        url,
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$;"
        f"CREATE TRIGGER {name} BEFORE {statement} ON {table} FOR EACH ROW WHEN ({condition})"
        f" EXECUTE FUNCTION {name}()",
    )
    yield
    await run(url, f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}()")


async def run(url: str, text: str) -> None:
    """Runs SQL on the database, without the program."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection, connection:
            connection.execute(text)
        return
    admin = await asyncpg.connect(url)
    await admin.execute(text)
    await admin.close()


async def rows(url: str, text: str) -> list[tuple[object, ...]]:
    """The rows of a query, without the program."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection:
            return connection.execute(text).fetchall()
    admin = await asyncpg.connect(url)
    found = await admin.fetch(text)
    await admin.close()
    return [tuple(row) for row in found]
