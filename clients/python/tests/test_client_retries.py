"""Retries: which failures are retried, when, and what a retry may find."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from between import Between, Cut, Drip, Hang, Lose, Say, Trouble
from callers import Caller
from signalbox_client import (
    ApiError,
    Bug,
    ConnectionFailed,
    NotFound,
    PreconditionFailed,
    Signalbox,
    TooMany,
    Unavailable,
    calls,
)

UNKNOWN = "comms_sender_00000000000000000000000000"
AT_ONCE = {"retry-after": "0"}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_status_that_passes_is_tried_again(status: int, caller: Caller, between: Between) -> None:
    between.troubles.append(Say(status, b"later", AT_ONCE))
    assert await caller.all(lambda c: c.senders.list(), url=between.url) == []
    assert len(between.seen) == 2


@pytest.mark.parametrize("trouble", [Lose(carried_out=False), Lose(carried_out=True), Cut(after=10)])
async def test_broken_connection_is_tried_again(trouble: Trouble, caller: Caller, between: Between) -> None:
    between.troubles.append(trouble)
    assert await caller.all(lambda c: c.senders.list(), url=between.url) == []
    assert len(between.seen) == 2


@pytest.mark.parametrize("status", [400, 404, 409, 500, 501])
async def test_status_that_stays_is_not_tried_again(status: int, caller: Caller, between: Between) -> None:
    between.troubles.append(Say(status, b"no", AT_ONCE))
    with pytest.raises(ApiError):
        await caller.all(lambda c: c.senders.list(), url=between.url)
    assert len(between.seen) == 1


async def test_retry_after_in_seconds_is_obeyed(caller: Caller, between: Between) -> None:
    between.troubles.append(Say(429, b"", {"retry-after": "1"}))
    await caller.all(lambda c: c.senders.list(), url=between.url)
    (pause,) = between.pauses()
    assert 1 <= pause < 5


async def test_retry_after_as_a_date_is_obeyed(caller: Caller, between: Between) -> None:
    from email.utils import formatdate

    between.troubles.append(Say(503, b"", {"retry-after": formatdate(time.time() + 2, usegmt=True)}))
    await caller.all(lambda c: c.senders.list(), url=between.url)
    (pause,) = between.pauses()
    assert 0.9 <= pause < 6  # an HTTP date has whole seconds


@pytest.mark.parametrize(("attempt", "span"), [(0, 0.5), (1, 1), (3, 4), (9, 8)])
def test_pause_is_spread_over_a_span_that_doubles_up_to_a_bound(attempt: int, span: float) -> None:
    pauses = [calls._pause(ConnectionFailed(), attempt) for _ in range(500)]
    assert 0 <= min(pauses) < 0.1 * span
    assert 0.9 * span < max(pauses) <= span


async def test_attempts_end_with_the_last_failure(caller: Caller, between: Between) -> None:
    between.troubles.extend([Say(503, b"", AT_ONCE)] * 2)
    with pytest.raises(Unavailable) as failed:
        await caller.all(lambda c: c.senders.list(), url=between.url, max_retries=1)
    assert failed.value.retry_after == 0
    assert len(between.seen) == 2


async def test_no_retries_means_one_attempt(caller: Caller, between: Between) -> None:
    between.troubles.append(Lose(carried_out=False))
    with pytest.raises(ConnectionFailed):
        await caller.all(lambda c: c.senders.list(), url=between.url, max_retries=0)
    assert len(between.seen) == 1


async def test_retry_after_beyond_the_time_fails_at_once(caller: Caller, between: Between) -> None:
    between.troubles.append(Say(429, b"", {"retry-after": "60"}))
    started = time.monotonic()
    with pytest.raises(TooMany) as failed:
        await caller.all(lambda c: c.senders.list(), url=between.url, timeout=10)
    assert time.monotonic() - started < 5
    assert failed.value.retry_after == 60


@pytest.mark.parametrize("trouble", [Hang(), Drip(seconds=0.05)])
async def test_call_ends_when_its_time_is_up(trouble: Trouble, caller: Caller, between: Between) -> None:
    between.troubles.extend([trouble] * 5)
    started = time.monotonic()
    with pytest.raises(ConnectionFailed):
        await caller.all(lambda c: c.senders.list(), url=between.url, timeout=1)
    assert time.monotonic() - started < 4


async def test_nobody_listening_is_a_connection_failure_that_says_where(caller: Caller) -> None:
    with pytest.raises(ConnectionFailed, match=r"GET http://127\.0\.0\.1:1/v1/Senders: no response"):
        await caller.all(lambda c: c.senders.list(), url="http://127.0.0.1:1", max_retries=0)


async def test_lost_response_of_a_create_starts_one_operation(caller: Caller, between: Between) -> None:
    between.troubles.extend([Lose(carried_out=True), Say(503, b"", AT_ONCE)])
    started = await caller.do(lambda c: c.sender_pools.create(name="once"), url=between.url)
    assert len(between.seen) == 3
    assert len({one.headers["Idempotency-Key"] for one in between.seen}) == 1
    assert [one.id for one in await caller.all(lambda c: c.sender_pools.list_operations())] == [started.operation_id]


async def test_lost_response_of_an_add_starts_one_operation(caller: Caller, between: Between) -> None:
    await caller.do(lambda c: c.sender_pools.create())
    (pool,) = await caller.all(lambda c: c.sender_pools.list())
    between.troubles.append(Lose(carried_out=True))
    started = await caller.do(lambda c: c.sender_pools.add_sender(pool.id, UNKNOWN), url=between.url)
    assert len(between.seen) == 2
    assert len(await caller.all(lambda c: c.sender_pools.list_operations())) == 2
    assert (await caller.do(lambda c: c.sender_pools.wait(started.operation_id))).stats.total == 1


async def test_key_in_flight_is_tried_again(caller: Caller, between: Between) -> None:
    between.troubles.append(Say(409, b'{"code": 20409, "message": "in flight"}'))
    await caller.do(lambda c: c.sender_pools.create(), url=between.url)
    assert len(between.seen) == 2


async def test_lost_response_of_a_delete_is_a_delete(caller: Caller, between: Between) -> None:
    await caller.do(lambda c: c.sender_pools.create())
    (pool,) = await caller.all(lambda c: c.sender_pools.list())
    between.troubles.append(Lose(carried_out=True))
    removed = await caller.do(lambda c: c.sender_pools.delete(pool.id), url=between.url)
    assert removed.resource_id == pool.id
    assert removed.resource_location == f"{between.url}/v1/SenderPools/{pool.id}"
    assert between.targets() == [f"DELETE /v1/SenderPools/{pool.id}"] * 2


async def test_delete_of_what_never_was_is_not_found_though_the_first_attempt_was_refused(
    caller: Caller, between: Between
) -> None:
    between.troubles.append(Say(429, b"", AT_ONCE))  # nothing was carried out
    with pytest.raises(NotFound):
        await caller.do(lambda c: c.inventory.delete(UNKNOWN), url=between.url)


async def test_lost_response_of_a_conditional_change_says_that_it_is_in_doubt(caller: Caller, between: Between) -> None:
    (sender_id,) = caller.account.enter_senders(1)
    etag = (await caller.do(lambda c: c.senders.fetch(sender_id))).etag
    between.troubles.append(Lose(carried_out=True))
    with pytest.raises(PreconditionFailed) as failed:
        await caller.do(lambda c: c.inventory.update(sender_id, display_name="Desk", if_match=etag), url=between.url)
    assert failed.value.in_doubt
    with pytest.raises(PreconditionFailed) as failed:
        await caller.do(lambda c: c.inventory.update(sender_id, display_name="Mine", if_match=etag))
    assert not failed.value.in_doubt


POSTS: list[Callable[[Signalbox], object]] = [
    lambda c: c.inventory.enter([{"channel": "SMS", "address": "+12025550100"}]),
    lambda c: c.senders.resolve([{"channel": "PHONE", "address": "+12025550100"}]),
    lambda c: c.templates.create(name="x", content={"text": "x"}),
    lambda c: c.sender_pools.create(),
]


async def test_post_without_a_key_is_sent_once(caller: Caller, between: Between) -> None:
    posts = [*POSTS[:3], lambda c: c.ledger.cancel("comms_operation_00000000000000000000000000")]
    for number, post in enumerate(posts, 1):
        between.troubles.append(Say(503, b"later", AT_ONCE))
        with pytest.raises(Unavailable):
            await caller.do(post, url=between.url)
        assert len(between.seen) == number


@pytest.mark.parametrize("post", POSTS, ids=["enter", "resolve", "templates", "create"])
async def test_every_post_is_tried_again_after_a_rate_limit(
    post: Callable[[Signalbox], object], caller: Caller, between: Between
) -> None:
    between.troubles.append(Say(429, b"later", AT_ONCE))
    await caller.do(post, url=between.url)
    assert len(between.seen) == 2


async def test_search_and_cancel_are_tried_again_after_a_rate_limit(caller: Caller, between: Between) -> None:
    between.troubles.append(Say(429, b"later", AT_ONCE))
    found = await caller.all(lambda c: c.senders.search(address="+12025550100", channel="SMS"), url=between.url)
    assert (found, len(between.seen)) == ([], 2)
    between.troubles.append(Say(429, b"later", AT_ONCE))
    with pytest.raises(NotFound) as failed:
        await caller.do(lambda c: c.ledger.cancel("comms_operation_00000000000000000000000000"), url=between.url)
    assert not failed.value.in_doubt  # the first attempt did nothing
    assert len(between.seen) == 4


async def test_entering_again_after_a_lost_response_leads_to_one_inventory(caller: Caller, between: Between) -> None:
    between.troubles.append(Lose(carried_out=True))
    rows = [{"channel": "SMS", "address": "+12025550100"}]
    with pytest.raises(ConnectionFailed):
        await caller.do(lambda c: c.inventory.enter(rows), url=between.url)
    entered = await caller.do(lambda c: c.inventory.enter(rows))
    assert (entered.created, entered.updated) == (0, 1)
    assert len(await caller.all(lambda c: c.senders.list())) == 1


async def test_bug_of_the_server_is_not_hidden_by_another_attempt(caller: Caller, between: Between) -> None:
    between.troubles.append(Say(500, b'{"code": 20500, "message": "ours"}', {"x-request-id": "RQ1"}))
    with pytest.raises(Bug) as failed:
        await caller.do(lambda c: c.sender_pools.create(), url=between.url)
    assert failed.value.request_id == "RQ1"
