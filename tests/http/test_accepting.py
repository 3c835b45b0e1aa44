"""Accepting connections of a shared socket: one in each turn, and a pause when no more files may be opened."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import cast

import pytest

from signalbox.http import accepting
from signalbox.http.accepting import Acceptor
from signalbox.http.server import listen


class Greeting(asyncio.Protocol):
    """Says hello and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.WriteTransport", transport)
        stream.write(b"hello")
        stream.close()


class Short(socket.socket):
    """A listening socket whose first `accept` fails, as at the limit of open files."""

    accepted = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.accepted += 1
        if self.accepted == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def greeted(sock: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*sock.getsockname()[:2])
    async with asyncio.timeout(60):
        received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


async def test_connections_are_shared_by_those_who_accept() -> None:
    """Two acceptors on one socket, as in two processes: each connection is accepted once."""
    sock = listen("127.0.0.1", 0)
    acceptors = [Acceptor(sock, Greeting), Acceptor(sock.dup(), Greeting)]
    assert await asyncio.gather(*[greeted(sock) for _ in range(20)]) == [b"hello"] * 20
    for acceptor in acceptors:
        acceptor.close()
    assert sock.fileno() == -1


async def test_accepting_goes_on_after_a_pause_when_no_file_can_be_opened(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The connection waits; the event loop does not run in circles meanwhile."""
    monkeypatch.setattr(accepting, "_SHORT_SECONDS", 0.05)
    sock = Short(fileno=listen("127.0.0.1", 0).detach())
    sock.setblocking(False)
    acceptor = Acceptor(sock, Greeting)
    assert await greeted(sock) == b"hello"
    assert sock.accepted == 2
    acceptor.close()
    assert '"event":"no connection accepted","problem":"Too many open files"' in capfd.readouterr().err
