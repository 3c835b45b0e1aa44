"""Replaces `signalbox.http.server.Server` by granian when it is imported. For `bench.parts.promises`.

granian gets all limits of Signalbox for which it has a setting.
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
    """The methods of `signalbox.http.server.Server`, with granian."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._server: Granian | None = None

    async def serve(self, sockets: list[socket.socket]) -> None:
        """Closes the socket and serves on its address, because granian accepts no open socket."""
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
        """Accepts no further connections, and ends the server."""
        if self._server:
            self._server.stop()


server.Server = Server  # type: ignore[assignment,misc]
