"""Servers in front of a PostgreSQL socket for tests of connecting: with TLS, without, mute, and a refusing pooler."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

TLS: Final = Path(__file__).parent / "tls"  # valid until 2126; the keys of the authorities are gone
AUTHORITY: Final = TLS / "authority.pem"
OTHER_AUTHORITY: Final = TLS / "other-authority.pem"
CERTIFICATE: Final = TLS / "localhost.pem"
KEY: Final = TLS / "localhost.key"
TLS_REQUEST: Final = 80877103

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


class Front:
    """Forwards connections on 127.0.0.1 to a socket; `encrypted` counts those that used TLS."""

    def __init__(self, socket: str, *, tls: bool, client_certificate: bool = False) -> None:
        self._socket = socket
        self._context: ssl.SSLContext | None = None
        self.encrypted = 0
        self.plain = 0
        if tls:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(AUTHORITY))
            self._context.load_cert_chain(CERTIFICATE, KEY)
            if client_certificate:
                self._context.verify_mode = ssl.CERT_REQUIRED

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(8)
        if struct.unpack("!ii", head)[1] == TLS_REQUEST:
            writer.write(b"S" if self._context else b"N")
            if self._context:
                await writer.start_tls(self._context)
                self.encrypted += 1
            head = await reader.readexactly(8)
        else:
            self.plain += 1
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._socket)
        inner_writer.write(head)
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accepts connections and never responds."""
    await reader.read()


async def refusing_pooler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuses the server settings of a connection, as PgBouncer does."""
    await reader.read(8)
    writer.write(b"N")
    await reader.read(1000)
    fields = b"SFATAL\0C08P01\0Munsupported startup parameter: jit\0\0"
    writer.write(b"E" + struct.pack("!i", len(fields) + 4) + fields)
    await writer.drain()
    writer.close()


@asynccontextmanager
async def listening(handle: Handler) -> AsyncIterator[int]:
    """The port of a server on 127.0.0.1 that handles each connection so."""

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
