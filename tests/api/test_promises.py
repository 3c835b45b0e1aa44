"""Promises of the contract that concern several resources at once, or the whole of an answer."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import asyncpg
import pytest

from people import BASE, Person, Served, contexts, pairs, problems
from signalbox.accounts import accounts
from signalbox.api import document
from signalbox.api.inventory import pool_operations as operations_api
from signalbox.api.routes import ROUTES
from signalbox.db import Database
from signalbox.ground import clock, ids, secrets
from signalbox.ground.errors import Unavailable
from signalbox.http.endpoint import Endpoint
from signalbox.http.parameters import Param
from signalbox.http.request import Request, Response
from signalbox.http.router import Route
from signalbox.inventory import pool_operations, senders
from working import step

DOCUMENT: Any = document.build(ROUTES, BASE)
IDEMPOTENT = {"senderPools.create", "senderPools.addSender"}
UNKNOWN_SENDER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
UNKNOWN_POOL = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"
UNKNOWN_OPERATION = "comms_operation_01hzzzzzzzzzzzzzzzzzzzzzzz"


@pytest.fixture
async def idle_ada(database: Database) -> Person:
    """Ada on a database where nobody works but the test."""
    return await (await Served.on(database)).account("Ada")


# --- names and times


def _schemas(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for one in node.values():
            yield from _schemas(one)
    elif isinstance(node, list):
        for one in node:
            yield from _schemas(one)


def test_members_and_parameters_are_camel_case_and_enum_values_upper_case() -> None:
    for schema in _schemas(DOCUMENT["components"]["schemas"]):
        if isinstance(schema.get("properties"), dict):
            assert all(re.fullmatch("[a-z][a-zA-Z]*", name) for name in schema["properties"]), schema
        if "enum" in schema:
            assert all(re.fullmatch("[A-Z][A-Z_]*", value) for value in schema["enum"]), schema
    for methods in DOCUMENT["paths"].values():
        for openapi_operation in methods.values():
            for one in openapi_operation["parameters"]:
                assert one["in"] == "header" or re.fullmatch("[a-z][a-zA-Z]*", one["name"]), one


async def test_times_of_every_resource_have_three_decimals_and_z(ada: Person) -> None:
    await ada.pool(*await ada.senders(1))
    for path, key in (
        ("/v1/Senders", "senders"),
        ("/v1/SenderPools", "senderPools"),
        ("/v1/SenderPools/Operations", "operations"),
    ):
        (one,) = await ada.walk(path, key)
        for name in ("createdAt", "updatedAt"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one[name])


async def test_client_that_asks_for_nothing_of_ours_gets_nothing_of_ours(ada: Person) -> None:
    pool_id = await ada.pool(*await ada.senders(1))
    created = await ada.post("/v1/SenderPools", json={})
    for response in (
        created,
        await ada.get(created.headers["location"]),
        await ada.get("/v1/Senders"),
        await ada.get(f"/v1/SenderPools/{pool_id}"),
        await ada.get("/v1/SenderPools/x"),
    ):
        ours = ("signalbox", "idempotency", "preference", "ratelimit", "access-control")
        assert not [name for name, _ in pairs(response) if name.startswith(ours)]


# --- references


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


# --- refusals


@pytest.mark.parametrize("route", [one for one in ROUTES if "/v1/" in one.path], ids=lambda route: route.name)
def test_document_names_the_errors_of_every_path(route: Route) -> None:
    responses = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
    wanted = {"400", "401", "429", "500", "503"}
    if "{" in route.path:
        wanted.add("404")
    if route.endpoint.body:
        wanted |= {"413", "415"}
    if route.name in IDEMPOTENT:
        wanted |= {"409", "422"}
    assert wanted <= set(responses)


async def test_key_in_flight_comes_after_what_is_missing_and_before_another_request(ada: Person) -> None:
    """404, then 409, then 422."""
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


async def _broken(_: Request) -> Response:
    """Break."""
    raise RuntimeError("broken")


async def test_every_log_line_of_a_request_has_its_id(ada: Person, capfd: pytest.CaptureFixture[str]) -> None:
    known = Param("known", str, {"type": "string"}, "")
    route = Route("GET", "/broken", Endpoint(_broken, query=(known,)), "test.broken")
    broken = ada.at(ada.served.with_routes(route))
    response = await broken.get("/broken?konwn=1")
    await asyncio.sleep(0)  # lines of one turn of the loop are written together, at its end
    log = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    lines = [line for line in log if line["event"] in ("bug", "request")]
    assert {line["event"] for line in lines} == {"bug", "request"}
    assert {line["requestId"] for line in lines} == {response.headers["x-request-id"]}


async def test_error_without_a_place_has_null_for_it(ada: Person) -> None:
    for response in (
        await ada.get("/v1/Senders", anonymous=True),
        await ada.get("/nowhere"),
        await ada.get(f"/v1/SenderPools/{UNKNOWN_POOL}"),
        await ada.delete("/v1/Senders"),
        await ada.delete(f"/v1/SenderPools/{await ada.pool()}", headers={"if-match": '"x"'}),
        await ada.post("/v1/SenderPools", content=b"x", headers={"content-type": "text/plain"}),
    ):
        (problem,) = response.json()["errors"]
        assert (problem["field"], problem["context"]) == (None, None)
        assert problem["message"] == response.json()["message"]


async def test_overload_is_503_with_the_seconds_to_wait(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    await ada.get("/v1/Senders")  # from now on the credential is known

    async def refuse(_: object) -> None:
        raise Unavailable("too many requests wait for the database", retry_after=7)

    monkeypatch.setattr(ada.served.database, "read", refuse)
    response = await ada.get("/v1/Senders")
    assert (response.status_code, response.json()["code"], response.headers["retry-after"]) == (503, 20503, "7")


async def test_operation_id_in_a_query_is_held_to_its_pattern(ada: Person) -> None:
    for wrong in ("", "x", UNKNOWN_POOL, UNKNOWN_OPERATION.upper()):
        assert problems(await ada.get(f"/v1/SenderPools?operationId={wrong}")) == {("operationId", "$.operationId")}
    assert (await ada.get(f"/v1/SenderPools?operationId={UNKNOWN_OPERATION}")).json()["senderPools"] == []


# --- credentials


async def test_suspended_account_and_revoked_key_get_the_response_to_a_wrong_secret(ada: Person, eve: Person) -> None:
    carl = await ada.served.account("Carl")
    await ada.served.database.write(lambda tx: accounts.suspend(tx, carl.account_sid))
    wrong = Person(ada.served, ada.account_sid, ada.user, "wrong")
    responses = [await person.get("/v1/Senders") for person in (carl, eve, wrong)]
    assert [response.status_code for response in responses] == [401] * 3
    assert len({(response.content, tuple(sorted(pairs(response)))) for response in responses}) == 1


async def test_every_error_of_credentials_costs_the_same_work(
    ada: Person, eve: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look-up, the same digests, one comparison; time itself is too coarse to be compared on a busy machine."""
    carl = await ada.served.account("Carl")
    await ada.served.database.write(lambda tx: accounts.suspend(tx, carl.account_sid))
    done: list[str] = []

    def watched(name: str) -> None:
        work = getattr(secrets, name)

        def watch(*arguments: Any) -> Any:
            done.append(name)
            return work(*arguments)

        monkeypatch.setattr(secrets, name, watch)

    read = ada.served.database.read

    async def watched_read(work: Any) -> Any:
        done.append("read")
        return await read(work)

    watched("digest")
    watched("same")
    monkeypatch.setattr(ada.served.database, "read", watched_read)
    strangers = [
        carl,
        eve,
        Person(ada.served, "", ada.user, "wrong"),
        Person(ada.served, "", "AC" + "0" * 32, ada.secret),
        Person(ada.served, "", "SK" + "0" * 32, ada.secret),
        Person(ada.served, "", "nobody", "x" * 32),
    ]
    costs = []
    for stranger in strangers:
        done.clear()
        assert (await stranger.get("/v1/Senders")).status_code == 401
        costs.append(tuple(done))
    assert set(costs) == {("digest", "read", "digest", "same")}


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(
        "signalbox.ground.secrets.hmac.compare_digest", lambda one, other: compared.append((one, other))
    )
    secrets.same(b"one", b"other")
    assert compared == [(b"one", b"other")]


async def test_secrets_are_stored_as_keyed_digests_only(database: Database, database_url: str) -> None:
    """Every cell of every table is looked at."""
    ada = await (await Served.on(database)).account("Ada")
    keyed, key_sid = await ada.key()
    cells = await _cells(database_url)
    for person in (ada, keyed):
        assert secrets.digest((await database.write(accounts.keyring)).digests, person.secret.encode()) in cells
    text = "\n".join(cell.decode("latin-1") if isinstance(cell, bytes) else str(cell) for cell in cells)
    assert ada.account_sid in text
    assert key_sid in text
    assert ada.secret not in text
    assert keyed.secret not in text


async def _cells(database_url: str) -> list[object]:
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
            names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return [cell for name in names for row in file.execute(f"SELECT * FROM {name}") for cell in row]
    admin = await asyncpg.connect(database_url)
    tables = await admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = [cell for (name,) in tables for row in await admin.fetch(f"SELECT * FROM {name}") for cell in row]
    await admin.close()
    return found


# --- operations and lists


async def test_updated_at_moves_with_every_change_of_an_operation(
    idle_ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_operations, "BATCH_ITEMS", 1)
    now = clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now)  # also within one millisecond
    refs = [{"senderId": one} for one in [*await idle_ada.senders(2), UNKNOWN_SENDER]]
    response = await idle_ada.post("/v1/SenderPools", json={"senders": refs})
    seen = [(await idle_ada.get(response.headers["location"])).json()]
    while await step(idle_ada.served.database):
        seen.append((await idle_ada.get(response.headers["location"])).json())
    assert [one["stats"]["queued"] for one in seen] == [3, 2, 1, 0]
    times = [one["updatedAt"] for one in seen]
    assert times == sorted(set(times))
    assert (await idle_ada.get(response.headers["location"])).json() == seen[-1]


async def test_dates_of_a_pool_s_senders_are_those_of_their_creation(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of their joining: the younger sender joined first."""
    start = max(clock.now_ms(), ids.created_at(ids.new(senders.SENDER, clock.now_ms()))) + 1000
    made = []
    for ms in (start, start + 10):
        monkeypatch.setattr(clock, "now_ms", lambda ms=ms: ms)
        made += await ada.senders(1)
    monkeypatch.undo()
    older, younger = made
    pool_id = await ada.pool(younger)
    await ada.finished(await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=[{"senderId": older}]))
    path, between = f"/v1/SenderPools/{pool_id}/Senders", clock.rfc3339(start + 5)
    for query, wanted in (
        ("", [younger, older]),
        (f"?startDate={between}", [younger]),
        (f"?endDate={between}", [older]),
    ):
        assert [one["id"] for one in await ada.walk(f"{path}{query}", "senders")] == wanted


@pytest.mark.parametrize("path", ["/v1/Senders", "/v1/SenderPools", "/v1/SenderPools/Operations"])
async def test_empty_list_has_its_key_and_no_other_members(ada: Person, path: str) -> None:
    page = (await ada.get(path)).json()
    key = {"/v1/Senders": "senders", "/v1/SenderPools": "senderPools"}.get(path, "operations")
    assert page == {key: [], "pagination": {"next": None, "self": page["pagination"]["self"]}}


async def test_foreign_and_deleted_pools_look_missing_to_everything(ada: Person, ben: Person) -> None:
    (sender_id,) = await ada.senders(1)
    deleted = await ada.pool()
    await ada.delete(f"/v1/SenderPools/{deleted}")
    for pool_id in (UNKNOWN_POOL, deleted, await ben.pool()):
        path = f"/v1/SenderPools/{pool_id}"
        responses = [
            await ada.get(path),
            await ada.patch(path, json={"name": "x"}),
            await ada.delete(path),
            await ada.get(f"{path}/Senders"),
            await ada.post(f"{path}/Senders", json=[{"senderId": sender_id}]),
            await ada.delete(f"{path}/Senders/{sender_id}"),
            await ada.get(f"{path}/Senders/Operations/{UNKNOWN_OPERATION}"),
        ]
        assert [response.status_code for response in responses] == [404] * len(responses)


# --- resolve


async def test_resolve_reaches_each_address_by_the_channels_of_its_kind(ada: Person) -> None:
    """RCS and SMS reach a phone, every other channel its namesake."""
    await ada.enter(
        [
            {"channel": "SMS", "address": "+14155550100"},
            {"channel": "RCS", "address": "shop-agent"},
            {"channel": "EMAIL", "address": "shop@example.com"},
            {"channel": "WHATSAPP", "address": "+14155550100"},
            {"channel": "PUSH", "address": "com.example.shop"},
        ]
    )
    for channel, address, wanted in (
        ("PHONE", "+14155559999", ["RCS", "SMS"]),
        ("WHATSAPP", "+14155559999", ["WHATSAPP"]),
        ("EMAIL", "ann@example.org", ["EMAIL"]),
        ("PUSH", "device", ["PUSH"]),
    ):
        body = {"recipientAddresses": [{"address": address, "channel": channel}]}
        results = (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"]
        assert [one["from"]["channel"] for one in results] == wanted
        assert all(one["to"] == {"address": address, "channel": channel} for one in results)


async def test_resolve_takes_every_form_of_sender_address(ada: Person) -> None:
    sms, mail, apn, fcm, _, whatsapp, rcs = await ada.enter(
        [
            {"channel": "SMS", "address": "+14155550100"},
            {"channel": "EMAIL", "address": "shop@example.com"},
            {"channel": "PUSH", "address": "com.example.shop"},
            {"channel": "PUSH", "address": "shop-project"},
            {"channel": "PUSH", "address": "another-project"},
            {"channel": "WHATSAPP", "address": "+14155550100"},
            {"channel": "RCS", "address": "shop-agent"},
        ]
    )
    recipients = [
        {"address": "+14155559999", "channel": "PHONE"},
        {"address": "ann@example.org", "channel": "EMAIL"},
        {"address": "device", "channel": "PUSH"},
        {"address": "+14155559999", "channel": "WHATSAPP"},
    ]
    for named, wanted in (
        ({"address": "+14155550100", "channel": "SMS"}, [sms]),
        ({"address": "+14155550100", "channel": "WHATSAPP"}, [whatsapp]),
        ({"address": "shop-agent", "channel": "RCS"}, [rcs]),
        ({"address": "shop@example.com", "name": "The Shop"}, [mail]),
        ({"fcm": "shop-project", "apn": "com.example.shop"}, [apn, fcm]),
        ({"fcm": "nobody", "apn": "com.example.shop"}, [apn]),
        ({"address": "+14155550111", "channel": "SMS"}, []),
    ):
        body = {"recipientAddresses": recipients, "senderAddresses": [named]}
        results = (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"]
        assert [one["from"]["senderId"] for one in results] == wanted


async def test_resolve_takes_a_hundred_addresses_on_either_side(ada: Person) -> None:
    to = [{"address": f"p{n}@example.org", "channel": "EMAIL"} for n in range(100)]
    named = [{"address": f"s{n}@example.org", "name": "S"} for n in range(101)]
    body = {"recipientAddresses": to, "senderAddresses": named[:100]}
    assert (await ada.post("/v1/Senders/Resolve", json=body)).json()["results"] == []
    refused = await ada.post("/v1/Senders/Resolve", json={"recipientAddresses": to, "senderAddresses": named})
    assert contexts(refused) == ["$.senderAddresses"]


async def test_resolve_finds_the_same_senders_in_every_process(ada: Person) -> None:
    for channel in ("SMS", "RCS", "EMAIL"):
        await ada.senders(5, channel)
    elsewhere = ada.at(await ada.served.again())
    body = {
        "recipientAddresses": [
            {"address": "+14155559999", "channel": "PHONE"},
            {"address": "ann@example.org", "channel": "EMAIL"},
        ]
    }
    responses = [await person.post("/v1/Senders/Resolve", json=body) for person in (ada, elsewhere) * 3]
    assert len(responses[0].json()["results"]) == 10
    assert len({response.content for response in responses}) == 1


# --- opt-in headers


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


def test_event_stream_comments_after_fifteen_seconds_and_waits_last_sixty_at_most() -> None:
    assert operations_api._COMMENT_SECONDS == 15
    assert operations_api._MOST_WAIT_SECONDS == 60


async def test_wait_of_a_second_lasts_a_second(idle_ada: Person) -> None:
    response = await idle_ada.post("/v1/SenderPools", json={"senders": [{"senderId": UNKNOWN_SENDER}]})
    started = time.monotonic()
    waited = await idle_ada.get(response.headers["location"], headers={"prefer": "wait=1"})
    assert time.monotonic() - started >= 1
    assert waited.json()["status"] == "PROCESSING"
