"""A bare connection to a server: bytes out, answers in."""

from __future__ import annotations

import base64
import re
import socket
from contextlib import suppress

from processes import SID, TOKEN

LOGIN = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
HEAD = f"Host: localhost\r\nAuthorization: {LOGIN}\r\nContent-Type: application/json\r\n"


class Bare:
    """One TCP connection, each piece of what is sent in a segment of its own."""

    def __init__(self, port: int, seconds: float = 20) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: str | bytes) -> None:
        """Sends all of it, or as much as the server takes before it hangs up."""
        with suppress(ConnectionResetError, BrokenPipeError):
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def rest(self) -> bytes:
        """All that still comes, until the server hangs up."""
        received = b""
        with suppress(ConnectionResetError):
            while chunk := self.socket.recv(65536):
                received += chunk
        return received

    def some(self) -> bytes:
        """What comes next; empty when the server has hung up."""
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


def statuses(received: bytes) -> list[int]:
    """The statuses of the answers in it, the interim 100 left out."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", received) if code != b"100"]
