"""A pool that hands a released connection directly to the caller that has waited longest.

asyncpg's pool runs a reset statement for every use and lets later callers overtake waiters. Figures:
docs/decisions/0016-connection-pool.md.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from signalbox.ground.errors import Unavailable


class Connection(Protocol):
    """The methods of a connection that the pool uses."""

    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...


C = TypeVar("C", bound=Connection)


class Pool(Generic[C]):
    """At most `size` connections. `connect` opens a connection when one is needed, and raises Unavailable.

    At most `max_waiting` callers wait, each at most `max_wait` seconds. All other callers get Unavailable.
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
        self._open = 0  # open connections, and those that are being opened
        self._idle: list[C] = []
        # A waiter gets a connection, or None: then the waiter opens a connection itself.
        self._waiters: deque[asyncio.Future[C | None]] = deque()
        self._waiting = 0
        self._closed = False

    def figures(self) -> tuple[int, int, int]:
        """Connections in use, connections idle, callers waiting."""
        return self._open - len(self._idle), len(self._idle), self._waiting

    async def acquire(self) -> C:
        """A connection for the caller alone, until `release`. Raises Unavailable."""
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
                # The caller was cancelled after the pool had given this waiter a connection or a place.
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
                # No connection is in use that could be released to a waiter: every waiter would fail as well.
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
        """Returns a connection to the pool, outside a transaction. A closed connection only frees its place."""
        if connection.is_closed():
            self._free_place()
        elif self._closed:
            connection.terminate()
            self._open -= 1
        elif not self._hand_over(connection):
            self._idle.append(connection)

    def drop_idle(self) -> None:
        """Closes all idle connections: after the loss of one connection, the others are probably lost as well."""
        while self._idle:
            self._idle.pop().terminate()
            self._free_place()

    def close(self) -> list[C]:
        """All waiters and later callers get Unavailable. Returns the idle connections, for the caller to close."""
        self._closed = True
        self._fail_waiters(Unavailable("The database is closed."))
        idle, self._idle = self._idle, []
        self._open -= len(idle)
        return idle
