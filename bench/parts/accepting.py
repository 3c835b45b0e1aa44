"""How evenly two processes on one port get connections: one inherited socket, or SO_REUSEPORT sockets.

`make parts ARGS=accepting` prints, for each way and each kind of arrival, the share of the process that got more: the
median of nine, the least and the greatest. 0.50 is even.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import statistics
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final, TypeAlias, cast

import uvloop

from signalbox.http.accepting import Acceptor

Accept: TypeAlias = Callable[[socket.socket], Coroutine[None, None, None]]
Factory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

PROCESSES: Final = 2
ROUNDS: Final = 9
WORK: Final = 20_000  # turns of a loop, about the processor time of a small request


class Numbered(asyncio.Protocol):
    """Says the number of its process when a request comes, after some work."""

    number: bytes
    acceptor: Acceptor
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, _: bytes) -> None:
        for _turn in range(WORK):
            pass
        self.transport.write(self.number)


def inherited() -> list[socket.socket]:
    """One socket for all processes."""
    return [listening()] * PROCESSES


def reuseport() -> list[socket.socket]:
    """A socket for each process; the kernel chooses one by the addresses of a connection."""
    first = listening(reuse=True)
    return [first, *(listening(first.getsockname()[1], reuse=True) for _ in range(PROCESSES - 1))]


def listening(port: int = 0, *, reuse: bool = False) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(2048)
    sock.setblocking(False)
    return sock


async def all_that_wait(sock: socket.socket) -> None:
    """As event loops do: accepts until no connection waits."""
    await asyncio.get_running_loop().create_server(Numbered, sock=sock)


async def one_each_turn(sock: socket.socket) -> None:
    """As Signalbox does: accepts one connection in each turn of the event loop."""
    Numbered.acceptor = Acceptor(sock, Numbered)


def start(
    sockets: list[socket.socket],
    accept: Accept,
    factory: Factory,
) -> list[int]:
    """Forks a process for each socket; returns their ids."""
    pids = []
    for number, sock in enumerate(sockets):
        if (pid := os.fork()) == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            Numbered.number = b"%d" % number
            loop = factory()
            loop.run_until_complete(accept(sock))
            loop.run_forever()
        pids.append(pid)
    return pids


def burst(port: int, count: int) -> list[int]:
    """Opens connections as fast as possible, then one request on each; the connections of each process."""
    connections = [socket.socket() for _ in range(count)]
    for one in connections:
        one.setblocking(False)
        with suppress(BlockingIOError):
            one.connect(("127.0.0.1", port))
    return finish(connections)


def in_turn(port: int, count: int) -> list[int]:
    """Connections that come one after the other, each after the response of the one before."""
    counts = [0] * PROCESSES
    open_ = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(b"?")
        counts[int(one.recv(1))] += 1
        open_.append(one)
    for one in open_:
        one.close()
    return counts


def finish(connections: list[socket.socket]) -> list[int]:
    counts = [0] * PROCESSES
    for one in connections:
        select.select([], [one], [])
        one.sendall(b"?")
    for one in connections:
        select.select([one], [], [])
        counts[int(one.recv(1))] += 1
        one.close()
    return counts


ARRIVALS: Final[dict[str, Callable[[int], list[int]]]] = {
    "burst of 8": lambda port: burst(port, 8),
    "burst of 64": lambda port: burst(port, 64),
    "burst of 512": lambda port: burst(port, 512),
    "64 in turn": lambda port: in_turn(port, 64),
}


def served_beside_a_stopped_process(port: int, stopped: int) -> int:
    """How many of 64 connections are served within a second while one process does not run."""
    os.kill(stopped, signal.SIGSTOP)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(64)]
    for one in connections:
        one.sendall(b"?")
    time.sleep(1)
    ready, _, _ = select.select(connections, [], [], 0)
    for one in connections:
        one.close()
    return len(ready)


def measure(name: str, sockets: list[socket.socket], accept: Accept, factory: Factory) -> None:
    """Prints a line of the table."""
    port = sockets[0].getsockname()[1]
    pids = start(sockets, accept, factory)
    in_turn(port, 4)
    cells = []
    for arrive in ARRIVALS.values():
        shares = sorted(max(counts) / sum(counts) for counts in (arrive(port) for _ in range(ROUNDS)))
        cells.append(f"{statistics.median(shares):.2f} ({shares[0]:.2f}-{shares[-1]:.2f})")
    cells.append(f"{served_beside_a_stopped_process(port, pids[0])} of 64")
    print(f"{name:<36}" + "".join(f"{cell:>19}" for cell in cells), flush=True)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    for sock in sockets:
        sock.close()


def main() -> None:
    print(f"{'':<36}" + "".join(f"{name:>19}" for name in (*ARRIVALS, "one is stopped")))
    for name, sockets, accept in (
        ("inherited, all that wait", inherited, all_that_wait),
        ("inherited, one each turn", inherited, one_each_turn),
        ("SO_REUSEPORT", reuseport, all_that_wait),
    ):
        measure(f"{name}, uvloop", sockets(), accept, uvloop.new_event_loop)
        measure(f"{name}, asyncio", sockets(), accept, asyncio.new_event_loop)


if __name__ == "__main__":
    main()
