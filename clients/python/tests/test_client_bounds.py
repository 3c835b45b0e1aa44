"""What the other side sends: a client bounds it, and raises nothing but its own errors."""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from between import Between, Say
from callers import Caller
from signalbox_client import AsyncSignalbox, Signalbox, SignalboxError, TooMany, UnexpectedAnswer
from signalbox_client.calls import _retry_after
from signalbox_client.following import LONGEST_LINE, Lines

UNKNOWN: Final = "comms_sender_00000000000000000000000000"
TIME: Final = "2026-01-01T00:00:00.000Z"
STREAM: Final = {"content-type": "text/event-stream"}
OPERATION: Final = {
    "id": "comms_operation_00000000000000000000000000",
    "status": "COMPLETED",
    "stats": {"total": 1, "queued": 0, "created": 1, "failed": 0},
    "createdAt": TIME,
    "updatedAt": TIME,
}
SENDER: Final = {
    "id": "x",
    "displayName": None,
    "address": "a",
    "channel": "SMS",
    "status": "ACTIVATED",
    "tags": {"a": "b"},
    "updatedAt": TIME,
    "createdAt": TIME,
}
PAGE: Final = {"senders": [SENDER], "pagination": {"next": None, "self": "x"}}
ERROR: Final = {"code": 20001, "message": "no", "errors": [{"code": 1, "message": "no", "context": "$"}]}
# Few characters: an alphabet of all of them takes seconds to build.
TEXTS: Final = st.text(st.sampled_from('aZ019:,;+-. "\\\n\0\u00e9\u65e5\ud800\U0001f600'), max_size=20)
DAYS, MONTHS = st.sampled_from(["Fri", "Mon", "x", ""]), st.sampled_from(["Dec", "Jan", "13", "x"])
INTS, ZONES = st.integers() | st.sampled_from([0, 1, 31, 2026]), st.sampled_from(["GMT", "+2400", "-9999999", "", "x"])
NUMBERS: Final = st.sampled_from(["1e999", "9" * 5000, "-0", "1e-999", "18446744073709551616"])
DATES: Final = st.sampled_from(
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999-23:59", "99999-01-01T00:00:00Z", "2026-02-30T00:00:00Z"]
)


@pytest.mark.parametrize(
    "value",
    [
        *("9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"),
        *("Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 2147483648 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"),
        *("Mon, 01 Jan 0001 00:00:00 GMT", "-1", "NaN", "inf", "1e9", "\u0661\u0662", "", "0", "1" * 5000),
        "Fri, 31 Dec 2026 23:59:59 +9999999999",
    ],
)
def test_retry_after_is_between_nothing_and_a_day(value: str) -> None:
    seconds = _retry_after(value)
    assert seconds is None or 0 <= seconds <= 86_400


@given(TEXTS | st.builds("{}, {} {} {} {}:{}:{} {}".format, *(DAYS, INTS, MONTHS, INTS, INTS, INTS, INTS, ZONES)))
def test_no_text_of_retry_after_raises(value: str) -> None:
    seconds = _retry_after(value)
    assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= 86_400)


@pytest.mark.parametrize("value", ["9" * 400, "Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_absurd_retry_after_ends_the_call_with_the_servers_error(
    value: str, caller: Caller, between: Between
) -> None:
    between.troubles.extend([Say(429, b"", {"retry-after": value})] * 5)
    started = time.monotonic()
    with pytest.raises(TooMany):
        await caller.all(lambda c: c.senders.list(), url=between.url, max_retries=1, timeout=5)
    assert time.monotonic() - started < 5


async def test_watch_does_not_wait_longer_than_its_timeout_for_a_server_that_asks_for_a_day(
    idle_caller: Caller, before_idle: Between
) -> None:
    started = await idle_caller.do(lambda c: c.sender_pools.create(senders=[UNKNOWN]))
    before_idle.stream_troubles.extend([Say(503)] * 9)
    before_idle.troubles.extend([Say(200, json.dumps({**OPERATION, "status": "PROCESSING"}).encode())])
    before_idle.troubles.extend([Say(503, b"", {"retry-after": "86400"})] * 9)
    with pytest.raises(SignalboxError):
        await idle_caller.all(
            lambda c: c.sender_pools.watch(started.operation_id), url=before_idle.url, max_retries=0, timeout=5
        )


async def test_response_that_is_too_large_is_not_kept(
    caller: Caller, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalbox_client.client._MOST_BYTES", 1000)
    between.troubles.append(Say(200, b'"' + b"x" * 1000 + b'"'))
    with pytest.raises(UnexpectedAnswer, match="larger than"):
        await caller.do(lambda c: c.senders.fetch(UNKNOWN), url=between.url)


@pytest.mark.parametrize(("token", "words"), [("t", "the same page"), ("t" * 8193, "8,193 characters")])
async def test_list_that_never_ends_is_an_unexpected_response(
    token: str, words: str, caller: Caller, between: Between
) -> None:
    page = json.dumps({"senders": [], "pagination": {"next": token, "self": "x"}}).encode()
    between.troubles.extend([Say(200, page)] * 9)
    with pytest.raises(UnexpectedAnswer, match=words):
        await caller.all(lambda c: c.senders.list(), url=between.url)
    assert len(between.seen) <= 2


@pytest.mark.parametrize(
    "stream",
    [
        b"x" * (LONGEST_LINE + 1),
        b"data: x\n" * (LONGEST_LINE // 4),
        b"data: \xff\n\n",
        b"data: " + b"[" * 9999 + b"\n\n",
    ],
    ids=["line without end", "event without end", "not UTF-8", "nested"],
)
async def test_watch_fetches_instead_of_reading_a_stream_without_bounds(
    stream: bytes, caller: Caller, between: Between
) -> None:
    started = await caller.do(lambda c: c.sender_pools.create())
    between.stream_troubles.append(Say(200, stream, STREAM))
    found = await caller.all(lambda c: c.sender_pools.watch(started.operation_id), url=between.url)
    assert found[-1].final
    assert len(between.seen) == 2


def test_line_that_drips_is_given_up_after_the_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("signalbox_client.following.time.monotonic", lambda: now)
    lines = Lines()
    assert lines.feed(b": he") == []
    now += 15
    assert lines.feed(b"re\r\ndata: 1\n") == [": here", "data: 1"]
    now += 25
    with pytest.raises(httpx.ReadTimeout):
        lines.feed(b"x")


@given(st.lists(st.binary()))
def test_lines_are_those_of_the_whole_stream(pieces: list[bytes]) -> None:
    lines = Lines()
    found = [line for piece in pieces for line in lines.feed(piece)]
    whole = b"".join(pieces).split(b"\n")[:-1]
    assert found == [line.removesuffix(b"\r").decode("utf-8", "replace") for line in whole]


def _bent(value: object) -> st.SearchStrategy[object]:
    """JSON like this value, with parts replaced by any others."""
    other: st.SearchStrategy[object] = (
        st.none() | st.integers() | TEXTS | DATES | st.lists(st.integers()) | st.just([[]] * 99)
    )
    if isinstance(value, dict):
        same = st.fixed_dictionaries({}, optional={name: _bent(one) for name, one in value.items()})
        return st.just(value) | same | other
    if isinstance(value, list):
        return st.tuples(*map(_bent, value)).map(list) | other
    return st.just(value) | other


BODIES: Final = (
    st.sampled_from([SENDER, PAGE, OPERATION, ERROR]).flatmap(_bent).map(json.dumps).map(str.encode)
    | NUMBERS.map(lambda number: json.dumps(ERROR).replace("20001", number).encode())
    | NUMBERS.map(lambda number: json.dumps(OPERATION).replace("1", number).encode())
    | st.binary()
    | st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b'"\\ud800"', b"\xff\xfe{", b"NaN"])
)
HEADERS: Final = st.dictionaries(
    st.sampled_from(
        ["content-type", "content-encoding", "retry-after", "location", "set-cookie", "etag", "x-request-id"]
    ),
    st.binary()
    | st.sampled_from(
        [
            *(
                b"text/event-stream",
                b"text/event-stream; charset=hex",
                b"application/json; charset=utf-16",
                b"gzip, br",
            ),
            *(b"http://[", b"//", b"https://\xff..x:99999/", b"http:///x", b"a=b; max-age=" + b"9" * 5000),
            *(b"a=b; expires=Fri, 31-Dec-99999 23:59:59 GMT", b'"' + b"x" * 70_000 + b'"', b"deflate"),
        ]
    ),
)


@given(status=st.sampled_from([200, 202, 204, 301, 302, 400, 404, 429, 503, 599]), headers=HEADERS, body=BODIES)
async def test_no_response_raises_an_error_of_another_package(
    status: int, headers: dict[str, bytes], body: bytes
) -> None:
    def respond(_request: httpx.Request) -> httpx.Response:
        raw = [(name.encode(), value) for name, value in headers.items()]
        return httpx.Response(status, headers=raw, stream=httpx.ByteStream(body))

    options = {"account_sid": "AC1", "auth_token": "t", "url": "http://host", "max_retries": 0, "timeout": 0.001}
    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        client = Signalbox(http=http, **options)  # type: ignore[arg-type]
        for call in (
            lambda: client.senders.fetch("x"),
            lambda: list(client.senders.list()),
            lambda: client.inventory.enter([]),
            lambda: client.sender_pools.fetch_operation("x"),
            lambda: next(client.sender_pools.watch("x"), None),
        ):
            with suppress(SignalboxError):
                assert call() is not None
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http_too:
        waiting = AsyncSignalbox(http=http_too, **options)  # type: ignore[arg-type]
        with suppress(SignalboxError):
            assert await waiting.senders.fetch("x")


@pytest.fixture(scope="module")
def babble() -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends any bytes: its URL, and what it sends next."""
    says: list[bytes] = [b""]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    if says[0] == b"end":
                        return
                    connection.sendall(says[0])

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", says
        says[0] = b"end"
        with socket.create_connection(server.getsockname()) as last:
            last.sendall(b"end")
        thread.join()


@given(
    head=st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 \xff\r\nconnection: close\r\n", b"HTTP/1.1 101 x\r\n"]
    ),
    rest=st.binary()
    | st.sampled_from(
        [
            *(b"a: \xff\r\n\r\n{}", b"content-length: 99\r\n\r\n{}", b"content-length: " + b"9" * 5000 + b"\r\n\r\n"),
            *(b"transfer-encoding: chunked\r\n\r\nzz\r\n", b"content-length: -1\r\n\r\n", b"\r\n" + b"\x00" * 999),
            *(b"content-encoding: gzip\r\n\r\nnone", b"content-encoding: deflate\r\n\r\n\x78\x9c\x00", b"x" * 200_000),
        ]
    ),
)
def test_no_bytes_on_the_wire_raise_an_error_of_another_package(
    head: bytes, rest: bytes, babble: tuple[str, list[bytes]]
) -> None:
    url, says = babble
    says[0] = head + rest
    with Signalbox("AC1", "t", url=url, max_retries=0, timeout=5) as client, pytest.raises(SignalboxError):
        client.senders.fetch("x")


def test_time_of_the_first_and_of_the_last_year_is_read() -> None:
    def respond(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={**SENDER, "createdAt": "0001-01-01T00:00:00+23:59"})

    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        client = Signalbox("AC1", "t", http=http)
        with suppress(UnexpectedAnswer):
            assert client.senders.fetch("x").created_at <= datetime.now(UTC)
