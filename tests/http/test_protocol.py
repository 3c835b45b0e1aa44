"""Limits of a connection, and the one documented response to what is not valid HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from people import Served
from signalbox.http import protocol
from signalbox.http.application import Api
from signalbox.http.endpoint import Endpoint
from signalbox.http.request import Request, Response
from signalbox.http.router import Route
from signalbox.http.server import Server, listen

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@asynccontextmanager
async def running(api: Api) -> AsyncIterator[Connect]:
    """A server in this process; yields what connects to it."""
    sock = listen("127.0.0.1", 0)
    server = Server(api)
    task = asyncio.create_task(server.serve_on(sock))
    yield lambda: asyncio.open_connection(*sock.getsockname())
    server.stop()
    async with asyncio.timeout(60):
        await task
    sock.close()


@pytest.fixture
async def connect(served: Served) -> AsyncIterator[Connect]:
    async with running(served.api) as connect:
        yield connect


async def received(connect: Connect, *pieces: bytes) -> bytes:
    """What the server sends until it closes the connection. Each piece is read by the server at once."""
    reader, writer = await connect()
    async with asyncio.timeout(60):
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
        data = b""
        with suppress(ConnectionError):
            data = await reader.read()
        writer.close()
    return data


def statuses(data: bytes) -> list[bytes]:
    return [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("size", [60 * 1024, 66 * 1024, 100 * 1024])
async def test_limit_of_headers_holds_for_those_that_arrive_in_one_piece(connect: Connect, size: int) -> None:
    many = b"".join(b"X-%05d: %s\r\n" % (number, b"x" * 89) for number in range(size // 100))
    data = await received(connect, GET + many + b"Connection: close\r\n\r\n")
    assert statuses(data) == [b"200" if size < 64 * 1024 else b"400"]
    assert (b"the request line and headers are larger than 64 KiB" in data) == (size > 64 * 1024)


async def test_requests_of_one_large_piece_are_each_small(connect: Connect) -> None:
    data = await received(
        connect, (GET + b"X: " + b"x" * 10_000 + b"\r\n\r\n") * 8 + GET + b"Connection: close\r\n\r\n"
    )
    assert statuses(data) == [b"200"] * 9


async def test_large_piece_that_is_not_http_gets_one_response(connect: Connect) -> None:
    assert statuses(await received(connect, b"\0" * 70_000)) == [b"400"]


async def test_message_of_many_tiny_chunks_ends_the_connection(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its chunks take several times the size of its body, which the limit of bodies does not count."""
    monkeypatch.setattr(protocol, "MOST_MESSAGE_BYTES", 50_000)
    reader, writer = await connect()
    writer.write(GET + b"Transfer-Encoding: chunked\r\n\r\n")
    async with asyncio.timeout(60):
        assert (await reader.readuntil(b"alive")).startswith(b"HTTP/1.1 200 ")
        for _ in range(4):
            writer.write(b"1\r\nx\r\n" * 5_000)
            await asyncio.sleep(0.01)
        with suppress(ConnectionError):
            assert await reader.read() == b'"}'
    writer.close()


async def test_what_follows_invalid_http_is_dropped_and_earlier_requests_get_their_responses(served: Served) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        began.set()
        await go_on.wait()
        return Response(200, b"{}")

    async with running(
        served.with_routes(Route("GET", "/slow", Endpoint(slow, public=True), "test.slow")).api
    ) as connect:
        reader, writer = await connect()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(60):
            await began.wait()
            for piece in (b"\0\0\0\0", b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"):
                writer.write(piece)
                await asyncio.sleep(0.05)
            go_on.set()
            assert statuses(await reader.read()) == [b"200", b"400"]
        writer.close()
