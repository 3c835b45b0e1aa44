"""What the handlers of one process share: database, keys, settings, metrics, locks, and the state of a shutdown."""

import asyncio
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from signalbox.accounts.accounts import Keyring
from signalbox.db import Database
from signalbox.ground import settings
from signalbox.ground.metrics import Metrics
from signalbox.http.authentication import Authenticator
from signalbox.http.local import Local
from signalbox.http.request_log import RequestLog

if TYPE_CHECKING:
    from signalbox.http.recordings import Recordings
    from signalbox.http.router import Route


class Turns:
    """A lock for each key: `async with turns.of(("inventory", account_id))`."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        """How many locks are held."""
        return sum(lock.locked() for lock in self._locks.values())

    def of(self, key: Hashable) -> asyncio.Lock:
        """The lock of this key. It is removed when no request holds it or waits for it."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock


class Services:
    """What handlers share; every handler has it as `request.services`."""

    def __init__(
        self,
        db: Database,
        keys: Keyring,
        settings: settings.Settings,
        metrics: Metrics,
        routes: "Sequence[Route]",
        local: Local | None = None,
    ) -> None:
        self.db = db
        self.keys = keys
        self.settings = settings
        self.metrics = metrics
        self.routes = routes
        self.local = local
        self.authenticator = Authenticator(db, keys)
        self.request_log = RequestLog() if settings.request_log else None
        self.recordings = _recordings() if settings.request_log and settings.request_bodies else None
        # Requests that would wait for each other in the database wait for a lock here, without a database connection.
        self.turns = Turns()
        self.stopping = False

    def stop(self) -> None:
        """Wakes every request that waits, so that the shutdown does not wait for them."""
        self.stopping = True
        self.db.wakeups.fire_all()


def _recordings() -> "Recordings":
    # Imported only where the setting is on, to start faster.
    from signalbox.http.recordings import Recordings

    return Recordings()
