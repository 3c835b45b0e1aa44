"""The request log: what it shows, what it never shows, how many requests it keeps, and its event stream."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from people import Exchange, Person, Served, problems
from signalbox.accounts import accounts
from signalbox.accounts.accounts import Principal
from signalbox.api.program import requests
from signalbox.api.routes import ROUTES
from signalbox.ground.errors import Bug, Invalid, Problem
from signalbox.http import request_log
from signalbox.http.request import Request
from signalbox.http.request_log import RequestLog

URL = "/signalbox/v1/Requests"
STREAM = {"accept": "text/event-stream"}
UNKNOWN = "comms_senderpool_01hzzzzzzzzzzzzzzzzzzzzzzz"


async def _requests(person: Person) -> list[dict[str, Any]]:
    return await person.walk(URL, "requests")


async def _last(person: Person) -> dict[str, Any]:
    return (await _requests(person))[0]


# --- what the log shows


async def test_request_is_shown_as_it_arrived(ada: Person) -> None:
    pool = await ada.pool()
    response = await ada.post(f"/v1/SenderPools/{pool}/Senders", json=[{}])
    shown = await _last(ada)
    assert shown.pop("at") > "2026"
    assert 0 < shown.pop("ms") < 10_000
    assert shown == {
        "requestId": response.headers["x-request-id"],
        "method": "POST",
        "path": f"/v1/SenderPools/{pool}/Senders",
        "query": "",
        "route": "senderPools.addSender",
        "status": 400,
        "problems": [{"context": "$[0].senderId", "message": "is required"}],
        "moreProblems": 0,
        "warnings": [],
    }


async def test_requests_are_listed_newest_first(ada: Person) -> None:
    responses = [await ada.get("/v1/Senders"), await ada.get("/v1/SenderPools"), await ada.call("HEAD", "/v1/Senders")]
    shown = await _requests(ada)
    assert [one["requestId"] for one in shown] == [one.headers["x-request-id"] for one in reversed(responses)]
    assert [one["method"] for one in shown] == ["HEAD", "GET", "GET"]
    assert [one["at"] for one in shown] == sorted((one["at"] for one in shown), reverse=True)


async def test_pages_of_the_log_hold_while_requests_arrive(ada: Person) -> None:
    for _ in range(5):
        await ada.get("/v1/Senders")
    first = (await ada.get(f"{URL}?pageSize=2")).json()
    seen = [one["requestId"] for one in await _requests(ada)]
    await ada.get("/v1/SenderPools")
    second = (await ada.get(f"{URL}?pageSize=2&pageToken={first['pagination']['next']}")).json()
    assert [one["requestId"] for one in first["requests"] + second["requests"]] == seen[:4]
    again = (await ada.get(f"{URL}?pageSize=2&pageToken={first['pagination']['self']}")).json()
    assert again == first


async def test_every_error_says_why(ada: Person) -> None:
    await ada.get(f"/v1/SenderPools/{UNKNOWN}")
    shown = await _last(ada)
    assert (shown["status"], shown["path"]) == (404, f"/v1/SenderPools/{UNKNOWN}")
    assert shown["problems"] == [{"context": None, "message": f"there is no sender pool {UNKNOWN}"}]
    await ada.call("BREW", "/v1/Senders")
    shown = await _last(ada)
    assert (shown["status"], shown["method"]) == (405, "BREW")
    assert shown["problems"] == [{"context": None, "message": "this path allows GET, HEAD only"}]
    await ada.get("/v1/Senders?pageSize=0&status=ON")
    shown = await _last(ada)
    assert shown["query"] == ""
    assert shown["problems"] == [
        {"context": "$.pageSize", "message": "must be a whole number from 1 to 1000"},
        {"context": "$.status", "message": "must be one of ACTIVATED, DEACTIVATED"},
    ]


async def test_stream_ends_with_the_credentials_that_opened_it(ada: Person) -> None:
    exchange = Exchange(ada, URL, STREAM)
    await exchange.next()
    assert (await exchange.next())["body"] == b": listening\n\n"
    await ada.served.database.write(lambda tx: accounts.rotate_token(tx, ada.user))
    while (await exchange.next()).get("more_body"):
        pass
    await exchange.task


async def test_more_problems_than_a_few_are_counted(ada: Person) -> None:
    pool = await ada.pool()
    await ada.post(f"/v1/SenderPools/{pool}/Senders", json=[{}] * 12)
    shown = await _last(ada)
    assert (len(shown["problems"]), shown["moreProblems"]) == (5, 7)


async def test_unknown_parameter_is_a_warning_with_the_nearest_name(ada: Person) -> None:
    response = await ada.get(f"/v1/SenderPools?operation_id={UNKNOWN}&pageSize=7")
    shown = await _last(ada)
    assert shown["warnings"] == [response.headers["signalbox-warning"]]
    assert "did you mean operationId?" in shown["warnings"][0]
    assert (shown["status"], shown["query"]) == (200, "pageSize=7")


async def test_parameters_of_ours_are_shown_but_no_token(ada: Person) -> None:
    token = (await ada.get("/v1/Senders?channel=SMS")).json()["pagination"]["self"]
    assert (await _last(ada))["query"] == "channel=SMS"
    await ada.get(f"/v1/Senders?pageToken={token}&channel=SMS")
    assert (await _last(ada))["query"] == "channel=SMS&pageToken=*"
    await ada.get("/v1/Senders?startDate=2026-01-31T09:30:00%2B01:00", headers={"idempotency-key": "secret"})
    assert (await _last(ada))["query"] == "startDate=2026-01-31T08:30:00.000Z"


# --- what the log never shows

PRIVATE = ("+14155550123", "4155550123", "415-555-0123", "ada.lovelace@example.com", "com.example.app", "s3cr3t-t0ken")


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("private", PRIVATE)
async def test_nothing_that_was_sent_is_shown(ada: Person, private: str, strict: bool) -> None:
    """A client may put an address or a secret into any part of a request by mistake: the log shows none of them."""
    person = ada.at(await ada.served.again(strict=strict))
    pool = await person.pool()
    sent = json.dumps(private)
    for method, url, body in (
        ("GET", f"/v1/Senders/{private}", None),
        ("GET", f"/v1/Senders?channel={private}", None),
        ("GET", f"/v1/Senders?pageToken={private}", None),
        ("GET", f"/v1/Senders?startDate={private}", None),
        ("GET", f"/v1/Senders?{private}=1", None),
        ("GET", f"/v1/Senders?address={private}", None),
        ("GET", f"/v1/SenderPools/{pool}?{private}", None),
        ("POST", "/v1/SenderPools", f'{{"name": {sent}, "tags": {{{sent}: "a b"}}}}'),
        ("POST", "/v1/SenderPools", f'{{{sent}: 1, "senders": [{{"senderId": {sent}}}]}}'),
        ("POST", "/v1/SenderPools", f'{{"name": {sent}'),
        ("POST", "/v1/SenderPools", f'{{"tags": {{"a": {{{sent}: {sent}}}}}}}'),
        ("POST", f"/v1/SenderPools/{pool}/Senders", f"[{sent}, {{{sent}: {sent}}}]"),
        ("POST", "/v1/SenderPools", sent + " " * 1_100_000),
        ("POST", "/v1/SenderPools", f'{{"senders": {sent}, {sent}: 1}}' + " " * 1_100_000),
        ("POST", "/v1/Senders/Search", f'{{"address": {sent}, "channel": {sent}}}'),
        (
            "POST",
            "/v1/Senders/Resolve",
            f'{{"recipientAddresses": [{{"address": {sent}, "channel": "PHONE"}}, {sent}]}}',
        ),
        ("POST", "/signalbox/v1/Senders", f'[{{"channel": {sent}, "address": {sent}, {sent}: 1}}]'),
        ("POST", "/signalbox/v1/Senders", f"{{{sent}: {sent}}}"),
    ):
        response = await person.call(
            method, url, content=body, headers={"content-type": "application/json"} if body else {}
        )
        assert response.status_code != 500, response.text
        etag = {"if-match": private, "prefer": private, "idempotency-key": f'"{private}', "user-agent": private}
        await person.call(method, url, content=body, headers=etag)
    csv = {"content-type": "text/csv"}
    await person.post("/signalbox/v1/Senders", content=f"channel,{private}\nSMS,{private}", headers=csv)
    await person.call(private.upper().replace("@", "-").replace("+", ""), "/v1/Senders")
    await person.get("/v1/Senders", headers={"host": f"{private}/x"})
    seen = await _requests(person)
    assert len(seen) > 30
    text = json.dumps(seen).lower()
    for part in (private, private.replace("@", "%40").replace("+", "%2b"), private.partition("@")[0].lstrip("+")):
        assert part.lower() not in text
    assert "secret" not in text


def test_bug_is_shown_without_its_trace() -> None:
    logged = request_log.logged_problems(Bug("SELECT +14155550123"))
    assert [one.message for one in logged.problems] == [
        "internal error; the server's log has the details under the request id"
    ]


@pytest.mark.parametrize(
    ("context", "shown"),
    [
        (None, None),
        ("$", "$"),
        ("$.senders[3].senderId", "$.senders[3].senderId"),
        ("$[12].display_name", "$[12].display_name"),
        ('$.tags["+14155550123"]', "$.tags.*"),
        ("$.ada@example.com", "$.*"),
        ("$.tags.a14155550123.x", "$.tags.*"),
        ("$.x y", "$.*"),
    ],
)
def test_place_ends_at_the_first_name_that_may_be_more(context: str | None, shown: str | None) -> None:
    logged = request_log.logged_problems(Invalid([Problem("is wrong", None, context)]))
    assert logged.problems[0].context == shown


async def test_log_shows_nothing_of_another_account(ada: Person, ben: Person) -> None:
    await ada.get("/v1/Senders")
    assert await _requests(ben) == []
    await ben.get("/v1/SenderPools")
    assert [one["route"] for one in await _requests(ben)] == ["senderPools.list"]
    assert [one["route"] for one in await _requests(ada)] == ["senders.list"]
    token = (await ada.get(URL)).json()["pagination"]["self"]
    assert problems(await ben.get(f"{URL}?pageToken={token}")) == {("pageToken", "$.pageToken")}


async def test_request_without_valid_credentials_is_in_no_log(ada: Person, eve: Person) -> None:
    await ada.call("GET", "/v1/Senders", anonymous=True)
    await eve.get("/v1/Senders")
    await ada.get("/healthz")
    assert await _requests(ada) == []


# --- how many requests the log keeps


async def test_log_leaves_out_its_own_requests(ada: Person) -> None:
    for url in (URL, f"{URL}?nonsense=1", f"{URL}?pageSize=0"):
        await ada.get(url)
        await ada.call("HEAD", url)
    assert await _requests(ada) == []


async def test_log_keeps_the_last_requests_of_an_account(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "MOST_REQUESTS", 3)
    person = ada.at(await ada.served.again())
    responses = [await person.get("/v1/Senders") for _ in range(5)]
    kept = [one["requestId"] for one in await _requests(person)]
    assert kept == [one.headers["x-request-id"] for one in responses[:1:-1]]


def test_log_forgets_the_accounts_that_are_silent_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "MOST_ACCOUNTS", 20)
    kept = RequestLog()
    route = next(one for one in ROUTES if one.name == "senders.list")

    def call(account_id: int) -> None:
        request = Request(None, "GET", {}, "RQ")  # type: ignore[arg-type] # the test needs no api
        request.principal = Principal(account_id, "AC")
        kept.add(request, route, 200, 0.001, None, [])

    for account_id in range(1, 21):
        call(account_id)
    call(1)
    call(21)
    remembered = {account_id for account_id in range(1, 22) if kept.newest(account_id, 2**63, 1)}
    assert remembered == {1, *range(4, 22)}


async def test_log_of_another_process_is_its_own(ada: Person) -> None:
    await ada.get("/v1/Senders")
    assert await _requests(ada.at(await ada.served.again())) == []


async def test_log_that_is_switched_off_keeps_nothing_and_says_so(ada: Person) -> None:
    person = ada.at(await ada.served.again(request_log=False))
    await person.get("/v1/Senders")
    response = await person.get(URL)
    assert response.status_code == 403
    assert "request_log" in response.json()["message"]
    assert (await person.get(URL, headers=STREAM)).status_code == 403
    assert person.served.api.services.request_log is None


# --- the event stream


class Watched:
    """An event stream of the request log, read event by event."""

    def __init__(self, person: Person, **headers: str) -> None:
        self.exchange = Exchange(person, URL, {**STREAM, **headers})
        self._events: list[tuple[str, dict[str, Any]]] = []

    async def begun(self) -> Watched:
        start = await self.exchange.next()
        assert start["status"] == 200
        assert dict(start["headers"])[b"content-type"] == b"text/event-stream"
        assert (await self.exchange.next())["body"] == b": listening\n\n"
        return self

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The id and the data of the next event."""
        while not self._events:
            for block in (await self.exchange.next())["body"].decode().split("\n\n"):
                if block and not block.startswith(":"):
                    number, kind, data = block.split("\n")
                    assert kind == "event: request"
                    self._events.append((number.removeprefix("id: "), msgspec.json.decode(data.removeprefix("data: "))))
        return self._events.pop(0)


async def test_stream_tells_the_last_requests_and_then_each_new_one(ada: Person) -> None:
    for url in ("/v1/Senders", "/v1/SenderPools"):
        await ada.get(url)
    stream = await Watched(ada).begun()
    told = [(await stream.next())[1] for _ in range(2)]
    await ada.get("/v1/SenderPools/Operations")
    told.append((await stream.next())[1])
    assert told == (await _requests(ada))[::-1]
    await stream.exchange.leave()


async def test_stream_goes_on_after_the_last_event_that_was_seen(ada: Person) -> None:
    await ada.get("/v1/Senders")
    stream = await Watched(ada).begun()
    number, _ = await stream.next()
    await stream.exchange.leave()
    missed = await ada.get("/v1/SenderPools")
    stream = await Watched(ada, **{"last-event-id": number}).begun()
    assert (await stream.next())[1]["requestId"] == missed.headers["x-request-id"]
    await stream.exchange.leave()


@pytest.mark.parametrize("nonsense", ["x", "-1", "9" * 40, "999999999999999999"])
async def test_stream_takes_a_last_event_id_that_is_none_for_nothing(ada: Person, nonsense: str) -> None:
    stream = await Watched(ada, **{"last-event-id": nonsense}).begun()
    response = await ada.get("/v1/Senders")
    assert (await stream.next())[1]["requestId"] == response.headers["x-request-id"]
    await stream.exchange.leave()


async def test_stream_begins_with_as_many_as_a_page(ada: Person) -> None:
    responses = [await ada.get("/v1/Senders") for _ in range(53)]
    stream = await Watched(ada).begun()
    told = [(await stream.next())[1]["requestId"] for _ in range(50)]
    assert told == [one.headers["x-request-id"] for one in responses[3:]]
    await ada.get("/v1/SenderPools")
    assert (await stream.next())[1]["route"] == "senderPools.list"
    await stream.exchange.leave()


async def test_stream_comments_when_nothing_happens(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_COMMENT_SECONDS", 0)
    stream = await Watched(ada).begun()
    assert (await stream.exchange.next())["body"] == b": still here\n\n"
    await stream.exchange.leave()


async def test_shutdown_ends_the_stream(database: Any) -> None:
    served = await Served.on(database)
    ada = await served.account("Ada")
    stream = await Watched(ada).begun()
    served.api.stop()
    assert await stream.exchange.next() == {"type": "http.response.body", "body": b""}
    await stream.exchange.leave()


async def test_requests_of_one_moment_have_different_numbers(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "time_ns", lambda: 10**18)
    sent = [(await ada.get("/v1/Senders")).headers["x-request-id"] for _ in range(3)]
    shown = [one["requestId"] for one in await ada.walk(URL, "requests", size=1)]
    assert shown == sent[::-1]
