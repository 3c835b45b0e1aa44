"""The connection pool, with connections that need no database."""

from __future__ import annotations

import asyncio

import pytest

from signalbox.db.pool import Pool
from signalbox.ground.errors import Unavailable


class Line:
    """A connection with the interface that the pool uses."""

    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


async def _connect() -> Line:
    await asyncio.sleep(0)
    return Line()


async def _refuse() -> Line:
    await asyncio.sleep(0)
    raise Unavailable("away")


async def test_waiters_are_served_in_order() -> None:
    pool = Pool(_connect, 1)
    line = await pool.acquire()
    order: list[int] = []

    async def wait(number: int) -> None:
        mine = await pool.acquire()
        order.append(number)
        pool.release(mine)

    tasks = [asyncio.create_task(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert pool.figures() == (1, 0, 5)
    pool.release(line)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]
    assert pool.figures() == (0, 1, 0)


async def test_waiter_cancelled_in_the_moment_of_the_hand_over_passes_it_on() -> None:
    pool = Pool(_connect, 1)
    line = await pool.acquire()
    first, second = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.release(line)
    first.cancel()
    assert await second is line
    pool.release(line)
    assert pool.figures() == (0, 1, 0)


async def test_cancelled_while_connecting_frees_the_place() -> None:
    pool = Pool(_connect, 1)
    first, second = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    first.cancel()
    pool.release(await second)
    assert pool.figures() == (0, 1, 0)


async def test_broken_connection_gives_its_place_to_a_waiter() -> None:
    pool = Pool(_connect, 1)
    line = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    line.terminate()
    pool.release(line)
    fresh = await waiting
    assert not fresh.closed
    pool.release(fresh)
    fresh.terminate()
    assert await pool.acquire() is not fresh


async def test_failing_connect_fails_everyone_and_leaves_nothing_behind() -> None:
    pool = Pool(_refuse, 2)
    results = await asyncio.gather(*[pool.acquire() for _ in range(20)], return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert pool.figures() == (0, 0, 0)


async def test_wait_is_bounded_in_number_and_time() -> None:
    pool = Pool(_connect, 1, max_waiting=1, max_wait=0.01)
    line = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many"):
        await pool.acquire()
    with pytest.raises(Unavailable, match="No database connection"):
        await waiting
    pool.release(line)
    assert await pool.acquire() is line


async def test_waiter_cancelled_in_the_moment_it_gets_a_place_passes_the_place_on() -> None:
    pool = Pool(_connect, 1)
    line = await pool.acquire()
    first, second = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    line.terminate()
    pool.release(line)
    first.cancel()
    fresh = await second
    assert not fresh.closed
    pool.release(fresh)
    assert pool.figures() == (0, 1, 0)


async def test_connection_handed_over_in_the_moment_the_wait_ends_is_used() -> None:
    pool = Pool(_connect, 1, max_wait=0)
    line = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    pool.release(line)  # the end of the wait is the next event of this turn of the loop
    assert await waiting is line


async def test_close_fails_waiters_and_closes_what_comes_back() -> None:
    pool = Pool(_connect, 1)
    line = await pool.acquire()
    gone, waiting = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    gone.cancel()
    assert pool.close() == []
    with pytest.raises(Unavailable, match="closed"):
        await waiting
    with pytest.raises(Unavailable, match="closed"):
        await pool.acquire()
    pool.release(line)
    assert line.closed
    assert pool.figures() == (0, 0, 0)


async def test_storm_of_cancellations_and_breaks_leaks_no_place() -> None:
    pool = Pool(_connect, 4)

    async def use(number: int) -> None:
        line = await pool.acquire()
        try:
            await asyncio.sleep(0)
        finally:
            if number % 7 == 0:
                line.terminate()
            pool.release(line)

    tasks = [asyncio.create_task(use(number)) for number in range(500)]
    for number, task in enumerate(tasks):
        if number % 5 == 0:
            await asyncio.sleep(0)
        if number % 3 == 0:
            tasks[number // 2].cancel()
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    in_use, idle, waiting = pool.figures()
    assert (in_use, waiting) == (0, 0)
    assert idle <= 4
    lines = [await pool.acquire() for _ in range(4)]
    assert len(set(lines)) == 4
