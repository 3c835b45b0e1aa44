"""Fair turns: the order in which accounts are served, for all kinds of work. See docs/decisions/0011-queue.md."""

import random
from collections.abc import Collection, Sequence
from itertools import starmap
from typing import Final, NamedTuple

from signalbox.db import Tx
from signalbox.queue.kinds import Done, Hand, Kind

# The topic that wakes workers.
WORK: Final = "work"
# A scan reads at most this many rows with a turn, and at most this many rows without a turn.
SCAN_ROWS: Final = 100
# The backoff: the wait after the first failure. Each further failure in a row doubles the wait, up to the longest.
FIRST_WAIT_MS: Final = 500
LONGEST_WAIT_MS: Final = 60_000


class Waiting(NamedTuple):
    """A row of the queue: one kind of work of one account. `highest` is the greatest turn of all accounts."""

    account_id: int
    account_sid: str
    kind: str
    turn: int
    served: int
    attempts: int
    highest: int


class Candidate(NamedTuple):
    """A row in the order of turns.

    `next_turn`: the account's turn after a unit of work. `alone`: no other account is due, and the work has not failed.
    """

    row: Waiting
    next_turn: int
    alone: bool


async def start(tx: Tx, account_id: int, kind: str, due_at: int = 0) -> None:
    """Adds the account's row for this kind of work to the queue, in the transaction that writes the work.

    `due_at`: workers do not start the work before this time, in milliseconds. A row that is due later is due then,
    unless it waits after a failure; any other row that exists is not changed. 0 is for kinds without `next_due`.
    """
    # None: another transaction has added the row during this statement. The next statement finds it.
    while await tx.one("queue.start", account_id=account_id, kind=kind, due_at=due_at) is None:
        pass
    if due_at:
        await tx.run("queue.hasten", account_id=account_id, kind=kind, due_at=due_at)
    tx.wake(WORK)


async def scan(tx: Tx) -> list[Waiting]:
    """Rows that are due, with the lowest turns, and rows that have no turn yet."""
    return list(starmap(Waiting, await tx.all("queue.scan", now=tx.now, limit=SCAN_ROWS)))


class Order:
    """The order in which one process serves accounts.

    A new row has no turn in the database. This process gives its account the greatest turn of all accounts at the time
    of the first scan that finds the row. So a new account does not go before all others, and does not fall behind them
    at every scan.
    """

    def __init__(self) -> None:
        self._places: dict[int, int] = {}

    def of(self, rows: Sequence[Waiting], in_hand: Collection[tuple[int, str]] = ()) -> list[Candidate]:
        """The rows in the order of turns. Rows that a worker of this process is serving (`in_hand`) come last."""
        highest = max((row.highest for row in rows), default=0)
        turns = self._turns(rows, highest)
        # Accounts with equal turns come in random order, so that several processes seldom choose the same account.
        chance = {account_id: random.random() for account_id in turns}  # noqa: S311 (no secret)

        def place(row: Waiting) -> tuple[bool, int, float, int]:
            busy = (row.account_id, row.kind) in in_hand
            return busy, turns[row.account_id], chance[row.account_id], row.served

        return [
            Candidate(row, max(highest, turns[row.account_id] + 1), len(turns) == 1 and not row.attempts)
            for row in sorted(rows, key=place)
        ]

    def _turns(self, rows: Sequence[Waiting], highest: int) -> dict[int, int]:
        """The turn of each account. Remembers the turns of accounts that have none in the database."""
        turns: dict[int, int] = {}
        for row in rows:
            turns[row.account_id] = max(row.turn, turns.get(row.account_id, 0))
        self._places = {
            account_id: min(self._places.get(account_id, highest), highest)
            for account_id, turn in turns.items()
            if not turn
        }
        return turns | self._places


async def serve(tx: Tx, kind: Kind, candidate: Candidate, hand: Hand) -> Done | None:
    """Does one unit of work of the account and advances its turn. None when the account has no unit to claim."""
    account_id = candidate.row.account_id
    done = await kind.run(tx, hand)
    if done is None:
        # Reads without a lock first, because a lock is a write. Usually another worker has claimed the work.
        idle = not await kind.waits(tx, account_id)
    elif candidate.alone:
        idle = done.last
    else:
        # The row stays after the last unit as well, so that an account that soon has more work keeps its turn.
        await tx.run("queue.move_on", account_id=account_id, kind=kind.name, turn=candidate.next_turn)
        idle = False
    if idle:
        await _remove_if_idle(tx, kind, account_id)
    return done


async def _remove_if_idle(tx: Tx, kind: Kind, account_id: int) -> None:
    """Removes the row, unless the account has work of this kind or a transaction is starting some.

    When the next unit has a time, the row stays and is due at that time.
    """
    locked = await tx.one("queue.lock", account_id=account_id, kind=kind.name)
    if locked is None or await kind.waits(tx, account_id):
        return
    due_at = await kind.next_due(tx, account_id) if kind.next_due else None
    if due_at is None:
        await tx.run("queue.remove", account_id=account_id, kind=kind.name)
    else:
        await tx.run("queue.defer", account_id=account_id, kind=kind.name, due_at=due_at)


def wait_ms(attempts: int) -> int:
    """The wait in milliseconds after `attempts` failures in a row."""
    return min(FIRST_WAIT_MS << min(attempts - 1, 20), LONGEST_WAIT_MS)


async def put_off(tx: Tx, kind: Kind, candidate: Candidate) -> None:
    """Delays this kind of work of this account after a failure, with exponential backoff."""
    attempts = candidate.row.attempts + 1
    await tx.run(
        "queue.put_off",
        account_id=candidate.row.account_id,
        kind=kind.name,
        turn=candidate.next_turn,
        attempts=attempts,
        due_at=tx.now + wait_ms(attempts),
    )


async def started_by_older_version(tx: Tx) -> list[tuple[int, str]]:
    """Accounts and kinds of work that a process of the previous version has started, and that have no row yet."""
    return [(row[0], row[1]) for row in await tx.all("queue.without_row")]
