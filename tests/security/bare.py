"""A TCP connection to a server without an HTTP client: the test writes bytes and reads responses."""

from __future__ import annotations

import base64
import re
import socket
from contextlib import suppress

from processes import SID, TOKEN

LOGIN = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
HEAD = f"Host: localhost\r\nAuthorization: {LOGIN}\r\nContent-Type: application/json\r\n"


class Bare:
    """One TCP connection; each piece is sent in a separate segment."""

    def __init__(self, port: int, seconds: float = 20) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: str | bytes) -> None:
        """Sends the pieces, or the part that the server accepts before it closes the connection."""
        with suppress(ConnectionResetError, BrokenPipeError):
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def rest(self) -> bytes:
        """All bytes that arrive until the server closes the connection."""
        received = b""
        with suppress(ConnectionResetError):
            while chunk := self.socket.recv(65536):
                received += chunk
        return received

    def one(self) -> bytes:
        """The next response, which must have a `Content-Length`: head and body may come in several pieces."""
        received = b""
        while not (match := _WHOLE.match(received)) or len(received) < match.end() + int(match[1]):
            chunk = self.socket.recv(65536)
            assert chunk, received
            received += chunk
        return received


_WHOLE = re.compile(rb"HTTP/1\.1 .*?\r\ncontent-length: (\d+)\r\n(?:.*?\r\n)??\r\n", re.DOTALL | re.IGNORECASE)


def statuses(received: bytes) -> list[int]:
    """The statuses of the responses in these bytes, except the interim 100."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", received) if code != b"100"]
