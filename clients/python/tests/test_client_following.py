"""Waiting for an operation and watching it, on streams that are complete, cut off, buffered or missing."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from between import Between, Cut, Hang, Lose, Say
from callers import Caller
from signalbox_client import ConnectionFailed, NotFound, Operation, OperationTimeout, Unavailable, following

UNKNOWN = "comms_sender_00000000000000000000000000"
NEVER = "comms_operation_00000000000000000000000000"
PROCESSING = Say(
    200,
    b'{"id": "x", "status": "PROCESSING", "stats": {"total": 1, "queued": 1, "created": 0, "failed": 0},'
    b' "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z"}',
)
AWAY = Say(503, b"", {"retry-after": "0"})


async def finished(caller: Caller, senders: int = 0) -> str:
    """The id of an operation that is final, or will be soon."""
    ids = caller.account.enter_senders(senders) if senders else []
    return (await caller.do(lambda c: c.sender_pools.create(senders=ids))).operation_id


async def unfinished(caller: Caller) -> str:
    """The id of an operation that no worker processes."""
    return (await caller.do(lambda c: c.sender_pools.create(senders=[UNKNOWN]))).operation_id


def check(shown: list[Operation]) -> None:
    """Checks the promises to every watcher."""
    assert shown[-1].final
    assert not any(operation.final for operation in shown[:-1])
    assert all(before != after for before, after in pairwise(shown))


async def test_wait_returns_the_final_operation(caller: Caller) -> None:
    operation_id = await finished(caller, senders=2000)
    operation = await caller.do(lambda c: c.sender_pools.wait(operation_id))
    assert (operation.status, operation.stats.created) == ("COMPLETED", 2001)


async def test_wait_that_is_too_short_says_how_far_the_operation_is(idle_caller: Caller) -> None:
    operation_id = await unfinished(idle_caller)
    started = time.monotonic()
    with pytest.raises(OperationTimeout, match="still PROCESSING") as late:
        await idle_caller.do(lambda c: c.sender_pools.wait(operation_id, timeout=1.5))
    assert 1.5 <= time.monotonic() - started < 5
    assert late.value.operation.stats.queued == 1


async def test_wait_lets_the_server_wait(idle_caller: Caller, before_idle: Between) -> None:
    operation_id = await unfinished(idle_caller)
    with pytest.raises(OperationTimeout):
        await idle_caller.do(lambda c: c.sender_pools.wait(operation_id, timeout=3), url=before_idle.url)
    assert before_idle.seen[0].headers["Prefer"] == "wait=2"
    assert len(before_idle.seen) < 20


async def test_wait_does_not_pester_a_server_that_cannot_wait(caller: Caller, between: Between) -> None:
    operation_id = await finished(caller)
    between.troubles.extend([PROCESSING] * 4)
    assert (await caller.do(lambda c: c.sender_pools.wait(operation_id), url=between.url)).final
    assert sum(between.pauses()) > 0.5 * (0.1 + 0.2 + 0.4 + 0.8)


async def test_wait_outlives_a_server_that_is_away(caller: Caller, between: Between) -> None:
    operation_id = await finished(caller)
    between.troubles.extend([PROCESSING, Lose(carried_out=False), AWAY, AWAY])
    found = await caller.do(lambda c: c.sender_pools.wait(operation_id), url=between.url, max_retries=0)
    assert found.final
    assert len(between.seen) == 5


async def test_wait_for_a_server_that_never_responded_fails_like_any_call(caller: Caller, between: Between) -> None:
    between.troubles.extend([AWAY] * 2)
    with pytest.raises(Unavailable):
        await caller.do(lambda c: c.sender_pools.wait(NEVER), url=between.url, max_retries=1)


@pytest.mark.parametrize("how", ["wait", "watch", "fetch_operation"])
async def test_operation_that_never_was_is_not_found(how: str, caller: Caller) -> None:
    with pytest.raises(NotFound):
        await (caller.all if how == "watch" else caller.do)(lambda c: getattr(c.sender_pools, how)(NEVER))


async def test_fetch_with_a_wait_may_take_longer_than_the_timeout(idle_caller: Caller) -> None:
    operation_id = await unfinished(idle_caller)
    found = await idle_caller.do(lambda c: c.sender_pools.fetch_operation(operation_id, wait=1), timeout=0.9)
    assert found.status == "PROCESSING"


async def test_watch_shows_the_operation_until_it_is_final(caller: Caller, between: Between) -> None:
    operation_id = await finished(caller, senders=5000)
    shown = await caller.all(lambda c: c.sender_pools.watch(operation_id), url=between.url)
    check(shown)
    assert shown[-1].stats.created == 5001
    assert between.targets() == [f"GET /v1/SenderPools/Operations/{operation_id}"]
    assert between.seen[0].headers["Accept"] == "text/event-stream"


async def test_watch_shows_the_present_state_at_once(idle_caller: Caller) -> None:
    operation_id = await unfinished(idle_caller)
    (operation,) = await idle_caller.all(lambda c: c.sender_pools.watch(operation_id), most=1)
    assert operation.status == "PROCESSING"


async def test_watch_opens_a_stream_again_that_was_cut_before_its_first_event(caller: Caller, between: Between) -> None:
    operation_id = await finished(caller)
    between.stream_troubles.append(Cut(after=40))
    # The fetch after the broken stream gets a 503; its retry succeeds.
    between.troubles.append(AWAY)
    check(await caller.all(lambda c: c.sender_pools.watch(operation_id), url=between.url))


async def test_watch_survives_a_stream_that_is_cut_after_its_first_event(
    idle_caller: Caller, before_idle: Between
) -> None:
    operation_id = await unfinished(idle_caller)
    first = await idle_caller.do(lambda c: c.sender_pools.fetch_operation(operation_id))
    before_idle.stream_troubles.append(Cut(after=300))  # longer than the first event; then the stream is silent
    shown: list[Operation] = []

    if idle_caller.asynchronous:
        from signalbox_client import AsyncSignalbox

        account = idle_caller.account
        async with AsyncSignalbox(account.account_sid, account.auth_token, url=before_idle.url) as client:
            async for operation in client.sender_pools.watch(operation_id):
                shown.append(operation)
                if len(shown) == 1:
                    await client.ledger.cancel(operation_id)
    else:
        await idle_caller.do(lambda c: shown.extend(_cancelling(c, operation_id)), url=before_idle.url)
    assert shown[0] == first
    assert [operation.status for operation in shown] == ["PROCESSING", "CANCELED"]


def _cancelling(client: object, operation_id: str) -> list[Operation]:
    from signalbox_client import Signalbox

    assert isinstance(client, Signalbox)
    shown = []
    for operation in client.sender_pools.watch(operation_id):
        shown.append(operation)
        if len(shown) == 1:
            client.ledger.cancel(operation_id)
    return shown


async def test_watch_asks_where_streams_are_no_streams(caller: Caller, between: Between) -> None:
    operation_id = await finished(caller)
    between.stream_troubles.extend([Say(200, b"{}", {"content-type": "application/json"})] * 9)
    shown = await caller.all(lambda c: c.sender_pools.watch(operation_id), url=between.url)
    check(shown)
    assert len(between.stream_troubles) == 8


async def test_watch_asks_where_streams_are_held_back(
    caller: Caller, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_SILENCE_SECONDS", 0.3)
    operation_id = await finished(caller)
    between.stream_troubles.append(Hang())
    shown = await caller.all(lambda c: c.sender_pools.watch(operation_id), url=between.url)
    check(shown)


async def test_watch_asks_when_a_stream_holds_garbage(caller: Caller, between: Between) -> None:
    operation_id = await finished(caller)
    garbage = b": hello\n\nevent: operation\ndata: {]\n\n"
    between.stream_troubles.append(Say(200, garbage, {"content-type": "text/event-stream"}))
    check(await caller.all(lambda c: c.sender_pools.watch(operation_id), url=between.url))


async def test_watch_goes_on_asking_when_every_stream_is_refused(idle_caller: Caller, before_idle: Between) -> None:
    operation_id = await unfinished(idle_caller)
    before_idle.stream_troubles.extend([Say(500)] * 2)
    before_idle.troubles.extend([AWAY, AWAY])
    (first,) = await idle_caller.all(
        lambda c: c.sender_pools.watch(operation_id), most=1, url=before_idle.url, max_retries=2
    )
    assert not first.final
    assert len(before_idle.seen) >= 4


async def test_watch_gives_up_on_a_server_that_stays_away(caller: Caller, between: Between) -> None:
    operation_id = await finished(caller)
    between.stream_troubles.extend([Say(500)] * 9)
    between.troubles.extend([PROCESSING, *[Lose(carried_out=False)] * 99])
    started = time.monotonic()
    with pytest.raises(ConnectionFailed):
        await caller.all(lambda c: c.sender_pools.watch(operation_id), url=between.url, timeout=2, max_retries=0)
    # It ends before a pause that would end after the timeout.
    assert 0.5 <= time.monotonic() - started < 10
