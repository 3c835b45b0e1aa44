"""The stored numbers of members of pools."""

from __future__ import annotations

import pytest

from signalbox.db import Database, Tx
from signalbox.inventory import names, sender_pools, senders
from tenant import Tenant
from working import drain


@pytest.fixture
async def ada(database: Database) -> Tenant:
    return await Tenant.new(database)


async def numbers(database: Database, ada: Tenant, *pools: str) -> dict[str, int]:
    found = await database.read(lambda tx: names.of_pools(tx, ada.id, pools))
    return {pool.id: sum(number for _, number in pool.channels) for pool in found}


async def test_recount_puts_the_numbers_of_all_pools_right(database: Database, ada: Tenant) -> None:
    ben = await Tenant.new(database, "Ben")
    one, _ = await ada.create(await ada.new_senders(3))
    empty, _ = await ada.create()
    gone, _ = await ada.create(await ada.new_senders(2))
    other, _ = await ben.create(await ben.new_senders(1))
    await drain(database)
    await ada.delete_pool(gone)

    async def miscount(tx: Tx) -> None:
        rows = f'[["{empty}", "SMS", 4], ["{one}", "PUSH", -2], ["{one}", "SMS", 7]]'
        await tx.run("sender_pools.count", account_id=ada.id, rows=rows)

    await database.write(miscount)
    assert await numbers(database, ada, one, empty) != {one: 3, empty: 0}
    await database.write(lambda tx: sender_pools.recount(tx, ada.id))
    assert await numbers(database, ada, one, empty, gone) == {one: 3, empty: 0}
    assert await numbers(database, ben, other) == {other: 1}


async def test_operations_on_one_pool_at_the_same_time_count_each_member_once(database: Database, ada: Tenant) -> None:
    found = await ada.new_senders(6)
    pool, _ = await ada.create(found[:2])
    for some in (found[1:4], found[2:], found):
        await ada.add(pool, some)
    await drain(database)
    assert await numbers(database, ada, pool) == {pool: 6}

    async def leave(tx: Tx) -> None:
        await sender_pools.remove_sender(tx, ada.id, pool, found[0])
        sender = await senders.lock(tx, ada.id, found[1])
        await senders.delete(tx, ada.id, sender)

    await database.write(leave)
    assert await numbers(database, ada, pool) == {pool: 4}
