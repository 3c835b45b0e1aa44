"""The HTTP server of a process: uvicorn without its signal handlers, log and environment variables."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn

from signalbox.http.accepting import Acceptor
from signalbox.http.application import Api
from signalbox.http.protocol import Protocol

KEEP_ALIVE_SECONDS: Final = 75
# Requests that still run after this time get 503.
SHUTDOWN_SECONDS: Final = 5


class Server(uvicorn.Server):
    """uvicorn's server. `stop` ends it; signals are handled elsewhere."""

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
        self._acceptor: Acceptor | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures no signal: uvicorn would raise it again at the end, and the process would not exit with 0."""
        yield

    async def serve_on(self, sock: socket.socket, *, shared: bool = False) -> None:
        """Serves until `stop`; `shared` when other processes accept connections of the same socket."""
        if not shared:
            await self.serve(sockets=[sock])
            return
        self._acceptor = Acceptor(sock, lambda: Protocol(self.config, self.server_state, {}))
        # Without sockets, uvicorn looks after the connections that the acceptor gives it.
        await self.serve(sockets=[])

    def stop(self) -> None:
        """Accepts no more connections; `serve_on` returns when the requests in progress have their responses."""
        if self._acceptor:
            self._acceptor.close()
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the address cannot be used."""
    # As bytes: for text the standard library imports the tables of IDNA.
    name = host.encode() if host.isascii() else host
    family, kind, protocol, _, address = socket.getaddrinfo(
        name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        problem = f"cannot listen on {host} port {port}: {error.strerror}"
        if error.errno == errno.EADDRINUSE:
            from signalbox.http import occupant

            problem += f" {occupant.explain(host, port)}"
        raise OSError(problem) from None
    sock.setblocking(False)
    return sock
