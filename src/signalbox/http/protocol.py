"""One HTTP connection: uvicorn's httptools protocol with more limits, and the documented error for invalid HTTP.

It uses private parts of uvicorn: docs/decisions/0013-http-protocol.md.
"""

import asyncio
import re
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

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
_TOO_LARGE: Final = "the request line and headers are larger than 64 KiB"


class _TooLarge(Exception):
    """Stops the parser at the end of headers above MOST_HEADER_BYTES."""


class Protocol(HttpToolsProtocol):
    """One connection: limits the size and time of headers, and responds to invalid HTTP with the documented error."""

    _bytes = 0
    # The size of the piece that the parser reads.
    _piece = 0
    _over = False
    # The refusal of a request that is not valid HTTP, while responses to earlier requests are due.
    _refusal = ""
    _header_timer: asyncio.TimerHandle | None = None
    _in_headers = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._unset_keepalive_if_required()
        self._piece = len(data)
        self._feed(data)
        self._bytes += len(data)
        # Nearly every request arrives in one piece, and its headers are complete here.
        if self._in_headers:
            if self._bytes > MOST_HEADER_BYTES:
                self.send_400_response(_TOO_LARGE)
            elif self._header_timer is None:
                self._header_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)
        elif self._header_timer is not None:
            self._headers_came()
        elif self._bytes > MOST_MESSAGE_BYTES:
            self.transport.close()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            rest = data[stopped.args[0] :]
            if self.scope["method"] == "CONNECT":
                # Its body is not framed: the response to this request is sent, and nothing more is read.
                self._over = True
                self.cycle.keep_alive = False
            else:
                self._feed_again(rest)
        except httptools.HttpParserError as error:
            self.send_400_response(_wrong(error))

    def _feed_again(self, rest: bytes) -> None:
        """Reads the request of these headers without its offer to change the protocol (h2c, for example).

        The parser stops after such headers, and would read the body as another request. A server may ignore the offer,
        and must then respond to the request (RFC 9110, section 7.8).
        """
        version = self.parser.get_http_version()
        head = [f"{self.scope['method']} ".encode() + self.url + f" HTTP/{version}".encode()]
        head += [name + b": " + value for name, value in self.scope["headers"] if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(b"\r\n".join(head) + b"\r\n\r\n" + rest)

    def on_message_begin(self) -> None:
        self._in_headers, self._bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        # The exact size is counted for a large piece only, which has large headers, a body or several requests.
        if self._bytes + self._piece > MOST_HEADER_BYTES and self._head_bytes() > MOST_HEADER_BYTES:
            raise _TooLarge
        method = self.parser.get_method()
        if self.parser.should_upgrade() and method != b"CONNECT":
            self.scope["method"] = method.decode()
            return  # the parser stops here; `_feed_again` reads the request once more
        if self.url[:1] not in b"/*" and method != b"CONNECT":
            self._take_host_of_target()
        super().on_headers_complete()
        self.headers = _TRAILERS
        if self.scope["http_version"] == "1.0":
            _speak_1_0(self.cycle)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade() or self.scope["method"] == "CONNECT":
            super().on_message_complete()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _take_host_of_target(self) -> None:
        # The host in the target of a request replaces the header (RFC 9112, section 3.2.2).
        target = httptools.parse_url(self.url)
        host = b"[" + target.host + b"]" if b":" in target.host else target.host
        self.headers[:] = [pair for pair in self.headers if pair[0] != b"host"]
        self.headers.append((b"host", host + b":%d" % target.port if target.port else host))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refusal and not self.pipeline:
            self.send_400_response(self._refusal)

    def send_400_response(self, msg: str) -> None:
        """Sends the documented 400 for invalid HTTP, and closes the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and self._must_wait(self.cycle):
            self._over, self._refusal = True, msg
            return
        request_id = new_request_id()
        name, port = self.server or ("localhost", None)
        base = f"{self.scheme}://{name}:{port}" if port else f"{self.scheme}://{name}"
        response = respond(Invalid([Problem(msg)]), base.__add__)
        log.get().info("request", requestId=request_id, path="(unreadable)", status=400, problem=msg)
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

    def _must_wait(self, cycle: RequestResponseCycle) -> bool:
        """Whether an error comes after other responses: that of an earlier request, or of one that is being sent."""
        if cycle.response_complete or (cycle.more_body and not cycle.response_started and not self.pipeline):
            return False
        if cycle.more_body:
            cycle.keep_alive = False  # its own body is wrong: its response is the last
        return True

    def _headers_came(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self.transport.close()


def _speak_1_0(cycle: RequestResponseCycle) -> None:
    """Sends what HTTP/1.0 knows: no interim response, and no chunks; the end of the connection ends a stream.

    RFC 9112, section 6.3, and RFC 9110, section 10.1.1.
    """
    cycle.waiting_for_100_continue = False
    send = cycle.send
    streams = False

    async def _send(message: Any) -> None:
        nonlocal streams
        if message["type"] == "http.response.start":
            streams = all(name != b"content-length" for name, _ in message["headers"])
            cycle.chunked_encoding = False if streams else None
        elif streams:
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    cycle.send = _send  # type: ignore[method-assign]


# What the parser says when the value of a header goes on after a line break.
_BROKEN_LINE: Final = re.compile(
    "(Missing expected (CR|LF)|Unexpected whitespace) after header value|Invalid header token"
)


def _wrong(error: httptools.HttpParserError) -> str:
    """What the parser found; its words repeat nothing of the request."""
    message = "the request is not valid HTTP"
    if isinstance(error.__context__, _TooLarge):
        return _TOO_LARGE
    if isinstance(error, httptools.HttpParserCallbackError):
        return f"{message}: its target is not a path"
    found = str(error)
    if _BROKEN_LINE.fullmatch(found):
        return f"{message}: a header is not one line with a colon (base64 breaks lines after 76 characters)"
    return f"{message}: {found[:1].lower()}{found[1:]}"
