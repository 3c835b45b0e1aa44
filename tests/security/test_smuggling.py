"""A proxy and the server see the same requests: the server never reads as a request what a proxy forwards as a body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from bare import HEAD, Bare, statuses

from processes import Client, Server

POST: Final = f"POST /v1/SenderPools HTTP/1.1\r\n{HEAD}"
CHUNKED: Final = "Transfer-Encoding: chunked\r\n\r\n"
LENGTH: Final = "Content-Length: %L\r\n\r\n"

# Ambiguous framing: the server refuses the request and closes the connection, so that no later byte is read. `%I` is
# a request, `%L` its length, `%C` the request as one chunk. Each piece of a tuple is a separate segment.
REFUSED: Final[dict[str, str]] = {
    "length and chunks": f"{POST}Content-Length: 4\r\n{CHUNKED}0\r\n\r\n%I",
    "chunks and length": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n%I",
    "two equal lengths": f"{POST}Content-Length: %L\r\n{LENGTH}%I",
    "two lengths": f"{POST}Content-Length: 2\r\n{LENGTH}{{}}%I",
    "list of lengths": f"{POST}Content-Length: 2, 2\r\n\r\n{{}}%I",
    "signed length": f"{POST}Content-Length: +2\r\n\r\n{{}}%I",
    "negative length": f"{POST}Content-Length: -2\r\n\r\n{{}}%I",
    "hexadecimal length": f"{POST}Content-Length: 0x2\r\n\r\n{{}}%I",
    "length beyond 64 bits": f"{POST}Content-Length: 18446744073709551618\r\n\r\n{{}}%I",
    "space before the colon": f"{POST}Content-Length : 2\r\n\r\n{{}}%I",
    "tab before the colon": f"{POST}Content-Length\t: 2\r\n\r\n{{}}%I",
    "folded length": f"{POST}Content-Length:\r\n 2\r\n\r\n{{}}%I",
    "folded coding": f"{POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n%I",
    "length in a fold": f"{POST}X-A: b\r\n Content-Length: 2\r\n\r\n{{}}%I",
    "unknown coding": f"{POST}Transfer-Encoding: xchunked\r\n\r\n%C",
    "coding after chunked": f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n%C",
    "identity with a length": f"{POST}Transfer-Encoding: identity\r\n{LENGTH}%I",
    "control before the coding": f"{POST}Transfer-Encoding: \x0bchunked\r\n{LENGTH}%I",
    "two codings": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n%C",
    "bare LF everywhere": f"{POST}Content-Length: 2\r\n\r\n{{}}%I".replace("\r\n", "\n"),
    "one bare LF": f"{POST}X-A: a\nContent-Length: 2\r\n\r\n{{}}%I",
    "bare LF after the headers": f"{POST}Content-Length: %L\r\n\n%I",
    "bare CR": f"{POST}X-A: a\rContent-Length: 2\r\n\r\n%I",
    "NUL in a header": f"{POST}X-A: a\0b\r\n{LENGTH}%I",
    "chunk extension ended by LF": f"{POST}{CHUNKED}2;\n{{}}\r\n0\r\n\r\n%I",
    "chunks ended by LF": f"{POST}{CHUNKED}2\n{{}}\n0\n\n%I",
    "chunk size beyond 64 bits": f"{POST}{CHUNKED}fffffffffffffffff2\r\n{{}}\r\n0\r\n\r\n%I",
    "chunk size with a prefix": f"{POST}{CHUNKED}0x2\r\n{{}}\r\n0\r\n\r\n%I",
    "chunk size with a space": f"{POST}{CHUNKED}2 \r\n{{}}\r\n0\r\n\r\n%I",
    "chunk longer than its size": f"{POST}{CHUNKED}2\r\n{{}}xx\r\n0\r\n\r\n%I",
    "trailer that frames": f"{POST}{CHUNKED}2\r\n{{}}\r\n0\r\nContent-Length: 3\r\n\r\n%I",
    "HTTP/1.0 with chunks": f"{POST.replace('1.1', '1.0', 1)}Connection: keep-alive\r\n{CHUNKED}%C",
    "HTTP/1.0 without a length": f"{POST.replace('1.1', '1.0', 1)}Connection: keep-alive\r\n\r\n%I",
    "HTTP/0.9": "GET /v1/SenderPools\r\n%I",
    "HTTP/2 in the clear": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%I",
}

# Clear framing around a body that looks like a request: the server reads a body, whatever the response.
RESPONDED_TO: Final[dict[str, tuple[str, ...]]] = {
    "a body": (f"{POST}{LENGTH}%I",),
    "a body in a later segment": (f"{POST}{LENGTH}", "%I"),
    "a chunk": (f"{POST}{CHUNKED}%C",),
    "coding that is not undone": (f"{POST}Transfer-Encoding: gzip, chunked\r\n\r\n%C",),
    "name with an underscore": (f"{POST}Transfer_Encoding: chunked\r\n{LENGTH}%I",),
    "body of a GET": (f"GET /v1/SenderPools HTTP/1.1\r\n{HEAD}{LENGTH}%I",),
    "body of a HEAD": (f"HEAD /v1/SenderPools HTTP/1.1\r\n{HEAD}{LENGTH}%I",),
    "chunked body of a GET": (f"GET /v1/SenderPools HTTP/1.1\r\n{HEAD}{CHUNKED}%C",),
    "body to nowhere": (f"POST /nothing HTTP/1.1\r\n{HEAD}{LENGTH}%I",),
    "body without credentials": (f"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\n{LENGTH}%I",),
    "body of another type": (f"{POST.replace('application/json', 'text/plain')}{LENGTH}%I",),
    "body of a wrong method": (f"PUT /v1/SenderPools HTTP/1.1\r\n{HEAD}{LENGTH}%I",),
    "body that was expected": (f"{POST}Expect: 100-continue\r\n{LENGTH}%I",),
    "body that is too large": (f"{POST}Content-Length: 20000000\r\n\r\n%I",),
    "absolute target": (f"POST http://elsewhere.example/v1/SenderPools HTTP/1.1\r\n{HEAD}{LENGTH}%I",),
    "upgrade": (f"{POST}Connection: Upgrade\r\nUpgrade: h2c\r\n{LENGTH}%I",),
    "upgrade, body later": (f"{POST}Connection: Upgrade\r\nUpgrade: h2c\r\n{LENGTH}", "%I"),
    "upgrade in two segments": (f"{POST}Connection: Upgrade\r\nUpg", f"rade: h2c\r\n{LENGTH}%I"),
    "upgrade in two segments, body later": (f"{POST}Connection: Upgrade\r\nUpg", f"rade: h2c\r\n{LENGTH}", "%I"),
    "upgrade in two segments, chunks later": (f"{POST}Connection: Upgrade\r\nUpg", f"rade: h2c\r\n{CHUNKED}", "%C"),
    "upgrade to websocket": (f"{POST}Connection: Upgrade\r\nUpg", f"rade: websocket\r\n{LENGTH}", "%I"),
    "upgrade of a second request": (
        f"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n{POST}Connection: Upgrade\r\nUpgrade: h2c\r\n{LENGTH}",
        "%I",
    ),
    "connect": (f"CONNECT /v1/SenderPools HTTP/1.1\r\n{HEAD}{LENGTH}%I",),
    "connect, body later": (f"CONNECT /v1/SenderPools HTTP/1.1\r\n{HEAD}{LENGTH}", "%I"),
    "connect to a host, body later": (f"CONNECT localhost:80 HTTP/1.1\r\n{HEAD}{LENGTH}", "%I"),
}


def hidden(name: str) -> str:
    """A complete request that makes a pool with this name and closes the connection."""
    body = json.dumps({"name": name})
    return f"{POST}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"


def filled(text: str, name: str) -> str:
    request = hidden(name)
    chunk = f"{len(request):x}\r\n{request}\r\n0\r\n\r\n"
    return text.replace("%L", str(len(request))).replace("%I", request).replace("%C", chunk)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("smuggling")
    with Server(f"sqlite:///{folder / 'signalbox.db'}", folder) as server:
        yield server
        assert not [line for line in server.log if line["event"] in ("bug", "response broke off")]


@pytest.fixture(scope="module")
def other(server: Server) -> Iterator[Client]:
    with Client(server.url) as other:
        yield other


def pools(other: Client) -> set[str]:
    return {pool["name"] for pool in other.pages("/v1/SenderPools", "senderPools", pageSize=1000)}


def test_hidden_request_is_one_that_would_work(server: Server, other: Client) -> None:
    """Sent normally, the request makes its pool, so the other tests would see that pool if the request were read."""
    with Bare(server.port) as bare:
        bare.send(hidden("in the open"))
        assert statuses(bare.rest()) == [202]
    assert "in the open" in pools(other)


@pytest.mark.parametrize("name", REFUSED)
def test_ambiguous_framing_is_refused_and_the_connection_closed(server: Server, other: Client, name: str) -> None:
    with Bare(server.port) as bare:
        bare.send(filled(REFUSED[name], f"refused {name}"))
        assert statuses(bare.rest()) == [400]
    assert f"refused {name}" not in pools(other)


@pytest.mark.parametrize("name", RESPONDED_TO)
def test_request_inside_a_body_stays_a_body(server: Server, other: Client, name: str) -> None:
    with Bare(server.port) as bare:
        first, *others = (filled(piece, f"body {name}") for piece in RESPONDED_TO[name])
        bare.send(first)
        for piece in others:
            # A response on another connection: the server has by now read the bytes that were sent first.
            pools(other)
            bare.send(piece)
        # The response to this request comes after any response to the bytes before, unless the connection is closed.
        bare.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = bare.rest()
    wanted = 3 if "second request" in name else 2
    assert len(statuses(received)) in (wanted - 1, wanted), received
    assert 202 not in statuses(received)
    assert f"body {name}" not in pools(other)


def test_pipelined_requests_get_a_response_each(server: Server, other: Client) -> None:
    """The opposite mistake: a request after a body is not read as part of the body."""
    with Bare(server.port) as bare:
        body = '{"name": "first"}'
        first = f"{POST}Content-Length: {len(body)}\r\n\r\n{body}"
        bare.send(first + f"{POST}{CHUNKED}2\r\n{{}}\r\n0\r\n\r\n" + hidden("last"))
        assert statuses(bare.rest()) == [202, 202, 202]
    assert {"first", "last"} <= pools(other)


def test_offers_of_another_protocol_are_passed_over_on_every_request_of_a_connection(
    server: Server, other: Client
) -> None:
    """Java's HTTP client offers HTTP/2 with each request until a server accepts the offer."""
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA\r\n"
    names = ["first offer", "second offer", "third offer"]
    with Bare(server.port) as bare:
        for name in names:
            body = json.dumps({"name": name})
            bare.send(f"{POST}{offer}Content-Length: {len(body)}\r\n\r\n{body}")
            assert statuses(bare.one()) == [202]
    assert set(names) <= pools(other)


@pytest.mark.parametrize("count", [1_000, 5_000])
def test_thousands_of_headers_get_a_response_or_an_error_at_once(server: Server, count: int) -> None:
    """What fits into 64 KiB is read; more is refused."""
    many = "".join(f"X-{number}: 1\r\n" for number in range(count))
    with Bare(server.port) as bare:
        bare.send(f"GET /v1/SenderPools HTTP/1.1\r\n{HEAD}{many}Connection: close\r\n\r\n")
        assert statuses(bare.rest()) == ([200] if len(many) < 60_000 else [400])


@pytest.mark.parametrize("name", ["authorization", "host", "content-type", "idempotency-key"])
def test_header_that_decides_something_may_not_come_twice(server: Server, name: str) -> None:
    """A proxy and the server could choose different values, so the server refuses both."""
    value = {"authorization": HEAD.split("Authorization: ")[1].split("\r\n")[0], "host": "localhost"}
    again = value.get(name, "application/json")
    with Bare(server.port) as bare:
        first = "" if name != "idempotency-key" else f"Idempotency-Key: {again}\r\n"
        bare.send(f"{POST}{first}{name}: {again}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}")
        assert statuses(bare.rest())[0] in (400, 401, 415)
