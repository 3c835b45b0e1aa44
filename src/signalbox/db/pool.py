"""A small pool that hands a connection straight to the next waiter, first in, first out.

asyncpg's pool resets every connection and lets a caller that comes later overtake one that waits: figures in
docs/decisions/0016-connection-pool.md.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from signalbox.ground.errors import Unavailable


class Connection(Protocol):
    """What the pool needs to know of a connection."""

    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...


C = TypeVar("C", bound=Connection)


class Pool(Generic[C]):
    """At most `size` connections, opened when needed by `connect`, which raises Unavailable.

    At most `max_waiting` callers wait, each at most `max_wait` seconds; the others get Unavailable.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[C]],
        size: int,
        *,
        max_waiting: int = 10_000,
        max_wait: float = 10.0,
    ) -> None:
        self._connect = connect
        self._size = size
        self._max_waiting = max_waiting
        self._max_wait = max_wait
        self._open = 0  # connections, and places in which one is being opened
        self._idle: list[C] = []
        # A waiter gets a connection, or None: a place in which to open one itself.
        self._waiters: deque[asyncio.Future[C | None]] = deque()
        self._waiting = 0
        self._closed = False

    def figures(self) -> tuple[int, int, int]:
        """Connections in use, connections idle, callers waiting."""
        return self._open - len(self._idle), len(self._idle), self._waiting

    async def acquire(self) -> C:
        """A connection that is the caller's until `release`. Raises Unavailable."""
        if self._closed:
            raise Unavailable("The database is closed.")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        if self._open < self._size:
            self._open += 1
            return await self._fill_place()
        if self._waiting >= self._max_waiting:
            raise Unavailable("Too many requests are waiting for the database.")
        return await self._wait()

    async def _wait(self) -> C:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[C | None] = loop.create_future()
        timer = loop.call_later(self._max_wait, self._give_up, waiter)
        self._waiters.append(waiter)
        self._waiting += 1
        try:
            handed = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Handed over in the same moment in which the caller was cancelled.
                if (connection := waiter.result()) is None:
                    self._free_place()
                else:
                    self.release(connection)
            raise
        finally:
            timer.cancel()
            self._waiting -= 1
        if handed is None or handed.is_closed():
            return await self._fill_place()
        return handed

    def _give_up(self, waiter: asyncio.Future[C | None]) -> None:
        if not waiter.done():
            waiter.set_exception(Unavailable(f"No database connection came free in {self._max_wait:g} seconds."))

    async def _fill_place(self) -> C:
        try:
            return await self._connect()
        except BaseException as error:
            if isinstance(error, Unavailable) and self._open == 1:
                # Nobody holds a connection that could come free: those who wait would only fail in turn.
                self._fail_waiters(error)
            self._free_place()
            raise

    def _free_place(self) -> None:
        if not self._hand_over(None):
            self._open -= 1

    def _hand_over(self, connection: C | None) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _fail_waiters(self, error: Unavailable) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(Unavailable(error.message, error.retry_after, error.detail))

    def release(self, connection: C) -> None:
        """Gives a connection back, clean and between transactions; a closed one frees its place."""
        if connection.is_closed():
            self._free_place()
        elif self._closed:
            connection.terminate()
            self._open -= 1
        elif not self._hand_over(connection):
            self._idle.append(connection)

    def drop_idle(self) -> None:
        """Forgets idle connections: one was found broken, its neighbours probably are too."""
        while self._idle:
            self._idle.pop().terminate()
            self._free_place()

    def close(self) -> list[C]:
        """Refuses waiters and new callers; returns the idle connections for a polite end."""
        self._closed = True
        self._fail_waiters(Unavailable("The database is closed."))
        idle, self._idle = self._idle, []
        self._open -= len(idle)
        return idle
