"""For one release: adds the queue rows of work that a process of the previous version has started without a row."""

from signalbox.db import Database, Tx
from signalbox.queue import turns


async def adopt(db: Database) -> tuple[int, bool]:
    """Adds the rows, each in its own transaction. Returns the number of rows, and False: all rows are added."""
    found = await db.read(turns.started_by_older_version)
    for account_id, kind in found:

        async def put(tx: Tx, account_id: int = account_id, kind: str = kind) -> None:
            await turns.start(tx, account_id, kind)

        await db.write(put)
    return len(found), False
