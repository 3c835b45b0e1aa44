"""The series of migrations, on both engines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from small import add, make_sql, names

from faults import run
from signalbox.db import connect
from signalbox.db.migrate import SchemaTooNew, series
from signalbox.ground.errors import Bug, Unavailable


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    return make_sql(tmp_path / "sql")


async def test_many_opens_of_one_empty_database_migrate_it_once(empty_url: str, sql: Path) -> None:
    databases = [connect(empty_url, sql_folder=sql, connections=2) for _ in range(8)]
    await asyncio.gather(*[database.open() for database in databases])
    for number, database in enumerate(databases):
        await database.ready()
        await database.write(add(number, f"n{number}"))
    assert len(await databases[0].read(names)) == 8
    for database in databases:
        await database.close()


async def test_older_database_is_upgraded_with_its_rows(empty_url: str, sql: Path) -> None:
    old = connect(empty_url, sql_folder=sql)
    await old.open()
    await old.write(add(1, "a"))
    (sql / "migrations" / "0002_more.sql").write_text("SELECT broken;")
    (sql / "migrations" / "0002_more.postgres.sql").write_text("ALTER TABLE items ADD extra BIGINT;")
    if empty_url.startswith("sqlite"):
        (sql / "migrations" / "0002_more.sql").write_text(
            "ALTER TABLE items ADD COLUMN extra BIGINT;\n"
            "CREATE TRIGGER t AFTER INSERT ON items BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
        )
    new = connect(empty_url, sql_folder=sql)
    await new.open()
    assert await new.read(names) == ["a"]
    await new.ready()
    # The older program still runs, stays ready, and prepares its statements again on PostgreSQL.
    await old.ready()
    assert await old.read(names) == ["a"]
    assert await old.write(add(2, "b")) == 1
    await old.close()
    await new.close()


async def test_database_without_a_migration_of_the_program_is_not_ready(empty_url: str, sql: Path) -> None:
    """As after a restore of an older backup below a running program."""
    (sql / "migrations" / "0002_more.sql").write_text("ALTER TABLE items ADD extra BIGINT")
    database = connect(empty_url, sql_folder=sql)
    await database.open()
    await database.ready()
    await run(empty_url, "DELETE FROM signalbox_schema WHERE version = 2")
    with pytest.raises(Unavailable, match="schema version 1, not 2"):
        await database.ready()
    await run(empty_url, "DROP TABLE signalbox_schema")
    with pytest.raises(Unavailable, match="no schema"):
        await database.ready()
    await database.close()


async def test_newer_database_is_refused(empty_url: str, sql: Path) -> None:
    more = sql / "migrations" / "0002_more.sql"
    more.write_text("ALTER TABLE items ADD extra BIGINT;")
    new = connect(empty_url, sql_folder=sql)
    await new.open()
    await new.close()
    more.unlink()
    old = connect(empty_url, sql_folder=sql)
    with pytest.raises(SchemaTooNew, match="schema version 2, this program knows 1"):
        await old.open()
    await old.close()


async def test_failing_migration_leaves_the_database_as_it_was(empty_url: str, sql: Path) -> None:
    first = connect(empty_url, sql_folder=sql)
    await first.open()
    broken = sql / "migrations" / "0002_more.sql"
    broken.write_text("CREATE TABLE more (id BIGINT);\nSELECT * FROM nowhere;")
    second = connect(empty_url, sql_folder=sql)
    with pytest.raises(Bug, match="nowhere"):
        await second.open()
    await second.close()
    broken.write_text("CREATE TABLE more (id BIGINT);")
    third = connect(empty_url, sql_folder=sql)
    await third.open()
    await third.ready()
    await third.close()
    await first.close()


def test_statements_of_a_migration_are_cut_outside_quotes(sql: Path) -> None:
    (sql / "migrations" / "0002_more.sql").write_text(
        """
        -- A comment; with a semicolon.
        CREATE TABLE more (a TEXT DEFAULT 'x;''y', "b;" TEXT);
        CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN '1;$$'; END; $body$;
        SELECT $$;$$ , 1;;
        """
    )
    *_, more = series(sql / "migrations", "postgres")
    split = more.statements("postgres")
    assert [statement.split()[0] for statement in split] == ["CREATE", "CREATE", "SELECT"]
    assert split[0].endswith('"b;" TEXT)')
    assert split[1].endswith("$body$")


@pytest.mark.parametrize("name", ["0003_gap.sql", "0001_again.sql", "2_short.sql", "0002_lonely.postgres.sql"])
def test_series_with_a_mistake_is_a_bug(sql: Path, name: str) -> None:
    (sql / "migrations" / name).write_text("SELECT 1;")
    with pytest.raises(Bug):
        series(sql / "migrations", "postgres")
