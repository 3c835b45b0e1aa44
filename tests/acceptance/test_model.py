"""Pools, senders and operations against a simple model: API and model agree after requests in any order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from depth import searched
from people import Person, Served
from signalbox import db
from signalbox.db import Database
from signalbox.inventory import pool_operations
from working import drain, step

T = TypeVar("T")
UNKNOWN = [f"comms_sender_01hzzzzzzzzzzzzzzzzzzzzzz{n}" for n in range(3)]
BATCH = 3

pytestmark = pytest.mark.slow


class Work:
    """An operation in the model."""

    def __init__(self, pool: str, items: list[str | None]) -> None:
        self.pool = pool
        self.items = items
        self.outcomes: list[str] = []
        self.status = "PROCESSING"


class Model(RuleBasedStateMachine):
    """Each rule makes one change to the API and to the model. Only the rule `work` takes work from the queue."""

    runner: asyncio.Runner
    served: Served

    def __init__(self) -> None:
        super().__init__()
        self.ada: Person = self.do(self.served.account("Ada"))
        self.senders: dict[str, str] = {}
        self.pools: dict[str, set[str]] = {}
        self.works: dict[str, Work] = {}
        self.deleted: set[str] = set()
        self.number = 0

    def teardown(self) -> None:
        # The next state machine uses the same queue, so this state machine must leave no work.
        self.do(drain(self.served.database))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def some(self, things: list[str], seed: int, most: int) -> list[str]:
        randomly = random.Random(seed)
        return randomly.sample(things, min(len(things), randomly.randint(0, most)))

    def pick(self, things: list[str], seed: int) -> str | None:
        return random.Random(seed).choice(things) if things else None

    seeds = st.integers(0, 2**16)

    @rule(count=st.integers(1, 4), status=st.sampled_from(["ACTIVATED", "DEACTIVATED"]))
    def enter(self, count: int, status: str) -> None:
        rows: list[dict[str, object]] = []
        for _ in range(count):
            self.number += 1
            rows.append({"channel": "PUSH", "address": f"a{self.number}", "status": status})
        made = self.do(self.ada.enter(rows))
        self.senders.update(dict.fromkeys(made, status))

    @rule(seed=seeds)
    def switch(self, seed: int) -> None:
        if sender := self.pick(sorted(self.senders), seed):
            status = "DEACTIVATED" if self.senders[sender] == "ACTIVATED" else "ACTIVATED"
            response = self.do(self.ada.patch(f"/signalbox/v1/Senders/{sender}", json={"status": status}))
            assert response.json()["status"] == status
            self.senders[sender] = status

    @rule(seed=seeds)
    def delete_sender(self, seed: int) -> None:
        if sender := self.pick(sorted(self.senders), seed):
            assert self.do(self.ada.delete(f"/signalbox/v1/Senders/{sender}")).status_code == 202
            del self.senders[sender]
            self.deleted.add(sender)
            for members in self.pools.values():
                members.discard(sender)

    @rule(seed=seeds)
    def create(self, seed: int) -> None:
        wanted = self.some([*sorted(self.senders), *UNKNOWN, *sorted(self.deleted)], seed, 8)
        body = {"senders": [{"senderId": one} for one in wanted]}
        operation_id = self.do(self.ada.post("/v1/SenderPools", json=body)).json()["operationId"]
        found = self.do(self.ada.get(f"/v1/SenderPools?operationId={operation_id}")).json()["senderPools"]
        work = self.works[operation_id] = Work(found[0]["id"], [None, *wanted])
        work.outcomes = ["CREATED"]
        work.status = "PROCESSING" if wanted else "COMPLETED"
        self.pools[work.pool] = set()

    @rule(seed=seeds)
    def add(self, seed: int) -> None:
        wanted = self.some([*sorted(self.senders), *UNKNOWN, *sorted(self.deleted)], seed, 8)
        pool = self.pick(sorted(self.pools), seed)
        if pool and wanted:
            refs = [{"senderId": one} for one in wanted]
            response = self.do(self.ada.post(f"/v1/SenderPools/{pool}/Senders", json=refs))
            self.works[response.json()["operationId"]] = Work(pool, list(wanted))

    @rule(seed=seeds)
    def remove(self, seed: int) -> None:
        pool = self.pick(sorted(self.pools), seed)
        sender = self.pick(sorted({*self.senders, *UNKNOWN}), seed)
        if pool and sender:
            response = self.do(self.ada.delete(f"/v1/SenderPools/{pool}/Senders/{sender}"))
            assert response.status_code == (202 if sender in self.pools[pool] else 404)
            self.pools[pool].discard(sender)

    @rule(seed=seeds)
    def delete_pool(self, seed: int) -> None:
        if pool := self.pick(sorted(self.pools), seed):
            assert self.do(self.ada.delete(f"/v1/SenderPools/{pool}")).status_code == 202
            del self.pools[pool]
            for work in self.works.values():
                if work.pool == pool and work.status == "PROCESSING":
                    work.status = "CANCELED"

    @rule(seed=seeds)
    def cancel(self, seed: int) -> None:
        if operation_id := self.pick(sorted(self.works), seed):
            response = self.do(self.ada.post(f"/signalbox/v1/SenderPools/Operations/{operation_id}/Cancel"))
            work = self.works[operation_id]
            assert response.status_code == (202 if work.status == "PROCESSING" else 409)
            if work.status == "PROCESSING":
                work.status = "CANCELED"

    @rule()
    def work(self) -> None:
        """Does one batch, or a part of the removal of a deleted pool's memberships."""
        done = self.do(step(self.served.database))
        waiting = [name for name, work in sorted(self.works.items()) if work.status == "PROCESSING"]
        if done is None:
            assert not waiting
        if done is None or done.event != "batch":
            return
        # Operations of one account run in the order of their start.
        assert done.fields["operation"] == waiting[0]
        work = self.works[waiting[0]]
        for item in work.items[len(work.outcomes) :][:BATCH]:
            assert item is not None
            if item not in self.senders:
                work.outcomes.append("FAILED")
            elif item in self.pools[work.pool]:
                work.outcomes.append("ALREADY_MEMBER")
            else:
                work.outcomes.append("CREATED")
                self.pools[work.pool].add(item)
        if len(work.outcomes) == len(work.items):
            work.status = "COMPLETED"

    @invariant()
    def pools_have_the_members_of_the_model(self) -> None:
        listed = self.do(self.ada.walk("/v1/SenderPools", "senderPools"))
        assert {one["id"] for one in listed} == self.pools.keys()
        for pool, members in self.pools.items():
            found = self.do(self.ada.walk(f"/v1/SenderPools/{pool}/Senders?status=ACTIVATED", "senders"))
            assert {one["id"] for one in found} == {one for one in members if self.senders[one] == "ACTIVATED"}
            assert self.do(self.ada.members(pool)) == members

    @invariant()
    def operations_have_the_counters_and_items_of_the_model(self) -> None:
        listed = self.do(self.ada.walk("/v1/SenderPools/Operations", "operations"))
        assert {one["id"] for one in listed} == self.works.keys()
        for one in listed:
            work = self.works[one["id"]]
            failed = work.outcomes.count("FAILED")
            assert one["status"] == work.status
            assert one["stats"] == {
                "total": len(work.items),
                "queued": len(work.items) - len(work.outcomes),
                "created": len(work.outcomes) - failed,
                "failed": failed,
            }
        if self.works:
            # Each check reads one ledger: of the unfinished operation, or else of the newest.
            name = max(
                (name for name, work in self.works.items() if work.status == "PROCESSING"), default=max(self.works)
            )
            work = self.works[name]
            items = self.do(self.ada.walk(f"/signalbox/v1/SenderPools/Operations/{name}/Items", "items"))
            assert [one["senderId"] for one in items] == work.items
            queued = ["QUEUED"] * (len(work.items) - len(work.outcomes))
            assert [one["outcome"] for one in items] == work.outcomes + queued


def test_server_does_what_the_model_does(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", BATCH)

    async def opened() -> Database:
        database = db.connect(database_url)
        await database.open()
        return database

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = runner.run(opened())
        Model.runner, Model.served = runner, runner.run(Served.on(database))
        run_state_machine_as_test(  # type: ignore[no-untyped-call, unused-ignore]
            Model,
            settings=settings(
                max_examples=searched(8, deep=200),
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(database.close())
