"""For one release: a process of the version before starts work without a row in the queue; here it gets one."""

from signalbox.db import Database, Tx
from signalbox.queue import turns


async def adopt(db: Database) -> tuple[int, bool]:
    """Puts accounts with such work into the queue, each in its own transaction; how many, and False: that was all."""
    found = await db.read(turns.started_by_older_version)
    for account_id, kind in found:

        async def put(tx: Tx, account_id: int = account_id, kind: str = kind) -> None:
            await turns.start(tx, account_id, kind)

        await db.write(put)
    return len(found), False
