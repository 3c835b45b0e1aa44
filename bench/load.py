"""The load: a keep-alive HTTP client that does as little as possible, so that it does not limit the server."""

from __future__ import annotations

import asyncio
import base64
import gc
import itertools
import json
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

CONNECTIONS = 64


@dataclass(frozen=True)
class Login:
    """An account and its credentials. `account_id` is its number in the database."""

    account_id: int
    sid: str
    token: str


@dataclass(frozen=True)
class Response:
    """A response, and the seconds from the last byte of the request to the last byte of the response."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Burst:
    """Result of a burst of load: requests per second, each latency in seconds, the client's share of its core."""

    per_second: float
    seconds: array[float]
    client_share: float


def request(
    method: str, path: str, login: Login | None = None, body: bytes = b"", headers: Sequence[str] = ()
) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if login:
        lines.append("Authorization: Basic " + base64.b64encode(f"{login.sid}:{login.token}".encode()).decode())
    if body:
        if not any(line.startswith("Content-Type") for line in headers):
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """A connection with one request at a time: `ask` sends one, `run` as many as fit into a time."""

    def __init__(self) -> None:
        self._received = b""
        self._needed = 0
        self._head = 0
        self._sent = 0.0
        self._requests: Iterator[bytes] = iter(())
        self._end = 0.0
        self._seconds: array[float] | None = None
        self._expected = b""
        self._done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, url: str) -> Connection:
        """A connection to the server of a URL."""
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        _, protocol = await asyncio.get_running_loop().create_connection(cls, parts.hostname, parts.port)
        return protocol

    def close(self) -> None:
        self._transport.close()

    async def ask(self, request: bytes) -> Response:
        """Sends a request and waits for its response."""
        self._seconds = None
        self._done = asyncio.get_running_loop().create_future()
        self._send(request)
        response: Response = await self._done
        return response

    async def run(self, requests: Iterator[bytes], end: float, seconds: array[float], expected: bytes) -> None:
        """Sends requests one after the other until `end` and adds latencies. Raises RuntimeError for another status."""
        self._requests, self._end, self._seconds, self._expected = requests, end, seconds, expected
        self._done = asyncio.get_running_loop().create_future()
        self._send(next(requests))
        await self._done

    def _send(self, request: bytes) -> None:
        self._sent = time.perf_counter()
        self._transport.write(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(f"the server closed the connection: {exc}"))
            self._done.exception()  # marked as retrieved: there may be no waiter

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        if not self._needed:
            head = received.find(b"\r\n\r\n")
            if head < 0:
                return
            start = received.find(b"content-length: ", 0, head)
            if start < 0:
                self._done.set_exception(RuntimeError(f"a response without a length: {received[:head]!r}"))
                return
            self._head = head + 4
            self._needed = self._head + int(received[start + 16 : received.find(b"\r\n", start)])
        if len(received) < self._needed:
            return
        now = time.perf_counter()
        self._received, self._needed = b"", 0
        seconds = self._seconds
        if seconds is None:
            self._done.set_result(Response(int(received[9:12]), received[self._head :], now - self._sent))
            return
        seconds.append(now - self._sent)
        if received[9:12] != self._expected:
            self._done.set_exception(RuntimeError(f"not {self._expected.decode()}: {received[:500]!r}"))
        elif now >= self._end:
            self._done.set_result(None)
        else:
            self._send(next(self._requests))


class Load:
    """`CONNECTIONS` connections to one server; all send the same cycle of requests."""

    def __init__(self, connections: Sequence[Connection], requests: Iterable[bytes], expected: int) -> None:
        self._connections = connections
        self._requests = itertools.cycle(requests)
        self._expected = str(expected).encode()

    @classmethod
    async def open(
        cls, url: str, requests: Iterable[bytes], expected: int = 200, connections: int = CONNECTIONS
    ) -> Load:
        return cls([await Connection.open(url) for _ in range(connections)], requests, expected)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def burst(self, seconds: float) -> Burst:
        """Sends as many requests as the server can take, for some seconds."""
        latencies: array[float] = array("d")
        gc.collect()
        gc.disable()  # a pause of the client would be measured as one of the server
        try:
            started, cpu = time.perf_counter(), time.process_time()
            end = started + seconds
            await asyncio.gather(
                *[one.run(self._requests, end, latencies, self._expected) for one in self._connections]
            )
            took = time.perf_counter() - started
            share = (time.process_time() - cpu) / took
        finally:
            gc.enable()
        return Burst(len(latencies) / took, latencies, share)
