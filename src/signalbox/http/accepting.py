"""Accepts connections of a listening socket that several processes share, one in each turn of the event loop.

An event loop by itself accepts all connections that wait, so that one process gets a whole burst of them.
docs/decisions/0024-processes.md has the figures.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

from signalbox.ground import log

# The system has no memory or no file number for one more connection. As long as asyncio waits then.
_SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_SHORT_SECONDS: Final = 1.0


class Acceptor:
    """Gives each connection that this process accepts a new protocol, until `close`. The socket does not block."""

    def __init__(self, sock: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._sock = sock
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._again: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        """Accepts no more connections, and closes the socket of this process."""
        if self._again:
            self._again.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _listen(self) -> None:
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        try:
            connection, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process has it, or the client has gone
        except OSError as error:
            if error.errno not in _SHORT:
                raise
            log.get().warning("no connection accepted", problem=error.strerror, againInMs=_SHORT_SECONDS * 1000)
            self._loop.remove_reader(self._sock)
            self._again = self._loop.call_later(_SHORT_SECONDS, self._listen)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:  # the client has gone
            connection.close()
