"""For one release: processes of the previous version write no row in the queue, and workers still do their work."""

from __future__ import annotations

import pytest

from faults import rows, run
from signalbox.db import Database
from signalbox.ground import clock, ids
from signalbox.ground.metrics import Metrics
from signalbox.inventory.senders import SENDER
from signalbox.queue import adoption
from signalbox.worker import Workers
from tenant import Tenant
from working import drain, step


@pytest.fixture
async def ada(database: Database) -> Tenant:
    return await Tenant.new(database)


async def _forget(url: str) -> None:
    """Deletes the rows that the previous version does not write."""
    await run(url, "DELETE FROM queue")


async def test_operation_without_a_row_is_found(database_url: str, database: Database, ada: Tenant) -> None:
    _, operation = await ada.create([ids.new(SENDER, clock.now_ms())])
    await _forget(database_url)
    assert await step(database) is None
    assert await adoption.adopt(database) == (1, False)
    assert await adoption.adopt(database) == (0, False)
    await drain(database)
    assert (await ada.fetch(operation)).final


async def test_deleted_pool_without_a_row_is_found(database_url: str, database: Database, ada: Tenant) -> None:
    pool_id, _ = await ada.create(await ada.new_senders(2))
    await drain(database)
    await ada.delete_pool(pool_id)
    await _forget(database_url)
    assert await step(database) is None
    assert await adoption.adopt(database) == (1, False)
    await drain(database)
    assert await ada.members(pool_id) == set()


async def test_workers_look_for_such_work_by_themselves(database_url: str, database: Database, ada: Tenant) -> None:
    _, operation = await ada.create([ids.new(SENDER, clock.now_ms())])
    await _forget(database_url)
    workers = Workers(database, 1, Metrics())
    await ada.reaches(operation, operation.total)
    await workers.stop()
    assert await rows(database_url, "SELECT kind FROM queue WHERE kind <> 'pool_operations'") == []
