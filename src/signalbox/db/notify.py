"""Wake-ups between processes: LISTEN and NOTIFY on a separate connection.

A transaction with NOTIFY takes a lock over all databases of the server when it commits, so commits would queue. NOTIFY
is therefore sent after the commit, with many topics at once. A lost wake-up delays work by a second at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from signalbox.db.wakeups import Wakeups
from signalbox.ground.errors import Unavailable

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

CHANNEL: Final = "signalbox"
# PostgreSQL accepts payloads of less than 8000 bytes.
MAX_PAYLOAD: Final = 7000
# The pause after each NOTIFY. A busy process sends 200 a second at most, and not one for each commit.
PAUSE_SECONDS: Final = 0.005
# A statement after this time finds a connection that was lost without a reset.
PING_SECONDS: Final = 30.0
MAX_DELAY_SECONDS: Final = 5.0
FLUSH_SECONDS: Final = 2.0


class Notifier:
    """Sends fired topics to the other processes, and fires topics that they send. Reconnects without limit."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        trouble: tuple[type[Exception], ...],
        wakeups: Wakeups,
    ) -> None:
        self._connect = connect
        self._trouble: tuple[type[Exception], ...] = (*trouble, Unavailable)
        self._wakeups = wakeups
        # The first line of every payload. PostgreSQL also delivers this process's own notifications, which are ignored.
        self._token = secrets.token_hex(6)
        self._pending: dict[str, None] = {}
        self._something = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Sends what is pending, for at most two seconds, and stops."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._flushed.wait()
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    def send(self, topics: Iterable[str]) -> None:
        self._pending.update(dict.fromkeys(topics))
        self._flushed.clear()
        self._something.set()

    async def _run(self) -> None:
        delay = 0.1
        while True:
            try:
                connection = await self._connect()
            except Unavailable:
                await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 (no secret)
                delay = min(delay * 2, MAX_DELAY_SECONDS)
                continue
            try:
                connection.add_termination_listener(lambda *_: self._something.set())
                await connection.add_listener(CHANNEL, self._heard)
                delay = 0.1
                # Wake-ups may have been lost while there was no connection.
                self._wakeups.fire_all()
                await self._serve(connection)
            except self._trouble:
                await asyncio.sleep(delay)
            finally:
                connection.terminate()

    async def _serve(self, connection: Connection) -> None:
        while True:
            self._something.clear()
            if self._pending:
                topics, self._pending = list(self._pending), {}
                try:
                    for payload in _payloads(self._token, topics):
                        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload, timeout=10)
                except BaseException:
                    self.send(topics)
                    raise
            if not self._pending:
                self._flushed.set()
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._something.wait()
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=10)
            if connection.is_closed():
                raise Unavailable("The connection for wake-ups was lost.")

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        token, *topics = str(payload).split("\n")
        if token != self._token:
            self._wakeups.fire(topics)


def _payloads(token: str, topics: list[str]) -> Iterator[str]:
    payload, size = token, len(token)
    for topic in topics:
        length = len(topic.encode()) + 1
        if size + length > MAX_PAYLOAD and size > len(token):
            yield payload
            payload, size = token, len(token)
        payload += "\n" + topic
        size += length
    yield payload
