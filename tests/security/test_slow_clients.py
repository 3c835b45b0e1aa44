"""Clients that take their time: each costs a connection for as long as the limits allow, and nobody else an answer.

The limits are made short here; that they are what the documentation says is tests/docs/test_docs.py's.
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


class Street:
    """A server in this process, with limits of fractions of a second."""

    def __init__(self, served: Served, port: int) -> None:
        self.served = served
        self.port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@pytest.fixture
async def street(served: Served, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Street]:
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 1)
    monkeypatch.setattr(receiving, "BODY_SECONDS", 0.5)
    sock = server.listen("127.0.0.1", 0)
    running = server.Server(served.api)
    task = asyncio.create_task(running.serve(sockets=[sock]))
    yield Street(served, sock.getsockname()[1])
    running.stop()
    async with asyncio.timeout(PATIENCE):
        await task
    sock.close()


class Friend:
    """Somebody who is answered meanwhile, over the same port."""

    def __init__(self, street: Street, person: Person) -> None:
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{street.port}", auth=(person.user, person.secret), timeout=PATIENCE
        )

    async def asks(self) -> None:
        async with asyncio.timeout(5):
            assert (await self.http.get("/v1/SenderPools")).status_code == 200


@pytest.fixture
async def friend(street: Street, ada: Person) -> AsyncIterator[Friend]:
    friend = Friend(street, ada)
    yield friend
    await friend.http.aclose()


def started(person: Person, announced: int) -> bytes:
    """A request up to its body."""
    request = httpx.Request("POST", "http://x/v1/SenderPools", headers={"content-type": "application/json"})
    signed = next(httpx.BasicAuth(person.user, person.secret).auth_flow(request)).headers["authorization"]
    head = f"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\nAuthorization: {signed}\r\nContent-Length: {announced}\r\n\r\n"
    return head.encode()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that came until the server hung up."""
    received = b""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionResetError):
            while chunk := await reader.read(65536):
                received += chunk
    return received


async def test_half_headers_are_hung_up_on_and_hold_up_nobody(street: Street, friend: Friend) -> None:
    slow = [await street.connect() for _ in range(MANY)]
    for _, writer in slow:
        writer.write(HALF_A_HEAD)
    await friend.asks()
    for reader, writer in slow:
        assert await ended(reader) == b""
        writer.close()
    await friend.asks()


async def test_header_that_comes_byte_by_byte_is_hung_up_on(street: Street, friend: Friend) -> None:
    """The time is that of the whole head: a byte now and then does not prolong it."""
    reader, writer = await street.connect()
    writer.write(HALF_A_HEAD)
    hung_up = asyncio.create_task(ended(reader))
    sent = 0
    while not hung_up.done():
        writer.write(b"x")
        sent += 1
        await friend.asks()
    assert await hung_up == b""
    assert sent > 1
    writer.close()


async def test_half_bodies_are_refused_and_hold_neither_connections_nor_others(
    street: Street, friend: Friend, ada: Person
) -> None:
    slow = [await street.connect() for _ in range(MANY)]
    for _, writer in slow:
        writer.write(started(ada, 100) + b'{"name":')
    await friend.asks()
    assert street.served.database.figures()["connections_in_use"] <= 1
    for reader, writer in slow:
        received = await ended(reader)
        assert received.startswith(b"HTTP/1.1 400 ")
        assert b"did not arrive within" in received
        assert b"connection: close" in received.lower()
        writer.close()
    assert await ada.walk("/v1/SenderPools", "senderPools") == []


async def test_half_bodies_that_are_finished_in_time_get_their_responses(
    street: Street, friend: Friend, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BODY_SECONDS", PATIENCE)
    slow = [await street.connect() for _ in range(MANY)]
    for _, writer in slow:
        writer.write(started(ada, 16) + b'{"name":')
    await friend.asks()
    for reader, writer in slow:
        writer.write(b' "slow"}')
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
        writer.close()
    assert {one["name"] for one in await ada.walk("/v1/SenderPools", "senderPools")} == {"slow"}


async def test_body_that_comes_byte_by_byte_is_refused(street: Street, friend: Friend, ada: Person) -> None:
    reader, writer = await street.connect()
    writer.write(started(ada, 1_000_000))
    hung_up = asyncio.create_task(ended(reader))
    while not hung_up.done():
        writer.write(b" ")
        await friend.asks()
    # A byte that crosses the answer resets the connection, and then the answer may be lost with it.
    assert await hung_up == b"" or (await hung_up).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_stranger_is_refused_before_the_body_is_waited_for(street: Street) -> None:
    reader, writer = await street.connect()
    writer.write(b"POST /v1/SenderPools HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_connection_without_a_request_is_hung_up_on(street: Street, ada: Person) -> None:
    """One that never said anything, and one that was answered."""
    silent, polite = await street.connect(), await street.connect()
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
    """A stranger asks for the longest page a thousand times and reads nothing: the server stops listening to them."""
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
            pass  # the server does not read any more, which is right
        for _ in range(100):
            assert other.get("/healthz").status_code == 200
        assert _memory(running.pid) - before < 50


async def test_page_is_the_same_whatever_host_is_called(ada: Person) -> None:
    """A page was made when the program was built: a stranger who sends another Host each time has nothing done anew."""
    first = (await ada.get("/docs/tenancy", anonymous=True)).content
    for number in range(100):
        response = await ada.get("/docs/tenancy", anonymous=True, headers={"host": f"host-{number}.example"})
        assert response.content == first


def test_more_connections_than_files_are_allowed_end_nothing(serve: Serve, client: Connect, tmp_path: Path) -> None:
    """Who is connected goes on being answered, writes included; when the others leave, new ones are answered again."""
    running = serve(f"sqlite:///{tmp_path / 'signalbox.db'}")
    friend = client(running.url).http
    assert friend.get("/v1/SenderPools").status_code == 200
    resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (64, 64))
    crowd = [Bare(running.port) for _ in range(100)]
    for _ in range(10):
        assert friend.post("/v1/SenderPools", json={}).status_code == 202
    for one in crowd:
        one.socket.close()
    assert httpx.get(f"{running.url}/readyz", timeout=PATIENCE).status_code == 200
    assert running.stop() == 0
