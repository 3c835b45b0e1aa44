"""Wake-ups: hints that something was committed. A hint may come for nothing; the database is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Self


class Subscription:
    """One listener on one topic, from `with` to the end of its block; see `Wakeups.subscribe`."""

    __slots__ = ("_event", "_topic", "_wakeups")

    def __init__(self, wakeups: Wakeups, topic: str) -> None:
        self._wakeups = wakeups
        self._topic = topic
        self._event = asyncio.Event()

    def __enter__(self) -> Self:
        self._wakeups._listeners.setdefault(self._topic, set()).add(self)
        return self

    def __exit__(self, *_: object) -> None:
        listeners = self._wakeups._listeners[self._topic]
        listeners.discard(self)
        if not listeners:
            del self._wakeups._listeners[self._topic]

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 (running out is an answer here, not an error)
        """Waits until the topic fires, at most `timeout` seconds.

        Returns True if it fired since the last wait (or since the block began), so a hint that comes between
        looking at the database and waiting is never lost.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Wakeups:
    """The topics of one process and who listens to them. Used on the event loop's thread only."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: dict[str, set[Subscription]] = {}

    def subscribe(self, topic: str) -> Subscription:
        """Listens to a topic: `with wakeups.subscribe("work") as s: ... await s.wait(5)`."""
        return Subscription(self, topic)

    def fire(self, topics: Iterable[str]) -> None:
        """Wakes every listener of these topics; one dictionary look-up for a topic nobody listens to."""
        for topic in topics:
            for subscription in self._listeners.get(topic, ()):
                subscription._event.set()

    def fire_all(self) -> None:
        """Wakes everybody: for the moments in which hints may have been lost."""
        self.fire(list(self._listeners))
