"""An account that a test uses through the nouns, without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from signalbox.accounts import accounts
from signalbox.db import Database, Tx
from signalbox.ground import clock, ids
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import pool_operations, sender_pools, senders
from signalbox.inventory.pool_operations import PoolOperation


class Tenant:
    """An account that a test uses through the nouns, without HTTP and without workers."""

    def __init__(self, database: Database, account_id: int, sid: str) -> None:
        self.database = database
        self.id = account_id
        self.sid = sid

    @classmethod
    async def new(cls, database: Database, name: str = "Ada") -> Tenant:
        made = await database.write(lambda tx: accounts.create(tx, name))
        row = await database.read(lambda tx: tx.one("accounts.id", sid=made.account.sid))
        assert row is not None
        return cls(database, row[0], made.account.sid)

    async def new_senders(self, count: int) -> list[str]:
        rows = [senders.SenderRow("PUSH", ids.new("push", clock.now_ms()), "") for _ in range(count)]
        await self.database.write(lambda tx: senders.enter(tx, self.id, rows))
        id_range = IdRange(ids.greatest(senders.SENDER), ids.least(senders.SENDER), count)
        found = await self.database.read(lambda tx: senders.list_page(tx, self.id, senders.Filter(), id_range))
        return [one.id for one in reversed(found)]

    async def create(self, sender_ids: Sequence[str] = ()) -> tuple[str, PoolOperation]:
        """Creates a pool; returns its id and its operation."""
        operation = await self.database.write_one(
            lambda tx, look: sender_pools.create(tx, look, self.id, "x", {}, sender_ids)
        )
        id_range = IdRange(ids.greatest(sender_pools.SENDER_POOL), "", 1)
        (pool,) = await self.database.read(lambda tx: sender_pools.list_page(tx, self.id, operation.id, id_range))
        return pool.id, operation

    async def add(self, pool_id: str, sender_ids: Sequence[str]) -> PoolOperation:
        return await self.database.write_one(
            lambda tx, look: sender_pools.add_senders(tx, look, self.id, pool_id, sender_ids)
        )

    async def fetch(self, operation: PoolOperation) -> PoolOperation:
        return await self.database.read(lambda tx: pool_operations.fetch(tx, self.id, operation.id))

    async def reaches(self, operation: PoolOperation, tried: int) -> None:
        """Waits until this many items have an outcome."""
        with self.database.wakeups.subscribe(operation.id) as news:
            async with asyncio.timeout(30):
                while (now := await self.fetch(operation)).created + now.failed < tried:
                    await news.wait(1)

    async def cancel(self, operation: PoolOperation) -> None:
        await self.database.write(lambda tx: pool_operations.cancel(tx, self.id, operation.id))

    async def delete_pool(self, pool_id: str) -> None:
        async def work(tx: Tx) -> None:
            await sender_pools.delete(tx, self.id, await sender_pools.lock(tx, self.id, pool_id))

        await self.database.write(work)

    async def delete_sender(self, sender_id: str) -> None:
        async def work(tx: Tx) -> None:
            await senders.delete(tx, self.id, await senders.lock(tx, self.id, sender_id))

        await self.database.write(work)

    async def members(self, pool_id: str, filter_: senders.Filter | None = None) -> set[str]:
        """The ids of senders with a membership, also in a deleted pool."""
        id_range = IdRange(ids.greatest(senders.SENDER), ids.least(senders.SENDER), 100_000)
        found = await self.database.read(
            lambda tx: sender_pools.list_senders(tx, self.id, pool_id, filter_ or senders.Filter(), id_range)
        )
        return {one.id for one in found}

    async def outcomes(self, operation: PoolOperation) -> list[str]:
        items = await self.database.read(
            lambda tx: pool_operations.list_items(tx, self.id, operation.id, None, 0, 100_000)
        )
        assert [item.index for item in items] == list(range(operation.total))
        return [item.outcome for item in items]
