"""Fair turns: which account is next, whatever work it has. See docs/decisions/0011-queue.md."""

import random
from collections.abc import Collection, Sequence
from itertools import starmap
from typing import Final, NamedTuple

from signalbox.db import Tx
from signalbox.queue.kinds import Done, Hand, Kind

# The topic that wakes workers.
WORK: Final = "work"
# Rows that one look at the queue reads of those with a place in the order, and of those without one.
SCAN_ROWS: Final = 100
# The wait after the first failure in a row; it doubles with each further one, up to the longest.
FIRST_WAIT_MS: Final = 500
LONGEST_WAIT_MS: Final = 60_000


class Waiting(NamedTuple):
    """A row of the queue: one kind of work of one account. `highest` is the furthest turn of all accounts."""

    account_id: int
    account_sid: str
    kind: str
    turn: int
    served: int
    attempts: int
    highest: int


class Candidate(NamedTuple):
    """A row in the order of turns; `next_turn` is the account's turn once a unit of its work is done."""

    row: Waiting
    next_turn: int
    alone: bool


async def start(tx: Tx, account_id: int, kind: str, due_at: int = 0) -> None:
    """Puts the account into the queue with this kind of work, in the transaction that writes the work.

    `due_at`: not to be worked on before this time, in milliseconds. Nothing changes for work that waits already.
    """
    # No row: another transaction has just made it, and the next look finds it.
    while await tx.one("queue.start", account_id=account_id, kind=kind, due_at=due_at) is None:
        pass
    tx.wake(WORK)


async def scan(tx: Tx) -> list[Waiting]:
    """Some of the rows that are due, those whose turn is next among them."""
    return list(starmap(Waiting, await tx.all("queue.scan", now=tx.now, limit=SCAN_ROWS)))


class Order:
    """The order in which one process serves accounts.

    An account that has just come has no turn in the database. It gets the furthest turn that any account has at the
    moment this process first sees it: so it comes neither before all others nor, again and again, behind them.
    """

    def __init__(self) -> None:
        self._places: dict[int, int] = {}

    def of(self, rows: Sequence[Waiting], in_hand: Collection[tuple[int, str]] = ()) -> list[Candidate]:
        """The rows in their order, what this process has in hand already last."""
        highest = max((row.highest for row in rows), default=0)
        turns = self._turns(rows, highest)
        # Accounts in one turn go in any order, so that several processes seldom try the same one.
        chance = {account_id: random.random() for account_id in turns}  # noqa: S311 (no secret)

        def place(row: Waiting) -> tuple[bool, int, float, int]:
            busy = (row.account_id, row.kind) in in_hand
            return busy, turns[row.account_id], chance[row.account_id], row.served

        return [
            Candidate(row, max(highest, turns[row.account_id] + 1), len(turns) == 1 and not row.attempts)
            for row in sorted(rows, key=place)
        ]

    def _turns(self, rows: Sequence[Waiting], highest: int) -> dict[int, int]:
        """The turn of each account; remembers where those without one stand."""
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
    """Does one unit of work of the account and moves its turn on; None when there was none to claim."""
    account_id = candidate.row.account_id
    done = await kind.run(tx, hand)
    if done is None:
        # Asked first without the lock, which is a write: mostly another worker has the work in hand.
        idle = not await kind.waits(tx, account_id)
    elif candidate.alone:
        idle = done.last
    else:
        # The row stays after the last unit too, so that an account that soon has more work keeps its place.
        await tx.run("queue.move_on", account_id=account_id, kind=kind.name, turn=candidate.next_turn)
        idle = False
    if idle:
        await _remove_if_idle(tx, kind, account_id)
    return done


async def _remove_if_idle(tx: Tx, kind: Kind, account_id: int) -> None:
    """Takes the row away unless there is work, or some is being started."""
    locked = await tx.one("queue.lock", account_id=account_id, kind=kind.name)
    if locked is not None and not await kind.waits(tx, account_id):
        await tx.run("queue.remove", account_id=account_id, kind=kind.name)


def wait_ms(attempts: int) -> int:
    """How long to wait after so many failures in a row."""
    return min(FIRST_WAIT_MS << min(attempts - 1, 20), LONGEST_WAIT_MS)


async def put_off(tx: Tx, kind: Kind, candidate: Candidate) -> None:
    """After a failure: this kind of work of this account waits, longer each time."""
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
    """Accounts, and kinds of their work, that a process of the version before has started: they have no row so far."""
    return [(row[0], row[1]) for row in await tx.all("queue.without_row")]
