"""Deleting an account: nothing is left of it, nothing of the others is touched, and a crash loses nothing."""

from __future__ import annotations

import re

import pytest

from faults import failing, rows, run
from people import Served
from sendings import opt_out, send_every_kind
from signalbox.accounts import accounts, deletion, idempotency
from signalbox.db import Database, Tx
from signalbox.db.queries import PACKAGE_SQL
from signalbox.ground import clock, ids
from signalbox.ground.errors import Conflict, NotFound
from signalbox.inventory import names
from signalbox.inventory.senders import SENDER, SenderRow, enter
from signalbox.queue import turns
from signalbox.queue.kinds import Hand
from signalbox.sending import templates
from tenant import Tenant
from working import step

SCHEMA = "".join(path.read_text("utf-8") for path in sorted((PACKAGE_SQL / "migrations").glob("*.sql")))
TABLES = dict(re.findall(r"^CREATE TABLE (\w+) \((.*?)\n\)", SCHEMA, re.DOTALL | re.MULTILINE))
OF_AN_ACCOUNT = {name for name, columns in TABLES.items() if re.search(r"^\s*account_id ", columns, re.MULTILINE)}


@pytest.fixture
async def ada(database: Database) -> Tenant:
    return await Tenant.new(database)


@pytest.fixture
async def ben(database: Database) -> Tenant:
    return await Tenant.new(database, "Ben")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits for credentials and requests that are let in are over at once; work comes in small pieces."""
    monkeypatch.setattr(deletion, "CREDENTIAL_TTL", 0)
    monkeypatch.setattr(deletion, "LAST_WRITE_MS", 0)
    monkeypatch.setattr(deletion, "DELETE_ROWS", 3)


async def fill(tenant: Tenant) -> None:
    """Something in every table that has account_id."""
    senders = await tenant.new_senders(5)
    phones = [SenderRow("SMS", f"+1415555012{n}", "US") for n in range(2)]
    await tenant.database.write(lambda tx: enter(tx, tenant.id, phones))
    await send_every_kind(tenant.database, tenant.id, 7)
    await opt_out(tenant.database, tenant.id, 4, "")
    gone, _ = await tenant.create(senders)
    await tenant.create([*senders, ids.new(SENDER, clock.now_ms())])
    while await step(tenant.database):
        pass
    await tenant.delete_pool(gone)
    _, waiting = await tenant.create(senders)
    reference = idempotency.StoredResponse(waiting.id, "/")
    await tenant.database.write(lambda tx: idempotency.remember(tx, tenant.id, "key", b"\0", reference))
    await tenant.database.write(lambda tx: accounts.create_key(tx, tenant.sid, "key"))
    await tenant.database.write(lambda tx: names.retag(tx, tenant.id, [(one, {}, {"a": "b"}) for one in senders]))
    template = templates.NewTemplate("x", "{}", {})
    await tenant.database.write(lambda tx: templates.put(tx, tenant.id, templates.new_content_id(), template))


async def count(url: str, account_id: int) -> dict[str, int]:
    """How many rows the account has in each table."""
    return {
        table: len(await rows(url, f"SELECT 1 FROM {table} WHERE account_id = {account_id}"))
        for table in sorted(OF_AN_ACCOUNT)
    }


async def delete(tenant: Tenant) -> None:
    await tenant.database.write(lambda tx: deletion.begin(tx, tenant.sid))


def test_every_table_of_an_account_is_emptied() -> None:
    """A new table belongs into the list, before the tables whose work writes it."""
    assert sorted((*deletion.TABLES, *deletion.LAST_TABLES)) == sorted(OF_AN_ACCOUNT)


async def test_nothing_is_left_of_the_account_and_everything_of_the_others(
    database_url: str, database: Database, ada: Tenant, ben: Tenant
) -> None:
    for tenant in (ada, ben):
        await fill(tenant)
    before = await count(database_url, ben.id)
    assert min(before.values()) > 0, "every table has something"
    await run(database_url, f"UPDATE queue SET due_at = {2**50} WHERE account_id = {ben.id}")
    await delete(ada)
    done = []
    while one := await step(database):
        done.append(one)
    assert done[-1].event == "account removed"
    assert max(int(one.fields.get("removed", 0)) for one in done) <= 6, "in bounded pieces"
    assert set((await count(database_url, ada.id)).values()) == {0}
    assert await count(database_url, ben.id) == before
    assert [one.sid for one in await database.read(accounts.list_all)] == [ben.sid]


async def test_deletion_that_breaks_off_is_gone_on_with(
    database_url: str, database: Database, ada: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each table: what was removed before stays removed, and the next try goes on."""
    monkeypatch.setattr(turns, "FIRST_WAIT_MS", 0)
    await fill(ada)
    await run(database_url, "DELETE FROM queue")  # so that no other work removes the rows
    await delete(ada)
    for table in (*deletion.TABLES, *deletion.LAST_TABLES):
        async with failing(database_url, "DELETE", table, f"{{row}}.account_id = {ada.id}"):
            while await step(database):
                pass
            (state,) = await database.read(accounts.list_all)
            assert state.status == "DELETING"
    while await step(database):
        pass
    assert set((await count(database_url, ada.id)).values()) == {0}
    assert await database.read(accounts.list_all) == []


async def test_deletion_survives_a_process_that_dies(database: Database, database_url: str, ada: Tenant) -> None:
    """Its transaction is rolled back; the promise is a row."""
    await fill(ada)
    await delete(ada)
    await step(database)
    part = await count(database_url, ada.id)

    async def dies(tx: Tx) -> None:
        await deletion.run(tx, Hand(ada.id, ada.sid))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(dies)
    assert await count(database_url, ada.id) == part
    while await step(database):
        pass
    assert set((await count(database_url, ada.id)).values()) == {0}


async def test_tables_with_few_rows_for_each_parent_are_emptied_in_short_transactions(
    database_url: str, database: Database, ada: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members of one pool at a time: the number of statements in a transaction is limited, too."""
    monkeypatch.setattr(deletion, "_STATEMENTS", 1)
    senders = await ada.new_senders(1)
    for _ in range(3):
        await ada.create(senders)
    while await step(database):
        pass
    await delete(ada)
    done = []
    while one := await step(database):
        done.append(one)
    removed = [one.fields["removed"] for one in done if one.fields.get("table") == "sender_pool_members"]
    assert removed == [1, 1, 1]
    assert set((await count(database_url, ada.id)).values()) == {0}


async def test_worker_that_comes_after_the_end_of_the_deletion_does_nothing(database: Database, ada: Tenant) -> None:
    await delete(ada)
    while await step(database):
        pass
    assert await database.write(lambda tx: deletion.run(tx, Hand(ada.id, ada.sid))) is None


async def test_account_stays_until_no_request_can_be_in_progress(
    database_url: str, database: Database, ada: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What such a request wrote goes too."""
    monkeypatch.setattr(deletion, "LAST_WRITE_MS", 75_000)
    await fill(ada)
    await delete(ada)
    while await step(database):
        pass
    left = await count(database_url, ada.id)
    assert {table for table, number in left.items() if number} == {"queue", "api_keys"}
    await ada.new_senders(2)
    await run(database_url, "UPDATE accounts SET deleting_at = 0")
    await run(database_url, "UPDATE queue SET due_at = 0")
    while await step(database):
        pass
    assert set((await count(database_url, ada.id)).values()) == {0}


async def test_work_begins_when_no_process_believes_the_credentials(
    database: Database, ada: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "CREDENTIAL_TTL", 1000)
    await delete(ada)
    assert await step(database) is None


async def test_requests_of_the_account_are_refused_at_once(database: Database) -> None:
    served = await Served.on(database)
    person = await served.account("Ada")
    await database.write(lambda tx: deletion.begin(tx, person.account_sid))
    assert (await person.get("/v1/SenderPools")).status_code == 401


async def test_account_that_is_being_deleted_cannot_be_resumed(database: Database, ada: Tenant) -> None:
    await delete(ada)
    with pytest.raises(Conflict, match="is being deleted"):
        await database.write(lambda tx: accounts.resume(tx, ada.sid))
    with pytest.raises(Conflict, match="is being deleted"):
        await database.write(lambda tx: accounts.suspend(tx, ada.sid))
    await delete(ada)
    (state,) = await database.read(accounts.list_all)
    assert state.status == "DELETING"


async def test_unknown_account_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.write(lambda tx: deletion.begin(tx, "AC" + "0" * 32))


async def test_sid_of_a_deleted_account_can_be_given_again_and_its_id_never(database: Database, ada: Tenant) -> None:
    """What a process remembers under the id of a deleted account is never told to another."""
    await fill(ada)
    await delete(ada)
    while await step(database):
        pass
    await database.write(lambda tx: accounts.create(tx, "Ada again", ada.sid))
    row = await database.read(lambda tx: tx.one("accounts.id", sid=ada.sid))
    assert row is not None
    assert row[0] > ada.id
