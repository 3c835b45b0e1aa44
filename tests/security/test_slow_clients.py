"""Slow clients: each holds a connection for at most the limits, and delays no response to another client.

The tests shorten the limits; tests/docs/test_docs.py compares the real limits with the documentation.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest
from bare import Bare

from people import Person, Served
from processes import Connect, Serve
from signalbox.http import protocol, receiving, server

MANY: Final = 150
HALF_A_HEAD: Final = b"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\nX-Slow: "
PATIENCE: Final = 30


class LimitedServer:
    """A server in this process, with limits of fractions of a second."""

    def __init__(self, served: Served, port: int) -> None:
        self.served = served
        self.port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@pytest.fixture
async def limited(served: Served, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LimitedServer]:
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 1)
    monkeypatch.setattr(receiving, "BODY_SECONDS", 0.5)
    sock = server.listen("127.0.0.1", 0)
    running = server.Server(served.api)
    task = asyncio.create_task(running.serve(sockets=[sock]))
    yield LimitedServer(served, sock.getsockname()[1])
    running.stop()
    async with asyncio.timeout(PATIENCE):
        await task
    sock.close()


class OtherClient:
    """Another client on the same port, which must get responses meanwhile."""

    def __init__(self, limited: LimitedServer, person: Person) -> None:
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{limited.port}", auth=(person.user, person.secret), timeout=PATIENCE
        )

    async def gets_a_response(self) -> None:
        async with asyncio.timeout(5):
            assert (await self.http.get("/v1/SenderPools")).status_code == 200


@pytest.fixture
async def other(limited: LimitedServer, ada: Person) -> AsyncIterator[OtherClient]:
    other = OtherClient(limited, ada)
    yield other
    await other.http.aclose()


def started(person: Person, announced: int) -> bytes:
    """The head of a request."""
    request = httpx.Request("POST", "http://x/v1/SenderPools", headers={"content-type": "application/json"})
    signed = next(httpx.BasicAuth(person.user, person.secret).auth_flow(request)).headers["authorization"]
    head = f"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\nAuthorization: {signed}\r\nContent-Length: {announced}\r\n\r\n"
    return head.encode()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All bytes that arrive until the server closes the connection."""
    received = b""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionResetError):
            while chunk := await reader.read(65536):
                received += chunk
    return received


async def test_half_headers_end_the_connection_and_delay_no_other_client(
    limited: LimitedServer, other: OtherClient
) -> None:
    slow = [await limited.connect() for _ in range(MANY)]
    for _, writer in slow:
        writer.write(HALF_A_HEAD)
    await other.gets_a_response()
    for reader, writer in slow:
        assert await ended(reader) == b""
        writer.close()
    await other.gets_a_response()


async def test_header_that_comes_byte_by_byte_ends_the_connection(limited: LimitedServer, other: OtherClient) -> None:
    """The limit is for the whole head: single bytes do not extend the time."""
    reader, writer = await limited.connect()
    writer.write(HALF_A_HEAD)
    rest = asyncio.create_task(ended(reader))
    sent = 0
    while not rest.done():
        writer.write(b"x")
        sent += 1
        await other.gets_a_response()
    assert await rest == b""
    assert sent > 1
    writer.close()


async def test_half_bodies_are_refused_and_hold_neither_connections_nor_others(
    limited: LimitedServer, other: OtherClient, ada: Person
) -> None:
    slow = [await limited.connect() for _ in range(MANY)]
    for _, writer in slow:
        writer.write(started(ada, 100) + b'{"name":')
    await other.gets_a_response()
    for reader, writer in slow:
        received = await ended(reader)
        assert received.startswith(b"HTTP/1.1 400 ")
        assert b"did not arrive within" in received
        assert b"connection: close" in received.lower()
        writer.close()
    assert await ada.walk("/v1/SenderPools", "senderPools") == []


async def test_half_bodies_that_are_finished_in_time_get_their_responses(
    limited: LimitedServer, other: OtherClient, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BODY_SECONDS", 4 * PATIENCE)
    slow = [await limited.connect() for _ in range(MANY)]
    for _, writer in slow:
        writer.write(started(ada, 16) + b'{"name":')
    await other.gets_a_response()
    # The connections that read the credentials go back while the bodies are still half.
    async with asyncio.timeout(PATIENCE):
        while limited.served.database.figures()["connections_in_use"]:  # noqa: ASYNC110 (there is no event for this)
            await asyncio.sleep(0.01)
    for reader, writer in slow:
        writer.write(b' "slow"}')
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
        writer.close()
    assert {one["name"] for one in await ada.walk("/v1/SenderPools", "senderPools")} == {"slow"}


async def test_body_that_comes_byte_by_byte_is_refused(limited: LimitedServer, other: OtherClient, ada: Person) -> None:
    reader, writer = await limited.connect()
    writer.write(started(ada, 1_000_000))
    rest = asyncio.create_task(ended(reader))
    while not rest.done():
        writer.write(b" ")
        await other.gets_a_response()
    # A byte that arrives after the close causes a connection reset, which may lose the response.
    assert await rest == b"" or (await rest).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_request_without_credentials_is_refused_before_its_body_comes(limited: LimitedServer) -> None:
    reader, writer = await limited.connect()
    writer.write(b"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_connection_without_a_request_is_closed(limited: LimitedServer, ada: Person) -> None:
    """A connection that never sent a byte, and one whose request got its response."""
    silent, polite = await limited.connect(), await limited.connect()
    polite[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await ended(silent[0]) == b""
    assert (await ended(polite[0])).startswith(b"HTTP/1.1 200 ")
    for _, writer in (silent, polite):
        writer.close()


def _memory(pid: int) -> int:
    """Resident memory in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


def test_responses_that_no_client_reads_do_not_fill_the_memory(serve: Serve, tmp_path: Path) -> None:
    """A client requests the longest page a thousand times and reads nothing: the server stops reading requests."""
    running = serve(f"sqlite:///{tmp_path / 'signalbox.db'}")
    with httpx.Client(base_url=running.url, timeout=PATIENCE) as other, Bare(running.port, 2) as bare:
        page = len(other.get("/llms-full.txt").content)
        before = _memory(running.pid)
        bare.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked = 200 * 1024 * 1024 // page
        try:
            for _ in range(asked):
                bare.send(b"GET /llms-full.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        except TimeoutError:
            pass  # the server has stopped reading, as it should
        for _ in range(100):
            assert other.get("/healthz").status_code == 200
        assert _memory(running.pid) - before < 50


async def test_page_is_the_same_whatever_host_is_called(ada: Person) -> None:
    """The build of the program made the page: a client that sends another Host each time causes no new rendering."""
    first = (await ada.get("/docs/tenancy", anonymous=True)).content
    for number in range(100):
        response = await ada.get("/docs/tenancy", anonymous=True, headers={"host": f"host-{number}.example"})
        assert response.content == first


def test_more_connections_than_files_are_allowed_end_nothing(serve: Serve, client: Connect, tmp_path: Path) -> None:
    """Connected clients still get responses, also to writes; when others disconnect, new clients get responses too."""
    running = serve(f"sqlite:///{tmp_path / 'signalbox.db'}")
    other = client(running.url).http
    assert other.get("/v1/SenderPools").status_code == 200
    resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (64, 64))
    crowd = [Bare(running.port) for _ in range(100)]
    for _ in range(10):
        assert other.post("/v1/SenderPools", json={}).status_code == 202
    for one in crowd:
        one.socket.close()
    assert httpx.get(f"{running.url}/readyz", timeout=PATIENCE).status_code == 200
    assert running.stop() == 0
