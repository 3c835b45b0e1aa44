"""The migration that counts senders, on a database that has senders and on a new database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from signalbox.accounts import accounts
from signalbox.db import Database, Tx, connect
from signalbox.db.queries import PACKAGE_SQL
from signalbox.ground import clock, ids
from signalbox.inventory import overview, senders
from signalbox.inventory.overview import SenderCount
from signalbox.inventory.senders import SenderRow

# How the version before the counts wrote inventory; the present code cannot write to that schema.
INSERT = """
-- name: before.insert
INSERT INTO senders (account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at)
VALUES (:account_id, :id, :channel, :id, '', NULL, :status, '{}', 1, 1);
"""


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The SQL folder of the version before the counts."""
    folder = tmp_path / "before"
    shutil.copytree(PACKAGE_SQL, folder)
    for path in (folder / "migrations").glob("*.sql"):
        if path.name > "0002":
            path.unlink()
    (folder / "queries" / "before.sql").write_text(INSERT)
    return folder


async def _account(database: Database, name: str) -> int:
    made = await database.write(lambda tx: accounts.create(tx, name))
    row = await database.read(lambda tx: tx.one("accounts.id", sid=made.account.sid))
    assert row is not None
    number: int = row[0]
    return number


async def _counts(database: Database, account_id: int) -> list[SenderCount]:
    return (await database.read(lambda tx: overview.fetch(tx, account_id))).senders


async def test_senders_of_an_older_database_are_counted_when_it_is_upgraded(empty_url: str, before: Path) -> None:
    old = connect(empty_url, sql_folder=before)
    await old.open()
    ada, ben = await _account(old, "Ada"), await _account(old, "Ben")
    for account_id, channel, status, count in (
        (ada, "SMS", "ACTIVATED", 3),
        (ada, "SMS", "DEACTIVATED", 2),
        (ada, "PUSH", "ACTIVATED", 1),
        (ben, "EMAIL", "DEACTIVATED", 4),
    ):
        for _ in range(count):
            values = {"account_id": account_id, "channel": channel, "status": status}
            sender_id = ids.new(senders.SENDER, clock.now_ms())
            await old.write(lambda tx, values=values, name=sender_id: tx.run("before.insert", id=name, **values))  # type: ignore[misc]
    await old.close()
    new = connect(empty_url)
    await new.open()
    assert await _counts(new, ada) == [
        SenderCount("SMS", "ACTIVATED", 3),
        SenderCount("SMS", "DEACTIVATED", 2),
        SenderCount("PUSH", "ACTIVATED", 1),
    ]
    assert await _counts(new, ben) == [SenderCount("EMAIL", "DEACTIVATED", 4)]
    # Later changes keep the counts exact.
    await new.write(lambda tx: senders.enter(tx, ben, [SenderRow("EMAIL", "new", ""), SenderRow("RCS", "new", "")]))
    assert await _counts(new, ben) == [
        SenderCount("RCS", "ACTIVATED", 1),
        SenderCount("EMAIL", "ACTIVATED", 1),
        SenderCount("EMAIL", "DEACTIVATED", 4),
    ]
    await new.close()


async def test_counts_of_a_new_database_begin_at_nothing(empty_url: str) -> None:
    database = connect(empty_url)
    await database.open()
    ada = await _account(database, "Ada")
    assert await _counts(database, ada) == []
    await database.write(lambda tx: senders.enter(tx, ada, [SenderRow("SMS", "+12025550100", "US")]))
    assert await _counts(database, ada) == [SenderCount("SMS", "ACTIVATED", 1)]
    await database.close()


async def test_change_that_is_rolled_back_counts_nothing(empty_url: str) -> None:
    database = connect(empty_url)
    await database.open()
    ada = await _account(database, "Ada")

    async def entered_and_failed(tx: Tx) -> None:
        await senders.enter(tx, ada, [SenderRow("SMS", "+12025550100", "US")])
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(entered_and_failed)
    assert await _counts(database, ada) == []
    await database.close()
