"""A server, role or database that allows fewer connections than the processes may open: warned of, with the cure."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from signalbox import db

ROLE: Final = "bounded"


@pytest.fixture
async def admin(postgres_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A superuser's connection. The role exists until the end of the test, and may do what serving needs."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        f"CREATE ROLE {ROLE} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}"
    )
    yield connection
    await connection.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
    await connection.close()


async def warned(url: str, connections: int, processes: int, direct: str | None = None) -> list[str]:
    """What the start says of connections."""
    database = db.connect(url, connections=connections, processes=processes, direct=direct)
    await database.open()
    await database.close()
    return [one for one in database.warnings if "connections" in one]


def of_role(url: str) -> str:
    return url.replace("postgres@", f"{ROLE}@")


async def test_server_with_too_few_connections_is_warned_of(
    postgres_url: str, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Some of the server's connections are kept for superusers."""
    allowed = int(await admin.fetchval("SHOW max_connections"))
    kept = int(await admin.fetchval("SHOW superuser_reserved_connections"))
    assert await warned(postgres_url, allowed - 1, 1) == []
    assert await warned(of_role(postgres_url), allowed - kept - 1, 1) == []
    assert await warned(of_role(postgres_url), allowed - kept, 1) == [
        f"max_connections allows {allowed - kept} connections, and this process may open {allowed - kept + 1}"
        " (database_connections, and one for wake-ups, in each): requests beyond get 503."
        f" Set database_connections to {allowed - kept - 1}, or raise max_connections in postgresql.conf."
    ]


@pytest.mark.parametrize("kind", ["role", "database"])
async def test_limit_of_role_or_database_is_warned_of_and_the_cures_work(
    postgres_url: str, admin: asyncpg.Connection[asyncpg.Record], kind: str
) -> None:
    name = ROLE if kind == "role" else urlsplit(postgres_url).path[1:]
    await admin.execute(f"ALTER {kind} {name} CONNECTION LIMIT 30")
    assert await warned(postgres_url, 10, 3) == [], "a superuser has no such limit"
    url = of_role(postgres_url)
    (problem,) = await warned(url, 10, 3)
    assert problem.startswith(f"The {kind} {name} allows 30 connections, and 3 processes may open 33 ")
    best = re.search(r"Set database_connections to (\d+)", problem)
    assert best
    assert await warned(url, int(best[1]), 3) == []
    assert await warned(url, 10, 3, direct=url) == [], "one direct connection each, for wake-ups"
    assert "Start fewer processes" in (await warned(url, 1, 31))[0]
    cure = re.search(r"ALTER .* -1", problem)
    assert cure
    await admin.execute(cure[0])
    assert await warned(url, 10, 3) == []
