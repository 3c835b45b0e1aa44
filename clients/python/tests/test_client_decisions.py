"""Decisions, retries and opt-outs with both clients, on a real server."""

from __future__ import annotations

import msgspec
import pytest

from between import Between, Lose
from callers import Caller
from signalbox.api.routing import opt_outs as wire_opt_outs
from signalbox.api.sending import decisions as wire
from signalbox.api.sending import recipients as wire_recipients
from signalbox_client import Conflict, Contact, IdempotencyMismatch, Invalid, NotFound, decision_results

ADA, BOB = "+14155550199", "+14155550198"
REFUSED = "+15005550003"
TEXT = {"text": "hello"}
SENDER: dict[str, object] = {"channel": "SMS", "address": "+14155550100"}


def to(*addresses: str) -> list[dict[str, object]]:
    return [{"address": address, "channel": "PHONE"} for address in addresses]


async def sent(caller: Caller, *addresses: str) -> str:
    """Sends the text and waits for the end; returns the id of the operation."""
    started = await caller.do(lambda c: c.messages.send(to=to(*addresses), content=TEXT))
    await caller.do(lambda c: c.messages.wait(started.operation_id))
    return started.operation_id


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (decision_results.DecisionSteps, wire.DecisionSteps),
        (decision_results.Candidate, wire.Candidate),
        (decision_results.RemovedSender, wire.RemovedSender),
        (decision_results.RemovedCount, wire.RemovedCount),
        (decision_results.ExplainedDecision, wire.ExplainedDecision),
        (decision_results.MessageDecision, wire.MessageDecision),
        (decision_results.SenderShare, wire.SenderShare),
        (decision_results.MessageExplanation, wire.MessageExplanation),
        (decision_results.OptOut, wire_opt_outs.OptOut),
        (decision_results.Forgotten, wire_recipients.Forgotten),
    ],
)
def test_result_has_the_fields_that_the_server_sends(ours: type[msgspec.Struct], theirs: type[msgspec.Struct]) -> None:
    assert set(ours.__struct_encode_fields__) == set(theirs.__struct_encode_fields__)


async def test_decision_names_the_sender_and_those_that_were_left_out(caller: Caller) -> None:
    sender, off = caller.account.enter_senders(
        [SENDER, {"channel": "SMS", "address": "+14155550101", "status": "DEACTIVATED"}]
    )
    operation_id = await sent(caller, ADA)
    (message,) = await caller.all(lambda c: c.messages.list(operation_id=operation_id))
    found = await caller.do(lambda c: c.messages.decision(message.id))
    assert (found.message_id, found.sender_pool_id, found.chosen) == (message.id, None, sender)
    assert found.recipient == Contact(ADA, "PHONE")
    (candidate,) = found.candidates
    assert (candidate.sender_id, candidate.address, candidate.channel, candidate.rank) == (
        sender,
        "+14155550100",
        "SMS",
        0,
    )
    assert candidate.steps == decision_results.DecisionSteps(country=True, area=True, kept=False, weight=1)
    assert found.removed == (decision_results.RemovedSender(off, "DEACTIVATED"),)
    assert found.removed_counts == (decision_results.RemovedCount("DEACTIVATED", 1),)
    attempts = (await caller.do(lambda c: c.messages.fetch(message.id))).attempts
    assert found.at == attempts[0].attempted_at


async def test_explain_says_who_would_send_and_sends_nothing(caller: Caller) -> None:
    (sender,) = caller.account.enter_senders([SENDER])
    found = await caller.do(lambda c: c.messages.explain(to=to(ADA, BOB), content=TEXT, from_={"senderId": sender}))
    assert [one.recipient.address for one in found.results] == [ADA, BOB]
    assert {one.chosen for one in found.results} == {sender}
    assert found.spread == (decision_results.SenderShare(sender, 1.0),)
    assert found.eta is not None
    assert await caller.all(lambda c: c.messages.list()) == []
    nobody = await caller.do(lambda c: c.messages.explain(to=to("+15005550002"), content=TEXT))
    assert (nobody.results[0].chosen, nobody.spread, nobody.eta) == (None, (), None)
    with pytest.raises(Invalid, match="at most 100"):
        await caller.do(lambda c: c.messages.explain(to=to(ADA) * 101, content=TEXT))


async def test_retry_sends_to_those_who_were_not_reached(caller: Caller, between: Between) -> None:
    caller.account.enter_senders([SENDER])
    operation_id = await sent(caller, ADA, REFUSED)
    started = await caller.do(lambda c: c.messages.retry(operation_id))
    again = await caller.do(lambda c: c.messages.wait(started.operation_id))
    assert (again.stats.total, again.stats.failed) == (1, 1)
    (message,) = await caller.all(lambda c: c.messages.list(operation_id=again.id))
    assert [(one.name, one.id) for one in message.related] == [("OPERATION", again.id), ("RETRY_OF", operation_id)]
    delivered = await sent(caller, ADA)
    with pytest.raises(Conflict, match="no message left that failed"):
        await caller.do(lambda c: c.messages.retry(delivered), url=between.url)
    # It will be a conflict the next time too.
    assert len(between.seen) == 1


async def test_response_lost_on_the_way_does_not_retry_twice(caller: Caller, between: Between) -> None:
    caller.account.enter_senders([SENDER])
    operation_id = await sent(caller, REFUSED)
    between.troubles += [Lose(carried_out=True)]
    started = await caller.do(lambda c: c.messages.retry(operation_id), url=between.url)
    await caller.do(lambda c: c.messages.wait(started.operation_id))
    assert len(between.seen) == 2
    assert len({request.headers["Idempotency-Key"] for request in between.seen}) == 1
    assert len(await caller.all(lambda c: c.messages.list_operations())) == 2
    other = await sent(caller, REFUSED)
    first = await caller.do(lambda c: c.messages.retry(other, idempotency_key="again"))
    assert await caller.do(lambda c: c.messages.retry(other, idempotency_key="again")) == first
    with pytest.raises(IdempotencyMismatch):
        await caller.do(lambda c: c.messages.retry(operation_id, idempotency_key="again"))


async def test_opt_out_is_created_listed_and_deleted(caller: Caller) -> None:
    caller.account.enter_senders([SENDER])
    made = await caller.do(lambda c: c.opt_outs.create(address=ADA, channel="PHONE"))
    assert (made.address, made.channel, made.sender_pool_id) == (ADA, "PHONE", None)
    assert await caller.do(lambda c: c.opt_outs.create(address=ADA, channel="PHONE")) == made
    started = await caller.do(lambda c: c.sender_pools.create(name="desk"))
    await caller.do(lambda c: c.sender_pools.wait(started.operation_id))
    (pool,) = await caller.all(lambda c: c.sender_pools.list())
    of_pool = await caller.do(lambda c: c.opt_outs.create(address=BOB, channel="WHATSAPP", sender_pool_id=pool.id))
    assert of_pool.sender_pool_id == pool.id
    assert await caller.all(lambda c: c.opt_outs.list(page_size=1)) == [of_pool, made]
    assert await caller.all(lambda c: c.opt_outs.list(address=ADA, channel="PHONE")) == [made]
    assert await caller.all(lambda c: c.opt_outs.list(sender_pool_id=pool.id)) == [of_pool]
    operation_id = await sent(caller, ADA)
    (error,) = await caller.all(lambda c: c.messages.list_errors(operation_id))
    assert error.code == 21610
    assert (await caller.do(lambda c: c.opt_outs.delete(made.id))).resource_id == made.id
    with pytest.raises(NotFound):
        await caller.do(lambda c: c.opt_outs.delete(made.id))


async def test_delete_whose_response_was_lost_is_a_success(caller: Caller, between: Between) -> None:
    made = await caller.do(lambda c: c.opt_outs.create(address=ADA, channel="PHONE"))
    between.troubles += [Lose(carried_out=True)]
    deleted = await caller.do(lambda c: c.opt_outs.delete(made.id), url=between.url)
    assert deleted.resource_location.endswith(f"/signalbox/v1/OptOuts/{made.id}")


async def test_person_is_forgotten(caller: Caller) -> None:
    caller.account.enter_senders([SENDER])
    await sent(caller, ADA)
    made = await caller.do(lambda c: c.opt_outs.create(address=ADA, channel="PHONE"))
    assert await caller.do(lambda c: c.recipients.forget(ADA, channel="WHATSAPP", opt_outs=True)) == (
        decision_results.Forgotten(0, 0)
    )
    assert await caller.do(lambda c: c.recipients.forget(ADA)) == decision_results.Forgotten(1, 0)
    assert await caller.all(lambda c: c.opt_outs.list()) == [made]
    assert await caller.do(lambda c: c.recipients.forget(ADA, opt_outs=True)) == decision_results.Forgotten(0, 1)


async def test_what_does_not_exist_is_not_found(caller: Caller) -> None:
    calls = [
        lambda c: c.messages.decision("comms_message_00000000000000000000000000"),
        lambda c: c.messages.retry("comms_operation_00000000000000000000000000"),
        lambda c: c.opt_outs.delete("comms_optout_00000000000000000000000000"),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await caller.do(call)
