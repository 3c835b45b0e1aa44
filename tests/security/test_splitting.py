"""What the server does does not depend on how TCP cuts a request, nor on the version of HTTP that the client speaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from bare import HEAD, LOGIN, Bare, statuses

from processes import Client, Server

BODY: Final = '{"name": "split"}'
LENGTH: Final = f"Content-Length: {len(BODY)}\r\n\r\n{BODY}"
CHUNKS: Final = (
    f'Transfer-Encoding: chunked\r\n\r\n5;a="b"\r\n{BODY[:5]}\r\nc\r\n{BODY[5:]}\r\n0\r\nX-Trailer: 1\r\n\r\n'
)
POST: Final = f"POST /v1/SenderPools HTTP/1.1\r\n{HEAD}"
OFFER: Final = "Connection: Upgrade, HTTP2-Settings\r\n%s: h2c\r\nHTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA\r\n"
# Requests that make a pool.
MAKING: Final[dict[str, str]] = {
    "length": POST + LENGTH,
    "chunks": POST + CHUNKS,
    "offer of HTTP/2": POST + OFFER % "Upgrade" + LENGTH,
    "OFFER of HTTP/2": POST + OFFER % "UPGRADE" + LENGTH,
    "oFFER of HTTP/2 with chunks": POST + OFFER % "uPGRADE" + CHUNKS,
    "offer of websocket": POST + "Connection: upgrade\r\nupgrade: websocket\r\n" + LENGTH,
    "absolute target": POST.replace(" /", " http://localhost/") + LENGTH,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("splitting")
    with Server(f"sqlite:///{folder / 'signalbox.db'}", folder) as server:
        yield server
        assert not [line for line in server.log if line["event"] in ("bug", "response broke off")]


def _read(other: Bare) -> None:
    """Returns when the server has read all that was sent before on other connections."""
    other.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    other.one()


@pytest.mark.parametrize("name", MAKING)
def test_request_in_two_segments_is_the_request_in_one(server: Server, name: str) -> None:
    request = MAKING[name].encode()
    with Bare(server.port) as bare, Bare(server.port) as other:
        for at in range(1, len(request)):
            bare.send(request[:at])
            _read(other)
            bare.send(request[at:])
            assert statuses(bare.one()) == [202], (at, request[:at][-20:])


@pytest.mark.parametrize("name", MAKING)
def test_request_byte_by_byte_is_the_request_in_one(server: Server, name: str) -> None:
    request = MAKING[name].encode()
    with Bare(server.port) as bare, Bare(server.port) as other:
        for at in range(len(request)):
            bare.send(request[at : at + 1])
            if at % 16 == 0:
                _read(other)
        assert statuses(bare.one()) == [202]


def test_offers_in_pipelined_requests_are_passed_over(server: Server) -> None:
    requests = "".join(MAKING.values()) + "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with Bare(server.port) as bare:
        bare.send(requests)
        assert statuses(bare.rest()) == [202] * len(MAKING) + [200]


def test_body_of_an_offer_is_what_is_stored(server: Server) -> None:
    with Bare(server.port) as bare, Client(server.url) as client:
        body = '{"name": "kept with the offer"}'
        for piece in (
            f"{POST}Connection: upgrade\r\nUPGR",
            f"ADE: h2c\r\nContent-Length: {len(body)}\r\n",
            f"\r\n{body}",
        ):
            bare.send(piece)
        assert statuses(bare.one()) == [202]
        assert "kept with the offer" in {
            pool["name"] for pool in client.pages("/v1/SenderPools", "senderPools", pageSize=1000)
        }


# --- HTTP/1.0


@pytest.fixture(scope="module")
def operation(server: Server) -> str:
    with Bare(server.port) as bare:
        bare.send(POST + LENGTH)
        body = bare.one().partition(b"\r\n\r\n")[2]
    operation_id: str = json.loads(body)["operationId"]
    return operation_id


STREAMS: Final = {
    "events": ("/v1/SenderPools/Operations/%s", "text/event-stream", rb"event: operation\ndata: {.*}\n\n"),
    "lines": ("/signalbox/v1/SenderPools/Operations/%s/Items", "application/x-ndjson", rb"({.*}\n)+"),
}


@pytest.mark.parametrize("keep_alive", ["", "Connection: keep-alive\r\n"])
@pytest.mark.parametrize("name", STREAMS)
def test_stream_to_a_client_of_http_1_0_has_no_chunks_and_ends_with_the_connection(
    server: Server, operation: str, name: str, keep_alive: str
) -> None:
    path, media, wanted = STREAMS[name]
    for version, chunked in (("1.1", True), ("1.0", False)):
        more = "Connection: close\r\n" if version == "1.1" else keep_alive
        with Bare(server.port) as bare:
            bare.send(f"GET {path % operation} HTTP/{version}\r\n{HEAD}{more}Accept: {media}\r\n\r\n")
            head, _, body = bare.rest().partition(b"\r\n\r\n")
        assert (b"transfer-encoding" in head) is chunked
        assert b"content-length" not in head
        assert b"connection: close" in head
        if not chunked:
            assert re.fullmatch(wanted, body)


@pytest.mark.parametrize("name", STREAMS)
def test_head_of_a_stream_has_no_body_in_either_version(server: Server, operation: str, name: str) -> None:
    path, media, _ = STREAMS[name]
    for version in ("1.1", "1.0"):
        with Bare(server.port) as bare:
            bare.send(f"HEAD {path % operation} HTTP/{version}\r\n{HEAD}Connection: close\r\nAccept: {media}\r\n\r\n")
            received = bare.rest()
        assert statuses(received) == [200]
        assert received.endswith(b"\r\n\r\n")


def test_client_of_http_1_0_gets_no_interim_response(server: Server) -> None:
    """RFC 9110, section 10.1.1: the server ignores Expect in such a request."""
    with Bare(server.port) as bare:
        bare.send(POST.replace("1.1", "1.0", 1) + "Expect: 100-continue\r\n" + LENGTH)
        received = bare.rest()
    assert received.startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_response_to_a_client_of_http_1_0_has_its_length(server: Server, method: str) -> None:
    for path in ("/v1/SenderPools", "/v1/SenderPools/x", "/nowhere", "/docs", "/metrics"):
        with Bare(server.port) as bare:
            bare.send(f"{method} {path} HTTP/1.0\r\n{HEAD}Content-Length: 2\r\n\r\n{{}}")
            head, _, body = bare.rest().partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None, head
        assert len(body) == int(length[1])


# --- targets


def test_host_of_an_absolute_target_replaces_the_header(server: Server) -> None:
    """RFC 9112, section 3.2.2."""
    for target, host in (("elsewhere.example", "elsewhere.example"), ("[::1]:81", r"\[::1\]:81")):
        with Bare(server.port) as bare:
            bare.send(POST.replace(" /", f" http://{target}/") + LENGTH)
            assert re.search(rf"\r\nlocation: http://{host}/v1/".encode(), bare.one())


@pytest.mark.parametrize("target", ["*", "http://", "http:///v1", "?x=1", "v1/SenderPools", "//", "/%", "/\x7f", "/#a"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_target_that_is_no_path_is_a_documented_error(server: Server, method: str, target: str) -> None:
    with Bare(server.port) as bare:
        bare.send(f"{method} {target} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")
        received = bare.rest()
    assert statuses(received)[0] in (400, 404)
    assert json.loads(received.partition(b"\r\n\r\n")[2])["errors"]


# --- refusals in their order, in words


def test_invalid_http_after_a_request_is_refused_after_its_response(server: Server) -> None:
    with Bare(server.port) as bare:
        bare.send(POST + LENGTH + POST + LENGTH + "nonsense\r\n\r\n")
        assert statuses(bare.rest()) == [202, 202, 400]


def test_invalid_chunk_in_a_second_request_is_refused_after_the_first_response(server: Server) -> None:
    with Bare(server.port) as bare:
        bare.send(POST + LENGTH + POST + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert statuses(bare.rest()) == [202, 400]


BROKEN: Final = {
    "line feed": LOGIN[:40] + "\n" + LOGIN[40:],
    "line break": LOGIN[:40] + "\r\n" + LOGIN[40:],
    "fold": LOGIN[:40] + "\r\n " + LOGIN[40:],
    "carriage return": LOGIN[:40] + "\r" + LOGIN[40:],
}


@pytest.mark.parametrize("name", BROKEN)
def test_header_with_a_line_break_is_told_so(server: Server, name: str) -> None:
    """As `base64` writes a SID with its token: the line breaks after 76 characters."""
    with Bare(server.port) as bare:
        bare.send(f"GET /v1/SenderPools HTTP/1.1\r\nHost: x\r\nAuthorization: {BROKEN[name]}\r\n\r\n")
        received = bare.rest()
    assert statuses(received) == [400]
    message = json.loads(received.partition(b"\r\n\r\n")[2])["message"]
    assert "a header is not one line" in message
    assert "base64" in message


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "Content-Length"),
        ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "Content-Length"),
        ("GET / HTTP/9.9\r\n\r\n", "version"),
        ("hello\r\n\r\n", "method"),
        ("GET /\x7f HTTP/1.1\r\n\r\n", ""),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk"),
    ],
)
def test_invalid_http_is_refused_with_the_reason(server: Server, request_: str, words: str) -> None:
    with Bare(server.port) as bare:
        bare.send(request_)
        message = json.loads(bare.rest().partition(b"\r\n\r\n")[2])["message"]
    assert message.startswith("the request is not valid HTTP: ")
    assert words.lower() in message.lower()
