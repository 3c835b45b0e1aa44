"""Accepting connections of a shared socket: one in each turn, and a pause when no more files may be opened."""

from __future__ import annotations

import asyncio
import errno
import gc
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


class Failing(socket.socket):
    """A listening socket whose first `accept` fails with `error`."""

    accepted = 0
    error: OSError

    def accept(self) -> tuple[socket.socket, object]:
        self.accepted += 1
        if self.accepted == 1:
            raise self.error
        return super().accept()


def failing(error: OSError) -> Failing:
    sock = Failing(fileno=listen("127.0.0.1", 0).detach())
    sock.setblocking(False)
    sock.error = error
    return sock


class Reset(socket.socket):
    """A connection that the client has reset: macOS refuses to set options of it."""

    def setsockopt(self, *_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")


class Resetting(socket.socket):
    """A listening socket whose first connection is reset at once."""

    first: Reset | None = None

    def accept(self) -> tuple[socket.socket, object]:
        connection, address = super().accept()
        if self.first is not None:
            return connection, address
        self.first = Reset(fileno=connection.detach())
        return self.first, address


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
    sock = failing(OSError(errno.EMFILE, "Too many open files"))
    acceptor = Acceptor(sock, Greeting)
    assert await greeted(sock) == b"hello"
    assert sock.accepted == 2
    acceptor.close()
    assert '"event":"no connection accepted","problem":"Too many open files"' in capfd.readouterr().err


@pytest.mark.parametrize(
    "error", [BlockingIOError(errno.EAGAIN, "taken"), ConnectionAbortedError(errno.ECONNABORTED, "gone")]
)
async def test_connection_that_another_process_took_or_that_is_gone_is_no_trouble(
    error: OSError, capfd: pytest.CaptureFixture[str]
) -> None:
    sock = failing(error)
    acceptor = Acceptor(sock, Greeting)
    assert await greeted(sock) == b"hello"
    acceptor.close()
    assert capfd.readouterr().err == ""


async def test_accepting_goes_on_after_an_error_of_one_connection() -> None:
    """The event loop reports the error."""
    reported: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    sock = failing(OSError(errno.EPROTO, "Protocol error"))
    acceptor = Acceptor(sock, Greeting)
    assert await greeted(sock) == b"hello"
    acceptor.close()
    loop.set_exception_handler(None)
    assert reported == [sock.error]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_accepting_goes_on_after_a_connection_that_was_reset() -> None:
    sock = Resetting(fileno=listen("127.0.0.1", 0).detach())
    sock.setblocking(False)
    acceptor = Acceptor(sock, Greeting)
    assert await greeted(sock) == b""
    assert await greeted(sock) == b"hello"
    assert sock.first is not None
    assert sock.first.fileno() == -1
    acceptor.close()
    gc.collect()  # warns here of the transport that asyncio began to make
