"""Work that fails is retried after a longer delay each time, and other work continues."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from faults import WORDS, failing, rows, run
from signalbox.db import Database
from signalbox.ground import clock, ids
from signalbox.ground.metrics import Metrics
from signalbox.inventory import pool_operations
from signalbox.inventory.pool_operations import PoolOperation
from signalbox.inventory.senders import SENDER
from signalbox.queue import turns
from signalbox.worker import Workers
from tenant import Tenant
from working import drain, step


@pytest.fixture
async def ada(database: Database) -> Tenant:
    return await Tenant.new(database)


@pytest.fixture
async def ben(database: Database) -> Tenant:
    return await Tenant.new(database, "Ben")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed work is retried without a delay."""
    monkeypatch.setattr(turns, "FIRST_WAIT_MS", 0)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", 3)


def unknown(count: int) -> list[str]:
    return [ids.new(SENDER, clock.now_ms()) for _ in range(count)]


async def deleted_pool(tenant: Tenant) -> str:
    """A deleted pool whose memberships still exist."""
    pool_id, _ = await tenant.create(await tenant.new_senders(1))
    await drain(tenant.database)
    await tenant.delete_pool(pool_id)
    return pool_id


async def completed(tenant: Tenant, *operations: PoolOperation) -> None:
    for operation in operations:
        await tenant.reaches(operation, operation.total)


def counters(metrics: Metrics) -> dict[tuple[str, str], float]:
    text = metrics.exposition({}, {}).decode()
    found = re.findall(r'signalbox_work_total\{kind="(\w+)",outcome="(\w+)"\} (\S+)', text)
    return {(kind, outcome): float(value) for kind, outcome, value in found}


async def until(holds: Callable[[], bool]) -> None:
    """Returns once the condition holds, for states without an event."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.mark.usefixtures("small_batches")
async def test_failing_removal_leaves_the_order_of_operations_alone(
    database_url: str, database: Database, ben: Tenant, capfd: pytest.CaptureFixture[str]
) -> None:
    """Operations of the same account keep their order, and the log reports the failure as the removal's."""
    pool_id = await deleted_pool(ben)
    capfd.readouterr()
    metrics = Metrics()
    async with failing(database_url, "DELETE", "sender_pool_members", f"{{row}}.account_id = {ben.id}"):
        started = [(await ben.create(unknown(9)))[1] for _ in range(3)]
        workers = Workers(database, 1, metrics)
        await completed(ben, *started)
        await workers.stop()
    lines = capfd.readouterr().err.splitlines()
    order = re.findall(r'"event":"batch".*?"operation":"(\w+)"', "\n".join(lines))
    assert order == [one.id for one in started for _ in range(3)]
    failures = [line for line in lines if '"level":"error"' in line]
    assert failures
    for line in failures:
        assert '"event":"work failed","kind":"pool_removals"' in line
        assert f'"account":"{ben.sid}","unit":"{pool_id}"' in line
        assert WORDS in line
    assert counters(metrics)["pool_removals", "failed"] == len(failures)
    assert counters(metrics)["pool_operations", "done"] == 9
    assert ("pool_operations", "failed") not in counters(metrics)


async def test_failing_account_stops_no_other_and_is_tried_later(
    database_url: str, database: Database, ada: Tenant, ben: Tenant
) -> None:
    async with failing(database_url, "UPDATE", "operations", f"{{row}}.account_id = {ben.id}"):
        _, broken = await ben.create(unknown(1))
        before = clock.now_ms()
        assert await step(database) is None
        _, fine = await ada.create(unknown(1))
        await drain(database)
    assert (await ada.fetch(fine)).final
    assert not (await ben.fetch(broken)).final
    query = f"SELECT attempts, due_at FROM queue WHERE account_id = {ben.id}"
    ((attempts, due_at),) = await rows(database_url, query)
    assert attempts == 1
    assert isinstance(due_at, int)
    assert before + turns.FIRST_WAIT_MS <= due_at <= clock.now_ms() + turns.FIRST_WAIT_MS
    assert await step(database) is None, "it is not tried before that"
    await run(database_url, f"UPDATE queue SET due_at = 0 WHERE account_id = {ben.id}")
    await drain(database)
    assert (await ben.fetch(broken)).final


def test_waits_grow_up_to_a_bound() -> None:
    waits = [turns.wait_ms(attempts) for attempts in range(1, 200)]
    assert waits[:4] == [500, 1000, 2000, 4000]
    assert waits == sorted(waits)
    assert waits[-1] == turns.LONGEST_WAIT_MS == 60_000


@pytest.mark.usefixtures("at_once", "small_batches")
async def test_failures_in_a_row_are_counted_until_a_success(
    database_url: str, database: Database, ben: Tenant
) -> None:
    query = f"SELECT attempts FROM queue WHERE account_id = {ben.id}"
    async with failing(database_url, "UPDATE", "operations", "{row}.created + {row}.failed > 1"):
        await ben.create(unknown(9))
        for attempts in range(1, 4):
            assert await step(database) is None
            assert await rows(database_url, query) == [(attempts,)]
    assert await step(database)
    assert await rows(database_url, query) == [(0,)]


@pytest.mark.usefixtures("at_once", "small_batches")
async def test_poisoned_operation_goes_behind_the_account_s_others(
    database_url: str, database: Database, ben: Tenant
) -> None:
    _, poisoned = await ben.create(unknown(4))
    others = [(await ben.create(unknown(4)))[1] for _ in range(2)]
    where = f"{{row}}.id = '{poisoned.id}' AND {{row}}.created + {{row}}.failed > 1"
    async with failing(database_url, "UPDATE", "operations", where):
        assert await step(database) is None
        done = [await step(database) for _ in range(4)]
        assert [one and one.fields["operation"] for one in done] == [one.id for one in others for _ in range(2)]
        assert await step(database) is None
        _, later = await ben.create(unknown(1))
        assert await step(database) is None or (await ben.fetch(later)).final
        await step(database)
        assert (await ben.fetch(later)).final
    await drain(database)
    assert (await ben.fetch(poisoned)).final


async def test_failure_that_cannot_be_written_down_rests_in_the_process(
    database_url: str, database: Database, ada: Tenant, ben: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "FIRST_WAIT_MS", turns.LONGEST_WAIT_MS)  # longer than the test on a busy machine
    metrics = Metrics()
    workers = Workers(database, 0, metrics)
    mine = f"{{row}}.account_id = {ben.id}"
    async with (
        failing(database_url, "UPDATE", "operations", mine),
        failing(database_url, "UPDATE", "queue", mine),
    ):
        await ben.create(unknown(1))
        assert await workers.unit() is None
        assert counters(metrics) == {("pool_operations", "failed"): 2}
        _, fine = await ada.create(unknown(1))
        while await workers.unit():
            pass
        assert (await ada.fetch(fine)).final
        assert counters(metrics)["pool_operations", "failed"] == 2, "not tried again so soon"


async def test_failing_chore_is_reported_as_itself_and_work_goes_on(
    database_url: str, database: Database, ada: Tenant, capfd: pytest.CaptureFixture[str]
) -> None:
    blob = "x'00'" if database_url.startswith("sqlite") else "'\\x00'"
    await run(
        database_url,
        "INSERT INTO idempotency_keys (account_id, key, fingerprint, operation_id, location, created_at)"
        f" VALUES ({ada.id}, 'old', {blob}, 'o', '/', 1)",
    )
    metrics = Metrics()
    async with failing(database_url, "DELETE", "idempotency_keys", "{row}.created_at = 1"):
        workers = Workers(database, 1, metrics)
        _, operation = await ada.create(unknown(1))
        await completed(ada, operation)
        await until(lambda: ("idempotency_keys", "failed") in counters(metrics))
        await workers.stop()
    failures = [line for line in capfd.readouterr().err.splitlines() if '"level":"error"' in line]
    assert len(failures) == 1
    assert '"event":"work failed","kind":"idempotency_keys","attempts":1' in failures[0]
    assert WORDS in failures[0]
    again = Workers(database, 1, metrics)
    await until(lambda: ("idempotency_keys", "done") in counters(metrics))
    await again.stop()
    assert await rows(database_url, "SELECT key FROM idempotency_keys") == []


async def test_work_of_an_unknown_kind_is_left_to_who_knows_it(
    database_url: str, database: Database, ada: Tenant
) -> None:
    """A newer version on the same database may have more kinds of work."""
    await run(database_url, f"INSERT INTO queue VALUES ({ada.id}, 'later', 0, 0, 0, 0)")
    _, operation = await ada.create(unknown(1))
    await drain(database)
    assert (await ada.fetch(operation)).final
    assert await rows(database_url, "SELECT kind FROM queue") == [("later",)]
