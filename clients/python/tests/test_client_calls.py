"""Every method of both clients, on a real server."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from between import Between, Hang
from callers import Caller
from signalbox.api.inventory import inventory as wire_inventory
from signalbox.api.inventory import pool_operations as wire_operations
from signalbox.api.inventory import senders as wire_senders
from signalbox.api.routes import ROUTES
from signalbox.api.routing import resolve as wire_resolve
from signalbox.api.sending import templates as wire_templates
from signalbox.http import shapes
from signalbox.testing import Account
from signalbox_client import (
    UNSET,
    AsyncSignalbox,
    Conflict,
    IdempotencyMismatch,
    NotFound,
    PreconditionFailed,
    Signalbox,
    Total,
    results,
)

UNKNOWN = "comms_sender_00000000000000000000000000"


async def pool_with(caller: Caller, senders: list[str], name: str = "Support") -> str:
    """Creates a pool with these senders; returns its id."""
    started = await caller.do(lambda c: c.sender_pools.create(name=name, senders=senders))
    await caller.do(lambda c: c.sender_pools.wait(started.operation_id))
    (pool,) = await caller.all(lambda c: c.sender_pools.list(operation_id=started.operation_id))
    return pool.id


@pytest.mark.parametrize("client", [Signalbox, AsyncSignalbox])
def test_client_has_a_method_for_every_public_name(client: type[Signalbox] | type[AsyncSignalbox]) -> None:
    made = client("AC", "token")
    ours = [route.name for route in ROUTES if route.path.startswith(("/v1", "/signalbox/v1/Senders"))]
    # The same OpenAPI operation at another path; fetch_operation covers it.
    ours.remove("senderPools.fetchSendersOperation")
    for name in ours:
        noun, method = re.sub("([A-Z])", r"_\1", name).lower().split(".")
        assert callable(getattr(getattr(made, noun), method)), name


@pytest.mark.parametrize(
    ("ours", "wire"),
    [
        (results.Sender, wire_senders.Sender),
        (results.InventorySender, wire_inventory.InventorySender),
        (results.SenderPool, None),
        (results.Operation, wire_operations.SenderPoolOperation),
        (results.Item, wire_operations.OperationItem),
        (results.Template, wire_templates.Template),
        (results.OperationReference, shapes.OperationReference),
        (results.ResourceReference, shapes.ResourceReference),
        (results.Resolution, wire_resolve.Resolved),
        (results.ResolvedSender, wire_resolve.ResolvedSender),
        (results.ResolvedRecipient, wire_resolve.ResolvedRecipient),
        (results.Entered, wire_inventory.InventoryResult),
    ],
)
def test_result_has_the_fields_that_the_server_sends(
    ours: type[msgspec.Struct], wire: type[msgspec.Struct] | None
) -> None:
    from signalbox.api.inventory.sender_pools import SenderPool

    assert ours.__struct_encode_fields__ == (wire or SenderPool).__struct_encode_fields__


async def test_create_starts_a_pool_that_its_operation_leads_to(caller: Caller) -> None:
    ids = caller.account.enter_senders(3)
    started = await caller.do(
        lambda c: c.sender_pools.create(name="Support", senders=[*ids, UNKNOWN], tags={"team": "red"})
    )
    assert started.operation_location == f"{caller.account.url}/v1/SenderPools/Operations/{started.operation_id}"
    final = await caller.do(lambda c: c.sender_pools.wait(started.operation_id))
    assert final.status == "COMPLETED"
    assert final.final
    assert final.stats == results.Stats(total=5, queued=0, created=4, failed=1)
    (pool,) = await caller.all(lambda c: c.sender_pools.list(operation_id=started.operation_id))
    assert (pool.name, pool.tags) == ("Support", {"team": "red"})
    assert pool.created_at.utcoffset() == timedelta(0)


async def test_pool_is_fetched_updated_and_deleted(caller: Caller) -> None:
    pool_id = await pool_with(caller, [])
    changed = await caller.do(lambda c: c.sender_pools.update(pool_id, name="Sales", tags={"a": "b"}))
    assert changed.resource_id == pool_id
    pool = await caller.do(lambda c: c.sender_pools.fetch(pool_id))
    assert (pool.name, pool.tags) == ("Sales", {"a": "b"})
    await caller.do(lambda c: c.sender_pools.delete(pool_id))
    with pytest.raises(NotFound):
        await caller.do(lambda c: c.sender_pools.fetch(pool_id))
    with pytest.raises(NotFound):  # a second delete, by a call without retries
        await caller.do(lambda c: c.sender_pools.delete(pool_id))


async def test_template_is_put_listed_and_deleted(caller: Caller) -> None:
    content_id, text = f"HX{'0' * 32}", {"text": "Hello {{ name }}"}
    made = await caller.do(lambda c: c.templates.create(name="First", content=text, defaults={"name": "you"}))
    put = await caller.do(lambda c: c.templates.put(content_id, name="Second", content=text))
    fetched = await caller.do(lambda c: c.templates.fetch(content_id))
    assert (fetched, fetched.etag) == (put, put.etag)
    assert [one.content_id for one in await caller.all(lambda c: c.templates.list())] == [content_id, made.content_id]
    await caller.do(lambda c: c.templates.put(content_id, name="Third", content=text, if_match=put.etag))
    with pytest.raises(PreconditionFailed):
        await caller.do(lambda c: c.templates.delete(content_id, if_match=put.etag))
    await caller.do(lambda c: c.templates.delete(content_id))
    with pytest.raises(NotFound):
        await caller.do(lambda c: c.templates.fetch(content_id))


async def test_change_with_an_old_etag_is_refused(caller: Caller) -> None:
    pool_id = await pool_with(caller, [])
    old = await caller.do(lambda c: c.sender_pools.fetch(pool_id))
    await caller.do(lambda c: c.sender_pools.update(pool_id, name="Sales", if_match=old.etag))
    with pytest.raises(PreconditionFailed):
        await caller.do(lambda c: c.sender_pools.update(pool_id, name="Mine", if_match=old.etag))
    with pytest.raises(PreconditionFailed):
        await caller.do(lambda c: c.sender_pools.delete(pool_id, if_match=old.etag))
    assert (await caller.do(lambda c: c.sender_pools.fetch(pool_id))).name == "Sales"


async def test_etag_of_a_listed_pool_cannot_be_mistaken_for_none(caller: Caller) -> None:
    pool_id = await pool_with(caller, [])
    (listed,) = await caller.all(lambda c: c.sender_pools.list())
    assert listed == await caller.do(lambda c: c.sender_pools.fetch(pool_id))
    with pytest.raises(LookupError, match="list"):
        _ = listed.etag


async def test_senders_of_a_pool_are_added_listed_and_removed(caller: Caller) -> None:
    one, two, three = caller.account.enter_senders(3)
    pool_id = await pool_with(caller, [])
    for senders in (one, [two, three]):
        started = await caller.do(lambda c, senders=senders: c.sender_pools.add_sender(pool_id, senders))  # type: ignore[misc]
        assert (await caller.do(lambda c: c.sender_pools.wait(started.operation_id))).stats.failed == 0  # noqa: B023
    removed = await caller.do(lambda c: c.sender_pools.remove_sender(pool_id, two))
    assert removed == results.ResourceReference(two, f"{caller.account.url}/v1/Senders/{two}")
    members = await caller.all(lambda c: c.sender_pools.list_senders(pool_id, channel="SMS", status="ACTIVATED"))
    assert {sender.id for sender in members} == {one, three}
    assert await caller.all(lambda c: c.sender_pools.list_senders(pool_id, channel="EMAIL")) == []
    with pytest.raises(NotFound):
        await caller.do(lambda c: c.sender_pools.remove_sender(pool_id, two))


async def test_operations_are_listed_by_status_and_date(caller: Caller) -> None:
    await pool_with(caller, [])
    (operation,) = await caller.all(lambda c: c.sender_pools.list_operations(status="COMPLETED"))
    assert operation == await caller.do(lambda c: c.sender_pools.fetch_operation(operation.id, wait=1))
    created, later = operation.created_at, operation.created_at + timedelta(seconds=1)
    earlier = (created - timedelta(seconds=1)).isoformat()
    for start, end, found in ((created, later, []), (earlier, created, []), (earlier, later, [operation])):
        shown = await caller.all(lambda c, s=start, e=end: c.sender_pools.list_operations(start_date=s, end_date=e))  # type: ignore[misc]
        assert shown == found
    assert await caller.all(lambda c: c.sender_pools.list_operations(status="PROCESSING")) == []


async def test_senders_are_listed_fetched_searched_and_resolved(caller: Caller) -> None:
    sender_id, _ = caller.account.enter_senders(
        [{"channel": "SMS", "address": "+12025550100"}, {"channel": "EMAIL", "address": "a@example.com"}]
    )
    (listed,) = await caller.all(lambda c: c.senders.list(channel="SMS"))
    assert listed.id == sender_id
    assert listed == await caller.do(lambda c: c.senders.fetch(sender_id))
    found = await caller.all(lambda c: c.senders.search(address="+12025550100", channel="SMS", status="ACTIVATED"))
    assert found == [listed]
    asked = [{"address": "+12025550199", "channel": "PHONE"}]
    (best,) = await caller.do(lambda c: c.senders.resolve(asked, channels={"filterIn": ["SMS"]}))
    assert (best.from_.sender_id, best.to.address, best.priority) == (sender_id, "+12025550199", 0)
    pool_id = await pool_with(caller, [])
    assert await caller.do(lambda c: c.senders.resolve(asked, sender_pool_id=pool_id)) == []
    addresses = [{"address": "+12025550100", "channel": "SMS"}]
    assert await caller.do(lambda c: c.senders.resolve(asked, sender_addresses=addresses)) == [best]


async def test_inventory_is_entered_as_rows_ndjson_and_csv(caller: Caller) -> None:
    rows = [{"channel": "SMS", "address": "+12025550100", "displayName": "Desk"}, {"channel": "SMS", "address": "+1"}]
    entered = await caller.do(lambda c: c.inventory.enter(rows))
    assert (entered.created, entered.updated) == (1, 0)
    assert [(one.context, one.line) for one in entered.refused] == [("$[1].address", None)]
    lines = b'{"channel": "SMS", "address": "+12025550100"}\n{"channel": "SMS"}\n'
    entered = await caller.do(lambda c: c.inventory.enter(lines, media="application/x-ndjson"))
    assert (entered.created, entered.updated, entered.refused[0].line) == (0, 1, 2)
    entered = await caller.do(lambda c: c.inventory.enter(b"channel,address\nEMAIL,a@example.com\n", media="text/csv"))
    assert entered == results.Entered(1, 0, ())
    with pytest.raises(ValueError, match="bytes"):
        await caller.do(lambda c: c.inventory.enter(rows, media="text/csv"))


async def test_sender_of_the_inventory_has_its_region(caller: Caller) -> None:
    rows = [{"channel": "SMS", "address": "27312", "region": "CA"}, {"channel": "SMS", "address": "+14365550123"}]
    entered = await caller.do(lambda c: c.inventory.enter(rows))
    assert [(one.context, one.code) for one in entered.warnings] == [("$[1].address", 20001)]
    (found,) = await caller.all(lambda c: c.senders.search(address="27312", channel="SMS"))
    sender = await caller.do(lambda c: c.inventory.fetch(found.id))
    assert (sender.id, sender.address, sender.region) == (found.id, "27312", "CA")
    await caller.do(lambda c: c.inventory.update(sender.id, tags={"a": "b"}, if_match=sender.etag))


async def test_inventory_update_changes_only_what_is_given(caller: Caller) -> None:
    (sender_id,) = caller.account.enter_senders(1)
    sender = await caller.do(lambda c: c.inventory.update(sender_id, display_name="Desk", tags={"a": "b"}))
    assert (sender.display_name, sender.tags, sender.status) == ("Desk", {"a": "b"}, "ACTIVATED")
    sender = await caller.do(
        lambda c: c.inventory.update(sender_id, display_name=None, status="DEACTIVATED", tags=UNSET)
    )
    assert (sender.display_name, sender.tags, sender.status) == (None, {"a": "b"}, "DEACTIVATED")
    await caller.do(lambda c: c.inventory.delete(sender_id, if_match=sender.etag))
    with pytest.raises(NotFound):
        await caller.do(lambda c: c.senders.fetch(sender_id))


async def test_ledger_names_what_failed(caller: Caller) -> None:
    started = await caller.do(lambda c: c.sender_pools.create(senders=[UNKNOWN]))
    await caller.do(lambda c: c.sender_pools.wait(started.operation_id))
    pool, failed = await caller.all(lambda c: c.ledger.list_items(started.operation_id))
    assert (pool.index, pool.sender_id, pool.outcome, pool.code) == (0, None, "CREATED", None)
    assert (failed.index, failed.sender_id, failed.outcome, failed.code) == (1, UNKNOWN, "FAILED", 20404)
    assert await caller.all(lambda c: c.ledger.list_items(started.operation_id, outcome="FAILED")) == [failed]
    with pytest.raises(Conflict, match="COMPLETED"):
        await caller.do(lambda c: c.ledger.cancel(started.operation_id))


async def test_cancel_stops_an_operation(idle_caller: Caller) -> None:
    started = await idle_caller.do(lambda c: c.sender_pools.create(senders=[UNKNOWN]))
    stopped = await idle_caller.do(lambda c: c.ledger.cancel(started.operation_id))
    assert stopped.resource_id == started.operation_id
    operation = await idle_caller.do(lambda c: c.sender_pools.fetch_operation(started.operation_id))
    assert (operation.status, operation.final) == ("CANCELED", True)


async def test_own_idempotency_key_starts_one_operation_however_often_it_comes(caller: Caller) -> None:
    first, second = [
        await caller.do(lambda c: c.sender_pools.create(name="a", idempotency_key='my "key" \\ 1')) for _ in range(2)
    ]
    assert first == second
    with pytest.raises(IdempotencyMismatch):
        await caller.do(lambda c: c.sender_pools.create(name="b", idempotency_key='my "key" \\ 1'))


async def test_calls_without_a_key_of_their_own_are_two_operations(caller: Caller) -> None:
    first, second = [await caller.do(lambda c: c.sender_pools.create(name="a")) for _ in range(2)]
    assert first != second


@pytest.mark.parametrize("id", ["", ".", ".."])
def test_id_that_would_lead_to_another_path_is_refused_before_anything_is_sent(
    id: str,  # noqa: A002 (the API's word)
    signalbox_server: Account,
) -> None:
    with Signalbox(signalbox_server.account_sid, signalbox_server.auth_token, url="http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match="id"):
            client.sender_pools.delete(id)
        with pytest.raises(ValueError, match="id"):
            client.sender_pools.remove_sender("comms_senderpool_01", id)


def test_one_client_serves_many_threads(signalbox_server: Account) -> None:
    account = signalbox_server
    ids = account.enter_senders(40)
    with (
        Signalbox(account.account_sid, account.auth_token, url=account.url) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        assert [sender.id for sender in threads.map(client.senders.fetch, ids)] == ids


async def test_one_client_serves_many_tasks(signalbox_server: Account) -> None:
    account = signalbox_server
    ids = account.enter_senders(40)
    async with AsyncSignalbox(account.account_sid, account.auth_token, url=account.url) as client:
        found = await asyncio.gather(*(client.senders.fetch(one) for one in ids))
    assert [sender.id for sender in found] == ids


async def test_call_that_is_cancelled_leaves_the_client_usable(signalbox_server: Account, between: Between) -> None:
    account = signalbox_server
    between.troubles.append(Hang())
    async with AsyncSignalbox(account.account_sid, account.auth_token, url=between.url) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.senders.fetch("comms_sender_00000000000000000000000000"), 0.2)
        assert [one async for one in client.senders.list()] == []


async def test_pools_and_senders_are_found_by_name_and_ids_are_named(caller: Caller) -> None:
    await caller.do(lambda c: c.inventory.enter([{"channel": "PUSH", "address": "app-1", "displayName": "Front Desk"}]))
    (sender,) = await caller.all(lambda c: c.names.search_senders("front"))
    started = await caller.do(lambda c: c.sender_pools.create(name="Reminders", senders=[sender.id]))
    await caller.do(lambda c: c.sender_pools.wait(started.operation_id))
    (pool,) = await caller.all(lambda c: c.names.search_sender_pools("REMIND"))
    names = await caller.do(lambda c: c.names.name([pool.id, sender.id, started.operation_id]))
    assert [(one.name, one.senders) for one in names.sender_pools] == [("Reminders", 1)]
    assert [(one.display_name, [each.id for each in one.sender_pools]) for one in names.senders] == [
        ("Front Desk", [pool.id])
    ]
    assert [(one.kind, one.items) for one in names.operations] == [("CREATE", 2)]
    assert await caller.all(lambda c: c.names.search_senders("nobody")) == []


async def test_totals_are_those_of_the_lists_and_workers_are_seen(caller: Caller) -> None:
    rows = [{"channel": "PUSH", "address": f"app-{n}"} for n in range(2)] + [
        {"channel": "EMAIL", "address": "a@example.com"}
    ]
    await caller.do(lambda c: c.inventory.enter(rows))
    everyone = await caller.all(lambda c: c.senders.list())
    started = await caller.do(lambda c: c.sender_pools.create(senders=[one.id for one in everyone]))
    await caller.do(lambda c: c.sender_pools.wait(started.operation_id))
    (pool,) = await caller.all(lambda c: c.sender_pools.list())
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert await caller.do(lambda c: c.totals.senders(channel="PUSH", status="ACTIVATED")) == Total(2, more=False)
    assert await caller.do(lambda c: c.totals.senders(end_date=long_ago)) == Total(0, more=False)
    assert await caller.do(lambda c: c.totals.sender_pools(start_date=long_ago)) == Total(1, more=False)
    assert await caller.do(lambda c: c.totals.senders_of_pool(pool.id, channel="EMAIL")) == Total(1, more=False)
    assert await caller.do(lambda c: c.totals.operations(status="COMPLETED")) == Total(1, more=False)
    assert (await caller.do(lambda c: c.workers.fetch())).running
