"""The interface between the worker loop and a kind of work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from signalbox.db import Tx


@dataclass(slots=True)
class Hand:
    """The account that a worker serves. `unit` is the id of the claimed work, for log lines and for `set_back`."""

    account_id: int
    account_sid: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The result of one transaction of a worker: an event and fields for its log line.

    `items`: the numbers of created and failed items, for a batch of items. `last`: the account seems to have no more
    work of this kind. `more`: the account has work of this kind for another worker at the same time.
    """

    event: str
    fields: Mapping[str, str | int]
    items: tuple[int, int] | None = None
    last: bool = False
    more: bool = False


Run = Callable[[Tx, Hand], Awaitable[Done | None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work.

    `run` claims the account's next unit of work, sets `Hand.unit`, and does one batch of the unit. It returns None when
    the account has no unit to claim. `waits` says whether the account has a unit that can be done now, claimed or not.
    `set_back` moves a failed unit behind the account's other units. `next_due`, for work that has a time: when the
    account's next unit is due, in milliseconds, or None.
    """

    name: str
    run: Run
    waits: Callable[[Tx, int], Awaitable[bool]]
    set_back: Callable[[Tx, int, str], Awaitable[None]] | None = None
    next_due: Callable[[Tx, int], Awaitable[int | None]] | None = None
