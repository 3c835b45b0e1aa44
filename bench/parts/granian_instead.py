"""granian in the place of `signalbox.http.server.Server`, for this process and those that it starts.

It is held to as many of our limits as it has settings for. Used by `bench.parts.promises`.
"""

from __future__ import annotations

import socket
from typing import Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server as Granian

from signalbox.http import protocol, server
from signalbox.http.application import Api

STOP_SECONDS: Final = 5


class Server:
    """The same three methods as ours."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._server: Granian | None = None

    async def serve(self, sockets: list[socket.socket]) -> None:
        """Serves on the address of the socket: granian takes no socket that is open."""
        host, port = sockets[0].getsockname()[:2]
        sockets[0].close()
        self._server = Granian(
            self._api,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=2048,
            backpressure=2048,
            log_enabled=False,
            http1_settings=HTTP1Settings(
                max_buffer_size=protocol.MOST_HEADER_BYTES, header_read_timeout=round(protocol.HEADER_SECONDS * 1000)
            ),
        )
        self._server.workers_kill_timeout = STOP_SECONDS
        await self._server.serve()

    def stop(self) -> None:
        """Stops accepting, and ends."""
        if self._server:
            self._server.stop()


server.Server = Server  # type: ignore[assignment,misc]
