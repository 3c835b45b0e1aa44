"""Compares loading the SQL files and running one query with aiosql: `make parts ARGS=sql_loader`.

aiosql gets a rewritten text of all queries for SQLite: without dialects, and with names without dots.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import aiosql

from bench.parts.timing import best, show
from signalbox.db.queries import PACKAGE_SQL, load, rewrite
from signalbox.db.sqlite_connection import SqliteTx, drive


def main() -> None:
    folder = PACKAGE_SQL / "queries"
    ours = load(folder, "sqlite")
    text = "\n".join(
        f"-- name: {query.name.replace('.', '_')}\n{re.sub(r'^--.*$', '', query.text, flags=re.MULTILINE)};\n"
        for query in ours.values()
    )
    files = "\n".join(path.read_text() for path in sorted(folder.rglob("*.sql")))
    try:
        aiosql.from_str(files, "sqlite3", mandatory_parameters=False)
        print("aiosql reads the files as they are")
    except Exception as error:
        print(f"aiosql on the files as they are: {type(error).__name__}: {str(error)[:200]}")
    show(
        "load all",
        best(
            {
                "ours": lambda: load(folder, "sqlite"),
                "aiosql": lambda: aiosql.from_str(text, "sqlite3", mandatory_parameters=False),
            },
            1,
            30,
        ),
    )
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
    for path in sorted((PACKAGE_SQL / "migrations").glob("*.sql")):
        connection.executescript(rewrite(path.read_text(), "sqlite"))
    queries: Any = aiosql.from_str(text, "sqlite3", mandatory_parameters=False)
    tx = SqliteTx(connection, ours, False, None)
    params: dict[str, Any] = {"account_id": 1, "operation_id": "x"}
    found = best(
        {
            "ours": lambda: drive(tx.all("pool_operations.fetch", **params)),
            "aiosql": lambda: list(queries.pool_operations_fetch(connection, **params)),
        }
    )
    show("one query", found)


if __name__ == "__main__":
    main()
