"""One HTTP connection: uvicorn's httptools protocol with more limits, and the documented error for invalid HTTP.

It uses private parts of uvicorn: docs/decisions/0013-http-protocol.md.
"""

import asyncio
import re
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from signalbox.ground import log
from signalbox.ground.errors import Invalid, Problem
from signalbox.http.errors import respond
from signalbox.http.exchange import new_request_id

# Limit of the request line and headers together. uvicorn has none, so that a client could fill the memory.
MOST_HEADER_BYTES: Final = 64 * 1024
# A body of the allowed size, in chunks of a few bytes, takes several times its size. Above this limit the connection is
# closed.
MOST_MESSAGE_BYTES: Final = 64 * 1024 * 1024
# The time from the first byte of a request to the end of its headers.
HEADER_SECONDS: Final = 30.0


class _Nowhere(list[tuple[bytes, bytes]]):
    """Drops the trailers of a request; uvicorn would keep them without a limit."""

    def append(self, _: tuple[bytes, bytes], /) -> None:
        """Drops the header."""


_TRAILERS: Final = _Nowhere()


class Protocol(HttpToolsProtocol):
    """One connection: limits the size and time of headers, and responds to invalid HTTP with the documented error."""

    _bytes = 0
    _over = False
    _header_timer: asyncio.TimerHandle | None = None
    _in_headers = True
    # True from the end of a request to the end of the next headers, which may offer another protocol.
    _before_body = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        # The parser stopped at an offer that `_without_upgrade` did not see (in two pieces, or CONNECT). It would read
        # the body as a new request: the response to this request is sent, and nothing more is read.
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
        # Nearly every request arrives in one piece, and its headers are complete here.
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

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._before_body = True

    def send_400_response(self, msg: str) -> None:
        """Sends the documented 400 for invalid HTTP, and closes the connection."""
        if self.transport.is_closing():
            return
        message = "the request is not valid HTTP" if msg.startswith("Invalid HTTP") else msg
        request_id = new_request_id()
        name, port = self.server or ("localhost", None)
        base = f"{self.scheme}://{name}:{port}" if port else f"{self.scheme}://{name}"
        response = respond(Invalid([Problem(message)]), base.__add__)
        log.get().info("request", requestId=request_id, path="(unreadable)", status=400, problem=message)
        head = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: application/json",
            b"content-length: " + str(len(response.body)).encode(),
            b"connection: close",
            *(
                f"{name}: {request_id}".encode()
                for name in ("Twilio-Request-Id", "X-Twilio-Request-Id", "X-Request-Id")
            ),
        ]
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + response.body)
        self.transport.close()

    def _headers_came(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


_UPGRADE: Final = re.compile(rb"\r\n(?=upgrade:)", flags=re.IGNORECASE)


def _without_upgrade(data: bytes) -> bytes:
    """Renames the header of an offer to change the protocol (h2c, for example), at which the parser would stop.

    A server may ignore the offer, and then must respond to the request (RFC 9110, section 7.8).
    """
    head, blank, body = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nX-Passed-Over-", head) + blank + body
