"""Whether a worker is running, in any process of any machine.

Each process with workers writes the time into its own row every `SECONDS`, and removes the row when it stops. A
process that is killed leaves its row, whose time then gets old. The queue itself could not tell: its rows have no time
of a claim, because a claim is a row lock, and an account without work has no row.
"""

import secrets
from typing import Final

from signalbox.db import Database, Tx

# Seconds between two writes of a process. A row that missed two writes is that of a process that has ended.
SECONDS: Final = 10.0
_GONE_MS: Final = 30_000
# Rows that are older are removed.
_FORGET_MS: Final = 600_000


class Presence:
    """The row of this process. A write fails only when the database does; the next write repairs it."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)

    async def announce(self, db: Database) -> tuple[int, bool]:
        """Writes the time, and removes the rows of processes that ended long ago. A chore: see worker.Chore."""

        async def write(tx: Tx) -> int:
            await tx.run("presence.announce", name=self._name, now=tx.now)
            return await tx.run("presence.forget", oldest=tx.now - _FORGET_MS)

        return await db.write(write), False

    async def leave(self, db: Database) -> None:
        """Removes the row. Raises Unavailable."""
        await db.write(lambda tx: tx.run("presence.leave", name=self._name))


async def is_any(tx: Tx) -> bool:
    """Whether a worker has been seen in the last 30 seconds. The clocks of the machines must agree to some seconds."""
    row = await tx.one("presence.newest")
    newest = row[0] if row else None
    return newest is not None and newest >= tx.now - _GONE_MS
