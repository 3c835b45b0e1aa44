"""Workers: they apply the batches of all accounts' operations, and sweep up what deletions leave. House section 5."""

import asyncio
import contextlib
import time
from typing import Final

from signalbox.accounts import idempotency
from signalbox.db import Database
from signalbox.ground import log
from signalbox.ground.errors import Unavailable
from signalbox.ground.metrics import Metrics
from signalbox.inventory import pool_operations, sender_pools, senders

# Workers look for work this often even when nothing wakes them: a wake-up is a hint and may be lost.
_LOOK_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0
_HOUSEKEEPING_SECONDS: Final = 600.0


class Workers:
    """`count` workers of this process. Each applies one batch at a time, a transaction whole or not at all."""

    def __init__(self, db: Database, count: int, metrics: Metrics) -> None:
        self._db = db
        self._metrics = metrics
        self._log = log.get()
        self._stopping = False
        self._next_housekeeping = 0.0
        self._tasks = [asyncio.create_task(self._work(), name=f"worker-{n}") for n in range(count)]

    async def stop(self) -> None:
        """Begins no other batch and finishes those in hand; one that cannot be finished in time is rolled back."""
        self._stopping = True
        self._db.wakeups.fire((senders.WORK,))
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> None:
        with self._db.wakeups.subscribe(senders.WORK) as news:
            while not self._stopping:
                try:
                    busy = await self._batch()
                    busy = await self._db.write(sender_pools.sweep) or busy
                    await self._housekeeping()
                except Unavailable as error:
                    self._log.warning("worker waits for the database", problem=str(error))
                    busy = False
                except Exception as error:  # a worker that died of it would leave work undone that was promised
                    self._log.error("batch failed", error)
                    busy = await self._put_back()
                if not busy and not self._stopping:
                    await news.wait(_LOOK_SECONDS)

    async def _put_back(self) -> bool:
        """Lets others go before the operation that cannot be worked on; never says there is more to do at once."""
        with contextlib.suppress(Exception):
            await self._db.write(pool_operations.postpone)
        return False

    async def _batch(self) -> bool:
        """Applies one batch if there is one, and says whether there was."""
        started = time.perf_counter()
        batch = await self._db.write(pool_operations.run_batch)
        if batch is None:
            return False
        seconds = time.perf_counter() - started
        self._metrics.batch(batch.created, batch.failed, seconds)
        self._log.info(
            "batch",
            requestId=batch.request_id,
            account=batch.account_sid,
            operation=batch.operation_id,
            created=batch.created,
            failed=batch.failed,
            status=batch.status,
            ms=round(seconds * 1000, 2),
        )
        return True

    async def _housekeeping(self) -> None:
        """Now and then removes what is kept for a limited time."""
        if time.monotonic() >= self._next_housekeeping:
            self._next_housekeeping = time.monotonic() + _HOUSEKEEPING_SECONDS
            await self._db.write(idempotency.forget_old)
