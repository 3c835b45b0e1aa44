"""Whether a history can be explained: does an order of its events exist that fits their times and the rules?

An event took effect at some time between its request and its response. An event without a response took effect at some
time after its request, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from journal import FOREVER, Entry

S = TypeVar("S", bound=Hashable)


@dataclass(eq=False, slots=True)
class Event(Generic[S]):
    """`step` maps the state before to the state after; None when the event is impossible in that state."""

    start: float
    end: float
    step: Callable[[S], S | None]
    text: str
    reads: bool = False
    certain: bool = True

    @classmethod
    def of(cls, entry: Entry, step: Callable[[S], S | None], *, reads: bool = False) -> Event[S]:
        """The effect that a request had or may have had. Reads without a response must not be given."""
        return cls(entry.sent, entry.until, step, str(entry), reads, not entry.unknown)


def explained(events: Sequence[Event[S]], state: S) -> bool:
    """Whether each event can have happened once, starting from a state."""
    ordered = sorted(events, key=lambda event: event.start)
    dead_ends: set[tuple[int, S]] = set()
    # A level of the search: the events done so far as bits, the state, and the first event that is not done.
    stack = [(0, state, 0)]
    while stack:
        done, state, first = stack.pop()
        if (done, state) in dead_ends:
            continue
        dead_ends.add((done, state))
        done, first, open_ = _read(ordered, done, state, first)
        if open_ is None:
            return True
        for index in open_:
            after = ordered[index].step(state)
            if after is not None:
                stack.append((done | 1 << index, after, first))
    return False


def _read(ordered: Sequence[Event[S]], done: int, state: S, first: int) -> tuple[int, int, list[int] | None]:
    """Takes every read that may come now and fits the state, because it may not fit a later state.

    Returns the events that are done then, the first one that is not, and the events that may come next; None for these
    when no certain event is left.
    """
    while True:
        while first < len(ordered) and done >> first & 1:
            first += 1
        limit = FOREVER
        candidates = []
        left = False
        for index in range(first, len(ordered)):
            event = ordered[index]
            if event.start > limit:
                break
            if not done >> index & 1:
                candidates.append(index)
                left = left or event.certain
                limit = min(limit, event.end) if event.certain else limit
        if not left:
            return done, first, None
        true = [index for index in candidates if ordered[index].reads and ordered[index].step(state) is not None]
        # Only reads that began before every other certain event ended, which is `limit`.
        true = [index for index in true if ordered[index].start <= limit]
        if not true:
            return done, first, [i for i in candidates if not ordered[i].reads and ordered[i].start <= limit]
        for index in true:
            done |= 1 << index
