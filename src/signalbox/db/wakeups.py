"""Wake-ups: hints that a transaction was committed. The listener reads the database to learn what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Self


class Subscription:
    """A listener on one topic, for the length of a `with` block. See `Wakeups.subscribe`."""

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

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 (the end of the time is a result here, not an error)
        """Waits until the topic fires, at most `timeout` seconds.

        Returns True if the topic has fired since the last wait, or since the block began. So no wake-up is lost between
        a read of the database and the wait.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Wakeups:
    """The topics of one process and their listeners. For the thread of the event loop only."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: dict[str, set[Subscription]] = {}

    def subscribe(self, topic: str) -> Subscription:
        """Listens to a topic: `with wakeups.subscribe("work") as s: ... await s.wait(5)`."""
        return Subscription(self, topic)

    def fire(self, topics: Iterable[str]) -> None:
        """Wakes all listeners of these topics. A topic without a listener costs one dictionary look-up."""
        for topic in topics:
            for subscription in self._listeners.get(topic, ()):
                subscription._event.set()

    def fire_all(self) -> None:
        """Wakes all listeners. For moments in which wake-ups may have been lost."""
        self.fire(list(self._listeners))
