"""Hostile requests: each response is the documented error, comes quickly, and delays no other client."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from processes import SID, TOKEN, Client, Server

LOGIN = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
HEAD = f"Host: localhost\r\nAuthorization: {LOGIN}\r\n"
MIB = 1024 * 1024
QUICK = 5.0  # seconds, on a busy machine; on an idle machine each response takes milliseconds
CODES = {400: 20001, 401: 20003, 404: 20404, 405: 20004, 413: 20413, 415: 20415}


class Wire:
    """A TCP connection without an HTTP client."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 20)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: str | bytes) -> None:
        """Sends the data, or the part that the server accepts before it closes the connection."""
        with suppress(ConnectionResetError, BrokenPipeError):
            self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def response(self, method: str = "GET") -> tuple[int, http.client.HTTPMessage, bytes]:
        """The next response, with its whole body."""
        response = http.client.HTTPResponse(self.socket, method=method)
        try:
            response.begin()
            return response.status, response.headers, response.read()
        finally:
            response.close()

    def refused(self, status: int) -> dict[str, Any]:
        """The next response, which must be the documented error with this status."""
        got, headers, body = self.response()
        assert got == status, body
        return documented(status, headers, body)

    def closed(self) -> bool:
        """Waits until the server closes the connection."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def documented(status: int, headers: http.client.HTTPMessage | httpx.Headers, body: bytes) -> dict[str, Any]:
    """Checks what contract section 4 says of every error."""
    assert headers["Content-Type"] == "application/json"
    assert headers["Twilio-Request-Id"] == headers["X-Twilio-Request-Id"] == headers["X-Request-Id"]
    error: dict[str, Any] = json.loads(body)
    assert error.keys() == {"code", "message", "status", "errors"}
    assert (error["status"], error["code"]) == (status, CODES[status])
    assert 1 <= len(error["errors"]) <= 100
    for one in error["errors"]:
        assert one.keys() == {"code", "message", "field", "context", "infoUrl"}
    assert "Traceback" not in error["message"]
    return error


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this module: damage by one test makes a later test fail."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    with Server(f"sqlite:///{folder / 'signalbox.db'}", folder) as server:
        yield server
        assert server.running
        assert not [line for line in server.log if line["event"] in ("bug", "response broke off")]
        assert server.stop() == 0


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """A connection; after the test the server must still respond to other clients quickly."""
    with Wire(server.port) as wire:
        started = time.monotonic()
        yield wire
        assert time.monotonic() - started < QUICK
    _alive(server)


@pytest.fixture
def friend(server: Server) -> Iterator[Client]:
    with Client(server.url) as friend:
        started = time.monotonic()
        yield friend
        assert time.monotonic() - started < QUICK
    _alive(server)


def _alive(server: Server) -> None:
    started = time.monotonic()
    assert httpx.get(f"{server.url}/v1/SenderPools", auth=(SID, TOKEN), timeout=QUICK).status_code == 200
    assert time.monotonic() - started < QUICK


def _post(body: bytes = b"", path: str = "/v1/SenderPools", more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),  # a TLS hello
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x00" * 1000 + b"\r\n\r\n",
        b"GET /v1/SenderPools HTTP/9.9\r\n\r\n",
        b"GET /v1/SenderPools HTTP/1.1\r\nHost: x\r\nno colon here\r\n\r\n",
        b"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=["tls", "word", "bare", "nul", "version", "header", "length", "negative"],
)
def test_garbage_gets_the_documented_400_and_a_closed_connection(wire: Wire, garbage: bytes) -> None:
    wire.send(garbage)
    wire.refused(400)
    assert wire.closed()


def test_chunks_that_are_none_get_the_documented_400(wire: Wire) -> None:
    head = (
        f"POST /v1/SenderPools HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    wire.send(f"{head}zz\r\nnonsense\r\n")
    wire.refused(400)
    assert wire.closed()


def test_header_of_a_megabyte_gets_the_documented_400(wire: Wire) -> None:
    wire.send(f"GET /v1/SenderPools HTTP/1.1\r\n{HEAD}X-Long: ")
    wire.send(b"x" * MIB)
    assert "64 KiB" in wire.refused(400)["message"]
    assert wire.closed()


def test_ten_thousand_headers_get_the_documented_400(wire: Wire) -> None:
    wire.send(f"GET /v1/SenderPools HTTP/1.1\r\n{HEAD}" + "".join(f"X-{n}: {n}\r\n" for n in range(10_000)) + "\r\n")
    wire.refused(400)
    assert wire.closed()


def test_a_million_query_parameters_get_the_documented_400(wire: Wire) -> None:
    wire.send("GET /v1/SenderPools?" + "a=1&" * 1_000_000 + f"b=2 HTTP/1.1\r\n{HEAD}\r\n")
    wire.refused(400)
    assert wire.closed()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("a=1&" * 15_000, 200),  # unknown parameters are ignored, and the warning shortens a long list
        ("pageSize=1&" * 5_000, 400),
        ("&" * 60_000, 200),
        ("=" * 60_000, 200),
        ("%" * 60_000, 200),
        ("pageToken=" + "A" * 60_000, 400),
        ("pageSize=" + "9" * 60_000, 400),
        ("startDate=" + "9" * 60_000, 400),
        ("operationId=" + "%00" * 20_000, 400),
        ("pageToken=%ff%fe", 400),
        ("pageToken=%00", 400),
        ("pageSize=%D9%A1", 400),  # a digit, but not an ASCII digit
    ],
    ids=lambda value: str(value)[:16],
)
def test_long_and_odd_queries_are_read_or_refused(wire: Wire, query: str, status: int) -> None:
    wire.send(f"GET /v1/SenderPools?{query} HTTP/1.1\r\n{HEAD}\r\n")
    got, headers, body = wire.response()
    assert got == status, body[:500]
    assert len(str(headers)) < 8_000, "the warnings alone would be more than some clients take"
    if status == 400:
        documented(400, headers, body)


def test_announced_body_of_eleven_megabytes_is_refused_before_it_is_sent(wire: Wire) -> None:
    wire.send(
        f"POST /v1/SenderPools HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nContent-Length: {11 * MIB}\r\n\r\n"
    )
    wire.refused(413)
    assert wire.closed()


def test_body_of_eleven_megabytes_is_refused_while_it_is_sent(friend: Client) -> None:
    """A client that reads only after it has sent the whole body still receives the response."""
    response = friend.http.post(
        "/v1/SenderPools", content=b" " * (11 * MIB), headers={"Content-Type": "application/json"}
    )
    documented(413, response.headers, response.content)
    assert response.status_code == 413


def test_chunked_body_of_eleven_megabytes_is_refused(wire: Wire) -> None:
    """The headers give no length: the server refuses the body when the limit is exceeded."""
    head = (
        f"POST /v1/SenderPools HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    wire.send(head)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    for _ in range(11 * 16):
        wire.send(chunk)
    wire.send(b"0\r\n\r\n")
    wire.refused(413)


def test_client_that_sends_all_of_a_refused_body_gets_the_response(wire: Wire) -> None:
    """The server discards the rest of the body; a connection reset would lose the 413."""
    wire.send(
        f"POST /v1/SenderPools HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nContent-Length: {16 * MIB}\r\n\r\n"
    )
    for _ in range(16):
        wire.socket.sendall(b" " * MIB)
    wire.refused(413)
    assert wire.closed()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (10 * MIB),
        b"[" * (5 * MIB) + b"]" * (5 * MIB),
        b'{"a":' * (2 * MIB) + b"1" + b"}" * (200 * 1024),
        b'{"senders":' + b"[" * 5_000_000 + b"]" * 5_000_000 + b"}",
        b'{"senders":[' + b"1," * (5 * MIB - 10) + b"1]}",
        b'{"name":"' + b"x" * (10 * MIB - 20) + b'"}',
        b"[" + b"[]," * (3 * MIB) + b"[]]",
        b'{"tags":{' + b",".join(b'"k%d":"v"' % n for n in range(500_000)) + b"}}",
        b"9" * (10 * MIB),
        b"\x00" * (10 * MIB),
        b"\xff" * MIB,
    ],
    ids=["open", "deep", "objects", "deep member", "numbers", "name", "shallow", "tags", "digits", "nul", "bytes"],
)
@pytest.mark.parametrize("path", ["/v1/SenderPools", "/signalbox/v1/Senders"])
def test_ten_megabytes_of_nonsense_get_the_documented_400(friend: Client, body: bytes, path: str) -> None:
    response = friend.http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 413), response.text[:500]
    documented(response.status_code, response.headers, response.content)
    assert len(response.content) < 100_000


def test_ten_megabytes_of_nonsense_do_not_hold_up_others(server: Server) -> None:
    """While six clients send such bodies, each request of another client gets its response within a second."""
    body = b'{"senders":[' + b'{"senderId":1},' * 600_000 + b"{}]}"
    enemies = [Wire(server.port) for _ in range(6)]
    for enemy in enemies:
        enemy.socket.setblocking(False)
    unsent = {enemy: memoryview(_post(body)) for enemy in enemies}
    longest = 0.0
    with Client(server.url) as friend:
        friend.get("/v1/SenderPools")
        while unsent:
            for enemy, rest in list(unsent.items()):
                with suppress(BlockingIOError):
                    unsent[enemy] = rest[enemy.socket.send(rest) :]
                if not unsent[enemy]:
                    del unsent[enemy]
            started = time.monotonic()
            friend.get("/v1/SenderPools")
            longest = max(longest, time.monotonic() - started)
    for enemy in enemies:
        enemy.socket.settimeout(20)
        enemy.refused(400)
        enemy.socket.close()
    assert longest < 1.0, longest


@pytest.mark.parametrize(
    "path",
    [
        "/v1/SenderPools/" + "x" * 60_000,
        "/v1/SenderPools/%00",
        "/v1/SenderPools/..%2f..%2fetc",
        "/v1//SenderPools",
        "/" * 5_000,
        "/v1/SenderPools/" + "%f0%9f" * 99,
    ],
    ids=["long", "nul", "up", "double", "slashes", "bytes"],
)
def test_odd_paths_are_refused(wire: Wire, path: str) -> None:
    wire.send(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n")
    got, headers, body = wire.response()
    assert got in (400, 404), body[:500]
    documented(got, headers, body)


def test_half_a_request_and_gone_leaves_nothing_behind(server: Server) -> None:
    """Two hundred clients disconnect in the request line, in the headers and in the body."""
    whole = _post(b'{"name": "half"}')
    for number in range(200):
        with Wire(server.port) as wire:
            wire.send(whole[: 1 + number * (len(whole) - 2) // 200])
    _alive(server)
    with Client(server.url) as friend:
        names = [pool["name"] for pool in friend.pages("/v1/SenderPools", "senderPools", pageSize=1000)]
    assert "half" not in names


def test_pipelined_requests_get_their_responses_in_order(wire: Wire) -> None:
    wire.send(
        f"GET /healthz HTTP/1.1\r\n{HEAD}\r\n".encode()
        + _post(b'{"name": 7}')
        + f"GET /v1/Nothing HTTP/1.1\r\n{HEAD}\r\n".encode()
        + _post(b'{"name": "pipelined"}')
        + f"GET /readyz HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode()
    )
    received = b""
    while chunk := wire.socket.recv(65536):
        received += chunk
    assert re.findall(rb"HTTP/1\.1 (\d{3})", received) == [b"200", b"400", b"404", b"202", b"200"]
    assert received.endswith(b'{"status":"ready"}')


def test_garbage_after_a_request_is_refused_after_its_response(wire: Wire) -> None:
    wire.send(f"GET /healthz HTTP/1.1\r\n{HEAD}\r\n")
    assert wire.response()[0] == 200
    wire.send("nonsense\r\n\r\n")
    wire.refused(400)
    assert wire.closed()


def test_http_1_0_gets_a_response_and_a_closed_connection(wire: Wire) -> None:
    wire.send(f"GET /v1/SenderPools HTTP/1.0\r\nAuthorization: {LOGIN}\r\n\r\n")
    status, _, body = wire.response()
    assert status == 200
    assert json.loads(body)["senderPools"] is not None
    assert wire.closed()


def test_expect_100_continue_gets_its_response_before_the_body(wire: Wire) -> None:
    """curl sends this header before a large body."""
    whole = _post(b'{"name": "expected"}', more="Expect: 100-continue\r\n")
    wire.send(whole[:-20])
    assert wire.socket.recv(1000).startswith(b"HTTP/1.1 100 ")
    wire.send(whole[-20:])
    assert wire.response("POST")[0] == 202
