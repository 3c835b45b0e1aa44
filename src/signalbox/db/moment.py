"""The time of a transaction, and the new ids that follow it."""

from signalbox.ground import clock, ids
from signalbox.ground.clock import Clock


class Moment:
    """The part of `Tx` that concerns time and ids, for both engines."""

    __slots__ = ("_clock", "_ids", "_now")

    def __init__(self, account_clock: Clock | None) -> None:
        self._clock = account_clock
        self._now: int | None = None
        self._ids: ids.Series | None = None

    @property
    def now(self) -> int:
        if self._now is None:
            self._now = (self._clock or clock.now_ms)()
        return self._now

    def _series(self) -> ids.Series:
        if self._ids is None:
            self._ids = ids.Series(self.now, shared=self._clock is None)
        return self._ids

    def new_id(self, kind: str) -> str:
        return self._series().new(kind)

    def after(self, identifier: str) -> None:
        self._series().after(identifier)
