"""A small HTTP/1.1 client that can do what good clients never do: disconnect during a request or a response."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from journal import Entry


@dataclass(frozen=True)
class Leave:
    """When the client disconnects: `seconds` after it has sent a part of its request."""

    part: float
    seconds: float


class Broken(Exception):
    """There is no complete response."""


class Line:
    """One connection, reused for the next request while it works."""

    def __init__(self) -> None:
        self._url = ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def close(self) -> None:
        """Closes the connection at once."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def ask(
        self, url: str, entry: Entry, headers: dict[str, str], body: bytes, seconds: float, leave: Leave | None
    ) -> None:
        """Sends a request; records the response and its time in the entry."""
        try:
            async with asyncio.timeout(seconds):
                await self._ask(url, entry, headers, body, leave)
        except ConnectionRefusedError:
            entry.problem, entry.refused = "connection refused", True
            self.close()
        except (TimeoutError, OSError, EOFError, ValueError, Broken) as error:
            entry.problem = f"{type(error).__name__}: {error}"
            self.close()

    async def _ask(self, url: str, entry: Entry, headers: dict[str, str], body: bytes, leave: Leave | None) -> None:
        if url != self._url or self._writer is None or self._writer.is_closing():
            self.close()
            split = urlsplit(url)
            # A page of a thousand senders is longer than the default limit of a line.
            self._reader, self._writer = await asyncio.open_connection(split.hostname, split.port, limit=2**24)
            self._url = url
        assert self._reader
        lines = [f"{entry.method} {entry.path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        message = "\r\n".join([*lines, "", ""]).encode() + body
        entry.sent = time.monotonic()
        if leave is not None:
            self._writer.write(message[: max(1, int(len(message) * leave.part))])
            await asyncio.sleep(leave.seconds)
            self.close()
            raise Broken("the client left")
        self._writer.write(message)
        await self._read(self._reader, entry)

    async def _read(self, reader: asyncio.StreamReader, entry: Entry) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        entry.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        media = entry.headers.get("content-type", "")
        if entry.headers.get("transfer-encoding") == "chunked":
            # The events of a stream count even if it breaks off.
            entry.status = status
            await self._read_stream(reader, entry, media)
        else:
            content = await reader.readexactly(int(entry.headers.get("content-length", "0")))
            entry.response = _decoded(content, media)
            entry.status = status
        entry.received, entry.clock, entry.whole = time.monotonic(), time.time(), True
        if entry.headers.get("connection") == "close":
            self.close()

    async def _read_stream(self, reader: asyncio.StreamReader, entry: Entry, media: str) -> None:
        end, pending = (b"\n\n" if media == "text/event-stream" else b"\n"), b""
        while size := int(await reader.readline(), 16):
            pending += await reader.readexactly(size)
            await reader.readline()
            *whole, pending = pending.split(end)
            entry.received = time.monotonic()
            for part in whole:
                text = part.partition(b"data: ")[2] if media == "text/event-stream" else part
                if text:
                    entry.parts.append((entry.received, json.loads(text)))
        await reader.readline()


def _decoded(content: bytes, media: str) -> object:
    if media == "application/json" and content:
        with suppress(ValueError):
            return json.loads(content)
    return content.decode("utf-8", "replace")
