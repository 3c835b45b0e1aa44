"""One HTTP connection: uvicorn's protocol on httptools, with limits of our own and the documented error for bad HTTP.

The parts of uvicorn that this uses are private: docs/decisions/0013-http-protocol.md.
"""

import asyncio
import re
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from signalbox.ground import log
from signalbox.ground.errors import Invalid, Problem
from signalbox.http.errors import respond
from signalbox.http.exchange import new_request_id

# Request line and headers together. Without a bound a client can fill the memory with them.
MOST_HEADER_BYTES: Final = 64 * 1024
# A body of the allowed size, in chunks of a few bytes, takes several times its size. Beyond this nobody listens.
MOST_MESSAGE_BYTES: Final = 64 * 1024 * 1024
# The time a client has from its first byte to the end of its headers.
HEADER_SECONDS: Final = 30.0


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


_UPGRADE: Final = re.compile(rb"\r\n(?=upgrade:)", flags=re.IGNORECASE)


def _without_upgrade(data: bytes) -> bytes:
    """Hides an offer to change the protocol (h2c, say) from the parser, which would stop and lose the body after it.

    A server may pass over such an offer (RFC 9110, section 7.8), and then has to answer the request.
    """
    head, blank, body = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nX-Passed-Over-", head) + blank + body
