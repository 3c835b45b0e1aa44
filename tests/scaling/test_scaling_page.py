"""docs/scaling.md names the queries and tables that do not belong to one account; the SQL must agree."""

from __future__ import annotations

import re

import asyncpg
from documented import DOCS

from signalbox.db.queries import PACKAGE_SQL, load


def _first_cells(section: str, columns: int = 1) -> list[list[str]]:
    """The code in the first cells of the rows of a section's tables."""
    below = (DOCS / "scaling.md").read_text("utf-8").partition(f"\n## {section}\n")[2].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in below.splitlines() if line.startswith("| `")]
    return [re.findall(r"`([^`]+)`", " ".join(row[:columns])) for row in rows]


def test_queries_across_accounts_are_all_named() -> None:
    queries = load(PACKAGE_SQL / "queries", "postgres").values()
    across = {query.name for query in queries if "across accounts:" in query.comment}
    named = [name for cells in _first_cells("Across several databases") for name in cells if "." in name]
    assert sorted(named) == sorted(across)


async def test_tables_and_their_keys_are_all_named(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    keys = await connection.fetch(
        """SELECT c.relname, string_agg(a.attname, ', ' ORDER BY array_position(i.indkey::int2[], a.attnum)) AS columns
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
        WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname"""
    )
    await connection.close()
    named = {cells[0]: cells[1] for cells in _first_cells("Across several databases", 2) if "." not in cells[0]}
    assert named == {row["relname"]: row["columns"] for row in keys}
