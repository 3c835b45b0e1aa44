"""References and the headers that repeat them, contract section 4; idempotency keys, contract section 8."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from people import Person, contexts, problems, until
from signalbox.accounts import idempotency
from signalbox.db import Database, Statement, Tx
from signalbox.ground import clock
from signalbox.ground.errors import Unavailable
from signalbox.http import references

UNKNOWN_SENDER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
UNKNOWN_POOL = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"


async def _create(person: Person, key: str, **body: object) -> httpx.Response:
    return await person.post("/v1/SenderPools", json=body, headers={"idempotency-key": key})


async def test_same_key_and_request_replays_the_response(ada: Person) -> None:
    first = await _create(ada, "one", name="Spring")
    again = await _create(ada, "one", name="Spring")
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert len(await ada.walk("/v1/SenderPools", "senderPools")) == 1


async def test_replay_has_the_reference_even_when_the_pool_is_gone(ada: Person) -> None:
    (sender,) = await ada.senders(1)
    pool_id = await ada.pool()
    add = {"json": [{"senderId": sender}], "headers": {"idempotency-key": "add"}}
    first = await ada.post(f"/v1/SenderPools/{pool_id}/Senders", **add)
    await ada.delete(f"/v1/SenderPools/{pool_id}")
    again = await ada.post(f"/v1/SenderPools/{pool_id}/Senders", **add)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


async def test_quoted_and_bare_are_one_key_and_spaces_in_the_body_do_not_matter(ada: Person) -> None:
    first = await _create(ada, "one", name="Spring")
    again = await ada.post("/v1/SenderPools", content=b' {"name" :\n"Spring"} ', headers={"idempotency-key": '"one"'})
    assert again.json() == first.json()


async def test_same_key_with_another_request_is_422(ada: Person) -> None:
    first = await _create(ada, "one", name="Spring")
    for response in (
        await _create(ada, "one", name="Summer"),
        await _create(ada, "one"),
        await ada.post(
            f"/v1/SenderPools/{await ada.pool()}/Senders",
            json=[{"senderId": (await ada.senders(1))[0]}],
            headers={"idempotency-key": "one"},
        ),
    ):
        assert response.status_code == 422
    assert (await _create(ada, "one", name="Spring")).json() == first.json()


async def test_key_is_free_as_soon_as_its_error_is_sent(ada: Person) -> None:
    first = await _create(ada, "one", name="Spring")
    for _ in range(20):
        assert (await _create(ada, "one", name="Summer")).status_code == 422
        assert (await _create(ada, "one", name="Spring")).json() == first.json()


async def test_same_key_for_another_pool_is_422(ada: Person) -> None:
    body = [{"senderId": (await ada.senders(1))[0]}]
    one, other = await ada.pool(), await ada.pool()
    headers = {"idempotency-key": "add"}
    assert (await ada.post(f"/v1/SenderPools/{one}/Senders", json=body, headers=headers)).status_code == 202
    assert (await ada.post(f"/v1/SenderPools/{other}/Senders", json=body, headers=headers)).status_code == 422


async def test_errors_are_not_stored(ada: Person) -> None:
    assert (await _create(ada, "one", name="")).status_code == 400
    assert (await _create(ada, "one", name="Good")).status_code == 202
    (sender,) = await ada.senders(1)
    gone = await ada.pool()
    await ada.delete(f"/v1/SenderPools/{gone}")
    body, headers = [{"senderId": sender}], {"idempotency-key": "add"}
    assert (await ada.post(f"/v1/SenderPools/{gone}/Senders", json=body, headers=headers)).status_code == 404
    pool_id = await ada.pool()
    assert (await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=body, headers=headers)).status_code == 202


@pytest.mark.parametrize(
    "key", ["", '""', "x" * 256, '"' + "x" * 256 + '"', "a b", '"open', 'a"b', "caf\xe9", '"\\x"', '"a", "b"']
)
async def test_key_that_is_none_is_refused(ada: Person, key: str) -> None:
    response = await ada.post("/v1/SenderPools", json={}, headers=[("idempotency-key", key.encode("latin-1"))])
    assert problems(response) == {("Idempotency-Key", None)}
    assert await ada.walk("/v1/SenderPools", "senderPools") == []


@pytest.mark.parametrize("key", ["x", "x" * 255, '"' + "x" * 255 + '"', '"two words"', '"a\\"b\\\\"', "8e03978e-40d5"])
async def test_key_of_1_to_255_characters_is_one(ada: Person, key: str) -> None:
    first = await _create(ada, key)
    assert first.status_code == 202
    assert (await _create(ada, key)).json() == first.json()


async def test_key_off_its_form_is_named_beside_what_is_wrong_in_the_body(ada: Person) -> None:
    assert set(contexts(await _create(ada, "a b", name=""))) == {None, "$.name"}


async def test_key_survives_a_restart_and_holds_in_every_process(ada: Person) -> None:
    first = await _create(ada, "one", name="Spring")
    elsewhere = ada.at(await ada.served.again())
    assert (await _create(elsewhere, "one", name="Spring")).json() == first.json()
    assert (await _create(elsewhere, "one", name="Summer")).status_code == 422


async def test_key_is_kept_for_24_hours(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_ms()
    with monkeypatch.context() as past:
        past.setattr(clock, "now_ms", lambda: now - idempotency.KEPT_MS + 60_000)
        young = await _create(ada, "young", name="Spring")
        past.setattr(clock, "now_ms", lambda: now - idempotency.KEPT_MS - 60_000)
        old = await _create(ada, "old", name="Spring")
        assert (await _create(ada, "old", name="Summer")).status_code == 422
    assert (await _create(ada, "young", name="Spring")).json() == young.json()
    after = await _create(ada, "old", name="Summer")
    assert after.status_code == 202
    assert after.json() != old.json()
    assert (await _create(ada, "old", name="Summer")).json() == after.json()


async def test_housekeeping_forgets_old_keys_only(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_ms()
    with monkeypatch.context() as past:
        past.setattr(clock, "now_ms", lambda: now - idempotency.KEPT_MS - 60_000)
        await _create(ada, "old", name="Spring")
    young = await _create(ada, "young", name="Spring")
    assert await ada.served.database.write(idempotency.forget_old) >= 1
    assert await ada.served.database.write(idempotency.forget_old) == 0
    assert (await _create(ada, "young", name="Spring")).json() == young.json()


async def test_ten_requests_at_once_make_one_pool(ada: Person) -> None:
    """Each request gets the one reference, or 409 while the first request is unfinished."""
    responses = await asyncio.gather(*(_create(ada, "one", name="Spring") for _ in range(10)))
    assert {response.status_code for response in responses} <= {202, 409}
    assert len({response.json()["operationId"] for response in responses if response.status_code == 202}) == 1
    assert len(await ada.walk("/v1/SenderPools", "senderPools")) == 1


async def test_ten_requests_at_once_in_two_processes_make_one_pool(ada: Person) -> None:
    people = [ada, ada.at(await ada.served.again())]
    responses = await asyncio.gather(*(_create(person, "one", name="Spring") for person in people * 5))
    assert {response.status_code for response in responses} <= {202, 409}
    assert len({response.json()["operationId"] for response in responses if response.status_code == 202}) == 1
    assert len(await ada.walk("/v1/SenderPools", "senderPools")) == 1


async def test_key_whose_first_request_is_unfinished_is_409(ada: Person) -> None:
    (sender,) = await ada.senders(1)
    pool_id = await ada.pool()
    body, headers = [{"senderId": sender}], {"idempotency-key": "one"}

    async def add() -> httpx.Response:
        return await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=body, headers=headers)

    async with _held(ada.served.database, "sender_pools.lock", ada, pool_id) as release:
        first = asyncio.create_task(add())
        await until(lambda: len(ada.served.api.services.turns) > 0)
        assert (await add()).status_code == 409
        release()
        assert (await first).status_code == 202
    again = await add()
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.result().json(), "true")


async def test_request_that_is_refused_or_given_up_frees_its_key(ada: Person) -> None:
    (sender,) = await ada.senders(1)
    pool_id = await ada.pool()
    body, headers = [{"senderId": sender}], {"idempotency-key": "one"}

    async def add() -> httpx.Response:
        return await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=body, headers=headers)

    async with _held(ada.served.database, "sender_pools.lock", ada, pool_id) as release:
        first = asyncio.create_task(add())
        await until(lambda: len(ada.served.api.services.turns) > 0)
        first.cancel()
        await asyncio.wait([first])
        release()
    assert len(ada.served.api.services.turns) == 0
    assert (await add()).status_code == 202


@contextlib.asynccontextmanager
async def _held(database: Database, query: str, owner: Person, pool_id: str) -> AsyncIterator[Callable[[], None]]:
    """Locks a pool (on SQLite: blocks the writer); returns a function that ends the lock."""
    loop = asyncio.get_running_loop()
    locked, free, free_in_thread = asyncio.Event(), asyncio.Event(), threading.Event()

    async def work(tx: Tx) -> None:
        row = await tx.one("accounts.id", sid=owner.account_sid)
        assert row is not None
        await tx.one(query, account_id=row[0], pool_id=pool_id)
        loop.call_soon_threadsafe(locked.set)
        if threading.current_thread() is threading.main_thread():
            await free.wait()
        else:
            assert free_in_thread.wait(10)

    def release() -> None:
        free.set()
        free_in_thread.set()

    holding = asyncio.create_task(database.write(work))
    try:
        async with asyncio.timeout(60):
            await locked.wait()
        yield release
    finally:
        release()
        await holding


async def test_operation_reference_is_repeated_in_its_headers(ada: Person) -> None:
    pool_id = await ada.pool()
    for path, body in (
        ("/v1/SenderPools", {}),
        (f"/v1/SenderPools/{pool_id}/Senders", [{"senderId": UNKNOWN_SENDER}]),
    ):
        response = await ada.post(path, json=body)
        assert list(response.json()) == ["operationId", "operationLocation"]
        for name in ("Location", "operationLocation", "operation-location"):
            assert response.headers[name] == response.json()["operationLocation"]
        for name in ("operationId", "operation-id"):
            assert response.headers[name] == response.json()["operationId"]


async def test_resource_reference_is_repeated_in_its_headers(ada: Person) -> None:
    (sender_id,) = await ada.senders(1)
    pool_id = await ada.pool(sender_id)
    for response in (
        await ada.patch(f"/v1/SenderPools/{pool_id}", json={"name": "New"}),
        await ada.delete(f"/v1/SenderPools/{pool_id}/Senders/{sender_id}"),
        await ada.delete(f"/v1/SenderPools/{pool_id}"),
        await ada.delete(f"/signalbox/v1/Senders/{sender_id}"),
    ):
        assert response.status_code == 202
        assert list(response.json()) == ["resourceId", "resourceLocation"]
        for name in ("Location", "resourceLocation", "resource-location"):
            assert response.headers[name] == response.json()["resourceLocation"]
        for name in ("resourceId", "resource-id"):
            assert response.headers[name] == response.json()["resourceId"]


async def test_key_in_flight_comes_after_what_is_missing_and_before_another_request(ada: Person) -> None:
    """The precedence is 404, 409, 422."""
    pool_id = await ada.pool()
    headers = {"idempotency-key": "used"}
    await ada.post("/v1/SenderPools", json={"name": "x"}, headers=headers)
    row = await ada.served.database.read(lambda tx: tx.one("accounts.id", sid=ada.account_sid))
    assert row is not None
    mark = (row[0], "used")

    async def add(pool: str, body: object) -> int:
        response = await ada.post(f"/v1/SenderPools/{pool}/Senders", json=body, headers=headers)
        return response.status_code

    body = [{"senderId": UNKNOWN_SENDER}]
    async with ada.served.api.services.turns.of(("idempotency", *mark)):
        assert [await add(UNKNOWN_POOL, []), await add(UNKNOWN_POOL, body), await add(pool_id, body)] == [400, 404, 409]
    assert [await add(UNKNOWN_POOL, body), await add(pool_id, body)] == [404, 422]


async def test_idempotency_key_means_nothing_to_other_requests(ada: Person) -> None:
    pool_id = await ada.pool()
    headers = {"idempotency-key": "one"}
    for name in ("A", "B"):
        response = await ada.patch(f"/v1/SenderPools/{pool_id}", json={"name": name}, headers=headers)
        assert (response.status_code, "idempotency-replayed" in response.headers) == (202, False)
        assert (await ada.get(f"/v1/SenderPools/{pool_id}")).json()["name"] == name
    for address in ("x", "y"):
        body = {"address": address, "channel": "PUSH"}
        assert (await ada.post("/v1/Senders/Search", json=body, headers=headers)).status_code == 200
    assert (await ada.post("/v1/SenderPools", json={}, headers=headers)).status_code == 202


async def test_operation_that_meets_newer_ids_every_time_is_unavailable(ada: Person) -> None:
    """The statement that starts an operation changes no row when the account has a newer id."""
    tries = 0

    async def work(tx: Tx, look: bool) -> tuple[int, Statement]:
        nonlocal tries
        tries += 1
        sid = ada.account_sid if tries == 3 else "AC" + "0" * 32
        return tries, Statement("accounts.set_status", {"sid": sid, "status": "ACTIVE"})

    database = ada.served.database
    assert await database.write(lambda tx: references._run(tx, work)) == 3
    with pytest.raises(Unavailable, match="in each other's way"):
        await database.write(lambda tx: references._run(tx, work))
