"""Errors: contract sections 1 and 4. Every problem at its place, and the precedence of the errors."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from people import Person, Served, contexts, problems
from signalbox.db import Database
from signalbox.ground.errors import Forbidden, Unavailable
from signalbox.ground.setting_forms import RateLimit
from signalbox.http.endpoint import Endpoint
from signalbox.http.parameters import Param
from signalbox.http.request import Request, Response
from signalbox.http.router import Route

SENDER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzz"
OTHER = "comms_sender_01hzzzzzzzzzzzzzzzzzzzzzzy"
POOL = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ([], [(None, "$")]),
        ("text", [(None, "$")]),
        (1, [(None, "$")]),
        ({"nmae": "x"}, [("nmae", "$.nmae")]),
        ({"name": "x", "colour": 1, "size": 2}, [("colour", "$.colour"), ("size", "$.size")]),
        ({"senders": None}, [("senders", "$.senders")]),
        ({"senders": {}}, [("senders", "$.senders")]),
        ({"senders": ["x", None]}, [("senders[0]", "$.senders[0]"), ("senders[1]", "$.senders[1]")]),
        ({"senders": [{"senderId": SENDER}, {}]}, [("senders[1].senderId", "$.senders[1].senderId")]),
        ({"senders": [{"senderId": None}]}, [("senders[0].senderId", "$.senders[0].senderId")]),
        ({"senders": [{"senderId": 7}]}, [("senders[0].senderId", "$.senders[0].senderId")]),
        ({"senders": [{"senderId": f"{SENDER}\n"}]}, [("senders[0].senderId", "$.senders[0].senderId")]),
        ({"senders": [{"senderId": f"{SENDER}\n{OTHER}"}]}, [("senders[0].senderId", "$.senders[0].senderId")]),
        ({"senders": [{"senderId": POOL}]}, [("senders[0].senderId", "$.senders[0].senderId")]),
        ({"senders": [{"senderId": SENDER, "id": 1}]}, [("senders[0].id", "$.senders[0].id")]),
        (
            {"senders": [{"senderId": SENDER}, {"senderId": OTHER}, {"senderId": SENDER}]},
            [("senders[2].senderId", "$.senders[2].senderId")],
        ),
        (
            {"name": 1, "tags": 2, "senders": [{"senderId": "x"}]},
            [("name", "$.name"), ("senders[0].senderId", "$.senders[0].senderId"), ("tags", "$.tags")],
        ),
    ],
)
async def test_every_problem_of_an_object_is_listed_at_its_place(
    ada: Person, body: object, places: list[tuple[str | None, str | None]]
) -> None:
    refused = await ada.post("/v1/SenderPools", json=body)
    assert sorted(problems(refused), key=str) == sorted(places, key=str)
    assert len(refused.json()["errors"]) == len(places)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ([], [(None, "$")]),
        ({}, [(None, "$")]),
        ({"senderId": SENDER}, [(None, "$")]),
        ([{}], [("[0].senderId", "$[0].senderId")]),
        ([SENDER], [("[0]", "$[0]")]),
        (
            [{"senderId": "x"}, {"senderId": SENDER}, {"senderID": SENDER}],
            [
                ("[0].senderId", "$[0].senderId"),
                ("[2].senderID", "$[2].senderID"),
                ("[2].senderId", "$[2].senderId"),
            ],
        ),
        ([{"senderId": SENDER}, {"senderId": SENDER}], [("[1].senderId", "$[1].senderId")]),
    ],
)
async def test_every_problem_of_a_bare_array_is_listed_at_its_place(
    ada: Person, body: object, places: list[tuple[str | None, str | None]]
) -> None:
    refused = await ada.post(f"/v1/SenderPools/{await ada.pool()}/Senders", json=body)
    assert sorted(problems(refused), key=str) == sorted(places, key=str)


async def test_arrays_hold_as_many_as_documented(ada: Person) -> None:
    refs = [{"senderId": f"comms_sender_0{n:025d}"} for n in range(10_001)]
    assert problems(await ada.post("/v1/SenderPools", json={"senders": refs})) == {("senders", "$.senders")}
    assert (await ada.post("/v1/SenderPools", json={"senders": refs[1:]})).status_code == 202
    path = f"/v1/SenderPools/{await ada.pool()}/Senders"
    assert problems(await ada.post(path, json=refs[:1001])) == {(None, "$")}
    assert (await ada.post(path, json=refs[:1000])).status_code == 202


@pytest.mark.parametrize("count", [99, 100, 101, 10_000])
async def test_hundred_problems_are_listed_and_the_rest_is_counted(ada: Person, count: int) -> None:
    refused = await ada.post("/v1/SenderPools", json={"senders": [{"senderId": f"x{n}"} for n in range(count)]})
    assert contexts(refused) == [f"$.senders[{n}].senderId" for n in range(min(count, 100))]
    message = refused.json()["message"]
    assert message.startswith(f"{count} problems")
    assert (f"{count - 100} more" in message) == (count > 100)


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b"", 1, 1),
        (b"{", 1, 2),
        (b"{}x", 1, 3),
        (b'{"name": }', 1, 10),
        (b'{\n  "name": "x",\n}', 3, 1),
        ('{\n"é": x}'.encode(), 2, 6),
        (b'{"name": "a\nb"}', 1, 12),
        (b'{"name": "\xff"}', 1, 11),
        (b"{'name': 1}", 1, 2),
        (b"\xef\xbb\xbf{}", 1, 1),
    ],
)
async def test_text_that_is_no_json_is_refused_with_line_and_column(
    ada: Person, body: bytes, line: int, column: int
) -> None:
    refused = await ada.post("/v1/SenderPools", content=body)
    assert problems(refused) == {(None, "$")}
    assert re.search(rf"line {line}, column {column}\b", refused.json()["message"]), refused.json()["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name": "\\ud800"}',
        b'{"name": "\\udc00\\ud800"}',
        b"null",
        b"1",
        b'"text"',
        b"[]",
        b"true",
        b"{}{}",
        b'{"name": NaN}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\xc0\x80"}',
        b"1e999999",
        b'{"senders": [' + b"[" * 3_000_000,
        b'{"name": ' + b"9" * 5000 + b"}",
        b"NaN",
        b"\x00",
    ],
)
async def test_hostile_body_is_400(ada: Person, body: bytes) -> None:
    refused = await ada.post("/v1/SenderPools", content=body)
    assert refused.status_code == 400
    assert len(refused.content) < 10_000


async def test_large_body_of_hostile_places_gets_a_small_response(ada: Person) -> None:
    refused = await ada.post("/v1/SenderPools", json={"x" * 100_000 + "\n\u202e": 1})
    assert refused.status_code == 400
    assert len(refused.content) < 10_000


async def test_problems_of_path_query_and_body_are_listed_together(ada: Person) -> None:
    refused = await ada.at(await ada.served.again(strict=True)).patch(
        "/v1/SenderPools/nonsense?colour=red", json={"name": 1}
    )
    assert contexts(refused) == ["$.senderPoolId", "$.colour", "$.name"]
    assert refused.json()["message"].startswith("3 problems")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("pageSize=", ["pageSize"]),
        ("status=", ["status"]),
        ("startDate=", ["startDate"]),
        ("pageToken=", ["pageToken"]),
        ("pageSize", ["pageSize"]),
        ("pageSize=0", ["pageSize"]),
        ("pageSize=1001", ["pageSize"]),
        ("pageSize=-1", ["pageSize"]),
        ("pageSize=1.5", ["pageSize"]),
        ("pageSize=%201", ["pageSize"]),
        ("pageSize=1e2", ["pageSize"]),
        ("pageSize=%D9%A3", ["pageSize"]),
        ("pageSize=9999999999999999999999", ["pageSize"]),
        ("pageSize=1&pageSize=1", ["pageSize"]),
        ("pageSize=1&pageSiz%65=2", ["pageSize"]),
        ("status=completed", ["status"]),
        ("status=CANCELLED", ["status"]),
        ("status=COMPLETED&status=PROCESSING", ["status"]),
        ("startDate=yesterday", ["startDate"]),
        ("startDate=2026-01-01", ["startDate"]),
        ("startDate=2026-01-01T00:00:00", ["startDate"]),
        ("startDate=2026-02-30T00:00:00Z", ["startDate"]),
        ("startDate=2026-01-01T24:00:00Z", ["startDate"]),
        ("startDate=2026-01-01T00:00:00%2B24:00", ["startDate"]),
        ("startDate=%FF", ["startDate"]),
        ("startDate=2026-01-01T00:00:00Z&endDate=2026-01-01T00:00:00Z", ["endDate"]),
        ("startDate=2026-01-01T00:00:00Z&endDate=2026-01-01T01:00:00%2B02:00", ["endDate"]),
        ("startDate=x&endDate=y&pageSize=z&status=w", ["endDate", "pageSize", "startDate", "status"]),
    ],
)
async def test_query_parameter_that_is_wrong_is_named(ada: Person, query: str, names: list[str]) -> None:
    refused = await ada.get(f"/v1/SenderPools/Operations?{query}")
    assert sorted(map(str, contexts(refused))) == [f"$.{name}" for name in names]
    assert problems(refused) == {(name, f"$.{name}") for name in names}


@pytest.mark.parametrize(
    "query",
    [
        "pageSize=1",
        "pageSize=1000",
        "page%53ize=7",
        "startDate=2026-01-01T00:00:00Z",
        "startDate=2026-01-01t00:00:00z",
        "startDate=2026-01-01T00:00:00.123456789-23:59",
        "startDate=2026-01-01T00:00:00+02:00",
        "startDate=2016-12-31T23:59:60Z",
        "startDate=2026-01-01T00:00:00Z&endDate=2026-01-01T00:00:00.0000001Z",
        "&&",
    ],
)
async def test_query_parameter_that_is_right_is_taken(ada: Person, query: str) -> None:
    assert (await ada.get(f"/v1/SenderPools/Operations?{query}")).status_code == 200


# --- precedence: each request has the cause of one error and of every error that comes after


HUGE = b" " * (10 * 1024 * 1024 + 1)


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        (404, {"path": "/v1/Nothing", "anonymous": True, "method": "PUT", "media": "text/plain", "body": HUGE}),
        (401, {"anonymous": True, "method": "PUT", "limited": True, "media": "text/plain", "body": HUGE}),
        (405, {"method": "PUT", "limited": True, "media": "text/plain", "body": HUGE}),
        (429, {"limited": True, "media": "text/plain", "body": HUGE, "path": "/v1/SenderPools/x/Senders"}),
        (415, {"media": "text/plain", "body": HUGE, "path": "/v1/SenderPools/x/Senders"}),
        (413, {"body": HUGE, "path": "/v1/SenderPools/x/Senders"}),
        (400, {"body": b"{}", "path": f"/v1/SenderPools/{POOL}/Senders"}),
        (404, {"path": f"/v1/SenderPools/{POOL}/Senders", "key": "used"}),
        (422, {"key": "used"}),
        (202, {}),
    ],
)
async def test_errors_come_in_the_documented_order(ada: Person, status: int, wrong: dict[str, Any]) -> None:
    pool_id = await ada.pool()
    await ada.post("/v1/SenderPools", json={"name": "x"}, headers={"idempotency-key": "used"})
    if wrong.get("limited"):
        ada = ada.at(await ada.served.again(rate_limit=RateLimit(1, 1000)))
        await ada.get("/v1/SenderPools")
    headers = {"content-type": wrong.get("media", "application/json")}
    if "key" in wrong:
        headers["idempotency-key"] = wrong["key"]
    response = await ada.call(
        wrong.get("method", "POST"),
        wrong.get("path", f"/v1/SenderPools/{pool_id}/Senders"),
        content=wrong.get("body", b'[{"senderId": "%s"}]' % SENDER.encode()),
        headers=headers,
        anonymous=wrong.get("anonymous", False),
    )
    assert response.status_code == status


async def test_missing_comes_before_precondition(ada: Person) -> None:
    missing = await ada.delete(f"/v1/SenderPools/{POOL}", headers={"if-match": '"x"'})
    assert missing.status_code == 404
    assert (await ada.delete(f"/v1/SenderPools/{await ada.pool()}", headers={"if-match": '"x"'})).status_code == 412


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "application/xml",
        "application/jsonp",
        "text/json",
        "application/json-patch+json",
        "multipart/form-data",
    ],
)
async def test_body_of_another_type_is_415(ada: Person, media: str) -> None:
    assert (await ada.post("/v1/SenderPools", content=b"{}", headers={"content-type": media})).status_code == 415


@pytest.mark.parametrize(
    "media", [None, "application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;x=y"]
)
async def test_body_of_json_or_of_no_type_is_read(ada: Person, media: str | None) -> None:
    headers = {"content-type": media} if media else {}
    assert (await ada.post("/v1/SenderPools", content=b"{}", headers=headers)).status_code == 202


async def test_body_over_ten_mebibytes_is_413_with_or_without_its_length(ada: Person) -> None:
    assert (await ada.post("/v1/SenderPools", content=HUGE)).status_code == 413

    async def chunks() -> Any:
        for _ in range(11):
            yield b" " * 1024 * 1024

    assert (await ada.post("/v1/SenderPools", content=chunks())).status_code == 413
    largest = b'{"name": "x"' + b" " * (10 * 1024 * 1024 - 13) + b"}"
    assert (await ada.post("/v1/SenderPools", content=largest)).status_code == 202


# --- errors that no request can cause


async def _broken(_: Request) -> Response:
    """A handler with a bug."""
    raise RuntimeError("the secret is hunter2")


async def _forbidden(_: Request) -> Response:
    """A handler that responds with 403."""
    raise Forbidden("only operators may")


async def test_bug_is_500_without_its_trace_and_with_its_request_id_in_the_log(
    ada: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    route = Route("GET", "/broken", Endpoint(_broken), "test.broken")
    broken = ada.at(ada.served.with_routes(route))
    response = await broken.get("/broken")
    assert response.status_code == 500
    assert "hunter2" not in response.text
    log = capfd.readouterr().err
    assert response.headers["x-request-id"] in log
    assert "hunter2" in log


async def test_forbidden_is_403(ada: Person) -> None:
    route = Route("GET", "/operators", Endpoint(_forbidden), "test.operators")
    person = ada.at(ada.served.with_routes(route))
    assert (await person.get("/operators")).status_code == 403


async def test_database_away_is_503(database: Database) -> None:
    ada = await (await Served.on(database)).account("Ada")
    await database.close()
    for path in ("/v1/SenderPools", "/readyz"):
        response = await ada.get(path)
        assert response.status_code == 503
    assert (await ada.get("/healthz")).status_code == 200
    assert "signalbox_database_up 0.0" in (await ada.get("/metrics")).text


async def test_every_log_line_of_a_request_has_its_id(ada: Person, capfd: pytest.CaptureFixture[str]) -> None:
    known = Param("known", str, {"type": "string"}, "")
    route = Route("GET", "/broken", Endpoint(_broken, query=(known,)), "test.broken")
    broken = ada.at(ada.served.with_routes(route))
    response = await broken.get("/broken?konwn=1")
    await asyncio.sleep(0)  # the log writes its lines at the end of a turn of the loop
    log = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    lines = [line for line in log if line["event"] in ("bug", "request")]
    assert {line["event"] for line in lines} == {"bug", "request"}
    assert {line["requestId"] for line in lines} == {response.headers["x-request-id"]}


async def test_error_without_a_place_has_null_for_it(ada: Person) -> None:
    for response in (
        await ada.get("/v1/Senders", anonymous=True),
        await ada.get("/nowhere"),
        await ada.get("/v1/SenderPools/comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"),
        await ada.delete("/v1/Senders"),
        await ada.delete(f"/v1/SenderPools/{await ada.pool()}", headers={"if-match": '"x"'}),
        await ada.post("/v1/SenderPools", content=b"x", headers={"content-type": "text/plain"}),
    ):
        (problem,) = response.json()["errors"]
        assert (problem["field"], problem["context"]) == (None, None)
        assert problem["message"] == response.json()["message"]


async def test_overload_is_503_with_the_seconds_to_wait(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    await ada.get("/v1/Senders")  # from now on the process has the credential in memory

    async def refuse(_: object) -> None:
        raise Unavailable("too many requests wait for the database", retry_after=7)

    monkeypatch.setattr(ada.served.database, "read", refuse)
    response = await ada.get("/v1/Senders")
    assert (response.status_code, response.json()["code"], response.headers["retry-after"]) == (503, 20503, "7")
