"""A real HTTP proxy between a client and Signalbox that fails the way networks and proxies do."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Say:
    """Responds itself; Signalbox does not receive the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lose:
    """Closes the connection without a response: after Signalbox carried out the request, or without forwarding it."""

    carried_out: bool


@dataclass(frozen=True)
class Cut:
    """Forwards the response up to a number of bytes, then closes the connection."""

    after: int


@dataclass(frozen=True)
class Drip:
    """Forwards the response one byte at a time."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """Never responds."""


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float  # time.monotonic


Trouble = Say | Lose | Cut | Drip | Hang


class Between:
    """Forwards requests to `upstream`; each request first takes one of `troubles`, in order.

    Requests for an event stream take one of `stream_troubles`. `seen` are the requests that arrived.
    """

    def __init__(self, upstream: str, prefix: str = "") -> None:
        self.upstream = upstream
        self.prefix = prefix
        self.troubles: deque[Trouble] = deque()
        self.stream_troubles: deque[Trouble] = deque()
        self.seen: list[Seen] = []
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{self.prefix}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def targets(self) -> list[str]:
        """Method and path of the requests that arrived."""
        return [f"{one.method} {urlsplit(one.target).path}" for one in self.seen]

    def pauses(self) -> list[float]:
        """Seconds between the requests."""
        return [after.at - before.at for before, after in zip(self.seen, self.seen[1:], strict=False)]


def _handler(between: Between) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            between.seen.append(Seen(self.command, self.path, dict(self.headers.items()), body, time.monotonic()))
            streamed = self.headers.get("accept") == "text/event-stream"
            troubles = between.stream_troubles if streamed else between.troubles
            trouble = troubles.popleft() if troubles else None
            try:
                self._respond(trouble, body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 (http.server's names)

        def _respond(self, trouble: Trouble | None, body: bytes) -> None:
            if isinstance(trouble, Say):
                self._head(trouble.status, {**trouble.headers, "content-length": str(len(trouble.body))})
                self.wfile.write(trouble.body)
            elif isinstance(trouble, Hang):
                between.over.wait(60)
                self.close_connection = True
            elif trouble == Lose(carried_out=False):
                self.close_connection = True
            else:
                self._pass_on(trouble, body)

        def _pass_on(self, trouble: Trouble | None, body: bytes) -> None:
            upstream = http.client.HTTPConnection(urlsplit(between.upstream).netloc, timeout=60)
            target = self.path.removeprefix(between.upstream).removeprefix(between.prefix)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
            try:
                upstream.request(self.command, target, body or None, headers)
                response = upstream.getresponse()
                if isinstance(trouble, Lose):
                    response.read()
                    self.close_connection = True
                else:
                    self._relay(response, trouble)
            except (http.client.HTTPException, OSError):
                self.close_connection = True
            finally:
                upstream.close()

        def _relay(self, response: http.client.HTTPResponse, trouble: Trouble | None) -> None:
            kept = {k: v for k, v in response.getheaders() if k.lower() not in ("transfer-encoding", "connection")}
            self.close_connection = "content-length" not in kept
            self._head(response.status, kept)
            left = trouble.after if isinstance(trouble, Cut) else -1
            while left and (piece := response.read1(left if left > 0 else 65536)):
                left -= len(piece) if left > 0 else 0
                for chunk in [bytes([one]) for one in piece] if isinstance(trouble, Drip) else [piece]:
                    self.wfile.write(chunk)
                    if isinstance(trouble, Drip):
                        between.over.wait(trouble.seconds)
            self.close_connection = self.close_connection or trouble is not None

        def _head(self, status: int, headers: Mapping[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Logs nothing."""

    return Handler
