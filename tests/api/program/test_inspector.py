"""One request of the log with headers and bodies: what it shows, what it never shows, and how much memory it takes."""

from __future__ import annotations

import asyncio
import base64
import json
import tracemalloc
from typing import Any
from urllib.parse import urlsplit

import pytest

from people import Exchange, Person
from signalbox.http import recordings
from signalbox.http.recordings import Recordings

URL = "/signalbox/v1/Requests"
JSON = {"content-type": "application/json"}


@pytest.fixture
async def ada(ada: Person) -> Person:
    """Ada at a server with `request_bodies`."""
    return ada.at(await ada.served.again(request_bodies=True))


async def _opened(person: Person, response: Any) -> dict[str, Any]:
    fetched = await person.get(f"{URL}/{response.headers['x-request-id']}")
    assert fetched.status_code == 200, fetched.text
    assert fetched.headers["cache-control"] == "no-store"
    opened: dict[str, Any] = fetched.json()
    return opened


def _store(person: Person) -> Recordings:
    store = person.served.api.services.recordings
    assert store
    return store


# --- what it shows


async def test_request_is_opened_to_what_was_sent_and_received(ada: Person) -> None:
    sent = '{"colour": "red"}'
    response = await ada.post("/v1/SenderPools?x=1", content=sent, headers={**JSON, "idempotency-key": "monday"})
    opened = await _opened(ada, response)
    (logged,) = (await ada.get(URL)).json()["requests"]
    assert logged.items() <= opened.items()
    assert opened["error"] == {
        "code": 20001,
        "meaning": "Any invalid input; every problem is listed at its place.",
        "infoUrl": "http://signalbox.test:8080/docs/errors#20001",
    }
    assert opened["kept"] == "YES"
    request, received = opened["request"], opened["response"]
    assert request["target"] == "/v1/SenderPools?x=1"
    assert request["body"] == {"text": sent, "binary": None, "bytes": 17, "complete": True, "removed": False}
    headers = {one["name"]: one["value"] for one in request["headers"]}
    assert headers["authorization"] == "[removed]"
    assert headers["idempotency-key"] == "monday"
    assert json.loads(received["body"]["text"]) == response.json()
    assert {one["name"]: one["value"] for one in received["headers"]} == dict(response.headers)
    assert 0 <= request["readMs"] <= received["startedMs"] <= opened["ms"]


async def test_request_without_a_body_has_none(ada: Person) -> None:
    opened = await _opened(ada, await ada.get("/v1/Senders"))
    assert (opened["error"], opened["request"]["body"], opened["request"]["readMs"]) == (None, None, None)
    assert opened["response"]["body"]["complete"] is True
    opened = await _opened(ada, await ada.call("HEAD", "/v1/Senders"))
    assert opened["response"]["body"] is None


@pytest.mark.parametrize("body", [b"\xff\xfe\x00binary", b'{"name": "\xe9"}', b"\x1f\x8b\x08"])
async def test_body_that_is_not_utf_8_is_shown_byte_by_byte(ada: Person, body: bytes) -> None:
    opened = await _opened(ada, await ada.post("/v1/SenderPools", content=body, headers=JSON))
    shown = opened["request"]["body"]
    assert (shown["text"], base64.b64decode(shown["binary"]), shown["bytes"]) == (None, body, len(body))


async def test_body_that_the_server_does_not_read_is_not_shown(ada: Person) -> None:
    """A body of another type, or a compressed one, is refused (415) before it is read."""
    for headers in ({"content-type": "text/plain"}, {**JSON, "content-encoding": "gzip"}):
        response = await ada.post("/v1/SenderPools", content=b"12345", headers=headers)
        opened = await _opened(ada, response)
        assert (opened["status"], opened["request"]["body"]) == (415, None)
        assert {"name": "content-length", "value": "5"} in opened["request"]["headers"]


async def test_long_body_is_shown_up_to_its_limit(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.dumps({"name": "x" * (recordings.MOST_BODY_BYTES - 12)})
    assert len(whole) == recordings.MOST_BODY_BYTES
    shown = (await _opened(ada, await ada.post("/v1/SenderPools", content=whole, headers=JSON)))["request"]["body"]
    assert (shown["text"], shown["complete"]) == (whole, True)
    monkeypatch.setattr(recordings, "MOST_BODY_BYTES", 12)
    sent = '{"name": "aé€"}'
    shown = (await _opened(ada, await ada.post("/v1/SenderPools", content=sent, headers=JSON)))["request"]["body"]
    assert shown == {"text": '{"name": "a', "binary": None, "bytes": 18, "complete": False, "removed": False}
    for sent_bytes in (b'{"name"\xff: "longer"}', b'{"name": "a\xff longer"}'):
        opened = await _opened(ada, await ada.post("/v1/SenderPools", content=sent_bytes, headers=JSON))
        shown = opened["request"]["body"]
        assert (shown["text"], base64.b64decode(shown["binary"])) == (None, sent_bytes[:12])


async def test_body_over_the_limit_of_the_server_is_shown_up_to_where_it_was_read(ada: Person) -> None:
    response = await ada.post("/v1/SenderPools", content=b" " * (11 * 1024 * 1024), headers=JSON)
    opened = await _opened(ada, response)
    assert (opened["status"], opened["error"]["code"]) == (413, 20413)
    assert opened["request"]["body"]["complete"] is False


async def test_request_is_in_the_log_when_its_response_is_complete(ada: Person) -> None:
    """A stream that is still running is no request of the log yet; then its beginning is shown."""
    pool = await ada.post("/v1/SenderPools", json={"name": "A"})
    exchange = Exchange(ada, urlsplit(pool.headers["location"]).path, {"accept": "text/event-stream"})
    start = await exchange.next()
    request_id = dict(start["headers"])[b"x-request-id"].decode()
    await exchange.next()
    assert (await ada.get(f"{URL}/{request_id}")).status_code == 404
    await exchange.leave()
    opened = (await ada.get(f"{URL}/{request_id}")).json()
    assert opened["response"]["body"]["text"].startswith("event: operation")


async def test_line_of_the_log_has_the_id_of_the_request_itself(ada: Person, capfd: pytest.CaptureFixture[str]) -> None:
    response = await ada.get(f"{URL}/RQ{'0' * 32}")
    await asyncio.sleep(0)  # the log writes its lines at the end of a turn of the loop
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if "/Requests/" in line]
    assert [line["requestId"] for line in lines] == [response.headers["x-request-id"]]


async def test_own_requests_are_not_kept(ada: Person) -> None:
    response = await ada.get(URL)
    assert (await ada.get(f"{URL}/{response.headers['x-request-id']}")).status_code == 404
    assert _store(ada).bytes == 0


# --- what it never shows


async def test_secrets_are_never_kept(ada: Person) -> None:
    """Neither in what is shown nor in the memory of the store."""
    secret = "s3cr3t-t0ken"
    for url, body, headers in (
        ("/v1/SenderPools", json.dumps({"authToken": secret, "name": ada.secret}), JSON),
        ("/v1/SenderPools", json.dumps([{"keys": [{"sid": "SK1", "secret": secret}]}])[:-4], JSON),
        (f"/v1/SenderPools?authToken={secret}&x={ada.secret}", "{}", JSON),
        (f"/v1/SenderPools/{ada.secret}/Senders", "[]", JSON),
        ("/v1/SenderPools", "{}", {**JSON, "cookie": secret, "x-api-key": secret, "x-note": ada.secret}),
        ("/v1/SenderPools", f'"http://x/console#sign-in={secret}"', JSON),
    ):
        opened = await _opened(ada, await ada.post(url, content=body, headers=headers))
        for text in (json.dumps(opened), repr(_store(ada)._kept)):
            assert secret not in text
            assert ada.secret not in text
            assert base64.b64encode(f"{ada.user}:{ada.secret}".encode()).decode() not in text
        assert "[removed]" in json.dumps(opened["request"])
    shown = (await _opened(ada, await ada.post("/v1/SenderPools", json={"secret": 1})))["request"]["body"]
    assert (shown["text"], shown["removed"], shown["complete"]) == ('{"secret":"[removed]"}', True, True)


async def test_request_of_another_account_is_one_that_is_not_there(ada: Person, ben: Person) -> None:
    ben = ben.at(ada.served)
    of_ada = await ada.post("/v1/SenderPools", json={"name": "Ada's"})
    there = await ben.get(f"{URL}/{of_ada.headers['x-request-id']}")
    nowhere = await ben.get(f"{URL}/RQ{'0' * 32}")
    assert there.status_code == nowhere.status_code == 404
    assert there.text.replace(of_ada.headers["x-request-id"], "") == nowhere.text.replace(f"RQ{'0' * 32}", "")
    key, _ = await ada.key()
    assert (await _opened(key, of_ada))["kept"] == "YES"


async def test_without_the_setting_nothing_is_kept(ada: Person) -> None:
    for settings in ({}, {"request_bodies": False}, {"request_log": False, "request_bodies": True}):
        person = ada.at(await ada.served.again(**settings))
        response = await person.post("/v1/SenderPools", json={"name": "A"})
        assert person.served.api.services.recordings is None
        fetched = await person.get(f"{URL}/{response.headers['x-request-id']}")
        if "request_log" in settings:
            assert fetched.status_code == 403
        else:
            opened = fetched.json()
            assert (opened["kept"], opened["request"], opened["response"]) == ("OFF", None, None)


# --- how much it keeps


async def test_oldest_goes_first(ada: Person, ben: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_RECORDINGS", 2)
    first, second = [await ada.get("/v1/Senders") for _ in range(2)]
    third = await ben.at(ada.served).get("/v1/Senders")
    kept = [(await _opened(one, of))["kept"] for one, of in ((ada, first), (ada, second), (ben.at(ada.served), third))]
    assert kept == ["DROPPED", "YES", "YES"]
    monkeypatch.setattr(recordings, "MOST_BYTES", _store(ada).bytes)
    fourth = await ada.get("/v1/Senders")
    assert (await _opened(ada, second))["kept"] == "DROPPED"
    assert (await _opened(ada, fourth))["kept"] == "YES"


async def test_request_for_which_there_is_no_room_is_served(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_BYTES", 10)
    response = await ada.post("/v1/SenderPools", json={"name": "A" * 100})
    assert response.status_code == 202
    assert (await _opened(ada, response))["kept"] == "DROPPED"
    assert _store(ada).bytes == 0


async def test_memory_is_bounded(ada: Person) -> None:
    """Requests of every form, three times as much as there is room for: large bodies, many headers, refused ones."""
    store, megabyte = _store(ada), recordings.MOST_BODY_BYTES
    many = {f"x-{number}": "v" for number in range(1000)}
    await ada.post("/v1/SenderPools", json={})
    tracemalloc.start()
    try:
        for _ in range(60):
            await ada.post("/v1/SenderPools", content=b" " * (megabyte + 5), headers=JSON)
            await ada.post("/v1/SenderPools", content=b'{"secret": "' + b"x" * megabyte, headers=JSON)
            await ada.get("/v1/Senders", headers=many)
            await ada.call("GET", "/v1/Senders", anonymous=True)
            assert 0 < store.bytes <= recordings.MOST_BYTES
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert store.bytes == sum(one.cost for one in store._kept.values())
    assert used < 1.25 * recordings.MOST_BYTES


def test_running_requests_count() -> None:
    """Streams that are still sent take from the same room, and give it back."""
    store = Recordings()
    running = [store.recorder({"headers": []}, None, None) for _ in range(50)]  # type: ignore[arg-type]
    for one in running:
        one._received.add({"body": b"x" * recordings.MOST_BODY_BYTES, "more_body": True})
    assert store.bytes == recordings.MOST_BYTES
    for one in running:
        with one:
            pass
    assert store.bytes == 0
