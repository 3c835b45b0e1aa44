"""What the inventory does when another transaction was faster: rows that are gone."""

from __future__ import annotations

import pytest

from faults import run
from signalbox.db import Database
from signalbox.ground.errors import NotFound
from signalbox.inventory import pool_operations, sender_pools
from signalbox.inventory.overview import Throughput
from signalbox.inventory.pool_operations import PoolOperation
from tenant import Tenant
from working import drain


async def test_sender_that_another_request_removed_is_not_found(database: Database) -> None:
    ada = await Tenant.new(database)
    (sender,) = await ada.new_senders(1)
    pool_id, _ = await ada.create([sender])
    await drain(database)
    await database.write(lambda tx: sender_pools.remove_sender(tx, ada.id, pool_id, sender))
    with pytest.raises(NotFound, match="is not in sender pool"):
        await database.write(lambda tx: sender_pools.remove_sender(tx, ada.id, pool_id, sender))


async def test_pool_of_an_account_whose_operations_are_removed_can_be_added_to(
    database_url: str, database: Database
) -> None:
    """The deletion of an account removes operations before pools."""
    ada = await Tenant.new(database)
    pool_id, _ = await ada.create()
    await run(database_url, f"DELETE FROM operations WHERE account_id = {ada.id}")
    await database.write(lambda tx: pool_operations.follow_for(tx, ada.id, pool_id))
    assert (await ada.add(pool_id, await ada.new_senders(1))).total == 1


def test_operation_without_a_done_item_takes_no_time_from_the_next() -> None:
    throughput = Throughput(0)
    waiting = PoolOperation("a", "CANCELED", 2, 2, 0, 0, created_at=0, updated_at=3_000_000)
    done = PoolOperation("b", "COMPLETED", 2, 0, 2, 0, created_at=0, updated_at=60_000)
    throughput.add([waiting, done])
    assert [one.created for one in throughput.minutes()][:2] == [2, 0]
