"""Says that no worker is running, while a command waits for an operation."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from signalbox.cli.endings import complain

if TYPE_CHECKING:
    from signalbox_client import Signalbox

# Seconds without a change of the operation before the server is asked, and between two questions.
_QUIET_SECONDS: Final = 5.0


class Lookout:
    """A thread beside a watch: while the operation does not change, it asks for workers, and says once if none runs."""

    def __init__(self, client: Signalbox) -> None:
        self._client = client
        self._changed = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._look, name="lookout", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._changed.set()

    def changed(self) -> None:
        """The operation has changed, so a worker is running."""
        self._changed.set()

    def _look(self) -> None:
        from signalbox_client import NotFound, SignalboxError

        while not self._over:
            if self._changed.wait(_QUIET_SECONDS):
                self._changed.clear()
                continue
            try:
                running = self._client.workers.fetch().running
            except NotFound:  # a server of an earlier version
                return
            except SignalboxError:  # the watch itself meets the same failure, and says it
                continue
            if not running and not self._over:
                complain("no worker is running, so the operation waits: `signalbox worker` starts one")
                return
