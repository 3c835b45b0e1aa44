"""Pool operations, done batch by batch: contract section 5, docs/architecture.md#work-in-the-queue."""

from __future__ import annotations

import asyncio

import pytest

from signalbox import db
from signalbox.db import Database, Tx
from signalbox.ground import clock, ids
from signalbox.ground.errors import Conflict, NotFound
from signalbox.ground.metrics import Metrics
from signalbox.inventory import pool_operations, sender_pools, senders
from signalbox.inventory.pool_operations import PoolOperation
from signalbox.queue.kinds import Hand
from signalbox.worker import Workers
from tenant import Tenant
from working import drain, step

UNKNOWN = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"


@pytest.fixture
async def ada(database: Database) -> Tenant:
    return await Tenant.new(database)


@pytest.fixture
async def ben(database: Database) -> Tenant:
    return await Tenant.new(database, "Ben")


def counts(operation: PoolOperation) -> tuple[str, int, int, int]:
    assert operation.total == operation.queued + operation.created + operation.failed
    return operation.status, operation.queued, operation.created, operation.failed


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", 3)


async def test_nothing_to_do_is_none(database: Database, ada: Tenant) -> None:
    assert await step(database) is None
    await ada.create()
    assert await step(database) is None


@pytest.mark.usefixtures("small_batches")
async def test_batches_apply_items_in_their_order_and_count_them(database: Database, ada: Tenant) -> None:
    one, two, three, four, five = await ada.new_senders(5)
    pool_id, operation = await ada.create([one, UNKNOWN, two, three, four, five])
    assert counts(operation) == ("PROCESSING", 6, 1, 0)
    seen = []
    while batch := await step(database):
        now = await ada.fetch(operation)
        assert (batch.fields["operation"], batch.fields["status"]) == (operation.id, now.status)
        seen.append((counts(now), await ada.members(pool_id)))
    assert seen == [
        (("PROCESSING", 3, 3, 1), {one, two}),
        (("COMPLETED", 0, 6, 1), {one, two, three, four, five}),
    ]
    assert await ada.outcomes(operation) == ["CREATED", "CREATED", "FAILED", *["CREATED"] * 4]


@pytest.mark.usefixtures("small_batches")
async def test_sender_is_created_once_and_already_member_afterwards(database: Database, ada: Tenant) -> None:
    """Also when the batches of two operations on one pool alternate."""
    found = await ada.new_senders(8)
    pool_id, first = await ada.create(found[:6])
    second = await ada.add(pool_id, found[2:])
    third = await ada.add(pool_id, [UNKNOWN, *found[::-1]])
    await drain(database)
    assert await ada.members(pool_id) == set(found)
    assert [counts(await ada.fetch(one)) for one in (first, second, third)] == [
        ("COMPLETED", 0, 7, 0),
        ("COMPLETED", 0, 6, 0),
        ("COMPLETED", 0, 8, 1),
    ]
    made = [(await ada.outcomes(one)).count("CREATED") for one in (first, second, third)]
    assert sum(made) == 8 + 1, "every membership was made by one operation, and the pool by the first"
    assert (await ada.outcomes(third))[0] == "FAILED"


async def test_another_accounts_and_deleted_senders_fail(database: Database, ada: Tenant, ben: Tenant) -> None:
    kept, deleted, left = await ada.new_senders(3)
    (another,) = await ben.new_senders(1)
    pool_id, operation = await ada.create([kept, deleted, another, left])
    await ada.delete_sender(deleted)
    await drain(database)
    assert await ada.outcomes(operation) == ["CREATED", "CREATED", "FAILED", "FAILED", "CREATED"]
    assert await ada.members(pool_id) == {kept, left}


async def test_sender_deleted_after_its_batch_stays_created_and_leaves_the_pool(
    database: Database, ada: Tenant
) -> None:
    found = await ada.new_senders(2)
    pool_id, operation = await ada.create(found)
    await drain(database)
    await ada.delete_sender(found[0])
    assert await ada.outcomes(operation) == ["CREATED"] * 3
    assert await ada.members(pool_id) == {found[1]}


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("batches", [0, 1, 2, 3])
async def test_nothing_is_applied_after_a_cancel(database: Database, ada: Tenant, batches: int) -> None:
    found = await ada.new_senders(12)
    pool_id, operation = await ada.create(found)
    for _ in range(batches):
        await step(database)
    before = await ada.fetch(operation)
    await ada.cancel(operation)
    assert await drain(database) == []
    after = await ada.fetch(operation)
    assert counts(after) == ("CANCELED", 12 - 3 * batches, 1 + 3 * batches, 0)
    assert after.updated_at > before.updated_at
    assert await ada.members(pool_id) == set(found[: 3 * batches])
    assert await ada.outcomes(operation) == ["CREATED"] * (1 + 3 * batches) + ["QUEUED"] * (12 - 3 * batches)
    with pytest.raises(Conflict):
        await ada.cancel(operation)


async def test_final_operation_and_another_accounts_cannot_be_cancelled(
    database: Database, ada: Tenant, ben: Tenant
) -> None:
    _, operation = await ada.create([UNKNOWN])
    with pytest.raises(NotFound):
        await ben.cancel(operation)
    await drain(database)
    with pytest.raises(Conflict):
        await ada.cancel(operation)
    assert counts(await ada.fetch(operation)) == ("COMPLETED", 0, 1, 1)


@pytest.mark.usefixtures("small_batches")
async def test_cancel_among_racing_workers_is_exact(database: Database, ada: Tenant) -> None:
    """Counters and members right after the cancel are final."""
    found = await ada.new_senders(60)
    workers = Workers(database, 2, Metrics())
    try:
        for after in range(6):
            pool_id, operation = await ada.create(found)
            await ada.reaches(operation, 1 + 6 * after)
            try:
                await ada.cancel(operation)
            except Conflict:
                assert (await ada.fetch(operation)).status == "COMPLETED"
                continue
            at_once, members = await ada.fetch(operation), await ada.members(pool_id)
            assert len(members) == at_once.created - 1
            _, other = await ada.create(found)
            await ada.reaches(other, 61)
            assert await ada.fetch(operation) == at_once
            assert await ada.members(pool_id) == members
    finally:
        await workers.stop()


@pytest.mark.usefixtures("small_batches")
async def test_deletion_cancels_the_pool_s_operations_and_leaves_no_member(database: Database, ada: Tenant) -> None:
    found = await ada.new_senders(9)
    pool_id, first = await ada.create(found)
    second = await ada.add(pool_id, found)
    other_pool, other = await ada.create(found[:2])
    await step(database)
    assert await ada.members(pool_id)
    await ada.delete_pool(pool_id)
    assert counts(await ada.fetch(first)) == ("CANCELED", 6, 4, 0)
    assert counts(await ada.fetch(second)) == ("CANCELED", 9, 0, 0)
    await drain(database)
    assert await ada.members(pool_id) == set()
    assert await ada.members(other_pool) == set(found[:2])
    assert (await ada.fetch(other)).status == "COMPLETED"
    with pytest.raises(NotFound):
        await ada.add(pool_id, found)


async def test_big_pool_is_swept_in_several_turns(
    database: Database, ada: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_pools, "SWEEP_MEMBERS", 4)
    found = await ada.new_senders(10)
    pools = [(await ada.create(found))[0] for _ in range(2)]
    kept, _ = await ada.create(found)
    await drain(database)
    for pool_id in pools:
        await ada.delete_pool(pool_id)
    left = []
    while await step(database):
        left.append(sum([len(await ada.members(pool_id)) for pool_id in pools]))
    assert left == sorted(left, reverse=True)
    assert all(before - after <= 4 for before, after in zip([20, *left], left, strict=False))
    assert (len(left) >= 5, left[-1]) == (True, 0)
    assert await ada.members(kept) == set(found)


async def test_small_operation_does_not_wait_for_another_account_s_large_ones(
    database: Database, ada: Tenant, ben: Tenant
) -> None:
    many = [ids.new(senders.SENDER, clock.now_ms()) for _ in range(10_000)]
    pool_id, _ = await ada.create()
    large = [await ada.add(pool_id, many[:1000]) for _ in range(99)]
    large.append((await ada.create(many))[1])
    for _ in range(3):
        await step(database)
    (sender,) = await ben.new_senders(1)
    _, small = await ben.create([sender])
    steps = 0
    while not (await ben.fetch(small)).final:
        assert await step(database)
        steps += 1
    assert steps <= 3
    assert sum([(await ada.fetch(one)).final for one in large]) < 10


@pytest.mark.usefixtures("small_batches")
async def test_accounts_take_turns_by_batch(database: Database, ada: Tenant, ben: Tenant) -> None:
    carl = await Tenant.new(database, "Carl")
    unknown = [ids.new(senders.SENDER, clock.now_ms()) for _ in range(12)]
    for tenant in (ada, ben, carl):
        for _ in range(2):
            await tenant.create(unknown)
    turns = [batch.fields["account"] for batch in await drain(database)]
    assert len(turns) == 3 * 2 * 4
    for at in range(0, len(turns), 3):
        assert len(set(turns[at : at + 3])) == 3


@pytest.mark.usefixtures("small_batches")
async def test_operations_of_one_account_run_in_their_order(database: Database, ada: Tenant) -> None:
    unknown = [ids.new(senders.SENDER, clock.now_ms()) for _ in range(7)]
    started = [(await ada.create(unknown))[1].id for _ in range(4)]
    order = [str(batch.fields["operation"]) for batch in await drain(database)]
    assert list(dict.fromkeys(order)) == started
    assert order == sorted(order)


@pytest.mark.usefixtures("small_batches")
async def test_account_that_was_busy_long_is_not_punished_later(database: Database, ada: Tenant, ben: Tenant) -> None:
    unknown = [ids.new(senders.SENDER, clock.now_ms()) for _ in range(30)]
    await ada.create(unknown)
    await drain(database)
    await ben.create(unknown)
    await step(database)
    _, small = await ada.create(unknown[:1])
    await step(database)
    await step(database)
    assert (await ada.fetch(small)).final


class Interrupted(Exception):
    """Stands for the death of the worker."""


@pytest.mark.usefixtures("small_batches")
async def test_batch_that_breaks_leaves_nothing(database: Database, ada: Tenant) -> None:
    found = await ada.new_senders(4)
    pool_id, operation = await ada.create([*found, UNKNOWN])
    await step(database)
    before, members = await ada.fetch(operation), await ada.members(pool_id)

    async def broken(tx: Tx) -> None:
        assert await pool_operations.run_batch(tx, Hand(ada.id, ""))
        raise Interrupted

    with pytest.raises(Interrupted):
        await database.write(broken)
    assert await ada.fetch(operation) == before
    assert await ada.members(pool_id) == members
    assert (await ada.outcomes(operation))[4:] == ["QUEUED"] * 2
    await drain(database)
    assert counts(await ada.fetch(operation)) == ("COMPLETED", 0, 5, 1)


@pytest.mark.usefixtures("small_batches")
async def test_two_workers_apply_every_item_once(database: Database, ada: Tenant, ben: Tenant) -> None:
    """Operations on one pool share senders. Workers apply batches at the same time on PostgreSQL, in turn on SQLite."""
    started = []
    for tenant in (ada, ben):
        found = await tenant.new_senders(20)
        pool_id, first = await tenant.create(found[:15])
        started += [
            (tenant, pool_id, found, [first, await tenant.add(pool_id, found[5:]), await tenant.add(pool_id, found)])
        ]

    async def work() -> int:
        batches = 0
        while await step(database):
            batches += 1
        return batches

    async with asyncio.timeout(60):
        assert sum(await asyncio.gather(work(), work(), work())) == 2 * (5 + 5 + 7)
    for tenant, pool_id, found, begun in started:
        assert await tenant.members(pool_id) == set(found)
        assert [counts(await tenant.fetch(one)) for one in begun] == [
            ("COMPLETED", 0, 16, 0),
            ("COMPLETED", 0, 15, 0),
            ("COMPLETED", 0, 20, 0),
        ]
        created = [(await tenant.outcomes(one)).count("CREATED") for one in begun]
        assert sum(created) == 21


@pytest.mark.usefixtures("small_batches")
async def test_counters_add_up_for_concurrent_readers(database: Database, ada: Tenant) -> None:
    """Ledger and counters agree too, since one statement reads both."""
    found = await ada.new_senders(30)
    _, operation = await ada.create([*found, *(ids.new(senders.SENDER, clock.now_ms()) for _ in range(30))])
    done = asyncio.Event()
    seen = set()

    async def read() -> None:
        while not done.is_set():
            now = await ada.fetch(operation)
            seen.add(counts(now))
            listed = await ada.outcomes(operation)
            assert len(listed) == operation.total
            assert listed == sorted(listed, key=lambda outcome: outcome == "QUEUED")
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read()) for _ in range(3)]
    await drain(database)
    done.set()
    await asyncio.gather(*readers)
    assert len(seen) > 2


async def test_changes_while_batches_run_leave_no_trace_of_the_removed(database: Database, ada: Tenant) -> None:
    """The test deletes and deactivates senders while workers add them to pools."""
    found = await ada.new_senders(40)
    workers = Workers(database, 2, Metrics())
    try:
        pools = []
        for number in range(10):
            pools.append(await ada.create(found))
            gone = found[number]
            await ada.delete_sender(gone)

            async def switch(tx: Tx, sender_id: str = found[20 + number]) -> None:
                sender = await senders.lock(tx, ada.id, sender_id)
                off = senders.Sender(
                    sender.id,
                    None,
                    sender.address,
                    sender.channel,
                    "DEACTIVATED",
                    {},
                    sender.updated_at,
                    sender.created_at,
                    sender.region,
                )
                await senders.update(tx, ada.id, sender, off)

            await database.write(switch)
        for _, operation in pools:
            await ada.reaches(operation, operation.total)
    finally:
        await workers.stop()
    for pool_id, _ in pools:
        assert await ada.members(pool_id) == set(found[10:])
        assert await ada.members(pool_id, senders.Filter(None, "DEACTIVATED")) == set(found[20:30])


async def test_backlog_counts_what_waits(database: Database, ada: Tenant, ben: Tenant) -> None:
    await ada.create([UNKNOWN])
    await ben.create([UNKNOWN, ids.new(senders.SENDER, clock.now_ms())])
    assert await database.read(pool_operations.backlog) == (2, 3)
    await drain(database)
    assert await database.read(pool_operations.backlog) == (0, 0)


async def test_work_left_by_one_process_is_taken_up_by_the_next(database_url: str) -> None:
    first = db.connect(database_url)
    await first.open()
    ada = await Tenant.new(first)
    found = await ada.new_senders(3)
    pool_id, operation = await ada.create(found)
    await first.close()
    second = db.connect(database_url)
    await second.open()
    ada.database = second
    await drain(second)
    assert counts(await ada.fetch(operation)) == ("COMPLETED", 0, 4, 0)
    assert await ada.members(pool_id) == set(found)
    await second.close()
