"""Wake-ups inside one process."""

from __future__ import annotations

import asyncio

from signalbox.db import Wakeups


async def test_fire_between_subscribe_and_wait_is_not_lost() -> None:
    wakeups = Wakeups()
    with wakeups.subscribe("a") as first, wakeups.subscribe("a") as second:
        wakeups.fire(["a", "a", "unheard"])
        assert await first.wait(0)
        assert await second.wait(0)
        assert not await first.wait(0)


async def test_wait_ends_when_the_topic_fires() -> None:
    wakeups = Wakeups()
    with wakeups.subscribe("a") as subscription:
        waiting = asyncio.create_task(subscription.wait(10))
        await asyncio.sleep(0)
        wakeups.fire(["b"])
        assert not waiting.done()
        wakeups.fire_all()
        assert await waiting


async def test_subscription_ends_with_its_block() -> None:
    wakeups = Wakeups()
    with wakeups.subscribe("a") as first:
        with wakeups.subscribe("a"):
            pass
        wakeups.fire(["a"])
        assert await first.wait(0)
    assert not wakeups._listeners
