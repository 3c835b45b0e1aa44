"""The migration after which one short code is a sender in each country, on a database with senders."""

from __future__ import annotations

import shutil
from pathlib import Path

from signalbox.accounts import accounts
from signalbox.db import Tx, connect
from signalbox.db.queries import PACKAGE_SQL
from signalbox.ground import clock, ids
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import senders
from signalbox.inventory.senders import Channel, Filter, SenderRow

# How the version before wrote inventory.
INSERT = """
-- name: before.insert
INSERT INTO senders (account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at)
VALUES (:account_id, :id, :channel, :address, :region, 'A name', 'ACTIVATED', '{"a":"b"}', 1, 1)
ON CONFLICT (account_id, channel, address) DO NOTHING;
"""
ROWS: list[tuple[Channel, str, str]] = [
    ("SMS", "+12025550100", "US"),
    ("SMS", "+14165550123", "CA"),
    ("RCS", "my_brand", ""),
    ("PUSH", "app", ""),
]


async def test_database_of_the_version_before_keeps_its_senders(empty_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "before"
    shutil.copytree(PACKAGE_SQL, folder)
    for path in (folder / "migrations").glob("*.sql"):
        if path.name >= "0006":
            path.unlink()
    (folder / "queries" / "before.sql").write_text(INSERT)
    old = connect(empty_url, sql_folder=folder)
    await old.open()
    made = await old.write(lambda tx: accounts.create(tx, "Ada"))
    row = await old.read(lambda tx: tx.one("accounts.id", sid=made.account.sid))
    assert row is not None
    account_id: int = row[0]

    async def insert(tx: Tx) -> None:
        for channel, address, region in ROWS:
            sender_id = ids.new(senders.SENDER, clock.now_ms())
            values = {"id": sender_id, "channel": channel, "address": address, "region": region}
            await tx.run("before.insert", account_id=account_id, **values)

    await old.write(insert)
    await old.close()

    new = connect(empty_url)
    await new.open()
    id_range = IdRange("comms_sender_8", "comms_sender_", 100)
    kept = await new.read(lambda tx: senders.list_page(tx, account_id, Filter(), id_range))
    assert [(one.channel, one.address, one.region) for one in reversed(kept)] == ROWS
    assert {one.display_name for one in kept} == {"A name"}
    # A sender from before is changed and not entered a second time, and a short code has a sender in each country.
    rows = [SenderRow(channel, address, region, display_name="New") for channel, address, region in ROWS]
    rows += [SenderRow("SMS", "27312", region, region_given=True) for region in ("US", "CA", "US")]
    entered = await new.write(lambda tx: senders.enter(tx, account_id, rows))
    assert (entered.created, entered.updated) == (2, 5)
    found = await new.read(lambda tx: senders.list_page(tx, account_id, Filter(), id_range))
    assert {one.id for one in kept} < {one.id for one in found}
    assert {one.region for one in found if one.address == "27312"} == {"US", "CA"}
    await new.close()
