"""The HTTP server: uvicorn with httptools, held to limits of our own, and answering its own refusals as documented."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator
from typing import Any, Final, cast

import uvicorn
from uvicorn._types import ASGISendEvent, HTTPResponseStartEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from signalbox.ground import log
from signalbox.ground.errors import Invalid, Problem
from signalbox.http.application import Api
from signalbox.http.errors import respond
from signalbox.http.exchange import new_request_id
from signalbox.http.receiving import CLOSE
from signalbox.http.request import Headers

# Request line and headers together. Without a bound a client can fill the memory with them.
MOST_HEADER_BYTES: Final = 64 * 1024
# A body of the allowed size, in chunks of a few bytes, takes several times its size. Beyond this nobody listens.
MOST_MESSAGE_BYTES: Final = 64 * 1024 * 1024
# The time a client has from its first byte to the end of its headers.
HEADER_SECONDS: Final = 30.0
KEEP_ALIVE_SECONDS: Final = 75
# How long we go on reading, and dropping, what a client sends that has been refused in the middle of its body.
LINGER_SECONDS: Final = 2.0
# Then whoever still waits for an answer gets a 503.
SHUTDOWN_SECONDS: Final = 5


class Cycle(RequestResponseCycle):
    """One request and its answer: an answer that is whole leaves in one write, head and body together."""

    _head: HTTPResponseStartEvent | None = None

    async def send(self, message: ASGISendEvent) -> None:
        """Keeps the head back until the body says whether it is all there."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            if self.flow.write_paused and not self.disconnected:
                # Somebody asks and does not read: let the answers wait here, not in our memory.
                await self.flow.drain()
            if not message.get("more_body") and self._write_whole(
                head["status"], list(head.get("headers", ())), message
            ):
                return
            await super().send(head)
        await super().send(message)

    def _write_whole(self, status: int, headers: Headers, message: Any) -> bool:
        """Does what uvicorn does with the two messages, in the common case: the rest is left to uvicorn."""
        last = CLOSE in headers
        if not (self.keep_alive or last) or self.disconnected or headers[-1][0] != b"content-length":
            return False
        lines = [b"%b: %b\r\n" % header for header in (*self.default_headers, *headers)]
        body: bytes = b"" if self.scope["method"] == "HEAD" else message.get("body", b"")
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.message_event.set()
        if last:
            cast("Protocol", self.transport.get_protocol()).linger()
        else:
            self.on_response()
        return True


class _Nowhere(list[tuple[bytes, bytes]]):
    """Where trailers go: nothing here needs them, and uvicorn would collect them without end."""

    def append(self, _: tuple[bytes, bytes], /) -> None:
        """Forgets the header."""


_TRAILERS: Final = _Nowhere()


class Protocol(HttpToolsProtocol):
    """One connection: bounds the headers in size and time, and answers what is no HTTP with the documented error."""

    _bytes = 0
    _over = False
    _header_timer: asyncio.TimerHandle | None = None
    _in_headers = True
    # Between two messages, and up to the end of the second one's headers: what comes may offer another protocol.
    _before_body = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        # The parser stopped at an offer that reached it all the same (in two pieces, or CONNECT). It would take what
        # follows for a request of its own: this request is answered, and nothing after it is read.
        self._over = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        if self._before_body and b"pgrade:" in data:
            data = _without_upgrade(data)
        super().data_received(data)
        self._bytes += len(data)
        # Nearly every request arrives in one piece and is past this at once.
        if self._in_headers:
            if self._bytes > MOST_HEADER_BYTES:
                self.send_400_response("the request line and headers are larger than 64 KiB")
            elif self._header_timer is None:
                self._header_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)
        elif self._header_timer is not None:
            self._headers_came()
        elif self._bytes > MOST_MESSAGE_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        self._in_headers, self._bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_headers = self._before_body = False
        super().on_headers_complete()
        self.headers = _TRAILERS
        # uvicorn makes the cycle itself and has no setting for its class; its task has not begun to run yet.
        if self.cycle is not None:
            self.cycle.__class__ = Cycle

    def linger(self) -> None:
        """Reads no more, says so, and closes a little later: closing at once, with bytes unread, may take the answer
        away from a client that is still sending (RFC 9112, section 9.6)."""
        self._over = True
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._before_body = True

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser could not read, and closes."""
        if self.transport.is_closing():
            return
        message = "the request is not valid HTTP" if msg.startswith("Invalid HTTP") else msg
        request_id = new_request_id()
        name, port = self.server or ("localhost", None)
        base = f"{self.scheme}://{name}:{port}" if port else f"{self.scheme}://{name}"
        answer = respond(Invalid([Problem(message)]), base.__add__)
        log.get().info("request", requestId=request_id, path="(unreadable)", status=400, problem=message)
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

    def _headers_came(self) -> None:
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


_UPGRADE: Final = re.compile(rb"\r\n(?=upgrade:)", flags=re.IGNORECASE)


def _without_upgrade(data: bytes) -> bytes:
    """Hides an offer to change the protocol (h2c, say) from the parser, which would stop and lose the body after it.

    A server may pass over such an offer (RFC 9110, section 7.8), and then has to answer the request.
    """
    head, blank, body = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nX-Passed-Over-", head) + blank + body


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
