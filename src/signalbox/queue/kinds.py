"""A kind of work, as the loop of the workers knows one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from signalbox.db import Tx


@dataclass(slots=True)
class Hand:
    """What a worker has in hand: `unit` is the name of the claimed unit of work, for the log and for `set_back`."""

    account_id: int
    account_sid: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What one transaction of a worker did: its log line, and how many items it created and failed, if it had any.

    `last`: the account seems to have no more work of this kind. `more`: another worker can work on the account beside.
    """

    event: str
    fields: Mapping[str, str | int]
    items: tuple[int, int] | None = None
    last: bool = False
    more: bool = False


Run = Callable[[Tx, Hand], Awaitable[Done | None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work that accounts have.

    `run` claims the next unit of work of the account in `hand`, names it there and does one batch of it; None when
    there is none to claim. `waits` says whether the account has any, claimed or not. `set_back` puts a unit that failed
    behind the account's others.
    """

    name: str
    run: Run
    waits: Callable[[Tx, int], Awaitable[bool]]
    set_back: Callable[[Tx, int, str], Awaitable[None]] | None = None
