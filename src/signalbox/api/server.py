"""The HTTP server: uvicorn with httptools, held to limits of our own, and answering its own refusals as documented."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from signalbox.api.asgi import Api
from signalbox.api.errors import respond
from signalbox.errors import Invalid, Problem

# Request line and headers together. Without a bound a client can fill the memory with them.
MOST_HEADER_BYTES: Final = 64 * 1024
# The time a client has from its first byte to the end of its headers.
HEADER_SECONDS: Final = 30.0
KEEP_ALIVE_SECONDS: Final = 75
SHUTDOWN_SECONDS: Final = 8


class Protocol(HttpToolsProtocol):
    """One connection: bounds the headers in size and time, and answers what is no HTTP with the documented error."""

    _header_bytes = 0
    _header_timer: asyncio.TimerHandle | None = None
    _in_headers = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            if self._header_bytes == 0:
                self._wait_for_headers()
            self._header_bytes += len(data)
        super().data_received(data)
        # Only what arrived while the headers were still open counts: a body may be larger.
        if self._in_headers and self._header_bytes > MOST_HEADER_BYTES:
            self.send_400_response("the request line and headers are larger than 64 KiB")

    def on_headers_complete(self) -> None:
        self._headers_came()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_headers, self._header_bytes = True, 0

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser could not read, and closes."""
        if self.transport.is_closing():
            return
        message = "the request is not valid HTTP" if msg.startswith("Invalid HTTP") else msg
        request_id = "RQ" + os.urandom(16).hex()
        answer = respond(Invalid([Problem(message)]), str)
        head = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: application/json",
            b"content-length: " + str(len(answer.body)).encode(),
            b"connection: close",
            *(
                f"{name}: {request_id}".encode()
                for name in ("Twilio-Request-Id", "X-Twilio-Request-Id", "X-Request-Id")
            ),
        ]
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + answer.body)
        self.transport.close()

    def _wait_for_headers(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _headers_came(self) -> None:
        self._in_headers = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """uvicorn's server, told to stop by its owner: the signals of the process are not its business."""

    def __init__(self, api: Api) -> None:
        config = uvicorn.Config(
            api,
            http=Protocol,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            log_level=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        config.load()
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none: uvicorn would raise them again at the end, and the process would not exit with 0."""
        yield

    def stop(self) -> None:
        """Stops accepting; `serve` returns when the requests in hand are answered."""
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the address cannot be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {host} port {port}: {error.strerror}") from None
    sock.setblocking(False)
    return sock
