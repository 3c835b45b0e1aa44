"""How an operation is started: in how many round trips."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from signalbox.db import connect
from signalbox.inventory import sender_pools
from tenant import Tenant


async def test_create_of_a_pool_takes_one_round_trip(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = connect(postgres_url, connections=1)
    await database.open()
    tenant = await Tenant.new(database)
    await tenant.create()
    said: list[str] = []
    for name in ("execute", "fetch"):
        method = getattr(asyncpg.Connection, name)

        async def spy(self: object, query: str, *given: object, method: Any = method, **more: object) -> object:
            said.append(query)
            return await method(self, query, *given, **more)

        monkeypatch.setattr(asyncpg.Connection, name, spy)
    await database.write_one(lambda tx, look: sender_pools.create(tx, look, tenant.id, "x", {}, ["comms_sender_x"]))
    assert len([query for query in said if "pg_notify" not in query]) == 1
    await database.close()
